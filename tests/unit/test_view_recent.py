from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from app.domain.events import RequestRouted
from app.view.recent import CALLERS, OF_A_CALLER, OF_ALL, Recent

START = datetime(2026, 1, 1, tzinfo=UTC)


def put(recent: Recent, number: int, caller: str) -> None:
    """A request, a second after the one before; its model is its number."""
    at = START + timedelta(seconds=number)
    recent.put(
        RequestRouted(
            request_id=f"r{number}",
            caller_id=caller,
            model=f"m{number}",
            status="ok",
            latency_ms=500,
            created_at=at,
        ),
        at,
    )


def models(recent: Recent, caller: str | None, limit: int) -> list[int]:
    """The numbers of the entries."""
    return [int(entry.detail.partition(" ")[0][1:]) for entry in recent.entries(caller, limit)]


def test_the_newest_come_first_in_whatever_order_they_came() -> None:
    """Shuffled and repeated requests are each shown once, by their own time, and no more than are kept."""
    numbers = [*range(1_000), *range(0, 1_000, 3)]
    random.Random(5).shuffle(numbers)
    recent = Recent()
    for number in numbers:
        put(recent, number, f"c{number % 2}")
    assert models(recent, None, OF_ALL) == list(range(999, 999 - OF_ALL, -1))
    assert models(recent, "c1", OF_ALL) == list(range(999, 999 - 2 * OF_A_CALLER, -2))
    assert models(recent, "c0", 2) == [998, 996]
    assert models(recent, "nobody", 2) == []


def test_what_is_repeated_after_it_was_dropped_does_not_come_back() -> None:
    """An old request that arrives again is older than what is shown, so it is not shown."""
    recent = Recent()
    for number in range(OF_ALL + 10):
        put(recent, number, "ada")
    put(recent, 0, "ada")
    assert models(recent, None, OF_ALL)[-1] == 10
    assert models(recent, "ada", OF_ALL)[-1] == OF_ALL + 10 - OF_A_CALLER


def test_callers_that_were_not_seen_for_long_are_forgotten() -> None:
    """As many callers as are kept have entries: those that were seen last."""
    recent = Recent()
    put(recent, 0, "first")
    put(recent, 1, "second")
    for number in range(2, CALLERS):
        put(recent, number, f"c{number}")
        if number == 5:
            put(recent, 10_000, "first")
    assert models(recent, "first", 5) == [10_000, 0]
    assert models(recent, "second", 5) == [1]
    put(recent, 20_000, "one more")
    assert models(recent, "second", 5) == []
    assert models(recent, "first", 5) == [10_000, 0]
