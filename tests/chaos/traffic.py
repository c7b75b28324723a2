"""Seeded traffic of a gateway on all six topics, and what happens to it on its way to Kafka."""

from __future__ import annotations

import heapq
import json
import random
from collections import deque
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from tests.kafka.bad_messages import BAD
from tests.support.deployment import Sending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MODELS = ("sonnet", "haiku", "gpt-mini", "gemini", "llama", "mistral", "qwen")
SUBSCRIPTIONS = tuple(f"plan-{number}" for number in range(12))
KINDS = ("requests", "cache-hits", "mcp-calls", "races", "facts", "subscriptions")
WEIGHTS = (80, 11, 6, 1, 1, 1)
FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)

#: Bad messages are of these kinds; those of hundreds of kilobytes have tests of their own.
SMALL_BAD = tuple(case for case in BAD if len(case.value or b"") < 2_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """What traffic is made of, and what its way does to it. Shares are from 0 to 1."""

    callers: int = 400
    #: Event time passes by a day with so many events.
    events_per_day: int = 3_000
    #: Share of the events that are on a partition that is not their caller's home.
    away: float = 0.05
    #: Share of messages that cannot be counted, beside the events.
    bad: float = 0.002
    #: Share of the events that are sent again, unchanged, up to ``repeated_within`` events later, anywhere.
    duplicates: float = 0.01
    repeated_within: int = 5_000
    #: Events are shuffled over so many.
    shuffled: int = 1
    #: Share of the events that come late, and by how much.
    late: float = 0.0
    late_by: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Sent:
    """A message on its way, and when its event happened."""

    at: datetime
    message: Sending


class Traffic:
    """Messages of some hundred callers, one after the other as they are to be sent. Ends after ``finish()``."""

    def __init__(self, seed: int, partitions: int, home: Callable[[str], int], mix: Mix) -> None:
        self._random = random.Random(seed)
        self._partitions = partitions
        self._home = home
        self._mix = mix
        self._callers = [f"caller-{number:04d}" for number in range(mix.callers)]
        self._sums = [0.0]
        for rank in range(mix.callers):
            self._sums.append(self._sums[-1] + 1 / (rank + 3))
        del self._sums[0]
        self._facts: deque[tuple[str, str | None]] = deque()
        self._finished = False
        self._messages = self._disturbed()

    def take(self, count: int) -> list[Sending]:
        """Return the next messages; fewer than asked for only at the end."""
        return list(islice(self._messages, count))

    def finish(self) -> None:
        """Make no more events: what is still on its way comes, then nothing."""
        self._finished = True

    def _disturbed(self) -> Iterator[Sending]:
        mix, rnd = self._mix, self._random
        events = self._events()
        if mix.late:
            events = delayed(events, rnd, mix.late, mix.late_by)
        if mix.duplicates:
            events = repeated(events, rnd, mix.duplicates, mix.repeated_within)
        if mix.shuffled > 1:
            events = shuffled(events, rnd, mix.shuffled)
        for event in events:
            if rnd.random() < mix.bad:
                yield bad_message(rnd, self._partitions)
            message = event.message
            if rnd.random() < mix.away or message.partition < 0:
                message = replace(message, partition=rnd.randrange(self._partitions))
            yield message

    def _events(self) -> Iterator[Sent]:
        """Make events in the order of their time."""
        rnd, number = self._random, 0
        while not self._finished:
            caller = rnd.choices(self._callers, cum_weights=self._sums)[0]
            kind = rnd.choices(KINDS, WEIGHTS)[0]
            nobody = kind == "subscriptions" or (kind != "requests" and rnd.random() < 0.05)
            owner = None if nobody else caller
            at = FIRST_DAY + DAY * number / self._mix.events_per_day
            value = {
                "created_at": at.isoformat(),
                **({} if owner is None else {"caller_id": owner}),
                **self._fields(kind, f"{number:09d}", owner),
            }
            # Without a caller it is at home where its identity is: anywhere, as far as a producer knows.
            partition = -1 if owner is None else self._home(owner)
            key = None if owner is None else owner.encode()
            yield Sent(at, Sending(f"gateway.{kind}", partition, json.dumps(value).encode(), key))
            number += 1

    def _fields(self, kind: str, number: str, owner: str | None) -> dict[str, Any]:
        rnd = self._random
        tokens = rnd.randrange(2_000)
        match kind:
            case "requests":
                return {
                    "request_id": number,
                    "model": rnd.choice(MODELS),
                    "status": "success",
                    "tokens_in": tokens,
                    "cost_usd": f"0.{rnd.randrange(30_000_000):09d}",
                }
            case "cache-hits":
                return {
                    "hit_id": number,
                    "kind": "semantic" if rnd.random() < 0.2 else "exact",
                    "tokens_saved": tokens,
                    "cost_saved": f"0.{rnd.randrange(30_000_000):09d}",
                    **({"hits": 3} if rnd.random() < 0.05 else {}),
                }
            case "mcp-calls":
                return {"call_id": number, "tokens_saved": tokens}
            case "races":
                return {"call_id": number, "winner_model": rnd.choice(MODELS)}
            case "subscriptions":
                return {"subscription_id": rnd.choice(SUBSCRIPTIONS), "active": rnd.random() < 0.7}
            case _:
                return self._fact(number, owner)

    def _fact(self, number: str, owner: str | None) -> dict[str, Any]:
        """Store a fact, or supersede the oldest one; each is superseded once, by the caller that stored it."""
        for index, (fact, stored_by) in enumerate(self._facts):
            if stored_by == owner and self._random.random() < 0.3:
                del self._facts[index]
                return {"fact_id": fact, "superseded_by": number}
        self._facts.append((number, owner))
        return {"fact_id": number, "superseded_by": None}


def bad_message(rnd: random.Random, partitions: int) -> Sending:
    """Return a message that cannot be counted."""
    case = rnd.choice(SMALL_BAD)
    return Sending(case.topic, rnd.randrange(partitions), case.value, case.key, case.headers)


def delayed(events: Iterator[Sent], rnd: random.Random, share: float, by: timedelta) -> Iterator[Sent]:
    """Hold back a share of the events until others have happened that are later by so much."""
    held: deque[Sent] = deque()
    for event in events:
        while held and held[0].at + by <= event.at:
            yield held.popleft()
        if rnd.random() < share:
            held.append(event)
        else:
            yield event
    yield from held


def repeated(events: Iterator[Sent], rnd: random.Random, share: float, within: int) -> Iterator[Sent]:
    """Send a share of the events again, each up to ``within`` events later and half of them anywhere."""
    copies: list[tuple[int, int, Sent]] = []
    for number, event in enumerate(events):
        yield event
        if rnd.random() < share:
            anywhere = rnd.random() < 0.5
            copy = Sent(event.at, replace(event.message, partition=-1)) if anywhere else event
            heapq.heappush(copies, (number + rnd.randrange(within), number, copy))
        while copies and copies[0][0] <= number:
            yield heapq.heappop(copies)[2]
    while copies:
        yield heapq.heappop(copies)[2]


def shuffled(events: Iterator[Sent], rnd: random.Random, window: int) -> Iterator[Sent]:
    """Shuffle events over so many: each may be overtaken by those of the next ``window``."""
    waiting: list[Sent] = []
    for event in events:
        if len(waiting) < window:
            waiting.append(event)
            continue
        chosen = rnd.randrange(window)
        yield waiting[chosen]
        waiting[chosen] = event
    rnd.shuffle(waiting)
    yield from waiting
