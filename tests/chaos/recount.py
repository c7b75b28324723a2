"""The judge's count: what is in the input topics, counted again in the plainest way.

By the contract and the reference alone: nothing of ``app`` or ``tables`` is imported, and a test holds that. It reads
JSON with another parser than the product, has its own rules for what cannot be counted, and remembers every identity
instead of a window of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.support.recount import ACHIEVEMENTS, GATEWAY_ONLY, SPECIES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

GATEWAY = "gateway"
LARGEST_INTEGER = 2**53 - 1
LARGEST_AMOUNT = 10**9
DAY_IN_MS = 86_400_000

Place = tuple[str, int, int]
Check = Callable[[Any], bool]


class BadMessageError(Exception):
    """A message that cannot be counted."""


class Known(NamedTuple):
    """An event that something names as its cause."""

    topic: str
    identity: str
    at: datetime
    caller: str | None


# -- what a message must look like -------------------------------------------------------------------------

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,6})?\d*([Zz]|[+-]\d\d:\d\d)?", re.ASCII)
_AMOUNT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def _text(value: Any) -> bool:
    return type(value) is str and 1 <= len(value) <= 200 and (value.isprintable() or _is_unicode(value))


def _is_unicode(value: str) -> bool:
    """Say whether a text has no half of a surrogate pair, which is also what bytes that are no UTF-8 become."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= LARGEST_INTEGER


def _bool(value: Any) -> bool:
    return type(value) is bool


def _kind(value: Any) -> bool:
    return value in ("exact", "semantic")


def _amount(value: Any) -> bool:
    if type(value) is str:
        if not _AMOUNT.fullmatch(value):
            return False
        value = Decimal(value)
    return type(value) in (int, Decimal) and 0 <= value <= LARGEST_AMOUNT


#: What a field of each topic must be, the required ones first; what is optional may be null.
FIELDS: dict[str, tuple[dict[str, Check], dict[str, Check]]] = {
    "gateway.requests": (
        {"request_id": _text, "caller_id": _text, "model": _text, "status": _text},
        {
            **dict.fromkeys(("tokens_in", "tokens_out", "latency_ms"), _count),
            "cost_usd": _amount,
            "fallback_used": _bool,
            "cache": _kind,
        },
    ),
    "gateway.cache-hits": (
        {"hit_id": _text},
        {
            "caller_id": _text,
            "kind": _kind,
            "model": _text,
            "cost_saved": _amount,
            "tokens_saved": _count,
            "hits": _count,
        },
    ),
    "gateway.mcp-calls": ({"call_id": _text}, {"caller_id": _text, "tool": _text, "tokens_saved": _count}),
    "gateway.races": ({"call_id": _text}, {"caller_id": _text, "winner_model": _text}),
    "gateway.facts": ({"fact_id": _text}, {"caller_id": _text, "superseded_by": _text}),
    "gateway.subscriptions": ({"subscription_id": _text}, {"active": _bool}),
}


def parse(topic: str, value: bytes | None, timestamp: int) -> tuple[dict[str, Any], datetime]:
    """Return the fields of an event and its time in UTC; ``timestamp`` is the broker's, in milliseconds.

    Raises ``BadMessageError``.
    """
    required, optional = FIELDS[topic]
    pairs = _pairs(value)
    # A field that is there twice must be right twice; the last one counts.
    for name, each in pairs:
        check = required.get(name) or (optional.get(name) if each is not None else None)
        if check is not None and not check(each):
            raise BadMessageError
    event = dict(pairs)
    if not required.keys() <= event.keys():
        raise BadMessageError
    at = _moment(event.get("created_at"))
    if at.timestamp() * 1000 > timestamp + DAY_IN_MS:
        raise BadMessageError
    return event, at


def _pairs(value: bytes | None) -> tuple[tuple[str, Any], ...]:
    """Return the fields of a JSON object, numbers with a point as decimals."""
    if value is None:
        raise BadMessageError
    # Bytes that are no text are bad in a field that is known only; they become halves of surrogates here.
    text = value.decode(errors="surrogateescape")
    try:
        pairs = json.loads(text, object_pairs_hook=tuple, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError, ArithmeticError):
        raise BadMessageError from None
    if type(pairs) is not tuple:
        raise BadMessageError
    return pairs


