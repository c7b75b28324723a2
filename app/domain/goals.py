"""The catalogs as the judge looks at them: by the place of a measure and the bit of an achievement.

Nothing here is looked up by a name while events are folded; a property test holds what is earned to the
catalogs' own ``is_unlocked`` and ``stage_index``. Compiled where a compiler was at hand.
"""

from typing import Final, TypeAlias

from app.domain.achievements import ACHIEVEMENTS, GATEWAY_ONLY, Achievement
from app.domain.measures import MEASURES, Measures
from app.domain.species import SPECIES, Requirement, Species

#: The values of all measures, in the order of ``MEASURES``.
Values: TypeAlias = tuple[int, ...]


def values_of(m: Measures) -> Values:
    """Return the values of all measures, for whoever looks at many of them."""
    return (
        m.requests,
        m.tokens_saved,
        m.cost_saved,
        m.cache_hits,
        m.semantic_hits,
        m.callers,
        m.models,
        m.races,
        m.facts,
        m.longest_streak,
        m.subscriptions,
    )


class Goal:
    """An achievement: the place of its measure, the value that earns it, and its bit in ``Held``."""

    def __init__(self, position: int, achievement: Achievement) -> None:
        self.achievement = achievement
        self.measure = MEASURES.index(achievement.measure)
        self.threshold = achievement.threshold
        self.bit = 1 << position


class Need:
    """A requirement of a species; ``bit`` is for whoever notes which needs are met."""

    def __init__(self, position: int, requirement: Requirement) -> None:
        self.measure = MEASURES.index(requirement.measure)
        self.threshold = requirement.threshold
        self.bit = 1 << position

    def is_met(self, values: Values) -> bool:
        """Say whether the measure has reached what is required."""
        return values[self.measure] >= self.threshold


class Growth:
    """A species: what it needs to be unlocked, and for each of its stages the tokens that reach it."""

    def __init__(self, position: int, species: Species) -> None:
        self.species = species
        self.needs = [NEEDS[_REQUIREMENTS.index(each)] for each in species.requirements]
        self.tokens = [stage.unlocks_at_tokens_saved for stage in species.stages]
        self.last = len(self.tokens)
        #: Bits of a number up to ``last``.
        self.width = self.last.bit_length()
        self._position = position

    def reached(self, stages: list[int]) -> int:
        """Return how many stages are held, 0 while it is locked; a list may be older than the species."""
        return stages[self._position] if self._position < len(stages) else 0

    def is_unlocked(self, values: Values) -> bool:
        """Say whether all its needs are met."""
        for need in self.needs:  # noqa: SIM110 - asked often, and a generator costs more than the answer
            if not need.is_met(values):
                return False
        return True


_REQUIREMENTS: Final = list(dict.fromkeys(each for species in SPECIES for each in species.requirements))

#: Every need once, also where several species share it.
NEEDS: Final = [Need(position, each) for position, each in enumerate(_REQUIREMENTS)]
GOALS: Final = [Goal(position, each) for position, each in enumerate(ACHIEVEMENTS)]
CALLER_GOALS: Final = [goal for goal in GOALS if goal.achievement.id not in GATEWAY_ONLY]
GROWTHS: Final = [Growth(position, each) for position, each in enumerate(SPECIES)]
