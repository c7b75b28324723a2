"""`make_vectors.mjs` has run the reference on what is in `vectors.json`; here streakline is run on the same."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.domain.achievements import ACHIEVEMENTS
from app.domain.buddy import buddy, mood, pick_name, speech
from app.domain.calendar import calendar, day_of
from app.domain.events import RequestRouted, decode
from app.domain.feed import feed_entry
from app.domain.forecast import forecast
from app.domain.levels import level_of, xp, xp_for_next_level
from app.domain.measures import Measures
from app.domain.money import parse_dollars
from app.domain.progress import Held, hold, judge
from app.domain.stats import Stats
from app.view.scope_rows import ScopeState
from app.view.scope_view import achievements
from tables.days import Cell

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text(encoding="utf-8"))
TODAY = date(2026, 1, 31)
LATEST = 2**62

#: Every difference that a vector may name.
DIFFERENCES = {
    "active species: by its own condition, not the dragon for any traffic",
    "a cache hit when the event says so, whatever its latency",
    "an absent latency is 0",
    "sums are exact: 10 % is 10 %",
}


def test_the_differences_are_known_and_all_of_them_occur() -> None:
    """A vector differs only in ways that have a name here, and no name is left over."""
    named = {
        name
        for kind in VECTORS.values()
        for each in kind
        if isinstance(each, dict)
        for name in each.get("differs", {})
    }
    assert named == DIFFERENCES


@pytest.mark.parametrize(("seed", "name"), VECTORS["names"])
def test_names(seed: str, name: str) -> None:
    """A buddy has the name that the reference gives it, whatever characters the seed is made of."""
    assert pick_name(seed) == name


@pytest.mark.parametrize(("points", "expected"), VECTORS["levels"])
def test_levels(points: int, expected: dict[str, int]) -> None:
    """The square root is what the reference's loop finds, just below, at and just above each border."""
    assert {"level": level_of(points), "xpForNextLevel": xp_for_next_level(points)} == expected


def test_moods_and_speech() -> None:
    """In every branch the buddy feels and says what it did."""
    feelings = set()
    for vector in VECTORS["moods"]:
        stats = Stats(
            total_requests=vector["totalRequests"],
            total_cost_saved=vector["totalCostSaved"],
            cache_hits=vector["cacheHits"],
            unique_callers=3,
            streak_days=vector["streakDays"],
        )
        assert (mood(stats), speech(stats, mood(stats))) == (vector["mood"], vector["speech"])
        feelings.add(vector["mood"])
    assert feelings == {"happy", "content", "sleepy", "hungry", "excited"}


@pytest.mark.parametrize(("dollars", "text"), VECTORS["cents"])
def test_cents(dollars: float, text: str) -> None:
    """Dollars are rounded to cents as JavaScript's toFixed does it: by the exact value of the number."""
    assert speech(Stats(total_cost_saved=dollars), "sleepy") == text


@pytest.mark.parametrize("vector", VECTORS["scopes"])
def test_scopes(vector: dict[str, Any]) -> None:
    """Buddy and achievements of a whole scope; its species and stage too, where the reference takes the truly unlocked."""
    stats = msgspec.convert(vector["stats"], Stats)
    measures = measures_of(stats)
    held = Held()
    hold(held, judge(measures, held, gateway=True))
    ours = json.loads(msgspec.json.encode(buddy("gateway", stats, xp=xp(measures), held=held)))
    theirs = vector["buddy"]
    of_species = {
        "name",
        "species",
        "speciesId",
        "rarity",
        "stage",
        "stageIndex",
        "totalStages",
        "unlockedSpecies",
    }
    assert set(ours) == {*theirs, "asciiArt"}
    assert {name: ours[name] for name in set(theirs) - of_species} == {
        name: theirs[name] for name in set(theirs) - of_species
    }
    if vector["differs"]:
        [species] = vector["differs"].values()
        assert ours["speciesId"] == species.removesuffix(" (egg)")
        assert ours["stage"] == "Egg" or "(egg)" not in species
    else:
        assert {name: ours[name] for name in of_species} == {name: theirs[name] for name in of_species}

    shown = achievements(ScopeState(scope="gateway", seed="gateway", measures=measures, held=held))
    assert [each.id for each in shown.unlocked] == vector["unlocked"]
    assert [each.id for each in shown.locked] == vector["locked"]
    assert shown.progress == vector["progress"]


def measures_of(stats: Stats) -> Measures:
    """Return the measures of a scope whose stats have never fallen."""
    return Measures(
        requests=stats.total_requests,
        tokens_saved=stats.total_tokens_saved,
        cost_saved=parse_dollars(repr(stats.total_cost_saved)),
        cache_hits=stats.cache_hits,
        callers=stats.unique_callers,
        models=stats.unique_models,
        races=stats.race_wins,
        facts=stats.facts_stored,
        longest_streak=stats.streak_days,
        subscriptions=stats.subscriptions_configured,
    )


@pytest.mark.parametrize(("count", "percent"), VECTORS["progress"])
def test_progress(count: int, percent: int) -> None:
    """So many of the 22 achievements are as many percent as Math.round makes of it."""
    held = Held(achievements=(1 << count) - 1)
    shown = achievements(ScopeState(scope="gateway", seed="gateway", measures=Measures(), held=held))
    assert len(shown.unlocked) == count
    assert shown.progress == percent
    assert len(VECTORS["progress"]) == len(
        ACHIEVEMENTS
    )  # all but 22: first-semantic cannot be had in the reference


@pytest.mark.parametrize("vector", VECTORS["calendars"], ids=lambda vector: vector["name"])
def test_calendars(vector: dict[str, Any]) -> None:
    """A day's level is the quartile that the reference puts it in."""
    counts, last = vector["counts"], day_of(TODAY)
    first = last - len(counts) + 1
    cells = {
        first + i: Cell(requests=count, tokens_saved=count * 7) for i, count in enumerate(counts) if count
    }
    shown = calendar(cells, TODAY, len(counts))
    assert [day.level for day in shown] == vector["levels"]
    assert [day.tokens_saved for day in shown] == vector["tokensSaved"]
    assert [day.date for day in shown] == [
        TODAY - timedelta(days=back) for back in reversed(range(len(counts)))
    ]


@pytest.mark.parametrize("vector", VECTORS["events"])
def test_events(vector: dict[str, Any]) -> None:
    """A request's entry in the feed is the reference's, but for what the vector names."""
    event, at, _ = decode(RequestRouted, json.dumps(vector["event"]).encode(), LATEST)
    expected = dict(vector["entry"])
    for changes in vector["differs"].values():
        expected |= changes
    assert json.loads(msgspec.json.encode(feed_entry(event, at))) == expected


@pytest.mark.parametrize("vector", VECTORS["forecasts"], ids=lambda vector: vector["name"])
def test_forecasts(vector: dict[str, Any]) -> None:
    """The forecast is the reference's for the same days; a trend begins exactly beyond 10 %."""
    last = day_of(TODAY)
    first = last - len(vector["dollars"]) + 1
    cells = {
        first + i: Cell(cost_saved=parse_dollars(Decimal(str(dollars))))
        for i, dollars in enumerate(vector["dollars"])
        if dollars
    }
    ours = json.loads(msgspec.json.encode(forecast(cells, TODAY)))
    expected = dict(vector["forecast"])
    for changes in vector["differs"].values():
        expected |= changes
    assert set(ours) == set(expected)
    for name, value in ours.items():
        same = pytest.approx(expected[name], rel=1e-12) if isinstance(value, float) else expected[name]
        assert value == same, name
