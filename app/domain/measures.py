"""The quantities that unlocks and levels are decided on. Compiled where a compiler was at hand."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from mypy_extensions import mypyc_attr

MeasureName: TypeAlias = Literal[
    "requests",
    "tokens_saved",
    "cost_saved",
    "cache_hits",
    "semantic_hits",
    "callers",
    "models",
    "races",
    "facts",
    "longest_streak",
    "subscriptions",
]

#: All measures, in the order of the fields of ``Measures``.
MEASURES: Final[tuple[MeasureName, ...]] = get_args(MeasureName)


@mypyc_attr(acyclic=True)
@dataclass(init=False)
class Measures:
    """What a scope has ever done. A measure never falls, whatever order its events arrive in.

    That is the principle of all unlocks: a rule `measure >= threshold` over measures that only grow is true
    from some event on, for good, so order and repetition cannot decide *what* is unlocked. Where a stat of
    the contract may fall, its measure is the form of it that cannot: the longest streak instead of the
    current one, the facts ever stored instead of those not superseded, the subscriptions that were ever
    active.
    """

    requests: int
    #: Tokens saved by cache hits and by MCP calls.
    tokens_saved: int
    #: Nano-dollars.
    cost_saved: int
    cache_hits: int
    semantic_hits: int
    #: Distinct callers.
    callers: int
    #: Distinct models.
    models: int
    #: Distinct races.
    races: int
    #: Facts ever stored, superseded or not.
    facts: int
    #: Days of the longest run of active days.
    longest_streak: int
    #: Distinct subscriptions that were ever active.
    subscriptions: int

    def __init__(  # noqa: PLR0917 - one for each field, as a dataclass writes it
        self,
        requests: int = 0,
        tokens_saved: int = 0,
        cost_saved: int = 0,
        cache_hits: int = 0,
        semantic_hits: int = 0,
        callers: int = 0,
        models: int = 0,
        races: int = 0,
        facts: int = 0,
        longest_streak: int = 0,
        subscriptions: int = 0,
    ) -> None:
        self.requests = requests
        self.tokens_saved = tokens_saved
        self.cost_saved = cost_saved
        self.cache_hits = cache_hits
        self.semantic_hits = semantic_hits
        self.callers = callers
        self.models = models
        self.races = races
        self.facts = facts
        self.longest_streak = longest_streak
        self.subscriptions = subscriptions


def value_of(m: Measures, name: MeasureName) -> int:
    """The value of a measure by its name."""
    value: int = getattr(m, name)
    return value
