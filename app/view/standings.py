"""Who is ahead: for each ranking the callers with the largest values. Pure."""

from typing import Final, Literal, NamedTuple, TypeAlias

from app.domain.levels import xp_from
from app.domain.money import to_dollars
from app.domain.streaks import count_days
from tables.counters import Counters
from tables.streaks import ActiveDays

RankedBy: TypeAlias = Literal[
    "tokensSaved", "costSaved", "requests", "cacheHits", "raceWins", "xp", "longestStreak", "daysActive"
]
RANKINGS: Final[tuple[RankedBy, ...]] = (
    "tokensSaved",
    "costSaved",
    "requests",
    "cacheHits",
    "raceWins",
    "xp",
    "longestStreak",
    "daysActive",
)

#: Places of each ranking that are kept.
PLACES: Final = 100


class Place(NamedTuple):
    """A caller (its id) in a ranking; ``value`` is in dollars for money."""

    caller: str
    value: int | float


class Standings:
    """The rankings of all callers. Every ranked value only grows, so those behind may be forgotten."""

    def __init__(self, places: int = PLACES) -> None:
        self._tops: dict[RankedBy, _Top] = {by: _Top(places) for by in RANKINGS}

    def put_counters(self, caller: bytes, row: Counters) -> None:
        """Take the newest sums of a caller."""
        tops = self._tops
        tops["tokensSaved"].offer(caller, row.tokens_saved)
        tops["costSaved"].offer(caller, row.cost_saved)
        tops["requests"].offer(caller, row.requests)
        tops["cacheHits"].offer(caller, row.cache_hits)
        tops["raceWins"].offer(caller, row.races)
        tops["xp"].offer(caller, xp_from(row.tokens_saved, row.cache_hits, row.races, row.facts_stored))

    def put_days(self, caller: bytes, row: ActiveDays) -> None:
        """Take the newest active days of a caller."""
        self._tops["longestStreak"].offer(caller, row.longest)
        self._tops["daysActive"].offer(caller, count_days(row.requested))

    def first(self, by: RankedBy, limit: int) -> list[Place]:
        """Return the first ``limit`` places; of equal values the lower id is first, and 0 has no place."""
        places = self._tops[by].first(limit)
        money = by == "costSaved"
        return [Place(caller.decode(), to_dollars(value) if money else value) for caller, value in places]


class _Top:
    """The keys with the largest values of all that were ever offered. The value of a key never falls."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: dict[bytes, int] = {}
        #: The last of those that are kept, or one that was behind it; None while there is room.
        self._last: tuple[int, bytes] | None = None

    def offer(self, key: bytes, value: int) -> None:
        """Take a value if it is large enough."""
        values = self._values
        if key in values:
            values[key] = value
        elif value > 0 and (self._last is None or (-value, key) < self._last):
            values[key] = value
            if len(values) > self._size:
                del values[max((-each, name) for name, each in values.items())[1]]
            if len(values) == self._size:
                self._last = max((-each, name) for name, each in values.items())

    def first(self, limit: int) -> list[tuple[bytes, int]]:
        """Return the largest values with their keys."""
        ranked = sorted((-value, key) for key, value in self._values.items())
        return [(key, -value) for value, key in ranked[:limit]]
