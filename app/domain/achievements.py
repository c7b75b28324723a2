"""The catalog of achievements: words, icons, order and thresholds of the reference.

Compiled where a compiler was at hand, because whatever is earned is asked for its id.
"""
# ruff: noqa: E501 - a table reads best with one row per line

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from app.domain.measures import MeasureName
from app.domain.money import NANOS_PER_DOLLAR

Category: TypeAlias = Literal["cache", "wallet", "volume", "streak", "race", "memory", "first"]


@dataclass(frozen=True)
class Achievement:
    """A badge that a scope earns once, when its measure reaches the threshold (in the measure's own unit)."""

    id: str
    title: str
    description: str
    icon: str
    category: Category
    measure: MeasureName
    threshold: int


# Append only: the position of an achievement is its bit in the stored state of every scope (progress.Held).
# One that is moved or removed would hand its badge to another.
# fmt: off
ACHIEVEMENTS: Final = (
    Achievement("first-call", "Hello Gateway", "First request through the gateway", "👋", "first", "requests", 1),
    Achievement("first-cache", "Cache Awakens", "First cache hit", "💾", "first", "cache_hits", 1),
    Achievement("first-semantic", "Mind Reader", "First semantic (fuzzy) cache hit", "🧠", "first", "semantic_hits", 1),
    Achievement("first-race", "Started the Race", "Ran a multi-model race", "🏁", "race", "races", 1),
    Achievement("first-fact", "I Remember", "Stored your first knowledge fact", "📌", "memory", "facts", 1),
    Achievement("requests-100", "Centurion", "100 requests routed", "💯", "volume", "requests", 100),
    Achievement("requests-1k", "Thousand-Strong", "1,000 requests routed", "🎯", "volume", "requests", 1_000),
    Achievement("requests-10k", "Veteran", "10,000 requests routed", "⚔️", "volume", "requests", 10_000),
    Achievement("saved-1k", "Penny Pincher", "1k tokens prevented", "🐷", "cache", "tokens_saved", 1_000),
    Achievement("saved-10k", "Frugal Engineer", "10k tokens prevented", "💎", "cache", "tokens_saved", 10_000),
    Achievement("saved-100k", "Token Hoarder", "100k tokens prevented", "👑", "cache", "tokens_saved", 100_000),
    Achievement("saved-1m", "Million Saved", "1M tokens prevented", "🦄", "cache", "tokens_saved", 1_000_000),
    Achievement("cost-1c", "Bottle of Soda", "$0.01 of API cost saved", "🥤", "cache", "cost_saved", NANOS_PER_DOLLAR // 100),
    Achievement("cost-1d", "Coffee on Us", "$1 saved", "☕", "cache", "cost_saved", NANOS_PER_DOLLAR),
    Achievement("cost-10d", "Decent Lunch", "$10 saved", "🍱", "cache", "cost_saved", 10 * NANOS_PER_DOLLAR),
    Achievement("cost-100d", "Tank of Gas", "$100 saved", "⛽", "cache", "cost_saved", 100 * NANOS_PER_DOLLAR),
    Achievement("streak-3", "3-Day Glow", "3-day usage streak", "🔥", "streak", "longest_streak", 3),
    Achievement("streak-7", "Week Warrior", "7-day usage streak", "🌟", "streak", "longest_streak", 7),
    Achievement("streak-30", "Habit Formed", "30-day streak", "🏆", "streak", "longest_streak", 30),
    Achievement("callers-3", "Three Mouths", "3 distinct callers", "🗣️", "volume", "callers", 3),
    Achievement("models-5", "Polyglot", "Routed through 5+ models", "🌐", "volume", "models", 5),
    Achievement("wallet-pro", "Pool Builder", "3+ subscriptions configured", "💼", "wallet", "subscriptions", 3),
)
# fmt: on

#: What makes no sense for a single caller: only the gateway's scope can earn these.
GATEWAY_ONLY: Final = frozenset({"callers-3", "wallet-pro"})

#: What a caller's scope can earn, in catalog order.
CALLER_ACHIEVEMENTS: Final = tuple(each for each in ACHIEVEMENTS if each.id not in GATEWAY_ONLY)

_BY_ID = {each.id: each for each in ACHIEVEMENTS}


def achievement(achievement_id: str) -> Achievement:
    """The achievement with this id; raises KeyError where there is none."""
    return _BY_ID[achievement_id]
