"""The messages of the Python programs of the bench: what the contract's section 3 asks of a caller's scope."""

import hashlib
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec

from tests.bench.plain_judge import Unlocked

Headers = list[tuple[str, bytes]]

_SPEC_VERSION: Final = ("ce_specversion", b"1.0")
_JSON: Final = ("content-type", b"application/json")

_encode: Final = msgspec.json.Encoder().encode


class Message(NamedTuple):
    """What goes to an output."""

    output: str
    key: bytes
    value: bytes
    headers: Headers


class Messages:
    """Makes the messages of an application."""

    def __init__(self, app: str) -> None:
        self._source = ("ce_source", f"/streakline/{app}".encode())
        self._types: dict[str, tuple[str, bytes]] = {}

    def message(self, caller: str, unlocked: Unlocked, event: Any, place: tuple[str, int, int]) -> Message:
        """Return the message about something that an event has unlocked; ``place``: topic, partition, offset."""
        scope = f"caller:{caller}"
        event_id = hashlib.sha256(_encode((unlocked.output, scope, *unlocked.what))).hexdigest()[:32]
        topic, partition, offset = place
        value = {
            "event_id": event_id,
            "scope": scope,
            **unlocked.fields,
            "achieved_at": event.created_at,
            "recorded_at": datetime.now(UTC),
            "cause": {
                "topic": topic,
                "partition": partition,
                "offset": offset,
                "id": getattr(event, event.__struct_fields__[0]),
            },
        }
        key = scope.encode()
        headers = self._headers(unlocked.output, event_id, event.created_at, key)
        return Message(unlocked.output, key, _encode(value), headers)

    def _headers(self, output: str, event_id: str, at: str, subject: bytes) -> Headers:
        type_ = self._types.get(output)
        if type_ is None:
            type_ = self._types[output] = ("ce_type", f"io.streakline.{output}.v1".encode())
        return [
            _SPEC_VERSION,
            ("ce_id", event_id.encode()),
            self._source,
            type_,
            ("ce_time", at.encode()),
            ("ce_subject", subject),
            _JSON,
        ]
