"""The quantities that unlocks and levels are decided on."""

from typing import Final, Literal, TypeAlias, get_args

import msgspec

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


class Measures(msgspec.Struct, gc=False):
    """What a scope has ever done. A measure never falls, whatever order its events arrive in.

    That is the principle of all unlocks: a rule `measure >= threshold` over measures that only grow is true
    from some event on, for good, so order and repetition cannot decide *what* is unlocked. Where a stat of
    the contract may fall, its measure is the form of it that cannot: the longest streak instead of the
    current one, the facts ever stored instead of those not superseded, the subscriptions that were ever
    active.
    """

    requests: int = 0
    #: Tokens saved by cache hits and by MCP calls.
    tokens_saved: int = 0
    #: Nano-dollars.
    cost_saved: int = 0
    cache_hits: int = 0
    semantic_hits: int = 0
    #: Distinct callers.
    callers: int = 0
    #: Distinct models.
    models: int = 0
    #: Distinct races.
    races: int = 0
    #: Facts ever stored, superseded or not.
    facts: int = 0
    #: Days of the longest run of active days.
    longest_streak: int = 0
    #: Distinct subscriptions that were ever active.
    subscriptions: int = 0


def value_of(m: Measures, name: MeasureName) -> int:
    """The value of a measure by its name."""
    value: int = getattr(m, name)
    return value
