"""What a scope has earned, what it newly earns, and what it waits for: the words of the judge."""

from typing import Final, TypeAlias

import msgspec

from app.domain.achievements import Achievement
from app.domain.species import SPECIES, Species, Stage

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


class Thresholds(msgspec.Struct, frozen=True, gc=False):
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
