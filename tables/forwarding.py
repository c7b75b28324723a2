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


class Original(NamedTuple):
    """A forwarded record as it was before; a ``Record``."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header]


def original(record: Record) -> Original:
    """Return a forwarded record as it was where it was first read."""
    own = dict(record.headers[-_OWN:])
    return Original(
        own[TOPIC].decode(),
        int(own[PARTITION]),
        int(own[OFFSET]),
        int(own[TIMESTAMP]),
        record.key,
        record.value,
        record.headers[:-_OWN],
    )


def forward(record: Record, topic: str, home: int) -> Message:
    """Return the message that takes an event to its home partition."""
    own = [
        (TOPIC, record.topic.encode()),
        (PARTITION, b"%d" % record.partition),
        (OFFSET, b"%d" % record.offset),
        (TIMESTAMP, b"%d" % record.timestamp),
    ]
    return Message(topic, home, record.key, record.value, [*record.headers, *own])
