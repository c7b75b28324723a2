"""What is shown of a scope: the reference's stats, buddy, achievements, calendar and forecast.

Pure: no I/O, and today comes in as an argument.
"""

from datetime import UTC, date, datetime

import msgspec

from app.domain.achievements import ACHIEVEMENTS, CALLER_ACHIEVEMENTS, Achievement
from app.domain.buddy import BuddyState, buddy
from app.domain.calendar import CalendarDay, calendar, day_of
from app.domain.forecast import Forecast, forecast
from app.domain.levels import xp
from app.domain.measures import value_of
from app.domain.money import to_dollars
from app.domain.progress import holds
from app.domain.stats import Stats
from app.domain.streaks import count_days, current_streak
from app.view.scope_rows import ScopeState
from tables.publishing import GATEWAY


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


class ScopeView(msgspec.Struct, frozen=True, kw_only=True):
    """A scope on a day."""

    scope: str
    stats: Stats
    buddy: BuddyState
    achievements: Achievements
    calendar: tuple[CalendarDay, ...]
    forecast: Forecast
    #: The longest run of active days ever; the current one is in the stats.
    longest_streak: int

    def parts(self) -> dict[str, msgspec.Struct | tuple[CalendarDay, ...]]:
        """Return what the reference's functions return, by name."""
        return {
            "stats": self.stats,
            "buddy": self.buddy,
            "achievements": self.achievements,
            "calendar": self.calendar,
            "forecast": self.forecast,
        }


def scope_view(state: ScopeState, today: date) -> ScopeView:
    """Return what is shown of a scope on a day (UTC)."""
    all_stats = stats(state, today)
    return ScopeView(
        scope=state.scope,
        stats=all_stats,
        buddy=buddy(state.seed, all_stats, xp=xp(state.measures), held=state.held),
        achievements=achievements(state),
        calendar=calendar(state.cells, today),
        forecast=forecast(state.cells, today),
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


def _unlocked(each: Achievement, state: ScopeState) -> Unlocked:
    achieved_at = state.ledger.get(f"achievement/{each.id}")
    return Unlocked(
        id=each.id,
        title=each.title,
        description=each.description,
        icon=each.icon,
        category=each.category,
        achieved_at=achieved_at.astimezone(UTC) if achieved_at is not None else None,
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
