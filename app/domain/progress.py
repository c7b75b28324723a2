"""The judge: what a scope has newly earned, given what it has done and what it holds already.

Both only grow. `judge` returns what is new, `hold` notes it, and nothing is earned twice. Asked rarely,
`judge` merges levels that were passed on the way; asked whenever a threshold of `next_thresholds` is reached,
it returns exactly what it would return when asked after every event.
"""

from collections.abc import Iterable
from typing import Final, TypeAlias

import msgspec

from app.domain.achievements import ACHIEVEMENTS, GATEWAY_ONLY, Achievement
from app.domain.levels import level_of, xp, xp_for_next_level, xp_of_next_level_up
from app.domain.measures import MeasureName, Measures, value_of
from app.domain.species import SPECIES, Requirement, Species, Stage, is_unlocked, stage_index

#: A threshold that no measure reaches.
NEVER: Final = 2**63 - 1


class Held(msgspec.Struct, array_like=True):
    """What a scope has earned so far. It only grows; what is held stays held, whatever the measures say."""

    #: Bit i is set when ACHIEVEMENTS[i] is held.
    achievements: int = 0
    level: int = 1
    #: For each of SPECIES how many stages have been reached; 0 while the species is locked. A list that was
    #: stored before a species was added is shorter.
    stages: list[int] = msgspec.field(default_factory=lambda: [0] * len(SPECIES))


class AchievementEarned(msgspec.Struct, frozen=True, gc=False):
    """A scope earned an achievement; value and threshold are in the unit of its measure."""

    achievement: Achievement
    value: int
    threshold: int


class LevelReached(msgspec.Struct, frozen=True, gc=False):
    """A scope rose to a level, possibly past several others at once."""

    from_level: int
    level: int
    xp: int
    xp_for_next_level: int


class StageReached(msgspec.Struct, frozen=True, gc=False):
    """A species of a scope reached a stage. Stage 0 is the unlocking of the species."""

    species: Species
    stage: Stage
    stage_index: int


Progress: TypeAlias = AchievementEarned | LevelReached | StageReached


class Thresholds(msgspec.Struct, gc=False):
    """For each measure and the experience points, the least value at which `judge` may return something."""

    requests: int = NEVER
    tokens_saved: int = NEVER
    cost_saved: int = NEVER
    cache_hits: int = NEVER
    semantic_hits: int = NEVER
    callers: int = NEVER
    models: int = NEVER
    races: int = NEVER
    facts: int = NEVER
    longest_streak: int = NEVER
    subscriptions: int = NEVER
    xp: int = NEVER


def judge(m: Measures, held: Held, *, gateway: bool) -> list[Progress]:
    """What the scope has newly earned: achievements in catalog order, then the level, then stages.

    Levels that are passed through at once are one LevelReached. Stages are one StageReached each: a species
    that is unlocked late reaches at once all stages that its tokens have already passed.
    """
    return [*_new_achievements(m, held, gateway=gateway), *_new_level(m, held), *_new_stages(m, held)]


def hold(held: Held, progress: Iterable[Progress]) -> None:
    """Note what was earned. Noting it again changes nothing."""
    for earned in progress:
        match earned:
            case AchievementEarned():
                held.achievements |= _BITS[earned.achievement.id]
            case LevelReached():
                held.level = max(held.level, earned.level)
            case StageReached():
                position = _POSITIONS[earned.species.id]
                held.stages += [0] * (position + 1 - len(held.stages))
                held.stages[position] = max(held.stages[position], earned.stage_index + 1)


def holds(held: Held, achievement: Achievement) -> bool:
    """Say whether a scope holds an achievement."""
    return bool(held.achievements & _BITS[achievement.id])


def stages_held(held: Held, species: Species) -> int:
    """How many stages of a species a scope has reached; 0 while the species is locked."""
    position = _POSITIONS[species.id]
    return held.stages[position] if position < len(held.stages) else 0


def next_thresholds(m: Measures, held: Held, *, gateway: bool) -> Thresholds:
    """The values below which `judge` returns nothing, as long as the scope holds what it holds now.

    A threshold may be too low, which costs a needless question; never too high, which would lose an unlock.
    """
    thresholds = Thresholds(xp=xp_of_next_level_up(held.level))
    for achievement in ACHIEVEMENTS:
        if _may_earn(achievement, held, gateway=gateway):
            _lower(thresholds, achievement.measure, achievement.threshold)
    for species in SPECIES:
        for requirement in _requirements_of_next_stage(species, m, held):
            _lower(thresholds, requirement.measure, requirement.threshold)
    return thresholds


def is_due(m: Measures, thresholds: Thresholds) -> bool:
    """Say whether a threshold is reached, so that `judge` should be asked."""
    return (
        m.requests >= thresholds.requests
        or m.tokens_saved >= thresholds.tokens_saved
        or m.cost_saved >= thresholds.cost_saved
        or m.cache_hits >= thresholds.cache_hits
        or m.semantic_hits >= thresholds.semantic_hits
        or m.callers >= thresholds.callers
        or m.models >= thresholds.models
        or m.races >= thresholds.races
        or m.facts >= thresholds.facts
        or m.longest_streak >= thresholds.longest_streak
        or m.subscriptions >= thresholds.subscriptions
        or xp(m) >= thresholds.xp
    )


_BITS = {achievement.id: 1 << position for position, achievement in enumerate(ACHIEVEMENTS)}
_POSITIONS = {species.id: position for position, species in enumerate(SPECIES)}


def _may_earn(achievement: Achievement, held: Held, *, gateway: bool) -> bool:
    return not holds(held, achievement) and (gateway or achievement.id not in GATEWAY_ONLY)


def _new_achievements(m: Measures, held: Held, *, gateway: bool) -> Iterable[AchievementEarned]:
    for achievement in ACHIEVEMENTS:
        value = value_of(m, achievement.measure)
        if value >= achievement.threshold and _may_earn(achievement, held, gateway=gateway):
            yield AchievementEarned(achievement, value, achievement.threshold)


def _new_level(m: Measures, held: Held) -> Iterable[LevelReached]:
    points = xp(m)
    level = level_of(points)
    if level > held.level:
        yield LevelReached(held.level, level, points, xp_for_next_level(points))


def _new_stages(m: Measures, held: Held) -> Iterable[StageReached]:
    for species in SPECIES:
        reached = stages_held(held, species)
        if reached or is_unlocked(species, m):
            for index in range(reached, stage_index(species, m.tokens_saved) + 1):
                yield StageReached(species, species.stages[index], index)


def _requirements_of_next_stage(species: Species, m: Measures, held: Held) -> Iterable[Requirement]:
    """What to wait for until a species may reach its next stage: nothing where it has reached its last."""
    reached = stages_held(held, species)
    if reached >= len(species.stages):
        return ()
    if reached:
        return (Requirement("tokens_saved", species.stages[reached].unlocks_at_tokens_saved),)
    # Locked. A requirement that is met already would have judge asked on every event, so wait for the others.
    return [
        each for each in species.requirements if value_of(m, each.measure) < each.threshold
    ] or species.requirements


def _lower(thresholds: Thresholds, name: MeasureName, value: int) -> None:
    setattr(thresholds, name, min(value, getattr(thresholds, name)))
