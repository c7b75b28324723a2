"""The judge: what a scope has newly earned, given what it has done and what it holds already.

Both only grow. `judge` returns what is new, `hold` notes it, and nothing is earned twice. Asked rarely,
`judge` merges levels that were passed on the way; asked whenever a threshold of `next_thresholds` or the
experience points of the next level are reached, it returns exactly what it would return when asked after
every event. Compiled where a compiler was at hand.
"""

from collections.abc import Sequence
from typing import Final

from app.domain.achievements import Achievement
from app.domain.earned import (
    NEVER,
    AchievementEarned,
    LevelReached,
    Progress,
    StageReached,
    Thresholds,
)
from app.domain.goals import GOALS, GROWTHS, Values, values_of
from app.domain.held import Held
from app.domain.levels import level_of, xp, xp_for_next_level, xp_of_next_level_up
from app.domain.measures import Measures
from app.domain.species import SPECIES, Species
from app.domain.unearned import is_due, unearned

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

_BITS: Final = {goal.achievement.id: goal.bit for goal in GOALS}
_POSITIONS: Final = {species.id: position for position, species in enumerate(SPECIES)}


def judge(m: Measures, held: Held, *, gateway: bool) -> list[Progress]:
    """What the scope has newly earned: achievements in catalog order, then the level, then stages.

    Levels that are passed through at once are one LevelReached. Stages are one StageReached each: a species
    that is unlocked late reaches at once all stages that its tokens have already passed.
    """
    left = unearned(held, gateway=gateway)
    is_near = left.is_near(m)
    values: Values = values_of(m) if is_near else ()
    earned: list[Progress] = []
    if is_near:
        for goal in left.goals:
            value = values[goal.measure]
            if value >= goal.threshold:
                earned.append(AchievementEarned(goal.achievement, value, goal.threshold))
    points, level = xp(m), int(held.level)
    if points >= xp_of_next_level_up(level):
        earned.append(LevelReached(level, level_of(points), points, xp_for_next_level(points)))
    if is_near:
        for growth in left.growths:
            reached = growth.reached(left.stages)
            if reached or growth.is_unlocked(values):
                while reached < growth.last and m.tokens_saved >= growth.tokens[reached]:
                    earned.append(StageReached(growth.species, growth.species.stages[reached], reached))
                    reached += 1
    return earned


def hold(held: Held, progress: Sequence[Progress]) -> None:
    """Note what was earned. Noting it again changes nothing."""
    bits = 0
    for earned in progress:
        if isinstance(earned, AchievementEarned):
            bits |= _BITS[earned.achievement.id]
        elif isinstance(earned, LevelReached):
            held.level = max(int(held.level), earned.level)
        else:
            position = _POSITIONS[earned.species.id]
            stages: list[int] = held.stages
            stages += [0] * (position + 1 - len(stages))
            stages[position] = max(stages[position], earned.stage_index + 1)
    if bits:
        held.achievements |= bits


def holds(held: Held, achievement: Achievement) -> bool:
    """Say whether a scope holds an achievement."""
    return bool(held.achievements & _BITS[achievement.id])


def stages_held(held: Held, species: Species) -> int:
    """How many stages of a species a scope has reached; 0 while the species is locked."""
    return GROWTHS[_POSITIONS[species.id]].reached(held.stages)


def next_thresholds(m: Measures, held: Held, *, gateway: bool) -> Thresholds:
    """The values below which `judge` returns a level at most, as long as the scope holds what it does now.

    A threshold may be too low, which costs a needless question; never too high, which would lose an unlock.
    """
    return unearned(held, gateway=gateway).thresholds(values_of(m))