def _moment(value: Any) -> datetime:
    """Return a time in UTC."""
    if type(value) is not str or not _MOMENT.fullmatch(value):
        raise BadMessageError
    try:
        at = datetime.fromisoformat(value.upper())
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadMessageError from None


def _refuse(_: str) -> None:
    raise ValueError


def nanos_of(amount: Any) -> int:
    """Return nano-dollars, half to even."""
    return int((Decimal(amount) * 10**9).to_integral_value()) if amount is not None else 0


def identity_of(topic: str, event: Mapping[str, Any], at: datetime) -> str:
    """Return what makes an event one."""
    match topic:
        case "gateway.facts":
            state = "stored" if event.get("superseded_by") is None else "superseded"
            return f"{event['fact_id']}/{state}"
        case "gateway.subscriptions":
            return f"{event['subscription_id']}/{at.isoformat()}"
        case _:
            return str(event[next(iter(FIELDS[topic][0]))])


# -- counting ----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Scope:
    """Everything that one scope did. Days are ordinals of Python's ``date``."""

    requests: int = 0
    hits: int = 0
    semantic: int = 0
    tokens: int = 0
    nanos: int = 0
    races: int = 0
    stored: int = 0
    superseded: int = 0
    models: set[str] = field(default_factory=set)
    callers: set[str] = field(default_factory=set)
    requested: set[int] = field(default_factory=set)
    active: set[int] = field(default_factory=set)
    #: Day: requests, and what cache hits saved (tokens, nano-dollars).
    days: dict[int, list[int]] = field(default_factory=dict)
    #: Subscription: time of the newest change, whether it is active.
    changes: dict[str, tuple[datetime, bool]] = field(default_factory=dict)
    ever_active: set[str] = field(default_factory=set)

    def longest(self) -> int:
        """Return the length of the longest run of active days."""
        longest = run = before = 0
        for day in sorted(self.active):
            run = run + 1 if day == before + 1 else 1
            longest, before = max(longest, run), day
        return longest

    def measures(self) -> dict[str, int]:
        """Return what unlocks are decided on."""
        return {
            "requests": self.requests,
            "hits": self.hits,
            "semantic": self.semantic,
            "tokens": self.tokens,
            "races": self.races,
            "stored": self.stored,
            "cents": self.nanos // 10**7,
            "models": len(self.models),
            "callers": len(self.callers),
            "subscribed": len(self.ever_active),
            "longest": self.longest(),
        }

    def achievements(self, *, gateway: bool) -> set[str]:
        """Return the ids of what is earned."""
        measures = self.measures()
        return {
            name
            for name, (measure, least) in ACHIEVEMENTS.items()
            if measures[measure] >= least and (gateway or name not in GATEWAY_ONLY)
        }

    def stages(self) -> set[tuple[str, int]]:
        """Return the species that are unlocked with all stages that they have reached."""
        measures = self.measures()
        return {
            (name, index)
            for name, (needs, stages) in SPECIES.items()
            if all(measures[measure] >= least for measure, least in needs.items())
            for index, least in enumerate(stages)
            if self.tokens >= least
        }

    def level(self) -> int:
        """Return the level; it begins at 1."""
        xp = self.tokens // 240 + self.hits * 50 + self.races * 25 + self.stored * 10
        level = 1
        while xp >= (level + 1) ** 2 * 53:
            level += 1
        return level

    def numbers(self, *, gateway: bool) -> dict[str, Any]:
        """Return all that the state must say of the scope, by name."""
        numbers = {
            "requests": self.requests,
            "hits": self.hits,
            "semantic": self.semantic,
            "tokens": self.tokens,
            "nanos": self.nanos,
            "races": self.races,
            "stored": self.stored,
            "superseded": self.superseded,
            "models": self.models,
            "requested": self.requested,
            "active": self.active,
            "longest": self.longest(),
            "level": self.level(),
            "days": {day: tuple(cell) for day, cell in self.days.items()},
            "achievements": self.achievements(gateway=gateway),
            "stages": self.stages(),
        }
        if gateway:
            numbers["callers"] = len(self.callers)
            numbers["configured"] = sum(active for _, active in self.changes.values())
            numbers["subscribed"] = len(self.ever_active)
        return numbers


