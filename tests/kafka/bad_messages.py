"""The messages of ``test_bad_messages.py``: more kinds of bad input than forty, and some that only look bad."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

REQUESTS = "gateway.requests"
CACHE_HITS = "gateway.cache-hits"
MCP_CALLS = "gateway.mcp-calls"
RACES = "gateway.races"
FACTS = "gateway.facts"
SUBSCRIPTIONS = "gateway.subscriptions"

#: In every value that can hold it, so that it can be looked for where no value may be.
MARKER = "s3cr3t-m4rk3r"

#: Whose events these are: of a bad message nothing may count for it.
CALLER = "ada"

LEAST: dict[str, dict[str, Any]] = {
    REQUESTS: {"request_id": f"r-{MARKER}", "caller_id": CALLER, "model": MARKER, "status": "ok"},
    CACHE_HITS: {"hit_id": f"h-{MARKER}", "caller_id": CALLER},
    MCP_CALLS: {"call_id": f"c-{MARKER}", "caller_id": CALLER},
    RACES: {"call_id": f"c-{MARKER}", "caller_id": CALLER},
    FACTS: {"fact_id": f"f-{MARKER}", "caller_id": CALLER},
    SUBSCRIPTIONS: {"subscription_id": f"s-{MARKER}"},
}
CREATED_AT = "2024-03-01T08:00:00Z"

ABSENT = object()

Header = tuple[str, bytes | None]


@dataclass(frozen=True, slots=True)
class Case:
    """A message, and why it is refused: None if it is good."""

    name: str
    reason: str | None
    value: bytes | None
    topic: str = REQUESTS
    key: bytes | None = CALLER.encode()
    headers: tuple[Header, ...] = ()


_numbers = count()


def body(topic: str = REQUESTS, **fields: Any) -> bytes:
    """Write the least event of a topic, with an id of its own, and fields added, replaced or (ABSENT) removed."""
    id_field = next(iter(LEAST[topic]))
    own = {} if topic == SUBSCRIPTIONS else {id_field: f"{MARKER}-{next(_numbers)}"}
    merged = {**LEAST[topic], **own, "created_at": CREATED_AT, "note": MARKER, **fields}
    return json.dumps({name: value for name, value in merged.items() if value is not ABSENT}).encode()


def raw(field: str, text: bytes, topic: str = REQUESTS) -> bytes:
    """Write the least event of a topic with one more field whose JSON is given as it is."""
    return body(topic)[:-1] + b', "' + field.encode() + b'": ' + text + b"}"


def ahead(hours: float) -> str:
    """Return a time some hours ahead of the clock."""
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


NOT_JSON = [
    Case("empty", "decode", b""),
    Case("null value", "decode", None),
    Case("null value and null key", "decode", None, key=None),
    Case("spaces", "decode", b" \r\n\t "),
    Case("bytes that are no text", "decode", bytes(range(128, 256))),
    Case("Latin-1 within a text", "decode", raw("model", b'"caf\xe9"')),
    Case("an overlong character", "decode", raw("model", b'"\xc0\xaf"')),
    Case("a surrogate in UTF-8", "decode", raw("caller_id", b'"\xed\xa0\x80"')),
    Case("UTF-16", "decode", body().decode().encode("utf-16")),
    Case("UTF-8 with a byte order mark", "decode", b"\xef\xbb\xbf" + body()),
    Case("truncated", "decode", body()[:-20]),
    Case("truncated within an escape", "decode", body()[:-1] + rb', "x": "\u12'),
    Case("trailing garbage", "decode", body() + b" " + MARKER.encode()),
    Case("two objects", "decode", body() + body()),
    Case("a trailing zero byte", "decode", body() + b"\0"),
    Case("a trailing comma", "decode", body()[:-1] + b",}"),
    Case("single quotes", "decode", body().replace(b'"', b"'")),
    Case("a comment", "decode", b"/* " + MARKER.encode() + b" */" + body()),
    Case("plain text", "decode", MARKER.encode()),
    Case("gzip", "decode", gzip.compress(body())),
    Case("a schema registry's prefix", "decode", b"\0\0\0\0\x01" + body()),
    Case("900 kB of garbage", "decode", b"\x80" + MARKER.encode() * (900_000 // len(MARKER))),
    Case("10,000 arrays deep", "decode", raw("x", b"[" * 10_000 + b"]" * 10_000)),
    Case("10,000 objects deep", "decode", raw("x", b'{"a":' * 10_000 + b"1" + b"}" * 10_000)),
    Case("NaN", "decode", raw("tokens_in", b"NaN")),
    Case("Infinity", "decode", raw("tokens_in", b"-Infinity")),
    Case("money that is NaN", "decode", raw("cost_saved", b"NaN", CACHE_HITS), CACHE_HITS),
    Case("a leading zero", "decode", raw("tokens_in", b"007")),
    Case("a hexadecimal number", "decode", raw("tokens_in", b"0xff")),
    Case("half a surrogate pair", "decode", raw("caller_id", rb'"\ud83d"')),
    Case("a surrogate pair the wrong way", "decode", raw("caller_id", rb'"\ude00\ud83d"')),
    Case("a line break in a text", "decode", raw("model", b'"a\nb"')),
]

WRONG_SCHEMA = [
    Case("an array", "schema", b"[" + body() + b"]"),
    Case("an array 10,000 deep", "schema", b"[" * 10_000 + b"]" * 10_000),
    Case("a number", "schema", b"17"),
    Case("a text", "schema", b'"' + MARKER.encode() + b'"'),
    Case("null", "schema", b"null"),
    Case("true", "schema", b"true"),
    Case("an empty object", "schema", b"{}"),
    Case("field names in capitals", "schema", body().replace(b"request_id", b"REQUEST_ID")),
    *(
        Case(f"{topic} without {field}", "schema", body(topic, **{field: ABSENT}), topic)
        for topic, least in LEAST.items()
        for field in (*least, "created_at")
        if field != "caller_id" or topic == REQUESTS
    ),
    *(
        Case(f"{topic} with {field} null", "schema", body(topic, **{field: None}), topic)
        for topic, least in LEAST.items()
        for field in (*least, "created_at")
        if field != "caller_id" or topic == REQUESTS
    ),
    Case("a number for an id", "schema", body(request_id=17)),
    Case("an object for a caller", "schema", body(caller_id={"id": MARKER})),
    Case("an array for a model", "schema", body(model=[MARKER])),
    Case("a text for an integer", "schema", body(tokens_in="17")),
    Case("a bool for an integer", "schema", body(tokens_out=True)),
    Case("a float for an integer", "schema", body(latency_ms=1.0)),
    Case("an exponent for an integer", "schema", raw("latency_ms", b"1e3")),
    Case("a text for a bool", "schema", body(fallback_used="true")),
    Case("an integer for a bool", "schema", body(SUBSCRIPTIONS, active=1), SUBSCRIPTIONS),
    Case("an unknown cache", "schema", body(cache=MARKER)),
    Case("an unknown kind", "schema", body(CACHE_HITS, kind=MARKER), CACHE_HITS),
    Case("a kind in capitals", "schema", body(CACHE_HITS, kind="Exact"), CACHE_HITS),
    Case("money in words", "schema", body(cost_usd=MARKER)),
    Case("money with a comma", "schema", body(CACHE_HITS, cost_saved="1,50"), CACHE_HITS),
    Case("money with a currency", "schema", body(CACHE_HITS, cost_saved="$1"), CACHE_HITS),
    Case("empty money", "schema", body(CACHE_HITS, cost_saved=""), CACHE_HITS),
    Case("a bool for money", "schema", body(CACHE_HITS, cost_saved=True), CACHE_HITS),
    Case("no such day", "schema", body(created_at="2023-02-29T00:00:00Z")),
    Case("24:00", "schema", body(created_at="2024-03-01T24:00:00Z")),
    Case("a leap second", "schema", body(created_at="2016-12-31T23:59:60Z")),
    Case("the year 10000", "schema", body(created_at="10000-01-01T00:00:00Z")),
    Case("the year 0", "schema", body(created_at="0000-01-01T00:00:00Z")),
    Case("a date without a time", "schema", body(created_at="2024-03-01")),
    Case("a time without seconds", "schema", body(created_at="2024-03-01T08:00Z")),
    Case("unix time", "schema", body(created_at=1_709_280_000)),
    Case("unix time as text", "schema", body(created_at="1709280000")),
    Case("an empty time", "schema", body(created_at="")),
    Case("a time in words", "schema", body(created_at=MARKER)),
    Case("the first of two equal fields is wrong", "schema", b'{"caller_id": 17, ' + body()[1:]),
]

OUT_OF_RANGE = [
    Case("an empty id", "range", body(request_id="")),
    Case("an empty caller", "range", body(MCP_CALLS, caller_id=""), MCP_CALLS),
    Case("201 characters", "range", body(caller_id=(MARKER * 16)[:201])),
    Case("201 characters of four bytes", "range", body(RACES, winner_model="\N{FIRE}" * 201), RACES),
    Case("an empty fact that supersedes", "range", body(FACTS, superseded_by=""), FACTS),
    Case("a negative integer", "range", body(tokens_in=-1)),
    Case("2^53", "range", body(MCP_CALLS, tokens_saved=2**53), MCP_CALLS),
    Case("2^64", "range", body(CACHE_HITS, hits=2**64), CACHE_HITS),
    Case("an integer of 5,000 digits", "range", raw("tokens_in", b"1" * 5_000)),
    Case("1e400 for an integer", "range", raw("tokens_in", b"1e400")),
    Case("negative money", "range", body(CACHE_HITS, cost_saved=-0.01), CACHE_HITS),
    Case("money of 1e400", "range", raw("cost_saved", b"1e400", CACHE_HITS), CACHE_HITS),
    Case("money of 1e999999999", "range", body(CACHE_HITS, cost_saved="1e999999999"), CACHE_HITS),
    Case("money above a billion", "range", body(cost_usd="1000000000.01")),
    Case("money that is the text NaN", "range", body(CACHE_HITS, cost_saved="NaN"), CACHE_HITS),
    Case("money that is the text sNaN", "range", body(CACHE_HITS, cost_saved="sNaN"), CACHE_HITS),
    Case("infinite money", "range", body(cost_usd="-Infinity")),
    Case("money of 800,000 digits", "range", raw("cost_usd", b"9" * 800_000)),
    Case("an offset before the year 1", "range", body(created_at="0001-01-01T00:00:00+01:00")),
    Case("an offset after the year 9999", "range", body(created_at="9999-12-31T23:59:59-01:00")),
]

FUTURE = [
    Case("25 hours ahead", "future", body(created_at=ahead(25))),
    Case("the end of time", "future", body(FACTS, created_at="9999-12-31T23:59:59.999999Z"), FACTS),
    Case(
        "a subscription of next year", "future", body(SUBSCRIPTIONS, created_at=ahead(9_000)), SUBSCRIPTIONS
    ),
]

HEADERS = [
    Case("no key", "schema", body(model=17), key=None),
    Case("an empty key", "schema", body(model=18), key=b""),
    Case("a key that is no text", "schema", body(model=19), key=b"\xff\x00"),
    Case("headers of its own", "schema", body(model=20), headers=(("trace", b"\xff\x00"), ("trace", b""))),
    Case("a header without a value", "schema", body(model=21), headers=(("trace", None), ("a", b"b"))),
    Case("a dead letter again", "schema", body(model=22), headers=(("streakline.reason", b"decode"),)),
    Case(
        "as if it had been forwarded",
        "schema",
        body(model=23),
        headers=(
            ("streakline.forwarded.topic", b"x"),
            ("streakline.forwarded.partition", b"x"),
            ("streakline.forwarded.offset", b"x"),
            ("streakline.forwarded.timestamp", b"x"),
        ),
    ),
]

BAD = [*NOT_JSON, *WRONG_SCHEMA, *OUT_OF_RANGE, *FUTURE, *HEADERS]

#: What only looks bad: each is one request of ``odd``.
ODD = "odd"
ODD_REQUEST = {"caller_id": ODD, "model": "m"}
GOOD = [
    Case("900 kB in an unknown field", None, body(**ODD_REQUEST, payload="x" * 900_000), key=ODD.encode()),
    Case("a key that disagrees", None, body(**ODD_REQUEST), key=b"somebody-else"),
    Case("without a key", None, body(**ODD_REQUEST), key=None),
    Case("a key of bytes", None, body(**ODD_REQUEST), key=b"\xff\xfe"),
    Case("nothing known but the least", None, body(**ODD_REQUEST, note=ABSENT)),
    Case("a field twice: the last counts", None, body(**ODD_REQUEST)[:-1] + b', "model": "m"}'),
    Case(
        "nulls for all that is optional", None, body(**ODD_REQUEST, tokens_in=None, cost_usd=None, cache=None)
    ),
    Case("other bytes in an unknown field", None, body(**ODD_REQUEST)[:-1] + b', "x": "caf\xe9"}'),
    Case("900 levels deep", None, body(**ODD_REQUEST)[:-1] + b', "x": ' + b"[" * 900 + b"]" * 900 + b"}"),
    Case("a header without a value, good", None, body(**ODD_REQUEST), headers=(("trace", None),)),
    Case("23 hours ahead", None, body(**ODD_REQUEST, created_at=ahead(23))),
    Case("the first day of the calendar", None, body(**ODD_REQUEST, created_at="0001-01-01T00:00:00Z")),
    Case("spaces around", None, b" \n" + body(**ODD_REQUEST) + b"\r\n"),
]
