"""Sending an event to its home partition, and what it was before."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from app.engine.fold import Header, Message, Record

#: Headers that a forwarded event carries behind its own, removed again on arrival.
TOPIC: Final = "streakline.forwarded.topic"
PARTITION: Final = "streakline.forwarded.partition"
OFFSET: Final = "streakline.forwarded.offset"
TIMESTAMP: Final = "streakline.forwarded.timestamp"
_OWN: Final = 4


class Source(NamedTuple):
    """Where an event was first read; ``timestamp`` is the broker's, in ms since the epoch."""

    topic: str
    partition: int
    offset: int
    timestamp: int

    @classmethod
    def of_forwarded(cls, record: Record) -> "tuple[Source, Original]":
        """Return where a forwarded record came from, and the record as it was there."""
        own = dict(record.headers[-_OWN:])
        source = cls(own[TOPIC].decode(), int(own[PARTITION]), int(own[OFFSET]), int(own[TIMESTAMP]))
        return source, Original(*source, record.key, record.value, record.headers[:-_OWN])


class Original(NamedTuple):
    """A forwarded record as it was before; a ``Record``."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header]


def forward(record: Record, source: Source, topic: str, home: int) -> Message:
    """Return the message that takes an event to its home partition."""
    own = [
        (TOPIC, source.topic.encode()),
        (PARTITION, b"%d" % source.partition),
        (OFFSET, b"%d" % source.offset),
        (TIMESTAMP, b"%d" % source.timestamp),
    ]
    return Message(topic, home, record.key, record.value, [*record.headers, *own])
