"""What is left to earn, apart from levels: the same for all scopes that hold the same, so it is found once.

Compiled where a compiler was at hand.
"""

from typing import Final

from app.domain.earned import NEVER, Thresholds
from app.domain.goals import CALLER_GOALS, GOALS, GROWTHS, Growth, Need, Values
from app.domain.held import Held
from app.domain.measures import MEASURES, Measures

#: So many different ones are remembered.
_REMEMBERED: Final = 16_384

_TOKENS_SAVED: Final = MEASURES.index("tokens_saved")


class Unearned:
    """The goals and the growths that are open where so many ``stages`` are held.

    ``needs`` are those of which several unlock one species.
    """

    def __init__(self, achievements: int, stages: list[int], *, gateway: bool) -> None:
        goals = GOALS if gateway else CALLER_GOALS
        self.goals = [goal for goal in goals if not achievements & goal.bit]
        self.growths = [growth for growth in GROWTHS if growth.reached(stages) < growth.last]
        self.stages = stages
        several = [growth.needs for growth in self._locked() if len(growth.needs) > 1]
        self.needs: list[Need] = [need for needs in several for need in needs]
        #: By the bits of those of ``needs`` that are met.
        self._thresholds: dict[int, Thresholds] = {}
        #: Never too high, whatever is met.
        self._lowest = self._thresholds_when(0)

    def is_near(self, m: Measures) -> bool:
        """Say whether any of it may be earned by these measures: False is certain."""
        return is_due(m, self._lowest)

    def thresholds(self, values: Values) -> Thresholds:
        """Return what a scope waits for that has earned whatever its measures earn."""
        met = 0
        for need in self.needs:
            if need.is_met(values):
                met |= need.bit
        if not met:
            return self._lowest
        found = self._thresholds.get(met)
        if found is None:
            found = self._thresholds[met] = self._thresholds_when(met)
        return found

    def _thresholds_when(self, met: int) -> Thresholds:
        """Return the thresholds where the needs with the bits ``met`` are met."""
        lowest = [NEVER] * len(MEASURES)
        for goal in self.goals:
            lowest[goal.measure] = min(goal.threshold, lowest[goal.measure])
        for growth in self._locked():
            # A need that is met already would have judge asked on every event, so wait for the others.
            for need in [each for each in growth.needs if not met & each.bit] or growth.needs:
                lowest[need.measure] = min(need.threshold, lowest[need.measure])
        for growth in self.growths:
            reached = growth.reached(self.stages)
            if reached:
                lowest[_TOKENS_SAVED] = min(growth.tokens[reached], lowest[_TOKENS_SAVED])
        return Thresholds(*lowest)

    def _locked(self) -> list[Growth]:
        return [growth for growth in self.growths if not growth.reached(self.stages)]


_of_callers: Final[dict[int, Unearned]] = {}
_of_gateways: Final[dict[int, Unearned]] = {}


def unearned(held: Held, *, gateway: bool) -> Unearned:
    """Return what is left to earn for a scope."""
    achievements: int = held.achievements
    stages: list[int] = held.stages
    # One number stands for what is held: compiled, it is made and found sooner than a tuple.
    key = achievements
    for growth in GROWTHS:
        key = (key << growth.width) + min(growth.reached(stages), growth.last)
    known = _of_gateways if gateway else _of_callers
    found = known.get(key)
    if found is None:
        if len(known) >= _REMEMBERED:
            known.clear()
        found = known[key] = Unearned(achievements, list(stages), gateway=gateway)
    return found


def is_due(m: Measures, thresholds: Thresholds) -> bool:
    """Say whether a threshold is reached, so that more than a level may be earned."""
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
    )
