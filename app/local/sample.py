"""Six weeks of a gateway's traffic that never was: the same for the same seed. No clock, no I/O."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from math import exp
from typing import Final, Literal, NamedTuple

import msgspec

from app.domain.events import (
    CacheHit,
    CallerEvent,
    Event,
    FactChanged,
    McpCalled,
    RaceRun,
    RequestRouted,
    SubscriptionChanged,
)
from app.local.sample_callers import CALLERS, MODELS, SUBSCRIPTIONS, TOOLS, Caller

DAYS: Final = 42

#: Days on which the gateway was away, counted from the first; the streak of everybody breaks here.
OUTAGE: Final = frozenset({12, 13})

_TOPIC_OF: Final[dict[type[Event], str]] = {
    RequestRouted: "gateway.requests",
    CacheHit: "gateway.cache-hits",
    McpCalled: "gateway.mcp-calls",
    RaceRun: "gateway.races",
    FactChanged: "gateway.facts",
    SubscriptionChanged: "gateway.subscriptions",
}
_SATURDAY = 5

# How often, of all times that it could happen.
_SEMANTIC = 0.18
_FAILED = 0.015
_FALLBACK = 0.02
_LEARNED = 0.03
_SUPERSEDED = 0.4

_POPULARITY: Final = {name: often for name, (_, often) in MODELS.items()}


class Sample(NamedTuple):
    """A message of the sample traffic: for the topic without its prefix."""

    topic: str
    key: bytes | None
    value: bytes
    created_at: datetime


def traffic(seed: int, until: datetime) -> Iterator[Sample]:
    """Return six weeks of messages in the order of their time, the last one before ``until``.

    Of one seed the days before the last are the same for every time of day; the last ends where ``until`` is.
    """
    first = until.astimezone(UTC).date() - timedelta(days=DAYS - 1)
    for number in range(DAYS):
        midnight = datetime.combine(first + timedelta(days=number), time(), UTC)
        events = sorted(_day(seed, number, midnight), key=lambda event: event.created_at)
        for event in events:
            if event.created_at < until:
                yield _message(event)


def trickle(seed: int) -> "Traffic":
    """Return a source of single moments of traffic, for as long as somebody watches."""
    return Traffic(random.Random(f"{seed} live"), "live")  # noqa: S311 - sample data


def _message(event: Event) -> Sample:
    caller = event.caller_id if isinstance(event, CallerEvent) else None
    key = caller.encode() if caller is not None else None
    return Sample(_TOPIC_OF[type(event)], key, msgspec.json.encode(event), event.created_at)


def _day(seed: int, number: int, midnight: datetime) -> Iterator[Event]:
    for position, (name, since, active) in enumerate(SUBSCRIPTIONS):
        if since == number:
            at = midnight + timedelta(hours=8, minutes=7 * position)
            yield SubscriptionChanged(subscription_id=name, active=active, created_at=at)
    if number in OUTAGE:
        return
    for caller in CALLERS:
        chance = random.Random(f"{seed} {number} {caller.id}")  # noqa: S311 - sample data
        day = Traffic(chance, f"{number:02d}-{caller.id}")
        for _ in range(_how_many(chance, caller, number, midnight.weekday())):
            yield from day.moment(caller, midnight + _time_of_day(chance, caller))


def _how_many(chance: random.Random, caller: Caller, number: int, weekday: int) -> int:
    """Return how many requests a caller sends on a day: more every week, fewer at weekends, often none."""
    if not caller.since <= number <= caller.until:
        return 0
    weekend = weekday >= _SATURDAY
    mean = caller.requests * (0.6 + 0.8 * number / DAYS)
    if weekend:
        mean *= {"office": 0.05, "daily": 0.4, "nightly": 1.0, "bursts": 0.3}[caller.rhythm]
    missing = {"office": 0.08, "daily": 0.0, "nightly": 0.0, "bursts": 0.6}[caller.rhythm]
    if chance.random() < (0.85 if weekend and caller.rhythm == "office" else missing):
        return 0
    least = 1 if caller.rhythm in {"daily", "nightly"} else 0
    return max(least, round(chance.gauss(mean, mean * 0.25)))


def _time_of_day(chance: random.Random, caller: Caller) -> timedelta:
    if caller.rhythm == "nightly":
        hour = chance.uniform(1, 3)
    elif caller.rhythm == "daily":
        hour = chance.triangular(0, 24, 14)
    else:
        hour = min(max(chance.gauss(13.5, 2.6), 6), 22)
    return timedelta(milliseconds=round(hour * 3_600_000 + chance.uniform(0, 1000)) % 86_399_000)


class Traffic:
    """Makes what happens at a moment: a request with all that comes with it. ``name`` keeps its ids apart."""

    def __init__(self, chance: random.Random, name: str) -> None:
        self._chance = chance
        self._name = name
        self._number = 0
        self._facts: list[str] = []

    def next(self, at: datetime) -> list[Sample]:
        """Return the messages of a moment of somebody, the busier the likelier."""
        caller = self._chance.choices(CALLERS, [each.requests for each in CALLERS])[0]
        events = sorted(self.moment(caller, at), key=lambda event: event.created_at)
        return [_message(event) for event in events]

    def moment(self, caller: Caller, at: datetime) -> Iterator[Event]:
        """Make a request of a caller, perhaps served by the cache, with tools, a race or a fact."""
        chance = self._chance
        model = self._model(caller)
        tokens_in, tokens_out = self._tokens(1000), self._tokens(260)
        cost = Decimal(round((tokens_in + 3 * tokens_out) * MODELS[model][0])).scaleb(-6)
        cache: Literal["exact", "semantic"] | None = None
        if chance.random() < caller.cached:
            cache = "semantic" if chance.random() < _SEMANTIC else "exact"
            yield CacheHit(
                hit_id=self._id("hit"),
                caller_id=caller.id,
                kind=cache,
                model=model,
                tokens_saved=tokens_in + tokens_out,
                cost_saved=cost,
                created_at=at,
            )
        yield RequestRouted(
            request_id=self._id("req"),
            caller_id=caller.id,
            model=model,
            status="error" if chance.random() < _FAILED else "ok",
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            cost_usd=Decimal(0) if cache else cost,
            latency_ms=round(chance.uniform(4, 60) if cache else chance.lognormvariate(7.2, 0.5)),
            fallback_used=chance.random() < _FALLBACK,
            cache=cache,
            created_at=at,
        )
        yield from self._around_it(caller, model, at)

    def _around_it(self, caller: Caller, model: str, at: datetime) -> Iterator[Event]:
        """Make what comes with some requests: tools, races, and facts that a later one may supersede."""
        chance = self._chance
        if chance.random() < caller.races:
            yield RaceRun(call_id=self._id("race"), caller_id=caller.id, winner_model=model, created_at=at)
        calls = int(caller.tools + chance.random())
        for step in range(calls):
            yield McpCalled(
                call_id=self._id("mcp"),
                caller_id=caller.id,
                tool=chance.choice(TOOLS),
                tokens_saved=self._tokens(240),
                created_at=at + timedelta(milliseconds=400 * step),
            )
        if caller.tools and chance.random() < _LEARNED:
            old = self._facts.pop() if self._facts and chance.random() < _SUPERSEDED else None
            new = self._id("fact")
            self._facts.append(new)
            yield FactChanged(fact_id=new, caller_id=caller.id, created_at=at)
            if old is not None:
                yield FactChanged(fact_id=old, caller_id=caller.id, superseded_by=new, created_at=at)

    def _model(self, caller: Caller) -> str:
        names, weights = _models(caller.models)
        return self._chance.choices(names, weights)[0]

    def _tokens(self, typical: int) -> int:
        return max(12, round(typical * exp(self._chance.gauss(0, 0.7))))

    def _id(self, kind: str) -> str:
        self._number += 1
        return f"{kind}-{self._name}-{self._number}"


@cache
def _models(count: int) -> tuple[list[str], list[int]]:
    names = list(MODELS)[:count]
    return names, [_POPULARITY[name] for name in names]
