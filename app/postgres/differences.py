"""What differs between the rescan and streakline, and which line of the README's table explains it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from app.domain.streaks import STREAK_LIMIT, iter_days
from app.postgres.rescan import Rescan, day_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from app.domain.stats import Stats as ScopeStats
    from app.settings import Baseline
    from app.view.scope_rows import ScopeState

# The first column of the README's table "What is different from gamification.ts, and why"; a test holds them.
SEMANTIC: Final = "`semanticHits` is never computed, so `first-semantic` cannot unlock"
RACES: Final = "races are cross-joined with facts: 0 until a fact exists"
BASELINE: Final = "the buddy takes a hard-coded baseline"
HEATMAP: Final = "heatmap and forecast book all savings of a cache row on its last hit"
REFUSED: Final = "rows count that lack what an event must have"
ROUNDED: Final = "money is summed with all decimals of its column"
DELETED: Final = "rows that are deleted are gone from the sums"
REASONS: Final = (SEMANTIC, RACES, BASELINE, HEATMAP, REFUSED, ROUNDED, DELETED)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that both sides say; ``reasons`` explain why they differ, none where nothing does."""

    name: str
    rescan: str
    streakline: str
    is_same: bool
    reasons: tuple[str, ...] = ()

    @property
    def is_explained(self) -> bool:
        """Say whether the two are the same or may differ."""
        return self.is_same or bool(self.reasons)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """What the rescan would say if it counted as streakline does, one difference after the other.

    ``steps`` are what it says from the first difference on. ``rounded`` is how many amounts were rounded to
    nano-dollars; ``cache_tokens`` what the cache has saved on all days together.
    """

    steps: Sequence[tuple[str, Rescan]]
    rounded: int
    cache_tokens: int


def streakline_says(state: ScopeState, stats: ScopeStats, today: date, days: int) -> Rescan:
    """Return what streakline knows of the gateway in the shape of the rescan's answer."""
    last = day_of(today)
    cells = state.cells
    return Rescan(
        today,
        {
            "totalRequests": stats.total_requests,
            "totalTokensSaved": stats.total_tokens_saved,
            "totalCostSaved": state.measures.cost_saved,
            "cacheHits": stats.cache_hits,
            "semanticHits": stats.semantic_hits,
            "uniqueCallers": stats.unique_callers,
            "uniqueModels": stats.unique_models,
            "raceWins": stats.race_wins,
            "factsStored": stats.facts_stored,
            "streakDays": stats.streak_days,
            "subscriptionsConfigured": stats.subscriptions_configured,
            "daysActive": stats.days_active,
        },
        frozenset(sorted(iter_days(state.active_days.active))[-STREAK_LIMIT:]),
        {
            day: (cells[day].requests, cells[day].tokens_saved) if day in cells else (0, 0)
            for day in range(last - days + 1, last + 1)
        },
    )


def with_semantic_hits(rescan: Rescan, ours: Rescan) -> Rescan:
    """Return the rescan as if it computed the semantic hits; it has nothing to compute them from."""
    return _with(rescan, semanticHits=ours.stats["semanticHits"])


def with_races(rescan: Rescan, races: int) -> Rescan:
    """Return the rescan as if a race needed no fact."""
    return _with(rescan, raceWins=races)


def with_baseline(rescan: Rescan, baseline: Baseline) -> Rescan:
    """Return the rescan with an opening balance."""
    return _with(
        rescan,
        totalTokensSaved=rescan.stats["totalTokensSaved"] + baseline.tokens_saved,
        totalCostSaved=rescan.stats["totalCostSaved"] + baseline.cost_saved,
    )


