"""What a scope newly earns, and what it waits for: the words of the judge.

Compiled where a compiler was at hand: an attribute of these classes is then read in a few instructions, of a
msgspec struct in some hundred. They are made by an ``__init__`` of their own, because the one that
``dataclass`` would write is never compiled.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

from mypy_extensions import mypyc_attr

from app.domain.achievements import Achievement
from app.domain.species import Species, Stage

#: A threshold that no measure reaches, or none for long: the largest number that compiled code compares as a
#: machine's.
NEVER: Final = 2**62 - 1


@mypyc_attr(acyclic=True)
@dataclass(init=False)
class AchievementEarned:
    """A scope earned an achievement; value and threshold are in the unit of its measure."""

    achievement: Achievement
    value: int
    threshold: int

    def __init__(self, achievement: Achievement, value: int, threshold: int) -> None:
        self.achievement = achievement
        self.value = value
        self.threshold = threshold


@mypyc_attr(acyclic=True)
@dataclass(init=False)
class LevelReached:
    """A scope rose to a level, possibly past several others at once."""

    from_level: int
    level: int
    xp: int
    xp_for_next_level: int

    def __init__(self, from_level: int, level: int, xp: int, xp_for_next_level: int) -> None:
        self.from_level = from_level
        self.level = level
        self.xp = xp
        self.xp_for_next_level = xp_for_next_level


@mypyc_attr(acyclic=True)
@dataclass(init=False)
class StageReached:
    """A species of a scope reached a stage. Stage 0 is the unlocking of the species."""

    species: Species
    stage: Stage
    stage_index: int

    def __init__(self, species: Species, stage: Stage, stage_index: int) -> None:
        self.species = species
        self.stage = stage
        self.stage_index = stage_index


Progress: TypeAlias = AchievementEarned | LevelReached | StageReached


@mypyc_attr(acyclic=True)
@dataclass
class Thresholds:
    """For each measure the least value at which `judge` may return something beside a level."""

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
