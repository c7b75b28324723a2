from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from app.domain.events import (
    EVENT_OF_TOPIC,
    FUTURE_LIMIT,
    BadMessage,
    CacheHit,
    DecodeFailed,
    Event,
    FactChanged,
    McpCalled,
    RaceRun,
    RequestRouted,
    SubscriptionChanged,
    decode,
    microseconds,
    moment,
    nanos,
)

#: The least that each kind of event needs, by hand from the contract.
LEAST: dict[type[Event], dict[str, Any]] = {
    RequestRouted: {"request_id": "r-1", "caller_id": "ada", "model": "m-1", "status": "ok"},
    CacheHit: {"hit_id": "h-1"},
    McpCalled: {"call_id": "c-1"},
    RaceRun: {"call_id": "c-1"},
    FactChanged: {"fact_id": "f-1"},
    SubscriptionChanged: {"subscription_id": "s-1"},
}
#: What is optional, and what it is when it is absent.
OPTIONAL: dict[type[Event], dict[str, Any]] = {
    RequestRouted: {
        "tokens_in": 0,
        "tokens_out": 0,
        "cost_usd": None,
        "latency_ms": 0,
        "fallback_used": False,
        "cache": None,
    },
    CacheHit: {
        "caller_id": None,
        "kind": "exact",
        "model": None,
        "tokens_saved": 0,
        "cost_saved": None,
        "hits": 1,
    },
    McpCalled: {"caller_id": None, "tool": None, "tokens_saved": 0},
    RaceRun: {"caller_id": None, "winner_model": None},
    FactChanged: {"caller_id": None, "superseded_by": None},
    SubscriptionChanged: {"active": True},
}
CREATED_AT = "2024-02-29T12:00:00Z"
#: 2024-03-02T00:00:00Z in milliseconds: late enough for all dates of these tests but the future ones.
LATEST = 1_709_337_600_000

KINDS = pytest.mark.parametrize("kind", list(LEAST), ids=lambda kind: kind.__name__)


def value(kind: type[Event], /, **fields: Any) -> bytes:
    """Write the least event of a kind with fields added or replaced."""
    return json.dumps({**LEAST[kind], "created_at": CREATED_AT, **fields}).encode()


def without(kind: type[Event], field: str) -> bytes:
    """Write the least event of a kind without one field."""
    fields = {**LEAST[kind], "created_at": CREATED_AT}
    del fields[field]
    return json.dumps(fields).encode()


def with_text(kind: type[Event], field: str, text: bytes) -> bytes:
    """Write the least event of a kind with a field whose JSON is given as it is."""
    return value(kind)[:-1] + b', "' + field.encode() + b'": ' + text + b"}"


def refused(kind: type[Event], written: bytes | None) -> BadMessage:
    """Return why a value is refused."""
    with pytest.raises(BadMessage) as caught:
        decode(kind, written, LATEST)
    return caught.value


def at(created_at: str) -> datetime:
    """Return when an event with this ``created_at`` happened."""
    return decode(McpCalled, value(McpCalled, created_at=created_at), 10**15)[1]


def test_each_topic_has_its_kind_of_event() -> None:
    """The six topics of the contract are the six that are decoded."""
    assert list(EVENT_OF_TOPIC) == [
        "gateway.requests",
        "gateway.cache-hits",
        "gateway.mcp-calls",
        "gateway.races",
        "gateway.facts",
        "gateway.subscriptions",
    ]


@KINDS
def test_the_least_event_has_the_defaults(kind: type[Event]) -> None:
    """What is optional and absent has the contract's default, and what is unknown is ignored."""
    event, when, day = decode(kind, value(kind, unknown={"a": [1, None]}), LATEST)
    assert {field: getattr(event, field) for field in OPTIONAL[kind]} == OPTIONAL[kind]
    assert {field: getattr(event, field) for field in LEAST[kind]} == LEAST[kind]
    assert when == datetime(2024, 2, 29, 12, tzinfo=UTC)
    assert day == 19_782  # 54 years, 13 leap days among them: 54 * 365 + 13 + 31 + 28


