"""What the hot path reads of a message is what the readable path reads: by shapes, and by what fills them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.domain import events
from app.domain.counted import Counted, counted
from app.domain.events import EVENT_OF_TOPIC, FUTURE_LIMIT, BadMessage, CacheHit, RequestRouted
from app.domain.money import parse_dollars
from app.domain.quick import QuickDecoder
from app.domain.shapes.learning import FIELDS, learn
from app.domain.shapes.scan import plain_nanos
from tests.bench.expected import Expected
from tests.bench.load import TOPICS, Load
from tests.bench.load import events as load_events

if TYPE_CHECKING:
    from app.domain.events import Event
    from app.domain.shapes.shape import Shape

#: The broker's time of all messages, and the day from which on an event may be too late.
TIMESTAMP = 1_767_139_200_000
TODAY = (TIMESTAMP + FUTURE_LIMIT) // 86_400_000
BEHIND = b"\0" * 8

SHAPED = pytest.mark.parametrize("event_type", FIELDS, ids=lambda each: each.__name__)

#: How a field of money may be written: what is plain, what only looks so, and what is none.
digits = st.text("0123456789", min_size=1, max_size=11)
amounts = st.one_of(
    digits,
    st.builds("{}.{}".format, digits, digits),
    st.sampled_from(
        ["", ".", "5.", ".5", "1..2", "1.2.3", "-1", "-0", "+1", "1e3", "1E-9", "NaN", "Infinity"]
    ),
    st.sampled_from(
        ["00", "01.5", "0x1", "1_0", " 1", "1 ", "999999999.999999999", "1000000000", "1000000001"]
    ),
    st.text(max_size=3),
)
written = st.one_of(
    amounts,
    amounts.map(json.dumps),
    st.sampled_from(["null", "true", "[]", "{}", '"\\u0031"', '"1', '1"', '""', '"""', "0.1 "]),
)
times = st.one_of(
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.sampled_from([None, UTC])).map(  # noqa: DTZ001
        datetime.isoformat
    ),
    st.datetimes(datetime(2025, 1, 1), datetime(2026, 1, 2)).map(lambda at: f"{at.isoformat()}Z"),  # noqa: DTZ001
    st.sampled_from(
        [
            "2025-03-01T10:00:00Z",
            "2025-03-01T10:00:00.5Z",
            "2025-03-01T10:00:00.1234567Z",
            "2025-03-01T10:00:00.Z",
            "2025-03-01T10:00:00+00:00",
            "2025-03-01T10:00:00-00:00",
            "2025-03-01T10:00:00+00:01",
            "2025-03-01T10:00:00",
            "2025-03-01t10:00:00z",
            "2025-03-01 10:00:00Z",
            "2025-03-01T23:30:00-01:00",
            "2025-03-01T24:00:00Z",
            "2025-03-01T10:60:00Z",
            "2025-03-01T10:00:60Z",
            "2025-03-01T1a:00:00Z",
            "2025-12-31T23:59:59.999999Z",
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:00:00.000001Z",
            "0001-01-01T00:00:00+01:00",
            "0000-01-01T00:00:00Z",
            "2025-02-29T00:00:00Z",
            "2025-W09-6T00:00:00Z",
            "20250301T000000Z",
            "2025-03-01",
            "yesterday",
        ]
    ),
)
#: Fields of all events, right and wrong.
texts = st.sampled_from(["a", "b-2", "a", "x" * 7, "", "x" * 200, "x" * 201, "é", 'a"b', "a\\", "\x7f", "\t", None, 1])  # fmt: skip
numbers = st.sampled_from([0, 1, 17, 10**15 - 1, 10**15, 2**53 - 1, 2**53, 10**30, -1, 1.5, None, "1", True])
fields: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("request_id", "hit_id", "call_id", "caller_id", "model", "status", "tool"), texts),
        **dict.fromkeys(("tokens_saved", "hits", "tokens_in", "latency_ms"), numbers),
        "kind": st.sampled_from(["exact", "semantic", None, "other", "exactly", "", 1]),
        "cache": st.sampled_from(["exact", "semantic", None, "other", "semantics"]),
        "fallback_used": st.sampled_from([True, False, None, 1, "true"]),
        "another": st.sampled_from(["x", 1, -1, 1.25, None, True, [], {}, ""]),
    },
)
COMPLETE: dict[str, Any] = {
    **dict.fromkeys(("request_id", "hit_id", "call_id", "fact_id", "subscription_id"), "id"),
    **dict.fromkeys(("caller_id", "model", "status"), "x"),
}


