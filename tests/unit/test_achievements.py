from dataclasses import astuple

import pytest

from app.domain.achievements import ACHIEVEMENTS, CALLER_ACHIEVEMENTS, GATEWAY_ONLY, achievement
from app.domain.money import NANOS_PER_DOLLAR

# The reference's catalog: id, title, description, icon, category, the stat that its check reads, and the least value.
# fmt: off
REFERENCE: list[tuple[str, str, str, str, str, str, float]] = [
    ("first-call", "Hello Gateway", "First request through the gateway", "👋", "first", "totalRequests", 1),
    ("first-cache", "Cache Awakens", "First cache hit", "💾", "first", "cacheHits", 1),
    ("first-semantic", "Mind Reader", "First semantic (fuzzy) cache hit", "🧠", "first", "semanticHits", 1),
    ("first-race", "Started the Race", "Ran a multi-model race", "🏁", "race", "raceWins", 1),
    ("first-fact", "I Remember", "Stored your first knowledge fact", "📌", "memory", "factsStored", 1),
    ("requests-100", "Centurion", "100 requests routed", "💯", "volume", "totalRequests", 100),
    ("requests-1k", "Thousand-Strong", "1,000 requests routed", "🎯", "volume", "totalRequests", 1_000),
    ("requests-10k", "Veteran", "10,000 requests routed", "⚔️", "volume", "totalRequests", 10_000),
    ("saved-1k", "Penny Pincher", "1k tokens prevented", "🐷", "cache", "totalTokensSaved", 1_000),
    ("saved-10k", "Frugal Engineer", "10k tokens prevented", "💎", "cache", "totalTokensSaved", 10_000),
    ("saved-100k", "Token Hoarder", "100k tokens prevented", "👑", "cache", "totalTokensSaved", 100_000),
    ("saved-1m", "Million Saved", "1M tokens prevented", "🦄", "cache", "totalTokensSaved", 1_000_000),
    ("cost-1c", "Bottle of Soda", "$0.01 of API cost saved", "🥤", "cache", "totalCostSaved", 0.01),
    ("cost-1d", "Coffee on Us", "$1 saved", "☕", "cache", "totalCostSaved", 1),
    ("cost-10d", "Decent Lunch", "$10 saved", "🍱", "cache", "totalCostSaved", 10),
    ("cost-100d", "Tank of Gas", "$100 saved", "⛽", "cache", "totalCostSaved", 100),
    ("streak-3", "3-Day Glow", "3-day usage streak", "🔥", "streak", "streakDays", 3),
    ("streak-7", "Week Warrior", "7-day usage streak", "🌟", "streak", "streakDays", 7),
    ("streak-30", "Habit Formed", "30-day streak", "🏆", "streak", "streakDays", 30),
    ("callers-3", "Three Mouths", "3 distinct callers", "🗣️", "volume", "uniqueCallers", 3),
    ("models-5", "Polyglot", "Routed through 5+ models", "🌐", "volume", "uniqueModels", 5),
    ("wallet-pro", "Pool Builder", "3+ subscriptions configured", "💼", "wallet", "subscriptionsConfigured", 3),
]
# fmt: on

MEASURE_OF_STAT = {
    "totalRequests": "requests",
    "totalTokensSaved": "tokens_saved",
    "totalCostSaved": "cost_saved",
    "cacheHits": "cache_hits",
    "semanticHits": "semantic_hits",
    "uniqueCallers": "callers",
    "uniqueModels": "models",
    "raceWins": "races",
    "factsStored": "facts",
    "streakDays": "longest_streak",
    "subscriptionsConfigured": "subscriptions",
}


def test_the_catalog_is_the_references() -> None:
    """Ids, words, icons, categories, conditions and their order are those of the reference."""
    expected = [
        (*words, MEASURE_OF_STAT[stat], least * NANOS_PER_DOLLAR if stat == "totalCostSaved" else least)
        for *words, stat, least in REFERENCE
    ]
    assert [astuple(each) for each in ACHIEVEMENTS] == expected
    assert all(isinstance(each.threshold, int) for each in ACHIEVEMENTS)


def test_positions_are_state() -> None:
    """The first 22 positions never change: each is a bit in the stored state of every scope."""
    assert [each.id for each in ACHIEVEMENTS[:22]] == [row[0] for row in REFERENCE]
    assert len({each.id for each in ACHIEVEMENTS}) == len(ACHIEVEMENTS)


def test_a_caller_has_all_but_what_only_a_gateway_can_have() -> None:
    """A caller can earn 20: all but the distinct callers and the subscriptions."""
    assert len(CALLER_ACHIEVEMENTS) == 20
    assert {each.id for each in ACHIEVEMENTS} - {each.id for each in CALLER_ACHIEVEMENTS} == GATEWAY_ONLY


def test_an_achievement_is_found_by_its_id() -> None:
    """An id finds its achievement, and an unknown one is a KeyError."""
    assert all(achievement(each.id) is each for each in ACHIEVEMENTS)
    with pytest.raises(KeyError):
        achievement("first-nothing")