@pytest.mark.parametrize(("kind", "field"), [(kind, field) for kind in OPTIONAL for field in OPTIONAL[kind]])
def test_null_counts_as_absent(kind: type[Event], field: str) -> None:
    """An optional field that is null is accepted, whatever its default."""
    event, _, _ = decode(kind, value(kind, **{field: None}), LATEST)
    assert getattr(event, field) is None


@pytest.mark.parametrize(
    ("kind", "field"), [(kind, field) for kind in LEAST for field in (*LEAST[kind], "created_at")]
)
def test_a_required_field_must_be_there(kind: type[Event], field: str) -> None:
    """An event without a required field, or with null there, is refused as `schema`, and the field is named."""
    missing, null = refused(kind, without(kind, field)), refused(kind, value(kind, **{field: None}))
    assert (missing.reason, null.reason) == ("schema", "schema")
    assert f"`{field}`" in str(missing)
    assert f"`$.{field}`" in str(null)


@pytest.mark.parametrize(
    ("kind", "fields", "identity", "home_key"),
    [
        (RequestRouted, {}, "r-1", "ada"),
        (CacheHit, {}, "h-1", "h-1"),
        (CacheHit, {"caller_id": "ada"}, "h-1", "ada"),
        (McpCalled, {}, "c-1", "c-1"),
        (RaceRun, {"caller_id": "bob"}, "c-1", "bob"),
        (FactChanged, {}, "f-1/stored", "f-1/stored"),
        (FactChanged, {"superseded_by": "f-2"}, "f-1/superseded", "f-1/superseded"),
        (FactChanged, {"superseded_by": None, "caller_id": "ada"}, "f-1/stored", "ada"),
        (SubscriptionChanged, {}, "s-1/2024-02-29T12:00:00+00:00", "s-1"),
        (SubscriptionChanged, {"caller_id": "ada"}, "s-1/2024-02-29T12:00:00+00:00", "s-1"),
    ],
)
def test_identity_and_home(kind: type[Event], fields: dict[str, Any], identity: str, home_key: str) -> None:
    """An event is known by its identity and at home with its caller, else with its identity."""
    event, _, _ = decode(kind, value(kind, **fields), LATEST)
    assert (event.identity, event.home_key) == (identity, home_key)


def test_the_same_change_of_a_subscription_is_one_whatever_its_offset() -> None:
    """Two spellings of one moment are the same identity."""
    spellings = ("2024-02-29T12:00:00Z", "2024-02-29T12:00:00", "2024-02-29T14:00:00.000+02:00")
    events = [
        decode(SubscriptionChanged, value(SubscriptionChanged, created_at=each), LATEST)[0]
        for each in spellings
    ]
    assert len({event.identity for event in events}) == 1


