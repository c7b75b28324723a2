"""What a list of events must come to, counted again in the plainest way.

The judge of other tests: no import from ``app`` or ``tables``, its own rules and its own numbers, from the contract
and the reference.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

#: Achievement: what is measured, and the least that earns it.
ACHIEVEMENTS: dict[str, tuple[str, int]] = {
    "first-call": ("requests", 1),
    "first-cache": ("hits", 1),
    "first-semantic": ("semantic", 1),
    "first-race": ("races", 1),
    "first-fact": ("stored", 1),
    "requests-100": ("requests", 100),
    "requests-1k": ("requests", 1_000),
    "requests-10k": ("requests", 10_000),
    "saved-1k": ("tokens", 1_000),
    "saved-10k": ("tokens", 10_000),
    "saved-100k": ("tokens", 100_000),
    "saved-1m": ("tokens", 1_000_000),
    "cost-1c": ("cents", 1),
    "cost-1d": ("cents", 100),
    "cost-10d": ("cents", 1_000),
    "cost-100d": ("cents", 10_000),
    "streak-3": ("longest", 3),
    "streak-7": ("longest", 7),
    "streak-30": ("longest", 30),
    "callers-3": ("callers", 3),
    "models-5": ("models", 5),
    "wallet-pro": ("subscribed", 3),
}
GATEWAY_ONLY = {"callers-3", "wallet-pro"}

#: Species: what unlocks it, and from how many tokens each stage is reached.
SPECIES: dict[str, tuple[dict[str, int], list[int]]] = {
    "gateway-dragon": (
        {"tokens": 1_000_000, "longest": 7},
        [0, 10_000, 100_000, 1_000_000, 10_000_000],
    ),
    "cache-cat": ({"hits": 10}, [0, 5_000, 50_000]),
    "token-fox": ({"tokens": 1_000}, [0, 10_000]),
}


@dataclass
class Recount:
    """Everything that one scope did."""

    events: list[dict[str, Any]] = field(default_factory=list)

    def of(self, *topics: str) -> list[dict[str, Any]]:
        """Return the events of some topics."""
        return [event for event in self.events if event["topic"].removeprefix("gateway.") in topics]

    def numbers(self, today: date) -> dict[str, int]:
        """Return the twelve stats on a day, and what unlocks look at."""
        requests, hits = self.of("requests"), self.of("cache-hits")
        active = {day_of(event) for event in self.of("requests", "mcp-calls")}
        facts = self.of("facts")
        stored = sum(1 for event in facts if event.get("superseded_by") is None)
        changes = sorted(
            self.of("subscriptions"), key=lambda event: (time_of(event), event.get("active") is not False)
        )
        newest = {event["subscription_id"]: event.get("active") is not False for event in changes}
        return {
            "requests": len(requests),
            "tokens": sum(event.get("tokens_saved") or 0 for event in self.of("cache-hits", "mcp-calls")),
            "nanos": sum(nanos_of(event.get("cost_saved")) for event in hits),
            "cents": sum(nanos_of(event.get("cost_saved")) for event in hits) // 10**7,
            "hits": sum(hits_of(event) for event in hits),
            "semantic": sum(hits_of(event) for event in hits if event.get("kind") == "semantic"),
            "callers": len({event["caller_id"] for event in requests}),
            "models": len({event["model"] for event in requests}),
            "races": len({event["call_id"] for event in self.of("races")}),
            "stored": stored,
            "facts": max(0, 2 * stored - len(facts)),
            "streak": streak(active, today),
            "longest": max((run_from(active, day) for day in active), default=0),
            "days": len({day_of(event) for event in requests}),
            "configured": sum(newest.values()),
            "subscribed": len({e["subscription_id"] for e in changes if e.get("active") is not False}),
        }

    def achievements(self, *, gateway: bool) -> set[str]:
        """Return the ids of what is earned."""
        numbers = self.numbers(date.min)
        return {
            name
            for name, (measure, least) in ACHIEVEMENTS.items()
            if numbers[measure] >= least and (gateway or name not in GATEWAY_ONLY)
        }

    def stages(self) -> set[tuple[str, int]]:
        """Return the species that are unlocked with all stages that they have reached."""
        numbers = self.numbers(date.min)
        return {
            (name, index)
            for name, (needs, stages) in SPECIES.items()
            if all(numbers[measure] >= least for measure, least in needs.items())
            for index, least in enumerate(stages)
            if numbers["tokens"] >= least
        }

    def level(self) -> int:
        """Return the level; it begins at 1."""
        numbers = self.numbers(date.min)
        xp = numbers["tokens"] // 240 + numbers["hits"] * 50 + numbers["races"] * 25 + numbers["stored"] * 10
        level = 1
        while xp >= (level + 1) ** 2 * 53:
            level += 1
        return level


def recount(events: list[dict[str, Any]]) -> dict[str, Recount]:
    """Return what each scope did, by its name."""
    scopes = {"gateway": Recount()}
    for event in events:
        scopes["gateway"].events.append(event)
        if event.get("caller_id") is not None:
            scopes.setdefault(f"caller:{event['caller_id']}", Recount()).events.append(event)
    return scopes


def time_of(event: dict[str, Any]) -> datetime:
    """Return when an event happened; without an offset it is UTC."""
    at = datetime.fromisoformat(event["created_at"])
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def day_of(event: dict[str, Any]) -> date:
    """Return the UTC day of an event."""
    return time_of(event).date()


def hits_of(event: dict[str, Any]) -> int:
    """Return how many hits an event stands for; null stands for the default."""
    hits = event.get("hits")
    return 1 if hits is None else hits


def nanos_of(amount: str | float | None) -> int:
    """Return an amount in nano-dollars, for amounts of at most nine decimals."""
    nanos = Fraction(str(amount)) * 10**9 if amount is not None else Fraction(0)
    assert nanos.denominator == 1
    return int(nanos)


def run_from(days: set[date], day: date) -> int:
    """Return how many consecutive days there are from a day on."""
    length = 0
    while date.fromordinal(day.toordinal() + length) in days:
        length += 1
    return length


def streak(days: set[date], today: date) -> int:
    """Return the run up to the newest day, if that was not before yesterday."""
    if not days or max(days).toordinal() < today.toordinal() - 1:
        return 0
    length = 0
    while date.fromordinal(max(days).toordinal() - length) in days:
        length += 1
    return length
