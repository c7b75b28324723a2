"""Mixed traffic for crash tests, and a recount of it that shares no code with the product: it is the judge."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from tests.support.deployment import Sending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MODELS = ("sonnet", "haiku", "gpt-mini", "gemini", "llama", "mistral", "qwen")
FIRST_DAY = date(2026, 1, 15)
DAYS = 45

#: (achievement, what it counts, from how many on); dollars as nano-dollars.
THRESHOLDS = (
    ("first-call", "requests", 1),
    ("first-cache", "hits", 1),
    ("first-semantic", "semantic", 1),
    ("first-race", "races", 1),
    ("first-fact", "facts", 1),
    ("requests-100", "requests", 100),
    ("requests-1k", "requests", 1_000),
    ("requests-10k", "requests", 10_000),
    ("saved-1k", "tokens", 1_000),
    ("saved-10k", "tokens", 10_000),
    ("saved-100k", "tokens", 100_000),
    ("saved-1m", "tokens", 1_000_000),
    ("cost-1c", "nanos", 10_000_000),
    ("cost-1d", "nanos", 1_000_000_000),
    ("cost-10d", "nanos", 10_000_000_000),
    ("cost-100d", "nanos", 100_000_000_000),
    ("streak-3", "streak", 3),
    ("streak-7", "streak", 7),
    ("streak-30", "streak", 30),
    ("models-5", "models", 5),
)
STAGES = {
    "gateway-dragon": (0, 10_000, 100_000, 1_000_000, 10_000_000),
    "cache-cat": (0, 5_000, 50_000),
    "token-fox": (0, 10_000),
}


@dataclass
class Count:
    """What one scope did, counted plainly."""

    requests: int = 0
    hits: int = 0
    semantic: int = 0
    tokens: int = 0
    nanos: int = 0
    races: int = 0
    facts: int = 0
    superseded: int = 0
    models: set[str] = field(default_factory=set)
    callers: set[str] = field(default_factory=set)
    request_days: set[date] = field(default_factory=set)
    active_days: set[date] = field(default_factory=set)

    def longest_streak(self) -> int:
        """Count day by day."""
        longest = run = 0
        for number in range(DAYS):
            run = run + 1 if FIRST_DAY + timedelta(days=number) in self.active_days else 0
            longest = max(longest, run)
        return longest

    def measures(self) -> dict[str, int]:
        """Return what achievements count."""
        names = ("requests", "hits", "semantic", "races", "facts", "tokens", "nanos")
        return {
            **{name: getattr(self, name) for name in names},
            "streak": self.longest_streak(),
            "models": len(self.models),
        }

    def xp(self) -> int:
        """Return the experience points."""
        return self.tokens // 240 + self.hits * 50 + self.races * 25 + self.facts * 10

    def level(self) -> int:
        """Return the level, as the loop of the reference finds it."""
        level = 1
        while self.xp() >= level * level * 53:
            level += 1
        return level - 1 or 1

    def achievements(self, *, gateway: bool) -> set[str]:
        """Return the ids of what is unlocked."""
        measures = self.measures()
        unlocked = {name for name, measure, threshold in THRESHOLDS if measures[measure] >= threshold}
        return unlocked | {"callers-3"} if gateway and len(self.callers) >= 3 else unlocked

    def stages(self) -> set[tuple[str, int]]:
        """Return (species, stage index) of what has been reached."""
        unlocked = {
            "gateway-dragon": self.tokens >= 1_000_000 and self.longest_streak() >= 7,
            "cache-cat": self.hits >= 10,
            "token-fox": self.tokens >= 1_000,
        }
        return {
            (species, index)
            for species, stages in STAGES.items()
            for index, tokens in enumerate(stages)
            if unlocked[species] and self.tokens >= tokens
        }


class Traffic:
    """Seeded events of some hundred callers; ``counts`` is the recount of all that were made so far, by scope."""

    def __init__(self, seed: int, partitions: int, home: Callable[[str], int], callers: int = 400) -> None:
        self.counts: dict[str, Count] = defaultdict(Count)
        self._random = random.Random(seed)
        self._partitions = partitions
        self._home = home
        self._callers = [f"caller-{number:03d}" for number in range(callers)]
        self._weights = [1 / (rank + 3) for rank in range(callers)]
        self._number = 0

    def events(self, count: int) -> Iterator[Sending]:
        """Make the next events: 80 % requests, 1 % without a caller, 5 % on a wrong partition."""
        rnd = self._random
        for caller in rnd.choices(self._callers, self._weights, k=count):
            self._number += 1
            kind = rnd.choices(("requests", "cache-hits", "mcp-calls", "races", "facts"), (80, 12, 6, 1, 1))[
                0
            ]
            nobody = kind != "requests" and rnd.random() < 0.05
            owner = None if nobody else caller
            day = FIRST_DAY + timedelta(days=rnd.randrange(DAYS))
            value = {
                "created_at": f"{day}T{rnd.randrange(24):02d}:{rnd.randrange(60):02d}:00Z",
                "caller_id": owner,
                **self._event(kind, owner, day),
            }
            wrong = owner is None or rnd.random() < 0.05
            partition = rnd.randrange(self._partitions) if wrong else self._home(caller)
            key = None if owner is None else owner.encode()
            yield Sending(f"gateway.{kind}", partition, json.dumps(value).encode(), key)

    def _event(self, kind: str, owner: str | None, day: date) -> dict[str, Any]:
        """Return the fields of an event of its kind, counted."""
        rnd, number = self._random, f"{self._number:09d}"
        scopes = [self.counts["gateway"], *([self.counts[f"caller:{owner}"]] if owner else [])]
        tokens, nanos, model = rnd.randrange(2_000), rnd.randrange(30_000_000), rnd.choice(MODELS)
        semantic, superseded = rnd.random() < 0.2, rnd.random() < 0.3
        for scope in scopes:
            if kind == "requests":
                scope.requests += 1
                scope.models.add(model)
                scope.callers.add(str(owner))
                scope.request_days.add(day)
            if kind in {"requests", "mcp-calls"}:
                scope.active_days.add(day)
            if kind in {"cache-hits", "mcp-calls"}:
                scope.tokens += tokens
            if kind == "cache-hits":
                scope.hits += 1
                scope.semantic += semantic
                scope.nanos += nanos
            scope.races += kind == "races"
            scope.facts += kind == "facts" and not superseded
            scope.superseded += kind == "facts" and superseded
        match kind:
            case "requests":
                return {"request_id": number, "model": model, "status": "success", "tokens_in": tokens}
            case "cache-hits":
                saved = {"tokens_saved": tokens, "cost_saved": f"0.{nanos:09d}"}
                return {"hit_id": number, "kind": "semantic" if semantic else "exact", **saved}
            case "mcp-calls":
                return {"call_id": number, "tokens_saved": tokens}
            case "races":
                return {"call_id": number}
            case _:
                return {"fact_id": number, "superseded_by": "another" if superseded else None}