@pytest.mark.parametrize(
    ("created_at", "expected"),
    [
        ("2024-02-29T12:00:00Z", datetime(2024, 2, 29, 12, tzinfo=UTC)),
        ("2024-02-29T12:00:00", datetime(2024, 2, 29, 12, tzinfo=UTC)),
        ("2024-02-29 12:00:00Z", datetime(2024, 2, 29, 12, tzinfo=UTC)),
        ("2024-02-29t12:00:00z", datetime(2024, 2, 29, 12, tzinfo=UTC)),
        ("2024-03-01T00:30:00+01:00", datetime(2024, 2, 29, 23, 30, tzinfo=UTC)),
        ("2024-02-28T23:00:00-02:00", datetime(2024, 2, 29, 1, tzinfo=UTC)),
        ("2024-02-29T12:00:00-00:00", datetime(2024, 2, 29, 12, tzinfo=UTC)),
        ("1969-12-31T23:59:59.999999Z", datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("2024-02-29T12:00:00.123456Z", datetime(2024, 2, 29, 12, 0, 0, 123_456, tzinfo=UTC)),
        ("2024-02-29T12:00:00.1234565Z", datetime(2024, 2, 29, 12, 0, 0, 123_457, tzinfo=UTC)),
        ("2024-02-29T23:59:59.9999999Z", datetime(2024, 3, 1, tzinfo=UTC)),
    ],
)
def test_times_are_utc(created_at: str, expected: datetime) -> None:
    """A time is taken in UTC, exact to the microsecond, and one without an offset is UTC."""
    assert at(created_at) == expected
    assert at(created_at).tzinfo is UTC


@pytest.mark.parametrize(
    ("created_at", "day"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("1970-01-01T23:59:59.999999Z", 0),
        ("1970-01-02T00:00:00+00:01", 0),
        ("1970-01-01T00:00:00+00:01", -1),
        ("1970-01-01T23:59:00-00:01", 1),
        ("0001-01-01T00:00:00Z", -719_162),
    ],
)
def test_days_are_utc_days(created_at: str, day: int) -> None:
    """The day of an event is that of its time in UTC, also before 1970."""
    assert decode(McpCalled, value(McpCalled, created_at=created_at), LATEST)[2] == day


def test_microseconds_are_exact() -> None:
    """Microseconds since the epoch lose nothing, at both ends of the calendar and where a float would."""
    assert microseconds(datetime(1970, 1, 1, tzinfo=UTC)) == 0
    assert microseconds(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == -1
    assert microseconds(datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == 253_402_300_799_999_999
    assert microseconds(datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC)) == -62_135_596_799_999_999


@pytest.mark.parametrize(
    ("created_at", "is_future"),
    [
        ("2024-03-02T00:00:00Z", False),
        ("2024-03-02T00:00:00.000999Z", False),  # the broker's clock has milliseconds
        ("2024-03-02T00:00:00.001Z", True),
        ("2024-03-02T02:00:00+02:00", False),
        ("2024-03-02T00:00:00-00:01", True),
        ("2024-03-01T23:59:59.999999", False),
        ("9999-12-31T23:59:59Z", True),
    ],
)
def test_the_future_begins_a_day_after_the_brokers_timestamp(created_at: str, is_future: bool) -> None:  # noqa: FBT001
    """An event may be a day ahead of the broker's timestamp to the millisecond, and no more."""
    broker = 1_709_251_200_000  # 2024-03-01T00:00:00Z
    written = value(McpCalled, created_at=created_at)
    if is_future:
        with pytest.raises(BadMessage) as caught:
            decode(McpCalled, written, broker + FUTURE_LIMIT)
        assert caught.value.reason == "future"
    else:
        decode(McpCalled, written, broker + FUTURE_LIMIT)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"0.1", 100_000_000),
        (b'"0.1"', 100_000_000),
        (b"1", 1_000_000_000),
        (b"1e-9", 1),
        (b'"1E-9"', 1),
        (b"0.0000000005", 0),  # half to even
        (b"0.0000000015", 2),
        (b"999999999.999999999", 999_999_999_999_999_999),  # a float would make it 1000000000
        (b'"1000000000"', 10**18),
        (b"-0.0", 0),
        (b"0." + b"1" * 5000, 111_111_111),
        (b"1e-400", 0),
        (b"null", 0),
    ],
)
def test_money_is_exact_in_nano_dollars(text: bytes, expected: int) -> None:
    """An amount is the same as a number and as text, exact to nine decimals."""
    hit, _, _ = decode(CacheHit, with_text(CacheHit, "cost_saved", text), LATEST)
    request, _, _ = decode(RequestRouted, with_text(RequestRouted, "cost_usd", text), LATEST)
    assert nanos(hit.cost_saved) == nanos(request.cost_usd) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"-0.000000001", "range"),
        (b"1000000000.000000001", "range"),
        (b"1e400", "range"),
        (b"1e999999999", "range"),
        (b'"Infinity"', "range"),
        (b'"NaN"', "range"),
        (b'"sNaN"', "range"),
        (b"1" * 900_000, "range"),
        (b'"twelve"', "schema"),
        (b'""', "schema"),
        (b'"1,5"', "schema"),
        (b'"$1"', "schema"),
        (b"true", "schema"),
        (b"[1]", "schema"),
        (b"NaN", "decode"),
        (b"-Infinity", "decode"),
    ],
)
def test_money_that_is_none_is_refused(text: bytes, reason: str) -> None:
    """An amount is a decimal between 0 and a billion dollars."""
    assert refused(CacheHit, with_text(CacheHit, "cost_saved", text)).reason == reason
    assert refused(RequestRouted, with_text(RequestRouted, "cost_usd", text)).reason == reason