def with_deleted(rescan: Rescan, cache: Sequence[Sequence[int]], races: int, facts: int) -> Rescan:
    """Return the rescan as if deleted rows were there; ``cache`` has their hits, tokens and nano-dollars."""
    hits, tokens, cost = (sum(row[column] for row in cache) for column in range(3))
    stats = rescan.stats
    return _with(
        rescan,
        cacheHits=stats["cacheHits"] + hits,
        totalTokensSaved=stats["totalTokensSaved"] + tokens,
        totalCostSaved=stats["totalCostSaved"] + cost,
        raceWins=stats["raceWins"] + races,
        factsStored=stats["factsStored"] + facts,
    )


def _with(rescan: Rescan, **stats: Any) -> Rescan:
    return replace(rescan, stats=rescan.stats | stats)


def compare(theirs: Rescan, ours: Rescan, explained: Explained, our_cache_tokens: int) -> list[Line]:
    """Return the two sides line by line; ``our_cache_tokens`` is what our cells have on all days together."""
    sides = (theirs, ours)
    lines = [_stat(name, theirs, ours, explained) for name in ours.stats]
    lines.append(_line("active days, the newest 365", lambda rescan: rescan.days, sides, explained, _days))
    lines.append(_line("calendar: requests", _requests, sides, explained, _sum))
    tokens = _line("calendar: tokens saved", _tokens, sides, explained, _sum)
    if not tokens.is_explained and our_cache_tokens == explained.cache_tokens:
        tokens = replace(tokens, reasons=(HEATMAP,))
    return [*lines, tokens]


def _stat(name: str, theirs: Rescan, ours: Rescan, explained: Explained) -> Line:
    show = _dollars if name == "totalCostSaved" else _number
    line = _line(name, lambda rescan: rescan.stats[name], (theirs, ours), explained, show)
    if name == "totalCostSaved" and not line.is_explained:
        reasons, expected = _reasons(lambda rescan: rescan.stats[name], theirs, explained)
        # Half a nano-dollar for each amount that has more decimals.
        if abs(Decimal(ours.stats[name]) - Decimal(expected)) * 2 <= explained.rounded:
            return replace(line, reasons=(*reasons, ROUNDED))
    return line


def _line(
    name: str,
    of: Callable[[Rescan], Any],
    sides: tuple[Rescan, Rescan],
    explained: Explained,
    show: Callable[[Any], str],
) -> Line:
    theirs, ours = sides
    said, have = of(theirs), of(ours)
    if said == have:
        return Line(name, show(said), show(have), is_same=True)
    reasons, value = _reasons(of, theirs, explained)
    if value != have:
        reasons = ()
    return Line(name, _shown(said, have, show), _shown(have, said, show), is_same=False, reasons=reasons)


def _reasons(
    of: Callable[[Rescan], Any], theirs: Rescan, explained: Explained
) -> tuple[tuple[str, ...], Any]:
    """Return the differences that change a value, and what it is with all of them."""
    value, reasons = of(theirs), []
    for reason, step in explained.steps:
        if of(step) != value:
            value = of(step)
            reasons.append(reason)
    return tuple(reasons), value


def _requests(rescan: Rescan) -> Mapping[int, int]:
    return {day: requests for day, (requests, _) in rescan.calendar.items()}


def _tokens(rescan: Rescan) -> Mapping[int, int]:
    return {day: tokens for day, (_, tokens) in rescan.calendar.items()}


def _shown(value: Any, other: Any, show: Callable[[Any], str]) -> str:
    """Return a value, and for sets of days on how many of them it has something else than the other."""
    if isinstance(value, frozenset):
        return f"{show(value)} ({len(value - other):,} only here)"
    if isinstance(value, dict):
        return f"{show(value)} ({sum(value[day] != other.get(day) for day in value):,} days differ)"
    return show(value)


def _number(value: Any) -> str:
    return f"{value:,}"


def _days(value: frozenset[int]) -> str:
    return f"{len(value):,}"


def _sum(value: Mapping[int, int]) -> str:
    return f"{sum(value.values()):,}"


def _dollars(nanos: Any) -> str:
    return f"${nanos / 10**9:,.10f}".rstrip("0").rstrip(".")
