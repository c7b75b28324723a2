"""What is shown of a scope: the reference's stats, buddy, achievements and calendar.

Pure: no I/O, and today comes in as an argument.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Final, Literal, TypeAlias

import msgspec

from app.domain.achievements import ACHIEVEMENTS, CALLER_ACHIEVEMENTS, Achievement
from app.domain.buddy import BuddyState, buddy
from app.domain.events import EPOCH_ORDINAL
from app.domain.levels import xp
from app.domain.measures import value_of
from app.domain.money import to_dollars
from app.domain.progress import holds
from app.domain.stats import Stats
from app.domain.streaks import count_days, current_streak
from app.view.scope_rows import ScopeState
from tables.days import Cell
from tables.publishing import GATEWAY

#: How many days the calendar goes back by default, as in the reference.
CALENDAR_DAYS: Final = 365

CalendarLevel: TypeAlias = Literal[0, 1, 2, 3, 4]


class Badge(msgspec.Struct, frozen=True, rename="camel", kw_only=True, gc=False):
    """What an achievement is: the reference's Achievement without its rule."""

    id: str
    title: str
    description: str
    icon: str
    category: str


class Unlocked(Badge, frozen=True, rename="camel", kw_only=True, gc=False):
    """An achievement that the scope has, and since when (event time)."""

    achieved_at: datetime | None


class Locked(Badge, frozen=True, rename="camel", kw_only=True, gc=False):
    """An achievement to reach for; value and threshold are dollars where money is meant, else counts."""

    value: int | float
    threshold: int | float


class Achievements(msgspec.Struct, frozen=True, rename="camel"):
    """The reference's getAchievements; ``progress`` is the share of those unlocked, 0 to 100."""

    unlocked: tuple[Unlocked, ...]
    locked: tuple[Locked, ...]
    progress: int


class CalendarDay(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """A cell of the reference's getCalendarHeatmap."""

    date: date
    count: int
    tokens_saved: int
    level: CalendarLevel


class ScopeView(msgspec.Struct, frozen=True, kw_only=True):
    """A scope on a day."""

    scope: str
    stats: Stats
    buddy: BuddyState
    achievements: Achievements
    calendar: tuple[CalendarDay, ...]
    #: The longest run of active days ever; the current one is in the stats.
    longest_streak: int

    def parts(self) -> dict[str, msgspec.Struct | tuple[CalendarDay, ...]]:
        """Return what the reference's functions return, by name."""
        return {
            "stats": self.stats,
            "buddy": self.buddy,
            "achievements": self.achievements,
            "calendar": self.calendar,
        }


def day_of(today: date) -> int:
    """Return days since 1970-01-01."""
    return today.toordinal() - EPOCH_ORDINAL


def scope_view(state: ScopeState, today: date) -> ScopeView:
    """Return what is shown of a scope on a day (UTC)."""
    all_stats = stats(state, today)
    return ScopeView(
        scope=state.scope,
        stats=all_stats,
        buddy=buddy(state.seed, all_stats, xp=xp(state.measures), held=state.held),
        achievements=achievements(state),
        calendar=calendar(state.cells, today),
        longest_streak=state.active_days.longest,
    )


def stats(state: ScopeState, today: date) -> Stats:
    """Return the twelve stats; those that may fall are taken from what is true today."""
    m = state.measures
    return Stats(
        total_requests=m.requests,
        total_tokens_saved=m.tokens_saved,
        total_cost_saved=to_dollars(m.cost_saved),
        cache_hits=m.cache_hits,
        semantic_hits=m.semantic_hits,
        unique_callers=m.callers,
        unique_models=m.models,
        race_wins=m.races,
        facts_stored=max(0, m.facts - state.facts_superseded),
        streak_days=current_streak(state.active_days.active, day_of(today)),
        subscriptions_configured=state.active_subscriptions,
        days_active=count_days(state.active_days.requested),
    )


def achievements(state: ScopeState) -> Achievements:
    """Return what the scope holds and what it does not, each in catalog order."""
    catalog = ACHIEVEMENTS if state.scope == GATEWAY else CALLER_ACHIEVEMENTS
    unlocked = tuple(_unlocked(each, state) for each in catalog if holds(state.held, each))
    locked = tuple(_locked(each, state) for each in catalog if not holds(state.held, each))
    # Half a percent is rounded up, as JavaScript's Math.round does.
    return Achievements(unlocked, locked, (200 * len(unlocked) + len(catalog)) // (2 * len(catalog)))


def calendar(cells: Mapping[int, Cell], today: date, days: int = CALENDAR_DAYS) -> tuple[CalendarDay, ...]:
    """Return the last ``days`` days up to today; their levels are quartiles of the days with requests."""
    last = day_of(today)
    window = [(day, cells.get(day, _NOTHING)) for day in range(last - days + 1, last + 1)]
    bounds = _quartiles([cell.requests for _, cell in window])
    return tuple(
        CalendarDay(
            date=date.fromordinal(day + EPOCH_ORDINAL),
            count=cell.requests,
            tokens_saved=cell.tokens_saved,
            level=_level(cell.requests, bounds),
        )
        for day, cell in window
    )


_NOTHING = Cell()


def _quartiles(counts: Sequence[int]) -> tuple[int, int, int]:
    active = sorted(count for count in counts if count > 0) or [0]
    return active[len(active) // 4], active[len(active) // 2], active[len(active) * 3 // 4]


def _level(count: int, bounds: tuple[int, int, int]) -> CalendarLevel:
    first, second, third = bounds
    if count > third:
        return 4
    if count > second:
        return 3
    if count > first:
        return 2
    return 1 if count else 0


def _unlocked(each: Achievement, state: ScopeState) -> Unlocked:
    row = state.ledger.get(f"achievement/{each.id}")
    return Unlocked(
        id=each.id,
        title=each.title,
        description=each.description,
        icon=each.icon,
        category=each.category,
        achieved_at=row.achieved_at.astimezone(UTC) if row is not None else None,
    )


def _locked(each: Achievement, state: ScopeState) -> Locked:
    value = value_of(state.measures, each.measure)
    money = each.measure == "cost_saved"
    return Locked(
        id=each.id,
        title=each.title,
        description=each.description,
        icon=each.icon,
        category=each.category,
        value=to_dollars(value) if money else value,
        threshold=to_dollars(each.threshold) if money else each.threshold,
    )
