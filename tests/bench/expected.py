"""What a load must come to, by caller: counted as it is made, in the plainest way, for all programs alike.

Nothing of ``app`` or ``tables`` is imported, and nothing of the programs that are measured.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tests.support.recount import ACHIEVEMENTS, GATEWAY_ONLY, SPECIES

#: Experience points of level 2, the shortest but the first: level n begins at n * n * 53, and level 1 at 0.
POINTS_OF_A_LEVEL: Final = 9 * 53 - 4 * 53


class Total(NamedTuple):
    """What a program must say of a caller. Days and models as their numbers, money in nano-dollars."""

    requests: int
    hits: int
    semantic: int
    tokens: int
    nanos: int
    races: int
    facts: int
    superseded: int
    models: int
    days: int
    active: int
    longest: int
    level: int
    achievements: int
    #: Of all species together.
    stages: int
    #: Sums over the days of a caller, each number times its day: they differ if a day's cell does.
    cells: tuple[int, int, int]


@dataclass(slots=True)
class Scope:
    """What a caller did."""

    requests: int = 0
    hits: int = 0
    semantic: int = 0
    tokens: int = 0
    nanos: int = 0
    races: int = 0
    facts: int = 0
    superseded: int = 0
    models: set[int] = field(default_factory=set)
    requested: set[int] = field(default_factory=set)
    active: set[int] = field(default_factory=set)
    weighted: list[int] = field(default_factory=lambda: [0, 0, 0])

    def measures(self) -> dict[str, int]:
        """Return what achievements and species are decided on. None of it ever falls."""
        return {
            "requests": self.requests,
            "hits": self.hits,
            "semantic": self.semantic,
            "tokens": self.tokens,
            "races": self.races,
            "stored": self.facts,
            "cents": self.nanos // 10**7,
            "models": len(self.models),
            "longest": longest(self.active),
        }

    def earned(self) -> set[str]:
        """Return the ids of the achievements that it must have, of the twenty that a caller can."""
        measures = self.measures()
        return {
            name
            for name, (measure, least) in ACHIEVEMENTS.items()
            if name not in GATEWAY_ONLY and measures[measure] >= least
        }

    def stages(self) -> set[tuple[str, int]]:
        """Return the species that it must have unlocked, each with all stages that it has reached."""
        measures = self.measures()
        return {
            (name, index)
            for name, (needs, stages) in SPECIES.items()
            if all(measures[measure] >= least for measure, least in needs.items())
            for index, least in enumerate(stages)
            if measures["tokens"] >= least
        }

    def level(self) -> int:
        """Return the level that it must have; it begins at 1."""
        xp = self.tokens // 240 + self.hits * 50 + self.races * 25 + self.facts * 10
        level = 1
        while xp >= (level + 1) ** 2 * 53:
            level += 1
        return level

    def total(self) -> Total:
        """Return it as a program must say it."""
        return Total(
            *(self.requests, self.hits, self.semantic, self.tokens, self.nanos),
            *(self.races, self.facts, self.superseded),
            *(len(self.models), len(self.requested), len(self.active), longest(self.active)),
            self.level(),
            len(self.earned()),
            len(self.stages()),
            (self.weighted[0], self.weighted[1], self.weighted[2]),
        )


class Expected:
    """Counts events by caller."""

    def __init__(self) -> None:
        self.events = 0
        self.most_tokens = 0
        self.scopes: dict[bytes, Scope] = {}

    def _of(self, caller: bytes) -> Scope:
        scope = self.scopes.get(caller)
        if scope is None:
            scope = self.scopes[caller] = Scope()
        return scope

    # ruff: noqa: D102 - each counts one event of its kind
    def request(self, caller: bytes, model: int, day: int) -> None:
        scope = self._of(caller)
        scope.requests += 1
        scope.models.add(model)
        scope.requested.add(day)
        scope.active.add(day)
        scope.weighted[0] += day

    def cache_hit(self, caller: bytes, day: int, tokens: int, nanos: int, *, semantic: bool) -> None:
        scope = self._of(caller)
        self.most_tokens = max(self.most_tokens, tokens)
        scope.hits += 1
        scope.semantic += semantic
        scope.tokens += tokens
        scope.nanos += nanos
        scope.weighted[1] += tokens * day
        scope.weighted[2] += nanos * day

    def mcp_call(self, caller: bytes, day: int, tokens: int) -> None:
        scope = self._of(caller)
        self.most_tokens = max(self.most_tokens, tokens)
        scope.tokens += tokens
        scope.active.add(day)

    def race(self, caller: bytes) -> None:
        self._of(caller).races += 1

    def fact(self, caller: bytes, *, superseded: bool) -> None:
        scope = self._of(caller)
        scope.facts += not superseded
        scope.superseded += superseded

    def unlocks(self) -> Iterator[tuple[str, str]]:
        """Yield (caller, achievement) of every unlock that must be published, once."""
        for caller, scope in self.scopes.items():
            for name in scope.earned():
                yield caller.decode(), name

    def pets(self) -> Iterator[tuple[str, str, int]]:
        """Yield (caller, species, stage) of every stage that must be published, once.

        In whatever order a program reads the topics: species and stages are decided on what never falls.
        """
        for caller, scope in self.scopes.items():
            for species, stage in scope.stages():
                yield caller.decode(), species, stage

    def levels(self) -> Iterator[tuple[str, int]]:
        """Yield (caller, level) of every level that must be published, once.

        Levels that one event passes are one message, so in general which are published depends on the order in which
        topics are read. Not here: no event of a load brings as many points as a level has, so none is passed. A hit
        brings the most: 50, and its tokens, which may complete one more point.
        """
        assert 50 + self.most_tokens // 240 + 1 < POINTS_OF_A_LEVEL
        for caller, scope in self.scopes.items():
            for level in range(2, scope.level() + 1):
                yield caller.decode(), level

    def counted(self) -> int:
        """Return how many events a caller's counters can be added up to: MCP calls are only seen in their tokens."""
        return sum(
            each.requests + each.hits + each.races + each.facts + each.superseded
            for each in self.scopes.values()
        )

    def wrong(self, totals: Mapping[str, Total]) -> int:
        """Return how many callers differ."""
        return sum(totals.get(caller.decode()) != scope.total() for caller, scope in self.scopes.items())

    def problem(self, totals: Mapping[str, Total]) -> str:
        """Say how what a program counted differs; empty if it does not."""
        wrong = [
            f"{caller.decode()}: {totals.get(caller.decode())} instead of {scope.total()}"
            for caller, scope in self.scopes.items()
            if totals.get(caller.decode()) != scope.total()
        ]
        strangers = len(totals.keys() - {caller.decode() for caller in self.scopes})
        if not wrong and not strangers:
            return ""
        return f"{len(wrong)} of {len(self.scopes)} callers differ, {strangers} are unknown: {wrong[:1]}"


def longest(days: set[int]) -> int:
    """Return the length of the longest run of consecutive days."""
    most = run = before = 0
    for day in sorted(days):
        run = run + 1 if day == before + 1 else 1
        most, before = max(most, run), day
    return most
