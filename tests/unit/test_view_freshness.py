from __future__ import annotations

from app.view.freshness import Freshness


def test_fresh_when_all_is_read_that_there_was_lately() -> None:
    """It is fresh from the time on that the ends were asked for, and for as long as the limit."""
    fresh = Freshness(10)
    assert not fresh.is_fresh(0)
    fresh.asked(100, {"a": 5, "b": 0})
    fresh.reached({"a": 4, "b": 0})
    assert (fresh.remaining, fresh.was_complete, fresh.is_fresh(100)) == (1, False, False)
    fresh.reached({"a": 5, "b": 0})
    assert (fresh.remaining, fresh.was_complete) == (0, True)
    assert fresh.is_fresh(110)
    assert not fresh.is_fresh(110.1)


def test_without_answers_it_goes_stale_and_comes_back() -> None:
    """A broker that does not answer makes it stale; the next answer, once it is reached, fresh."""
    fresh = Freshness(10)
    fresh.asked(0, {"a": 5})
    fresh.reached({"a": 5})
    assert not fresh.is_fresh(30)
    fresh.asked(31, {"a": 9})
    fresh.reached({"a": 5})
    assert (fresh.remaining, fresh.is_fresh(31)) == (4, False)
    fresh.reached({"a": 9})
    assert fresh.is_fresh(40)


def test_ends_that_move_on_while_reading_are_not_waited_for() -> None:
    """Where more is written all the time, it is as fresh as the oldest question whose ends are reached."""
    fresh = Freshness(10)
    for second in range(60):
        fresh.asked(second, {"a": 100 * (second + 1)})
        fresh.reached({"a": 100 * (second - 4)})
        if second > 6:
            assert fresh.is_fresh(second)
    fresh.reached({"a": 100 * 55})
    assert not fresh.is_fresh(75)


def test_a_partition_that_cannot_be_read_makes_it_stale() -> None:
    """One partition that stands still is enough, and an unknown position is 0."""
    fresh = Freshness(10)
    fresh.asked(0, {"a": 1, "b": 1})
    fresh.reached({"a": 1, "b": 1})
    for second in range(1, 30):
        fresh.asked(second, {"a": 2, "b": second})
        fresh.reached({"a": 1, "b": second})
    assert not fresh.is_fresh(29)
    assert fresh.remaining == 1
    fresh.reached({"b": 29})
    assert fresh.remaining == 2