@pytest.mark.parametrize("field", ["tokens_in", "tokens_out", "latency_ms"])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"-1", "range"),
        (b"9007199254740992", "range"),
        (b"18446744073709551616", "range"),
        (b"-9223372036854775809", "range"),
        (b"1" * 100, "range"),
        (b"1" * 5000, "range"),
        (b"1e400", "range"),
        (b"1.0", "schema"),
        (b"1e3", "schema"),
        (b"true", "schema"),
        (b'"1"', "schema"),
        (b"{}", "schema"),
        (b"01", "decode"),
        (b"0x1", "decode"),
    ],
)
def test_integers_are_checked(field: str, text: bytes, reason: str) -> None:
    """A count is an integer from 0 to 2^53-1, and nothing that looks like one."""
    assert refused(RequestRouted, with_text(RequestRouted, field, text)).reason == reason


def test_the_largest_integer_and_the_longest_text_are_taken() -> None:
    """2^53-1 and texts of 200 characters of any kind are accepted."""
    longest = "\N{HEAVY BLACK HEART}\N{GRINNING FACE}" * 100
    hit, _, _ = decode(CacheHit, value(CacheHit, hits=2**53 - 1, caller_id=longest), LATEST)
    assert (hit.hits, hit.caller_id) == (2**53 - 1, longest)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (None, "decode"),
        (b"", "decode"),
        (b" \n", "decode"),
        (b"\xef\xbb\xbf" + value(CacheHit), "decode"),
        (value(CacheHit).decode().encode("utf-16"), "decode"),
        (value(CacheHit)[:-1], "decode"),
        (value(CacheHit) + b"x", "decode"),
        (value(CacheHit) + value(CacheHit), "decode"),
        (value(CacheHit) + b"\0", "decode"),
        (b"{'hit_id': 'h-1'}", "decode"),
        (b"[]", "schema"),
        (b"null", "schema"),
        (b'"text"', "schema"),
        (b"17", "schema"),
        (with_text(CacheHit, "x", b"[" * 10_000 + b"]" * 10_000), "decode"),
        (with_text(CacheHit, "x", b'{"a":' * 10_000 + b"1" + b"}" * 10_000), "decode"),
        (with_text(CacheHit, "model", b'"caf\xe9"'), "decode"),  # Latin-1 in the middle of a text
        (with_text(CacheHit, "model", b'"\xc0\xaf"'), "decode"),  # an overlong slash
        (
            with_text(CacheHit, "model", b'"\xed\xa0\x80"'),
            "decode",
        ),  # a surrogate written as if it were UTF-8
        (with_text(CacheHit, "model", rb'"\ud800"'), "decode"),
        (with_text(CacheHit, "model", rb'"\udc00\ud800"'), "decode"),
        (with_text(CacheHit, "model", b'"a\nb"'), "decode"),
    ],
)
def test_what_is_not_an_object_in_json_is_refused(written: bytes | None, reason: str) -> None:
    """A value that is not JSON in UTF-8 is refused as `decode`, one that is no object as `schema`."""
    assert refused(CacheHit, written).reason == reason


@pytest.mark.parametrize(
    "created_at",
    [
        "2023-02-29T00:00:00Z",
        "2024-01-01T24:00:00Z",
        "2016-12-31T23:59:60Z",
        "10000-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2024-01-01",
        "2024-01-01T00:00Z",
        "2024-01-01T00:00:00+24:00",
        "9999-12-31T23:59:59.9999999Z",
        "1704067200",
        "",
    ],
)
def test_what_is_no_time_is_refused(created_at: str) -> None:
    """A time is a whole RFC 3339 date and time that the calendar has."""
    assert refused(McpCalled, value(McpCalled, created_at=created_at)).reason == "schema"