def message(some: dict[str, Any], time: str, money: str) -> bytes:
    """Return a message with money as it is written, whether that is JSON or not."""
    body = json.dumps({**COMPLETE, **some, "created_at": time}, ensure_ascii=False)
    return f'{body[:-1]}, "cost_usd": {money}, "cost_saved": {money}}}'.encode()


def all_of(event: Counted | None) -> dict[str, object] | None:
    """Return all that is counted of an event."""
    return event and {name: getattr(event, name) for name in vars_of(Counted())}


def vars_of(event: Counted) -> list[str]:
    """Return the names of its attributes, whether it is compiled or not."""
    return sorted(name for name in dir(event) if not name.startswith("_"))


def readable(event_type: type[Event], value: bytes) -> dict[str, object] | None:
    """Return what the readable path counts of a message, None if it refuses it."""
    try:
        return all_of(counted(*events.decode(event_type, value, TIMESTAMP + FUTURE_LIMIT)))
    except BadMessage:
        return None


def by_shape(shape: Shape, value: bytes, before: bytes = b"") -> dict[str, object] | None:
    """Return what a shape reads of a message somewhere in other bytes, None if it does not."""
    data, start = before + value + BEHIND, len(before)
    return all_of(shape.read(data, start, start + len(value), TODAY))


def shape_of(event_type: type[Event], value: bytes) -> Shape:
    """Return the shape of a message that has one."""
    shape = learn(event_type, value)
    assert shape is not None
    return shape


@SHAPED
@given(fields, times, written, fields, times, written)
@settings(max_examples=400)
def test_a_shape_reads_what_the_readable_path_reads(  # noqa: PLR0917 - two messages
    event_type: type[Event],
    first: dict[str, Any],
    first_time: str,
    first_money: str,
    some: dict[str, Any],
    time: str,
    money: str,
) -> None:
    """Whatever message a shape was learned from: what it reads of another is the same, what is refused it never reads."""
    learned_from = message(first, first_time, first_money)
    if readable(event_type, learned_from) is None:
        learned_from = message({}, "2025-03-01T10:00:00Z", "0.5")
    shape = learn(event_type, learned_from)
    if shape is None:
        return
    for value in (learned_from, message(first | some, time, money), message(some, time, first_money)):
        read = by_shape(shape, value, b'"}')
        if read is not None:
            assert read == readable(event_type, value)


@SHAPED
@given(st.data())
@settings(max_examples=600)
def test_a_damaged_message_is_read_as_it_is_or_not_at_all(
    event_type: type[Event], data: st.DataObject
) -> None:
    """Bytes that were changed, taken out, doubled or put in change what is read as they do for the readable path."""
    whole = message({"tokens_saved": 12, "hits": 3, "kind": "exact"}, "2025-03-01T10:00:00.123Z", "0.25")
    shape = shape_of(event_type, whole)
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(start + 9, len(whole))))
    bytes_in = data.draw(
        st.binary(max_size=4)
        | st.sampled_from(
            [b'"', b"\\", b"\x7f", b"\x80", b"\x1f", b"0", b"9", b",", b"}", b"null", b" ", b"-"]
        )
        | st.just(whole[start:end] * 2)
    )
    value = whole[:start] + bytes_in + whole[end:]
    read = by_shape(shape, value)
    if read is not None:
        assert read == readable(event_type, value)


@given(st.text(max_size=40).filter(lambda text: text.isascii() and text.isprintable()), st.integers(0, 9))
@example('"', 0)
def test_a_text_ends_with_its_quote(text: str, before: int) -> None:
    """Wherever it begins and whatever its length; one with an escape is left to the readable path."""
    plain = message({"request_id": "id"}, "2025-03-01T10:00:00Z", "1")
    value = message({"request_id": text}, "2025-03-01T10:00:00Z", "1")
    read = by_shape(shape_of(RequestRouted, plain), value, b"x" * before)
    expected = None if {'"', "\\"} & set(text) else readable(RequestRouted, value)
    assert read == expected


