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


class Place(NamedTuple):
    """The partition where a record was first read."""

    topic: str
    partition: int


class Original(NamedTuple):
    """A forwarded record as it was where it was first read; a ``Record``."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header]


def forward(record: Record, place: Place, topic: str, home: int) -> Message:
    """Return the message that takes an event to its home partition."""
    own = [
        (TOPIC, place.topic.encode()),
        (PARTITION, b"%d" % place.partition),
        (OFFSET, b"%d" % record.offset),
        (TIMESTAMP, b"%d" % record.timestamp),
    ]
    return Message(topic, home, record.key, record.value, [*record.headers, *own])


def original(record: Record) -> tuple[Place, Original]:
    """Return where a forwarded record was first read, and the record as it was there."""
    own = dict(record.headers[-_OWN:])
    headers = record.headers[:-_OWN]
    before = Original(int(own[OFFSET]), int(own[TIMESTAMP]), record.key, record.value, headers)
    return Place(own[TOPIC].decode(), int(own[PARTITION])), before
