from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain import events, quick
from app.domain.events import EVENT_OF_TOPIC, BadMessage, CacheHit, RequestRouted
from app.domain.money import parse_dollars
from app.domain.quick import float_nanos, plain_nanos

if TYPE_CHECKING:
    from decimal import Decimal

LATEST = 1_767_225_600_000
DECODERS = {event: quick.QuickDecoder(event) for event in EVENT_OF_TOPIC.values()}

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
    st.sampled_from(
        [
            "2025-03-01T10:00:00Z",
            "2025-03-01T23:30:00-01:00",
            "2025-12-31T23:59:59.999999Z",
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:00:00.000001Z",
            "0001-01-01T00:00:00+01:00",
            "2025-02-29T00:00:00Z",
            "2025-03-01",
            "yesterday",
        ]
    ),
)
#: Fields of all events, right and wrong.
fields = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(
            ("request_id", "hit_id", "call_id", "fact_id", "subscription_id", "caller_id", "model", "status"),
            st.sampled_from(["a", "a", "a", "", "x" * 200, "x" * 201, None, 1]),
        ),
        "kind": st.sampled_from(["exact", "semantic", None, "other"]),
        "tokens_saved": st.sampled_from([0, 1, 2**53 - 1, 2**53, -1, 1.5, None, "1"]),
        "hits": st.sampled_from([0, 1, None, -1]),
        "active": st.sampled_from([True, False, None, 1]),
    },
)
COMPLETE: dict[str, Any] = {
    **dict.fromkeys(("request_id", "hit_id", "call_id", "fact_id", "subscription_id"), "id"),
    **dict.fromkeys(("caller_id", "model", "status"), "x"),
}


def message(some: dict[str, Any], time: str, money: str) -> bytes:
    """Return a message with money as it is written, whether that is JSON or not."""
    body = json.dumps({**COMPLETE, **some, "created_at": time})
    return f'{body[:-1]}, "cost_usd": {money}, "cost_saved": {money}}}'.encode()


def as_it_was_decoded(event: Any) -> dict[str, Any]:
    """Return the fields of an event, money in nano-dollars."""
    money = event.amount_field
    return {
        name: quick.nanos(getattr(event, name)) if name == money else getattr(event, name)
        for name in event.__struct_fields__
    }


@pytest.mark.parametrize("event_type", EVENT_OF_TOPIC.values(), ids=lambda each: each.__name__)
@given(fields, times, written)
@settings(max_examples=300)
def test_the_hot_path_decodes_what_the_readable_one_decodes(
    event_type: type[events.Event], some: dict[str, Any], time: str, money: str
) -> None:
    """What the hot path takes is the same event, time and day; what is refused it never takes."""
    value = message(some, time, money)
    taken = DECODERS[event_type].usual(value, LATEST)
    if taken[0] is None:
        return
    event, at, day = events.decode(event_type, value, LATEST)
    assert as_it_was_decoded(taken[0]) == as_it_was_decoded(event)
    assert taken[1:] == (at, day)
    assert (taken[0].identity, taken[0].home_key) == (event.identity, event.home_key)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_bytes_are_taken_that_are_refused(value: bytes) -> None:
    """Bytes that are no event are left to the readable path, which says what is wrong with them."""
    if DECODERS[RequestRouted].usual(value, LATEST)[0] is not None:
        events.decode(RequestRouted, value, LATEST)
    with pytest.raises(BadMessage):
        DECODERS[RequestRouted].decode(value[:-1] + b"!", LATEST, None)


@pytest.mark.parametrize(
    "money", ["0", "0.012345", "1e-9", '"0.012345"', "12", '"999999999.999999999"', "null"]
)
def test_the_usual_is_taken(money: str) -> None:
    """Plain amounts and none at all are what the hot path is for."""
    taken = DECODERS[CacheHit].usual(message({}, "2025-03-01T10:00:00Z", money), LATEST)
    assert taken[0] is not None
    assert quick.nanos(taken[0].cost_saved) == (0 if money == "null" else parse_dollars(json.loads(money)))


@given(written)
@settings(max_examples=1000)
def test_plain_amounts_are_exact(text: str) -> None:
    """An amount is read as ``parse_dollars`` reads it, or not at all."""
    nanos = plain_nanos(text.encode())
    if nanos >= 0:
        assert nanos == parse_dollars(text)


@given(
    st.one_of(
        st.floats(),
        st.floats(0, 1_001),
        st.integers(0, 2 * 10**12).map(lambda number: number / 2e9),  # ties and what is near them
        st.decimals(0, 1_001, places=10, allow_nan=False).map(float),
    )
)
@settings(max_examples=2000)
def test_floats_are_exact(number: float) -> None:
    """A number that was read as a float is the amount that was written, or is left to be read from its text."""
    nanos = float_nanos(number)
    if nanos >= 0:
        assert nanos == parse_dollars(number)


@given(st.decimals(0, 1_000, places=12, allow_nan=False))
@settings(max_examples=1000)
def test_numbers_of_many_digits_are_exact(written: Decimal) -> None:
    """A number with more digits than a float tells apart is rounded as its text is, or left to be."""
    nanos = float_nanos(float(str(written)))
    if nanos >= 0:
        assert nanos == parse_dollars(written)
