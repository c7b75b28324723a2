"""Changed rows as a busy deployment has them: real folds of made-up events, without a worker in between."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

from agents import FOLDS
from app.domain.measures import Measures
from app.engine.fold import Batch, Header, Message, Row
from app.postgres.project.batch import CALLER_TABLES, GATEWAY_TABLES
from app.topics import GATEWAY_SHARES, Surroundings
from tables.gateway import Gateway
from tables.partition import Partition

FIRST_DAY: Final = date(2025, 3, 1)
MODELS: Final = ("claude-sonnet-4", "gpt-4o-mini", "gemini-2.5-flash", "llama-3.3-70b", "mistral-large")
NOW: Final = datetime(2025, 6, 1, tzinfo=UTC)
_MILLISECONDS: Final = int(NOW.timestamp() * 1000)

_REQUEST: Final = (
    b'{"request_id":"%d","caller_id":"%s","model":"%s","status":"success","created_at":"%sT12:00:00Z"}'
)
_HIT: Final = (
    b'{"hit_id":"%d","caller_id":"%s","tokens_saved":%d,"cost_saved":"0.%09d","created_at":"%sT12:00:00Z"}'
)


class Made(NamedTuple):
    """A record as a fold takes it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()


class ChangedRows:
    """Every event is of one of so many callers, all as likely: nearly each changes rows of its own."""

    def __init__(self, around: Surroundings, callers: int, seed: int = 1) -> None:
        self._around = around
        self._random = random.Random(seed)
        self._callers = [b"caller-%06d" % number for number in range(callers)]
        self._homes = [around.partition_of(caller) for caller in self._callers]
        self._partitions = [Partition(number, around) for number in range(around.partitions)]
        self._gateway = Gateway(around, Measures())
        self._number = 0

    def rows(self, count: int, day: int) -> list[Message]:
        """Return at least so many changed rows, as one transaction writes them, by events of a day."""
        messages: list[Message] = []
        while len(messages) < count:
            self._fold(max(10, (count - len(messages)) // 4), FIRST_DAY + timedelta(day))
            messages += self._drain()
        return messages

    def _fold(self, events: int, day: date) -> None:
        """Fold four requests for each cache hit."""
        rnd, written = self._random, day.isoformat().encode()
        made: dict[tuple[str, int], list[Made]] = {}
        for _ in range(events):
            self._number += 1
            index = rnd.randrange(len(self._callers))
            caller = self._callers[index]
            if rnd.random() < 0.8:
                topic, value = "gateway.requests", _REQUEST % (self._number, caller, self._model(), written)
            else:
                saved = (rnd.randrange(2_000), rnd.randrange(10**7))
                topic, value = "gateway.cache-hits", _HIT % (self._number, caller, *saved, written)
            record = Made(self._number, _MILLISECONDS, caller, value)
            made.setdefault((topic, self._homes[index]), []).append(record)
        for (topic, number), records in made.items():
            self._partitions[number].fold_batch(FOLDS[topic], Batch(topic, number, records), NOW)

    def _model(self) -> bytes:
        return self._random.choice(MODELS).encode()

    def _drain(self) -> Iterator[Message]:
        shares_topic = self._around.topic(GATEWAY_SHARES)
        shares: list[Made] = []
        for partition in self._partitions:
            changes = partition.drain()
            for row in changes.rows:
                if row.table in CALLER_TABLES:
                    yield self._message(row, partition.number)
            shares += [
                Made(0, _MILLISECONDS, each.key, each.value)
                for each in changes.messages
                if each.topic == shares_topic
            ]
        self._gateway.fold_shares(Batch(shares_topic, 0, shares), NOW)
        for row in self._gateway.drain().rows:
            if row.table in GATEWAY_TABLES:
                yield self._message(row, 0)

    def _message(self, row: Row, partition: int) -> Message:
        return Message(self._around.changelog(row.table), partition, row.key, row.value)