class Recount:
    """Counts messages one by one, in any order. ``causes`` are the places to remember the events of."""

    def __init__(self, causes: Collection[Place] = ()) -> None:
        self.scopes: dict[str, Scope] = {GATEWAY: Scope()}
        self.messages = 0
        self.duplicates = 0
        #: What cannot be counted, by its place: key, value, headers.
        self.bad: dict[Place, tuple[Any, Any, Any]] = {}
        self.known: dict[Place, Known] = {}
        self._causes = set(causes)
        self._seen: set[tuple[str, str]] = set()

    def add(self, place: Place, timestamp: int, key: Any, value: Any, headers: Any) -> None:
        """Count the message at a place: topic without a prefix, partition, offset."""
        self.messages += 1
        topic = place[0]
        try:
            event, at = parse(topic, value, timestamp)
        except BadMessageError:
            self.bad[place] = key, value, tuple(headers)
            return
        identity = identity_of(topic, event, at)
        caller = event.get("caller_id") if topic != "gateway.subscriptions" else None
        if place in self._causes:
            self.known[place] = Known(topic, identity, at, caller)
        if (topic, identity) in self._seen:
            self.duplicates += 1
            return
        self._seen.add((topic, identity))
        scopes = [self.scopes[GATEWAY]]
        if caller is not None:
            if (name := f"caller:{caller}") not in self.scopes:
                self.scopes[name] = Scope()
            scopes.append(self.scopes[name])
        for scope in scopes:
            _COUNT[topic](scope, event, at)


def _count_request(scope: Scope, event: Mapping[str, Any], at: datetime) -> None:
    day = at.toordinal()
    scope.requests += 1
    scope.models.add(event["model"])
    scope.callers.add(event["caller_id"])
    scope.requested.add(day)
    scope.active.add(day)
    scope.days.setdefault(day, [0, 0, 0])[0] += 1


def _count_hit(scope: Scope, event: Mapping[str, Any], at: datetime) -> None:
    hits = event.get("hits")
    hits = 1 if hits is None else hits
    tokens, nanos = event.get("tokens_saved") or 0, nanos_of(event.get("cost_saved"))
    scope.hits += hits
    scope.semantic += hits if event.get("kind") == "semantic" else 0
    scope.tokens += tokens
    scope.nanos += nanos
    cell = scope.days.setdefault(at.toordinal(), [0, 0, 0])
    cell[1] += tokens
    cell[2] += nanos


def _count_call(scope: Scope, event: Mapping[str, Any], at: datetime) -> None:
    scope.tokens += event.get("tokens_saved") or 0
    scope.active.add(at.toordinal())


def _count_race(scope: Scope, _event: Mapping[str, Any], _at: datetime) -> None:
    scope.races += 1


def _count_fact(scope: Scope, event: Mapping[str, Any], _at: datetime) -> None:
    if event.get("superseded_by") is None:
        scope.stored += 1
    else:
        scope.superseded += 1


def _count_subscription(scope: Scope, event: Mapping[str, Any], at: datetime) -> None:
    subscription, active = event["subscription_id"], event.get("active") is not False
    if active:
        scope.ever_active.add(subscription)
    before = scope.changes.get(subscription)
    scope.changes[subscription] = max(before, (at, active)) if before is not None else (at, active)


_COUNT = {
    "gateway.requests": _count_request,
    "gateway.cache-hits": _count_hit,
    "gateway.mcp-calls": _count_call,
    "gateway.races": _count_race,
    "gateway.facts": _count_fact,
    "gateway.subscriptions": _count_subscription,
}
