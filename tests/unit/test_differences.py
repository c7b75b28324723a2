from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from app.postgres.differences import (
    BASELINE,
    DELETED,
    HEATMAP,
    RACES,
    REASONS,
    REFUSED,
    ROUNDED,
    SEMANTIC,
    Explained,
    Line,
    compare,
    with_baseline,
    with_deleted,
    with_races,
    with_semantic_hits,
)
from app.postgres.rescan import Rescan
from app.settings import Baseline

NAMES = (
    *("totalRequests", "totalTokensSaved", "totalCostSaved", "cacheHits", "semanticHits", "uniqueCallers"),
    *("uniqueModels", "raceWins", "factsStored", "streakDays", "subscriptionsConfigured", "daysActive"),
)
PLAIN = Rescan(date(2026, 3, 1), dict.fromkeys(NAMES, 10), frozenset({1, 2}), {1: (5, 50), 2: (6, 60)})


def but(rescan: Rescan = PLAIN, **stats: Any) -> Rescan:
    """The same with other stats."""
    return replace(rescan, stats=rescan.stats | stats)


def lines(
    ours: Rescan, *steps: tuple[str, Rescan], rounded: int = 0, tokens: tuple[int, int] = (0, 1)
) -> dict[str, Line]:
    """What is said of each figure."""
    explained = Explained(steps=steps, rounded=rounded, cache_tokens=tokens[0])
    return {line.name: line for line in compare(PLAIN, ours, explained, tokens[1])}


def test_all_the_same() -> None:
    """Twelve stats, the days and two lines of the calendar, and nothing to explain."""
    found = lines(PLAIN)
    assert [*found][:12] == list(NAMES)
    assert len(found) == 15
    assert all(line.is_same and not line.reasons for line in found.values())


def test_what_is_not_explained_differs() -> None:
    """Each figure alone is seen, and so is a day of the calendar whose sum is the same."""
    for name in NAMES:
        [wrong] = [line.name for line in lines(but(PLAIN, **{name: 11})).values() if not line.is_explained]
        assert wrong == name
    moved = replace(PLAIN, calendar={1: (6, 60), 2: (5, 50)})
    wrong_lines = [line for line in lines(moved).values() if not line.is_explained]
    assert [line.name for line in wrong_lines] == ["calendar: requests", "calendar: tokens saved"]
    assert "2 days differ" in wrong_lines[0].streakline
    assert [
        line.name for line in lines(replace(PLAIN, days=frozenset({1}))).values() if not line.is_explained
    ] == ["active days, the newest 365"]


def test_a_known_difference_explains_exactly_itself() -> None:
    """What is expected with it is explained and named, anything else is not, not even by a little."""
    step = but(totalRequests=8)
    assert lines(step, (REFUSED, step))["totalRequests"].reasons == (REFUSED,)
    assert not lines(but(totalRequests=9), (REFUSED, step))["totalRequests"].is_explained
    assert not lines(but(totalRequests=8, cacheHits=9), (REFUSED, step))["cacheHits"].is_explained


def test_differences_add_up() -> None:
    """Several known differences in one figure are all named."""
    first = but(totalTokensSaved=8)
    second = with_baseline(first, Baseline(tokens_saved=5, cost_saved=7))
    found = lines(second, (REFUSED, first), (BASELINE, second))
    assert found["totalTokensSaved"].reasons == (REFUSED, BASELINE)
    assert found["totalCostSaved"].reasons == (BASELINE,)


def test_semantic_hits_and_races() -> None:
    """The two that the reference never gets to."""
    ours = but(semanticHits=3, raceWins=4)
    semantic = with_semantic_hits(PLAIN, ours)
    races = with_races(semantic, 4)
    found = lines(ours, (SEMANTIC, semantic), (RACES, races))
    assert found["semanticHits"].reasons == (SEMANTIC,)
    assert found["raceWins"].reasons == (RACES,)
    assert not lines(but(raceWins=5), (RACES, races))["raceWins"].is_explained


def test_deleted_rows() -> None:
    """What is known of rows that are gone is what they had."""
    ours = with_deleted(PLAIN, [(1, 20, 300), (2, 30, 400)], 1, 2)
    assert ours == but(cacheHits=13, totalTokensSaved=60, totalCostSaved=710, raceWins=11, factsStored=12)
    assert lines(ours, (DELETED, ours))["cacheHits"].reasons == (DELETED,)


def test_rounding_is_at_most_half_a_nano_dollar_for_each_amount() -> None:
    """More than that is a difference, and so is any where no amount has so many decimals."""
    ours = but(totalCostSaved=11)
    assert not lines(ours, rounded=1)["totalCostSaved"].is_explained
    assert lines(ours, rounded=2)["totalCostSaved"].reasons == (ROUNDED,)
    half = but(totalCostSaved=Decimal("9.5"))
    assert lines(half, rounded=1)["totalCostSaved"].reasons == (ROUNDED,)
    assert not lines(half, rounded=0)["totalCostSaved"].is_explained


def test_savings_on_other_days() -> None:
    """Tokens may be on other days than the last hit of their row, as long as none is missing."""
    moved = replace(PLAIN, calendar={1: (5, 60), 2: (6, 50)})
    assert lines(moved, tokens=(110, 110))["calendar: tokens saved"].reasons == (HEATMAP,)
    assert not lines(moved, tokens=(110, 109))["calendar: tokens saved"].is_explained


def test_every_reason_is_in_the_readme() -> None:
    """A difference is named by the first column of its row in the README's table."""
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    for reason in REASONS:
        assert f"| {reason} |" in readme
