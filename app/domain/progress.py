"""The judge: what a scope has newly earned, given what it has done and what it holds already.

Both only grow. `judge` returns what is new, `hold` notes it, and nothing is earned twice. Asked rarely,
`judge` merges levels that were passed on the way; asked whenever a threshold of `next_thresholds` is reached,
it returns exactly what it would return when asked after every event.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from app.domain.achievements import ACHIEVEMENTS, GATEWAY_ONLY, Achievement
from app.domain.earned import (
    NEVER,
    AchievementEarned,
    Held,
    LevelReached,
    Progress,
    StageReached,
    Thresholds,
)
from app.domain.levels import level_of, xp, xp_for_next_level, xp_of_next_level_up
from app.domain.measures import MeasureName, Measures, value_of
from app.domain.species import SPECIES, Requirement, Species, is_unlocked, stage_index

__all__ = [
    "NEVER",
    "AchievementEarned",
    "Held",
    "LevelReached",
    "Progress",
    "StageReached",
    "Thresholds",
    "hold",
    "holds",
    "is_due",
    "judge",
    "next_thresholds",
    "stages_held",
]

#: Scopes that hold the same share what follows from it; so many different ones are remembered.
_REMEMBERED: Final = 16_384


def judge(m: Measures, held: Held, *, gateway: bool) -> list[Progress]:
    """What the scope has newly earned: achievements in catalog order, then the level, then stages.

    Levels that are passed through at once are one LevelReached. Stages are one StageReached each: a species
    that is unlocked late reaches at once all stages that its tokens have already passed.
    """
    earned: list[Progress] = []
    for achievement in _open_achievements(held.achievements, gateway):
        value = value_of(m, achievement.measure)
        if value >= achievement.threshold:
            earned.append(AchievementEarned(achievement, value, achievement.threshold))
    points = xp(m)
    if points >= xp_of_next_level_up(held.level):
        earned.append(LevelReached(held.level, level_of(points), points, xp_for_next_level(points)))
    for species in _open_species(tuple(held.stages)):
        reached = stages_held(held, species)
        if reached or is_unlocked(species, m):
            stages = range(reached, stage_index(species, m.tokens_saved) + 1)
            earned += [StageReached(species, species.stages[index], index) for index in stages]
    return earned


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
    met = tuple([value_of(m, each.measure) >= each.threshold for each in _REQUIREMENTS])
    return _thresholds(held.achievements, held.level, tuple(held.stages), met, gateway)


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
_REQUIREMENTS: Final = tuple(dict.fromkeys(each for species in SPECIES for each in species.requirements))


@lru_cache(_REMEMBERED)
def _open_achievements(held: int, gateway: bool) -> tuple[Achievement, ...]:  # noqa: FBT001 - the keys of a cache
    """What a scope may still earn, in catalog order."""
    return tuple(
        each
        for each in ACHIEVEMENTS
        if not held & _BITS[each.id] and (gateway or each.id not in GATEWAY_ONLY)
    )


@lru_cache(_REMEMBERED)
def _open_species(held: tuple[int, ...]) -> tuple[Species, ...]:
    """The species that may still reach a stage."""
    reached = dict(zip(SPECIES, held, strict=False))
    return tuple(each for each in SPECIES if reached.get(each, 0) < len(each.stages))


@lru_cache(_REMEMBERED)
def _thresholds(
    achievements: int,
    level: int,
    stages: tuple[int, ...],
    met: tuple[bool, ...],
    gateway: bool,  # noqa: FBT001 - the keys of a cache
) -> Thresholds:
    """The thresholds of all scopes that hold the same; ``met``: which requirements of species are met."""
    lowest: dict[str, int] = {"xp": xp_of_next_level_up(level)}
    for achievement in _open_achievements(achievements, gateway):
        _lower(lowest, achievement.measure, achievement.threshold)
    held = Held(achievements, level, list(stages))
    for species in SPECIES:
        for requirement in _requirements_of_next_stage(
            species, held, dict(zip(_REQUIREMENTS, met, strict=True))
        ):
            _lower(lowest, requirement.measure, requirement.threshold)
    return Thresholds(**lowest)


def _requirements_of_next_stage(
    species: Species, held: Held, met: Mapping[Requirement, bool]
) -> Iterable[Requirement]:
    """What to wait for until a species may reach its next stage: nothing where it has reached its last."""
    reached = stages_held(held, species)
    if reached >= len(species.stages):
        return ()
    if reached:
        return (Requirement("tokens_saved", species.stages[reached].unlocks_at_tokens_saved),)
    # Locked. A requirement that is met already would have judge asked on every event, so wait for the others.
    return [each for each in species.requirements if not met[each]] or species.requirements


def _lower(lowest: dict[str, int], name: MeasureName, value: int) -> None:
    lowest[name] = min(value, lowest.get(name, NEVER))
