"""Which shape a message has: learned from one that ``events.decode`` has read."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from app.domain.events import CacheHit, Event, McpCalled, RaceRun, RequestRouted
from app.domain.shapes import shape
from app.domain.shapes.shape import Part, Shape

#: What the fields are to a fold, of those events that most messages are of. ``events.decode`` reads others.
FIELDS: Final[Mapping[type[Event], Mapping[bytes, int]]] = {
    RequestRouted: {
        b"request_id": shape.IDENTITY,
        b"caller_id": shape.CALLER,
        b"model": shape.MODEL,
        b"status": shape.TEXT,
        b"tokens_in": shape.COUNT,
        b"tokens_out": shape.COUNT,
        b"cost_usd": shape.MONEY,
        b"latency_ms": shape.COUNT,
        b"fallback_used": shape.FLAG,
        b"cache": shape.CHOICE,
        b"created_at": shape.TIME,
    },
    CacheHit: {
        b"hit_id": shape.IDENTITY,
        b"caller_id": shape.CALLER,
        b"kind": shape.KIND,
        b"model": shape.TEXT,
        b"tokens_saved": shape.TOKENS_SAVED,
        b"cost_saved": shape.COST_SAVED,
        b"hits": shape.HITS,
        b"created_at": shape.TIME,
    },
    McpCalled: {
        b"call_id": shape.IDENTITY,
        b"caller_id": shape.CALLER,
        b"tool": shape.TEXT,
        b"tokens_saved": shape.TOKENS_SAVED,
        b"created_at": shape.TIME,
    },
    RaceRun: {
        b"call_id": shape.IDENTITY,
        b"caller_id": shape.CALLER,
        b"winner_model": shape.TEXT,
        b"created_at": shape.TIME,
    },
}

_SPACE: Final = rb"[ \t\r\n]*"
_TEXT: Final = rb'"([^"\\\x00-\x1f\x80-\xff]*)"'
_BEFORE: Final = re.compile(_SPACE + rb"[{,]" + _SPACE + _TEXT + _SPACE + rb":" + _SPACE)
_VALUE: Final = re.compile(_TEXT + rb"|[0-9]+(?:\.[0-9]+)?|true|false|null")
_END: Final = re.compile(_SPACE + rb"\}" + _SPACE + rb"\Z")

#: Fields that a message may have, known or not. One with more is of no program that is met again and again.
_MOST: Final = 64


def learn(event_type: type[Event], message: bytes) -> Shape | None:
    """Return the shape of a good message, None if it has none.

    It has none if a value is unusual (see ``shape``), or a field comes twice.
    """
    fields = FIELDS[event_type]
    required = {field.encode_name.encode() for field in msgspec.structs.fields(event_type) if field.required}
    parts: list[Part] = []
    between: list[bytes] = []
    names: set[bytes] = set()
    place = 0
    while before := _BEFORE.match(message, place):
        name = before[1]
        value = _VALUE.match(message, before.end())
        if value is None or name in names or len(names) == _MOST:
            return None
        names.add(name)
        between.append(before[0])
        parts.append(Part(before[0], fields.get(name, shape.UNKNOWN), required=name in required))
        place = value.end()
    end = _END.match(message, place)
    if end is None:
        return None
    return Shape(parts, Part(end[0], shape.UNKNOWN, required=True), b"\0".join([*between, end[0]]))
