"""The judge: what a scope has newly earned, given what it has done and what it holds already.

Both only grow. `judge` returns what is new, `hold` notes it, and nothing is earned twice. Asked rarely,
`judge` merges levels that were passed on the way; asked whenever a threshold of `next_thresholds` is reached,
it returns exactly what it would return when asked after every event.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from app.domain.achievements import Achievement
from app.domain.earned import (
    NEVER,
    AchievementEarned,
    Held,
    LevelReached,
    Progress,
    StageReached,
    Thresholds,
)
from app.domain.goals import CALLER_GOALS, GOALS, GROWTHS, NEEDS, values_of
from app.domain.levels import level_of, xp, xp_for_next_level, xp_of_next_level_up
from app.domain.measures import MEASURES, Measures
from app.domain.species import SPECIES, Species

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

_BITS: Final = {goal.achievement.id: goal.bit for goal in GOALS}
_POSITIONS: Final = {species.id: position for position, species in enumerate(SPECIES)}
_TOKENS_SAVED: Final = MEASURES.index("tokens_saved")


def judge(m: Measures, held: Held, *, gateway: bool) -> list[Progress]:
    """What the scope has newly earned: achievements in catalog order, then the level, then stages.

    Levels that are passed through at once are one LevelReached. Stages are one StageReached each: a species
    that is unlocked late reaches at once all stages that its tokens have already passed.
    """
    values = values_of(m)
    earned: list[Progress] = []
    achievements: int = held.achievements
    for goal in GOALS if gateway else CALLER_GOALS:
        value = values[goal.measure]
        if value >= goal.threshold and not achievements & goal.bit:
            earned.append(AchievementEarned(goal.achievement, value, goal.threshold))
    points = xp(m)
    if points >= xp_of_next_level_up(held.level):
        earned.append(LevelReached(held.level, level_of(points), points, xp_for_next_level(points)))
    tokens: int = m.tokens_saved
    for growth in GROWTHS:
        reached = growth.reached(held.stages)
        if reached or growth.is_unlocked(values):
            while reached < growth.last and tokens >= growth.tokens[reached]:
                earned.append(StageReached(growth.species, growth.species.stages[reached], reached))
                reached += 1
    return earned


def hold(held: Held, progress: Iterable[Progress]) -> None:
    """Note what was earned. Noting it again changes nothing."""
    achievements: int = held.achievements
    for earned in progress:
        if isinstance(earned, AchievementEarned):
            achievements |= _BITS[earned.achievement.id]
        elif isinstance(earned, LevelReached):
            held.level = max(held.level, earned.level)
        else:
            position = _POSITIONS[earned.species.id]
            held.stages += [0] * (position + 1 - len(held.stages))
            held.stages[position] = max(held.stages[position], earned.stage_index + 1)
    held.achievements = achievements


def holds(held: Held, achievement: Achievement) -> bool:
    """Say whether a scope holds an achievement."""
    return bool(held.achievements & _BITS[achievement.id])


def stages_held(held: Held, species: Species) -> int:
    """How many stages of a species a scope has reached; 0 while the species is locked."""
    return GROWTHS[_POSITIONS[species.id]].reached(held.stages)


def next_thresholds(m: Measures, held: Held, *, gateway: bool) -> Thresholds:
    """The values below which `judge` returns nothing, as long as the scope holds what it holds now.

    A threshold may be too low, which costs a needless question; never too high, which would lose an unlock.
    """
    values = values_of(m)
    met = 0
    for need in NEEDS:
        if need.is_met(values):
            met |= need.bit
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


@lru_cache(_REMEMBERED)
def _thresholds(
    achievements: int,
    level: int,
    stages: tuple[int, ...],
    met: int,
    gateway: bool,  # noqa: FBT001 - the keys of a cache
) -> Thresholds:
    """The thresholds of all scopes that hold the same; ``met``: the bits of the needs that are met."""
    lowest = [NEVER] * len(MEASURES)
    for goal in GOALS if gateway else CALLER_GOALS:
        if not achievements & goal.bit:
            lowest[goal.measure] = min(goal.threshold, lowest[goal.measure])
    for growth in GROWTHS:
        reached = growth.reached(list(stages))
        if reached == 0:
            # A need that is met already would have judge asked on every event, so wait for the others.
            for need in [each for each in growth.needs if not met & each.bit] or growth.needs:
                lowest[need.measure] = min(need.threshold, lowest[need.measure])
        elif reached < growth.last:
            lowest[_TOKENS_SAVED] = min(growth.tokens[reached], lowest[_TOKENS_SAVED])
    return Thresholds(*[*lowest, xp_of_next_level_up(level)])