@pytest.mark.parametrize("topic", [0, 1, 2, 3], ids=[topic.rpartition(".")[2] for topic in TOPICS[:4]])
def test_the_usual_has_a_shape(topic: int) -> None:
    """Messages as a gateway writes them are read by the shape of the first of them, all of them."""
    event_type = EVENT_OF_TOPIC[TOPICS[topic]]
    sent = [each.value for each in load_events(Load(2_000, callers=50), Expected()) if each.topic == topic]
    shape = shape_of(event_type, sent[0])
    for value in sent:
        assert by_shape(shape, value) == readable(event_type, value) is not None


@pytest.mark.parametrize("money", ["0", "0.012345", '"0.012345"', "12", '"999999999.999999999"', "null"])
def test_plain_amounts_have_a_shape(money: str) -> None:
    """As text or as number, and null."""
    value = message({}, "2025-03-01T10:00:00Z", money)
    read = by_shape(shape_of(CacheHit, value), value)
    assert read is not None
    assert read["cost_saved"] == (0 if money == "null" else parse_dollars(json.loads(money)))


@pytest.mark.parametrize(
    "value",
    [
        b'{"caller_id":"a"}',
        message({"another": {}}, "2025-03-01T10:00:00Z", "1"),
        message({"status": "é"}, "2025-03-01T10:00:00Z", "1"),
        b'{"status":"a",' + message({}, "2025-03-01T10:00:00Z", "1")[1:],
        b'{"x' + b'":1,"x'.join(b"%d" % number for number in range(70)) + b'":1}',
    ],
    ids=["incomplete", "nested", "not ASCII", "a field twice", "many fields"],
)
def test_the_unusual_teaches_nothing(value: bytes) -> None:
    """A message with what no shape can say has none; one without what is required is never learned from."""
    if readable(RequestRouted, value) is not None or b"x1" in value:
        assert learn(RequestRouted, value) is None


def test_a_decoder_learns_the_shapes_of_some_programs() -> None:
    """Each message is decoded as the readable path does, whichever of some programs has written it, with and without a shape."""
    decoder = QuickDecoder(RequestRouted)
    plain = json.loads(message({}, "2025-03-01T10:00:00Z", "1"))
    programs = [{**plain, f"field_{number}": number} for number in range(7)]
    for number in range(300):
        body = programs[number % (1 + number // 40 % 7)] | {"request_id": f"r-{number}"}
        value = json.dumps(body).encode()
        decoded = decoder.decode_at(b"..." + value + BEHIND, 3, 3 + len(value), TIMESTAMP)
        assert all_of(decoded) == readable(RequestRouted, value)
    last = json.dumps(plain).encode()
    assert all_of(decoder.decode_at(last, 0, len(last), TIMESTAMP)) == readable(RequestRouted, last)


def test_a_decoder_knows_a_shape_after_the_first_message() -> None:
    """The second message of a program takes the hot path, and so does one of the program before."""
    decoder = QuickDecoder(RequestRouted)
    value = message({}, "2025-03-01T10:00:00Z", "1")
    other = value.replace(b", ", b",")
    for each in (value, other, value):
        data = each + BEHIND
        decoder.decode_at(data, 0, len(each), TIMESTAMP)
        assert decoder.usual(data, 0, len(each), TIMESTAMP) is not None


@SHAPED
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_bytes_are_taken_that_are_refused(event_type: type[Event], value: bytes) -> None:
    """Bytes that are no event are refused, with a reason."""
    decoder = QuickDecoder(event_type)
    good = message({}, "2025-03-01T10:00:00Z", "1")
    decoder.decode_at(good + BEHIND, 0, len(good), TIMESTAMP)
    with pytest.raises(BadMessage):
        decoder.decode_at(value + b"!" + BEHIND, 0, len(value) + 1, TIMESTAMP)


@given(written, st.text(max_size=2))
@settings(max_examples=1000)
@example("0.000000001", "")
@example("5.", "1")
def test_plain_amounts_are_exact(text: str, behind: str) -> None:
    """An amount is read as ``parse_dollars`` reads it, or not at all, whatever follows it."""
    data = text.encode()
    nanos = plain_nanos(data + behind.encode() + b"\0", 0, len(data)) if data else -1
    if nanos >= 0:
        assert nanos == parse_dollars(text)
