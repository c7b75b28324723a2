"""The fold that the Python programs of the bench share: counters, days, streak, models, achievements, level.

Written for speed within the bounds of the language: msgspec decodes the fields that are needed and encodes what is
kept, and only achievements of what an event can change are looked at. It knows nothing of the frameworks that call it,
and imports nothing of streakline, so that it runs in their environment.
"""

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from math import isqrt
from pathlib import Path
from typing import Any, Final

import msgspec

_REQUEST: Final = "gateway.requests"
_HIT: Final = "gateway.cache-hits"
_CALL: Final = "gateway.mcp-calls"
_RACE: Final = "gateway.races"
_FACT: Final = "gateway.facts"

#: What an event of a topic can change, of what achievements are decided on.
_MEASURES: Final = {
    _REQUEST: {"requests", "models", "longest_streak"},
    _HIT: {"cache_hits", "semantic_hits", "tokens_saved", "cost_saved"},
    _CALL: {"tokens_saved", "longest_streak"},
    _RACE: {"races"},
    _FACT: {"facts"},
}

#: Fields of an event; ``subscriptions`` are not of a caller.
TOPICS: Final = (*_MEASURES, "gateway.subscriptions")


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
    for topic, event in ((_REQUEST, Request), (_HIT, CacheHit), (_CALL, Call), (_RACE, Call), (_FACT, Fact))
}


class Caller(msgspec.Struct, array_like=True):
    """What is kept of a caller. Days are bits of one integer, the first of them ``first_day``."""

    requests: int = 0
    cache_hits: int = 0
    semantic_hits: int = 0
    tokens_saved: int = 0
    cost_saved: int = 0
    races: int = 0
    facts: int = 0
    superseded: int = 0
    level: int = 1
    held: int = 0
    longest_streak: int = 0
    models: list[str] = msgspec.field(default_factory=list)
    #: Pages of 64 days.
    active: dict[int, int] = msgspec.field(default_factory=dict)
    requested: dict[int, int] = msgspec.field(default_factory=dict)


#: A day of a caller: requests, tokens saved, nano-dollars saved.
Cell = list[int]


class Achievement(msgspec.Struct, frozen=True):
    """One of the catalog."""

    id: str
    title: str
    description: str
    icon: str
    category: str
    measure: str
    threshold: int


class Fold:
    """Folds events into callers and says what was unlocked."""

    def __init__(self, catalog: Path) -> None:
        every = msgspec.json.decode(catalog.read_bytes(), type=list[Achievement])
        self._by_topic = {
            topic: [(1 << bit, each) for bit, each in enumerate(every) if each.measure in measures]
            for topic, measures in _MEASURES.items()
        }
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
        if topic == _REQUEST:
            caller.requests += 1
            cell[0] += 1
            if event.model not in caller.models:
                caller.models.append(event.model)
            if add_day(caller.requested, day):
                self._activate(caller, day)
            return True
        if topic == _HIT:
            hits, tokens, nanos = event.hits, event.tokens_saved, nanos_of(event.cost_saved)
            caller.cache_hits += hits
            caller.semantic_hits += hits if event.kind == "semantic" else 0
            caller.tokens_saved += tokens
            caller.cost_saved += nanos
            cell[1] += tokens
            cell[2] += nanos
            return True
        if topic == _CALL:
            caller.tokens_saved += event.tokens_saved
            self._activate(caller, day)
        elif topic == _RACE:
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

    def judge(self, topic: str, caller: Caller) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield what the newest event of a topic has unlocked: what it is, and its own fields."""
        for bit, each in self._by_topic[topic]:
            if not caller.held & bit and (
                value := getattr(caller, "models" if each.measure == "models" else each.measure)
            ):
                number = len(value) if each.measure == "models" else value
                if number >= each.threshold:
                    caller.held |= bit
                    yield (
                        each.id,
                        {
                            "achievement_id": each.id,
                            "title": each.title,
                            "description": each.description,
                            "icon": each.icon,
                            "category": each.category,
                            "value": number,
                            "threshold": each.threshold,
                        },
                    )
        xp = caller.tokens_saved // 240 + caller.cache_hits * 50 + caller.races * 25 + caller.facts * 10
        level = isqrt(xp // 53) or 1
        if level > caller.level:
            before, caller.level = caller.level, level
            goal = (level + 1) ** 2 * 53
            yield (
                f"level/{level}",
                {"from_level": before, "level": level, "xp": xp, "xp_for_next_level": goal},
            )


def message(caller: str, what: str, fields: dict[str, Any], event: Any, place: tuple[str, int, int]) -> bytes:
    """Return the message about something unlocked."""
    scope = f"caller:{caller}"
    topic, partition, offset = place
    return msgspec.json.encode(
        {
            "event_id": hashlib.sha256(f"{scope}/{what}".encode()).hexdigest()[:32],
            "scope": scope,
            **fields,
            "achieved_at": event.created_at,
            "recorded_at": datetime.now(UTC),
            "cause": {
                "topic": topic,
                "partition": partition,
                "offset": offset,
                "id": getattr(event, event.__struct_fields__[0]),
            },
        }
    )


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


def total(caller: Caller, cells: dict[int, Cell]) -> list[Any]:
    """Return what the recount is compared with, in its order (``expected.Total``)."""
    weighted = [sum(day * cell[place] for day, cell in cells.items()) for place in range(3)]
    return [
        *(caller.requests, caller.cache_hits, caller.semantic_hits, caller.tokens_saved, caller.cost_saved),
        *(caller.races, caller.facts, caller.superseded, len(caller.models)),
        *(sum(mask.bit_count() for mask in days.values()) for days in (caller.requested, caller.active)),
        *(caller.longest_streak, caller.level, caller.held.bit_count(), weighted),
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
