from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from app.domain.events import BadMessage, FromTheFuture, OutOfRange
from app.engine.fold import Message
from app.postgres.row_events import (
    Sending,
    cache_change,
    fact_change,
    race_change,
    row_of,
    subscription_change,
    subscription_gone,
)
from app.postgres.sources import CACHE, FACTS, RACES, REQUESTS, SUBSCRIPTIONS, Source
from app.settings import Settings
from app.topics import Surroundings

NOW = datetime(2026, 3, 1, tzinfo=UTC)
AROUND = Surroundings.of(Settings.from_environ({"HOME": "/"}))
AT = "2026-02-01T08:00:00+00:00"


def sending(source: Source) -> Sending:
    """What checks and makes the messages of a source."""
    return Sending(source, AROUND, NOW)


def cache_row(hits: int | None, tokens: int | None, cost: str | None, **more: Any) -> dict[str, Any]:
    """A row of response_cache."""
    amount = None if cost is None else Decimal(cost)
    row = {"hit_id": "k", "hit_count": hits, "tokens_saved": tokens, "cost_saved": amount, "created_at": AT}
    return row | more


def gained(row: dict[str, Any], known: Any) -> tuple[list[tuple[int, int, str]], Any]:
    """What a cache row has gained (hits, tokens, dollars), and what is known of it then."""
    change = cache_change(sending(CACHE), row, known)
    return [
        (event["hits"], event["tokens_saved"], event["cost_saved"]) for event in change.events
    ], change.known


def test_a_new_cache_row_is_one_event_with_its_hits() -> None:
    """An aggregate becomes one event, its money rounded to nano-dollars."""
    assert gained(cache_row(3, 100, "0.1234567895"), None) == ([(3, 100, "0.123456790")], (3, 100, 123456790))


def test_a_changed_cache_row_is_its_difference() -> None:
    """What was imported before does not count again, and rounding does not add up."""
    assert gained(cache_row(5, 130, "0.0000000024"), (3, 100, 1)) == ([(2, 30, "0.000000001")], (5, 130, 2))
    assert gained(cache_row(3, 100, "0.0000000012"), (3, 100, 1)) == ([], (3, 100, 1))


def test_sums_never_fall() -> None:
    """A row whose hits fell was made anew; a sum that fell alone counts again above what is known."""
    assert gained(cache_row(1, 10, "0"), (3, 100, 5)) == ([(1, 10, "0.000000000")], (1, 10, 0))
    assert gained(cache_row(4, 90, "0"), (3, 100, 5)) == ([(1, 0, "0.000000000")], (4, 100, 5))
    assert gained(cache_row(4, 110, "0"), (4, 100, 5)) == ([(0, 10, "0.000000000")], (4, 110, 5))


@pytest.mark.parametrize("row", [cache_row(0, 0, "0", created_at=None), cache_row(None, None, None)])
def test_a_cache_row_without_hits_is_no_event(row: dict[str, Any]) -> None:
    """An answer that was cached and never served saved nothing, and its last hit may be null."""
    assert gained(row, None) == ([], None)


def test_identities_of_cache_rows() -> None:
    """The same change has the same identity, another change of the same row another one."""
    first = cache_change(sending(CACHE), cache_row(1, 1, "0"), None).events[0]["hit_id"]
    assert cache_change(sending(CACHE), cache_row(1, 1, "0"), None).events[0]["hit_id"] == first
    later = cache_row(1, 1, "0", created_at="2026-02-02T08:00:00+00:00")
    for row, known in (
        (cache_row(2, 1, "0"), (1, 1, 0)),
        (cache_row(1, 2, "0"), (1, 1, 0)),
        (later, (3, 3, 0)),
    ):
        assert cache_change(sending(CACHE), row, known).events[0]["hit_id"] != first


@pytest.mark.parametrize(
    "row",
    [
        cache_row(-1, 1, "0"),
        cache_row(1, -1, "0"),
        cache_row(1, 1, "-0.5"),
        cache_row(1, 1, "NaN"),
        cache_row(1, 1, "0", created_at=None),
        cache_row(1, 1, "0", kind="fuzzy"),
        cache_row(1, 1, "0", created_at="2027-01-01T00:00:00Z"),
        {"hit_id": "k", "hit_count": "many", "created_at": AT},
    ],
)
def test_a_cache_row_that_breaks_the_contract(row: dict[str, Any]) -> None:
    """It is refused as the fold would refuse it."""
    with pytest.raises(BadMessage):
        cache_change(sending(CACHE), row, None)


def test_a_fact_is_stored_and_superseded_once() -> None:
    """Each of the two counts once, in whichever state the row is seen first."""
    stored = {"fact_id": "f", "superseded_by": None, "created_at": AT}
    superseded = stored | {"superseded_by": "g"}
    make = sending(FACTS)
    assert [event["superseded_by"] for event in fact_change(make, superseded, None).events] == [None, "g"]
    first = fact_change(make, stored, None)
    assert [event["superseded_by"] for event in first.events] == [None]
    assert [event["superseded_by"] for event in fact_change(make, superseded, first.known).events] == ["g"]
    for row in (stored, superseded):
        assert fact_change(make, row, 2) == ((), 2) or not fact_change(make, row, 2).events


def test_a_race_has_many_rows_and_is_one_event() -> None:
    """Its first row is the event."""
    row = {"call_id": "c", "winner_model": "m", "created_at": AT}
    change = race_change(sending(RACES), row, None)
    assert list(change.events) == [row]
    assert not race_change(sending(RACES), row, change.known).events


def test_a_subscription_comes_goes_and_comes_again() -> None:
    """The newest change wins, so what is there again is so since now, not since the older time of its row."""
    make, row = sending(SUBSCRIPTIONS), {"subscription_id": "s", "created_at": AT}
    there = subscription_change(make, row, None)
    assert [(event["active"], event["created_at"]) for event in there.events] == [(True, AT)]
    assert not subscription_change(make, row, there.known).events
    gone = subscription_gone("s", NOW)
    assert [event["active"] for event in gone.events] == [False]
    again = subscription_change(make, row, gone.known)
    assert [(event["active"], event["created_at"]) for event in again.events] == [(True, NOW.isoformat())]


def test_a_message_is_the_row_as_it_is() -> None:
    """The JSON of the database is the value, the caller the key, and the partition their home."""
    value = (
        b'{"request_id":"r","caller_id":"ada","model":"m","status":"ok","cost_usd":0.1234567891,'
        b'"tokens_in":null,"created_at":"2024-02-29T23:59:59.999999+00:00"}'
    )
    message = sending(REQUESTS).message(value)
    assert message == Message("gateway.requests", AROUND.partition_of(b"ada"), b"ada", value)


def test_a_row_of_the_future_is_refused() -> None:
    """By the same limit as in the fold."""
    value = {
        "request_id": "r",
        "caller_id": "a",
        "model": "m",
        "status": "ok",
        "created_at": "2026-03-03T00:00:00Z",
    }
    with pytest.raises(FromTheFuture):
        sending(REQUESTS).message(msgspec.json.encode(value))


def test_decimals_are_exact() -> None:
    """No amount becomes a float on the way."""
    assert row_of(b'{"cost_saved":0.1000000001,"hit_count":3}') == {
        "cost_saved": Decimal("0.1000000001"),
        "hit_count": 3,
    }
    with pytest.raises(OutOfRange):
        cache_change(
            sending(CACHE),
            row_of(b'{"hit_id":"k","hit_count":1,"cost_saved":1e12,"created_at":"' + AT.encode() + b'"}'),
            None,
        )
