"""What a caller is judged by in the Python programs of the bench: achievements, levels, species and their stages.

An achievement, or a stage of a species, is a goal: so much of some measures, which never fall. Which goals an event can
reach follows from its topic and from what its caller holds; that is computed once and remembered, so that an event
that reaches nothing, as nearly all do, costs a comparison for each measure that it changes.
"""

from collections.abc import Callable, Sequence
from math import isqrt
from operator import attrgetter
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from tests.bench.plain_fold import CALL, FACT, HIT, RACE, REQUEST, Caller

ACHIEVEMENT_UNLOCKED: Final = "achievement-unlocked"
LEVEL_UP: Final = "level-up"
PET_EVOLVED: Final = "pet-evolved"

NANOS_PER_DOLLAR: Final = 10**9

#: What an event of a topic can change, of what goals are decided on.
_MEASURES: Final = {
    REQUEST: {"requests", "models", "longest_streak"},
    HIT: {"cache_hits", "semantic_hits", "tokens_saved", "cost_saved"},
    CALL: {"tokens_saved", "longest_streak"},
    RACE: {"races"},
    FACT: {"facts"},
}

#: Experience points do not come from requests.
_GIVES_POINTS: Final = frozenset({HIT, CALL, RACE, FACT})

#: Points of level 1; those of level n are n * n times as many.
_POINTS: Final = 53


class Requirement(msgspec.Struct, frozen=True):
    """A measure that must have reached a value."""

    measure: str
    threshold: int


class Achievement(msgspec.Struct, frozen=True):
    """One of the catalog. Money is in nano-dollars here, and published in dollars."""

    id: str
    title: str
    description: str
    icon: str
    category: str
    measure: str
    threshold: int


class Stage(msgspec.Struct, frozen=True):
    """A form of a species, reached when it is unlocked and so many tokens are saved."""

    name: str
    tokens_saved: int


class Species(msgspec.Struct, frozen=True):
    """A kind of pet, unlocked when all its requirements are met."""

    id: str
    name: str
    rarity: str
    requirements: list[Requirement]
    stages: list[Stage]


class Catalog(msgspec.Struct, frozen=True):
    """What a caller can have, as the file says that all programs read."""

    achievements: list[Achievement]
    species: list[Species]


class Unlocked(NamedTuple):
    """Something newly earned: the output, what makes its message unique beside the scope, and its own fields."""

    output: str
    what: tuple[str, ...]
    fields: dict[str, Any]


#: Returns a measure of a caller.
Measure = Callable[[Caller], int]


class Goal(NamedTuple):
    """What is reached when all needs are met, the rarest of them first; ``fields`` but for the value of a measure."""

    bit: int
    needs: tuple[tuple[Measure, int], ...]
    measures: frozenset[str]
    output: str
    what: tuple[str, ...]
    fields: dict[str, Any]
    #: The measure whose value is published, and by what it is divided.
    value: Measure | None = None
    unit: int = 1


class _Open(NamedTuple):
    """Goals that can still be reached, and of each measure the least that one of them needs first."""

    goals: tuple[Goal, ...]
    watched: tuple[tuple[Measure, int], ...]


class Judge:
    """Says what an event has unlocked for its caller."""

    def __init__(self, catalog: Path) -> None:
        read = msgspec.json.decode(catalog.read_bytes(), type=Catalog)
        self.achievements = len(read.achievements)
        goals = [_of_achievement(1 << place, each) for place, each in enumerate(read.achievements)]
        for species in read.species:
            for index in range(len(species.stages)):
                goals.append(_of_stage(1 << len(goals), species, index))
        self._goals = {
            topic: [goal for goal in goals if goal.measures & measures]
            for topic, measures in _MEASURES.items()
        }
        self._masks = {topic: sum(goal.bit for goal in reachable) for topic, reachable in self._goals.items()}
        self._open: dict[str, dict[int, _Open]] = {topic: {} for topic in _MEASURES}

    def judge(self, topic: str, caller: Caller) -> Sequence[Unlocked]:
        """Return what the newest event of a topic has unlocked, and note that the caller holds it."""
        held = caller.held & self._masks[topic]
        reachable = self._open[topic].get(held)
        if reachable is None:
            reachable = self._open[topic][held] = self._open_of(topic, held)
        unlocked: list[Unlocked] = []
        for measure, least in reachable.watched:
            if measure(caller) >= least:
                unlocked = _reached(reachable.goals, caller)
                break
        if topic in _GIVES_POINTS and (points := _points(caller)) >= _POINTS * (caller.level + 1) ** 2:
            unlocked.append(_risen(caller, points))
        return unlocked

    def _open_of(self, topic: str, held: int) -> _Open:
        goals = tuple(goal for goal in self._goals[topic] if not held & goal.bit)
        watched: dict[Measure, int] = {}
        for goal in goals:
            measure, least = goal.needs[0]
            watched[measure] = min(least, watched.get(measure, least))
        return _Open(goals, tuple(watched.items()))


def _reached(goals: Sequence[Goal], caller: Caller) -> list[Unlocked]:
    unlocked = []
    for goal in goals:
        if all(measure(caller) >= least for measure, least in goal.needs):
            caller.held |= goal.bit
            fields = goal.fields
            if goal.value is not None:
                value = goal.value(caller)
                fields = {**fields, "value": value / goal.unit if goal.unit > 1 else value}
            unlocked.append(Unlocked(goal.output, goal.what, fields))
    return unlocked


def _risen(caller: Caller, points: int) -> Unlocked:
    """Return the level that so many points make, past others perhaps."""
    before, level = caller.level, isqrt(points // _POINTS)
    caller.level = level
    goal = (level + 1) ** 2 * _POINTS
    fields = {"from_level": before, "level": level, "xp": points, "xp_for_next_level": goal}
    return Unlocked(LEVEL_UP, (str(level),), fields)


def _points(caller: Caller) -> int:
    return caller.tokens_saved // 240 + caller.cache_hits * 50 + caller.races * 25 + caller.facts * 10


def _models(caller: Caller) -> int:
    return len(caller.models)


#: One for each name, so that goals of the same measure are watched together.
_GETTERS: Final[dict[str, Measure]] = {
    name: _models if name == "models" else attrgetter(name) for names in _MEASURES.values() for name in names
}


def _of_achievement(bit: int, each: Achievement) -> Goal:
    getter = _GETTERS[each.measure]
    unit = NANOS_PER_DOLLAR if each.measure == "cost_saved" else 1
    fields = {
        "achievement_id": each.id,
        "title": each.title,
        "description": each.description,
        "icon": each.icon,
        "category": each.category,
        "threshold": each.threshold / unit if unit > 1 else each.threshold,
    }
    needs = ((getter, each.threshold),)
    return Goal(bit, needs, frozenset({each.measure}), ACHIEVEMENT_UNLOCKED, (each.id,), fields, getter, unit)


def _of_stage(bit: int, species: Species, index: int) -> Goal:
    """Return a stage as a goal of its own: what unlocks the species, and the tokens of the stage."""
    stage, least = species.stages[index], {"tokens_saved": species.stages[index].tokens_saved}
    for each in species.requirements:
        least[each.measure] = max(each.threshold, least.get(each.measure, 0))
    fields = {
        "species_id": species.id,
        "species": species.name,
        "rarity": species.rarity,
        "stage": stage.name,
        "stage_index": index,
    }
    needs = tuple((_GETTERS[name], value) for name, value in least.items() if value)
    return Goal(bit, needs, frozenset(least), PET_EVOLVED, (species.id, str(index)), fields)
