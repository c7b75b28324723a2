"""What outputs and the ledger say of the occasion on which something was earned, as JSON and as MessagePack.

What all events of a batch have in common is encoded once for the batch, what one event has once for the
event, whatever it earns. Compiled where a compiler was at hand.
"""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

_JSON: Final = msgspec.json.Encoder().encode
_MESSAGE_PACK: Final = msgspec.msgpack.Encoder().encode
_UTC: Final = UTC


class Reading:
    """A batch of events: when it is recorded what they earn (clock), and the topic and partition of them all.

    Without a topic it stands for what is earned by no single event.
    """

    def __init__(self, recorded_at: datetime, topic: str | None = None, partition: int = 0) -> None:
        self.has_cause = topic is not None
        #: The fields of an output after ``achieved_at``, up to the offset of the event if there is one.
        self.fields: bytes = b',"recorded_at":' + _JSON(recorded_at)
        rest: list[Any] = [recorded_at, topic, partition]
        if topic is None:
            self.fields += b',"cause":null'
            rest = [recorded_at, None, None, None, None]
        else:
            self.fields += b',"cause":{"topic":%b,"partition":%d,"offset":' % (_JSON(topic), partition)
        #: The same of a row of the ledger.
        self.packed: Any = msgspec.Raw(_MESSAGE_PACK(rest)[1:])  # the first byte says how many there are


class Occasion:
    """When something was earned (event time), and by which event of a batch: its offset and its identity."""

    def __init__(self, achieved_at: datetime, reading: Reading, offset: int = 0, identity: str = "") -> None:
        at: bytes = _JSON(achieved_at)
        #: The time in UTC, as CloudEvents have it.
        self.time: bytes = (at if achieved_at.tzinfo is _UTC else _JSON(achieved_at.astimezone(_UTC)))[1:-1]
        #: The fields that all outputs have, from ``achieved_at`` on.
        self.fields: bytes
        packed: bytes
        if reading.has_cause:
            parts = [b',"achieved_at":', at, reading.fields, _JSON(offset), b',"id":', _JSON(identity), b"}"]
            self.fields = b"".join(parts)
            packed = _MESSAGE_PACK([achieved_at, reading.packed, offset, identity])
        else:
            self.fields = b',"achieved_at":' + at + reading.fields
            packed = _MESSAGE_PACK([achieved_at, reading.packed])
        #: The fields of a row of the ledger after the event id.
        self.packed = packed[1:]
