"""The fold that the Python programs of the bench share: counters, days, streak, models.

Written for speed within the bounds of the language: msgspec decodes the fields that are needed and encodes what is
kept. It knows nothing of the frameworks that call it, and imports nothing of streakline, so that it runs in their
environment. What is unlocked is judged in ``plain_judge.py`` and put into messages in ``plain_message.py``.
"""

import json
import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec

REQUEST: Final = "gateway.requests"
HIT: Final = "gateway.cache-hits"
CALL: Final = "gateway.mcp-calls"
RACE: Final = "gateway.races"
FACT: Final = "gateway.facts"

#: ``subscriptions`` are not of a caller.
TOPICS: Final = (REQUEST, HIT, CALL, RACE, FACT, "gateway.subscriptions")


class Request(msgspec.Struct, gc=False):
    """The fields of a request that are needed."""

    request_id: str
    caller_id: str
    model: str
    created_at: str


class CacheHit(msgspec.Struct, gc=False):
    """The fields of a cache hit that are needed."""

    hit_id: str
    caller_id: str
    created_at: str
    kind: str = "exact"
    tokens_saved: int = 0
    cost_saved: str = "0"
    hits: int = 1


class Call(msgspec.Struct, gc=False):
    """The fields of an MCP call or a race that are needed."""

    call_id: str
    caller_id: str
    created_at: str
    tokens_saved: int = 0


class Fact(msgspec.Struct, gc=False):
    """The fields of a fact that are needed."""

    fact_id: str
    caller_id: str
    created_at: str
    superseded_by: str | None = None


DECODE: Final[dict[str, Callable[[bytes], Any]]] = {
    topic: msgspec.json.Decoder(event).decode
    for topic, event in ((REQUEST, Request), (HIT, CacheHit), (CALL, Call), (RACE, Call), (FACT, Fact))
}


class Caller(msgspec.Struct, array_like=True):
    """What is kept of a caller."""

    requests: int = 0
    cache_hits: int = 0
    semantic_hits: int = 0
    tokens_saved: int = 0
    cost_saved: int = 0
    races: int = 0
    facts: int = 0
    superseded: int = 0
    level: int = 1
    #: A bit for each goal of ``plain_judge.py``: achievements first, then the stages of species.
    held: int = 0
    longest_streak: int = 0
    models: list[str] = msgspec.field(default_factory=list)
    #: Pages of 64 days, a bit for each.
    active: dict[int, int] = msgspec.field(default_factory=dict)
    requested: dict[int, int] = msgspec.field(default_factory=dict)


#: A day of a caller: requests, tokens saved, nano-dollars saved.
Cell = list[int]


class Fold:
    """Folds events into callers."""

    def __init__(self) -> None:
        self._days: dict[str, int] = {}

    def day(self, at: str) -> int:
        """Return the day of a time in UTC, in days since 1970-01-01."""
        text = at[:10]
        day = self._days.get(text)
        if day is None:
            day = self._days[text] = datetime.fromisoformat(text).toordinal() - 719_163
        return day

    def fold(self, topic: str, event: Any, caller: Caller, cell: Cell, day: int) -> bool:
        """Fold an event into its caller and its day; return whether the day's cell has changed."""
        if topic == REQUEST:
            caller.requests += 1
            cell[0] += 1
            if event.model not in caller.models:
                caller.models.append(event.model)
            if add_day(caller.requested, day):
                self._activate(caller, day)
            return True
        if topic == HIT:
            hits, tokens, nanos = event.hits, event.tokens_saved, nanos_of(event.cost_saved)
            caller.cache_hits += hits
            caller.semantic_hits += hits if event.kind == "semantic" else 0
            caller.tokens_saved += tokens
            caller.cost_saved += nanos
            cell[1] += tokens
            cell[2] += nanos
            return True
        if topic == CALL:
            caller.tokens_saved += event.tokens_saved
            self._activate(caller, day)
        elif topic == RACE:
            caller.races += 1
        elif event.superseded_by is None:
            caller.facts += 1
        else:
            caller.superseded += 1
        return False

    def _activate(self, caller: Caller, day: int) -> None:
        if add_day(caller.active, day):
            first = last = day
            while has_day(caller.active, first - 1):
                first -= 1
            while has_day(caller.active, last + 1):
                last += 1
            caller.longest_streak = max(caller.longest_streak, last - first + 1)


def add_day(days: dict[int, int], day: int) -> bool:
    """Add a day to pages of 64; return whether it is new."""
    page, bit = day >> 6, 1 << (day & 63)
    mask = days.get(page, 0)
    if mask & bit:
        return False
    days[page] = mask | bit
    return True


def has_day(days: dict[int, int], day: int) -> bool:
    """Return whether a day is in pages of 64."""
    return bool(days.get(day >> 6, 0) >> (day & 63) & 1)


def nanos_of(dollars: str) -> int:
    """Return nano-dollars of a decimal string with at most nine digits behind the point."""
    whole, _, part = dollars.partition(".")
    return int(whole) * 10**9 + int(part.ljust(9, "0") or 0)


def total(caller: Caller, cells: dict[int, Cell], achievements: int) -> list[Any]:
    """Return what the recount is compared with, in its order (``expected.Total``).

    ``achievements`` is how many there are: so many of the lowest bits of what is held.
    """
    earned = caller.held & (1 << achievements) - 1
    weighted = [sum(day * cell[place] for day, cell in cells.items()) for place in range(3)]
    return [
        *(caller.requests, caller.cache_hits, caller.semantic_hits, caller.tokens_saved, caller.cost_saved),
        *(caller.races, caller.facts, caller.superseded, len(caller.models)),
        *(sum(mask.bit_count() for mask in days.values()) for days in (caller.requested, caller.active)),
        *(
            caller.longest_streak,
            caller.level,
            earned.bit_count(),
            (caller.held ^ earned).bit_count(),
            weighted,
        ),
    ]


class Reporter:
    """Prints how many events are done, the time and the processor seconds, at most twenty times a second."""

    def __init__(self) -> None:
        self.done = 0
        self._said = 0.0

    def add(self, events: int) -> None:
        """Count events."""
        self.done += events
        if time.monotonic() - self._said > 0.05:
            self.say()

    def say(self) -> None:
        """Print it now."""
        self._said = time.monotonic()
        said = json.dumps([self.done, self._said, time.process_time()])
        print(said, file=sys.__stdout__, flush=True)