@pytest.mark.parametrize("created_at", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-00:01"])
def test_a_time_that_utc_has_not_is_out_of_range(created_at: str) -> None:
    """An offset may not lead out of the years 1 to 9999."""
    assert refused(McpCalled, value(McpCalled, created_at=created_at)).reason == "range"


@pytest.mark.parametrize("number", [0, 1_704_067_200, 1_704_067_200.5, True])
def test_a_number_is_no_time(number: float) -> None:
    """Unix time is not guessed at."""
    assert refused(McpCalled, value(McpCalled, created_at=number)).reason == "schema"


@pytest.mark.parametrize(
    ("kind", "field"),
    [(RequestRouted, each) for each in ("request_id", "caller_id", "model", "status")]
    + [(CacheHit, each) for each in ("hit_id", "caller_id", "model")]
    + [(McpCalled, "tool"), (RaceRun, "winner_model"), (FactChanged, "superseded_by")]
    + [(SubscriptionChanged, "subscription_id")],
)
def test_texts_have_1_to_200_characters(kind: type[Event], field: str) -> None:
    """An empty text and one of 201 characters are out of range, another type is of the wrong schema."""
    assert refused(kind, value(kind, **{field: ""})).reason == "range"
    assert refused(kind, value(kind, **{field: "\N{GRINNING FACE}" * 201})).reason == "range"
    assert refused(kind, value(kind, **{field: 7})).reason == "schema"
    assert refused(kind, value(kind, **{field: ["a"]})).reason == "schema"


def test_the_last_of_two_equal_fields_counts() -> None:
    """A field that is there twice has its last value, as in JavaScript, but each must be of the right type."""
    hit, _, _ = decode(CacheHit, with_text(CacheHit, "hit_id", b'"h-2"'), LATEST)
    assert hit.hit_id == "h-2"
    assert refused(CacheHit, b'{"hit_id": 7, ' + value(CacheHit)[1:]).reason == "schema"


MARKER = "s3cret"


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        (RequestRouted, value(RequestRouted, cache=MARKER)),
        (CacheHit, value(CacheHit, kind=MARKER)),
        (CacheHit, value(CacheHit, kind=f"{MARKER} - at `$.x`' {MARKER}")),
        (CacheHit, value(CacheHit, cost_saved=MARKER)),
        (CacheHit, value(CacheHit, hits=MARKER)),
        (CacheHit, value(CacheHit, created_at=MARKER)),
        (CacheHit, value(CacheHit, model=MARKER * 50)),
        (CacheHit, with_text(CacheHit, MARKER, b'"\xff"')[:-2]),
        (CacheHit, with_text(CacheHit, "model", b'"' + MARKER.encode() + b'\xff"')),
        (CacheHit, MARKER.encode()),
        (CacheHit, b'{"' + MARKER.encode() + b'": {"' + MARKER.encode()),
        (SubscriptionChanged, value(SubscriptionChanged, active=MARKER)),
    ],
)
def test_what_is_said_never_repeats_the_value(kind: type[Event], written: bytes) -> None:
    """Why a message is refused says where, and never what was there."""
    said = str(refused(kind, written))
    assert said
    assert MARKER not in said


def test_a_bad_kind_is_said_with_what_is_expected() -> None:
    """An unknown word names the field and the words that are known."""
    said = str(refused(CacheHit, value(CacheHit, kind="fuzzy")))
    assert said == "Expected 'exact' or 'semantic' - at `$.kind`"


def test_amounts_stay_decimals() -> None:
    """Money is never a float on its way."""
    hit, _, _ = decode(CacheHit, with_text(CacheHit, "cost_saved", b"0.12345678901234567890"), LATEST)
    assert hit.cost_saved == Decimal("0.12345678901234567890")


def test_reasons_are_those_of_the_contract() -> None:
    """Each kind of refusal has one of the contract's four reasons."""
    assert {each.reason for each in BadMessage.__subclasses__()} == {"decode", "schema", "range", "future"}
    assert DecodeFailed("x").reason == "decode"


def test_an_event_without_an_offset_may_be_asked_again() -> None:
    """The moment of an event is the same however often it is asked for."""
    event, when, _ = decode(McpCalled, value(McpCalled, created_at="2024-02-29T12:00:00"), LATEST)
    assert moment(event) == moment(event) == when
