"""What a scope holds: the part of the judge's words that is stored."""

import msgspec

from app.domain.species import SPECIES


class Held(msgspec.Struct, array_like=True):
    """What a scope has earned so far. It only grows; what is held stays held, whatever the measures say."""

    #: Bit i is set when ACHIEVEMENTS[i] is held.
    achievements: int = 0
    level: int = 1
    #: For each of SPECIES how many stages have been reached; 0 while the species is locked. A list that was
    #: stored before a species was added is shorter.
    stages: list[int] = msgspec.field(default_factory=lambda: [0] * len(SPECIES))
