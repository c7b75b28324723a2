"""The two stages without Kafka: partitions and the gateway, with whatever they send each other carried between them.

A crash forgets what was not drained, as a killed worker does, and folds it again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

import agents
from agents import FOLDS
from app.domain.measures import Measures
from app.engine.fold import Batch
from app.engine.record_batch import new_record
from app.topics import FORWARDED, GATEWAY_SHARES, Surroundings
from tables import subscriptions
from tables.gateway import HELD, HELD_CODEC, SHARES, Gateway
from tables.partition import RESTORED, Partition
from tables.rows import CODECS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from app.engine.fold import Changes, Header, Message

_CODECS = {**CODECS, subscriptions.TABLE: subscriptions.CODEC}
NOW = datetime(2026, 1, 1, tzinfo=UTC)
DEDUPE_WINDOW = 10_000
IN_USE = 1  # so that rows come to rest and are used again all the time
BROKER_TIME = 1_767_225_600_000  # NOW in milliseconds


class Read(NamedTuple):
    """A record as the engine hands it to a fold."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header] = ()


def surroundings(partitions: int) -> Surroundings:
    """Return the names of a deployment; where a key belongs is any function of the key."""
    return Surroundings(
        "streakline", "", partitions, lambda key: crc32(key) % partitions, DEDUPE_WINDOW, IN_USE
    )


@dataclass
class Log:
    """What a task has committed: rows, and how much of its input."""

    rows: dict[str, dict[bytes, bytes]] = field(default_factory=dict)
    committed: int = 0

    def write(self, changes: Changes, position: int) -> None:
        """Take a transaction's rows."""
        for row in changes.rows:
            table, key, value = row.table, row.key, row.value
            if value is None:
                self.rows[table].pop(key, None)
            else:
                self.rows.setdefault(table, {})[key] = value
        self.committed = position


class Deployed:
    """Partitions and a gateway. Partition number ``partitions`` stands for the gateway."""

    def __init__(self, partitions: int) -> None:
        self.around = surroundings(partitions)
        self.partitions = partitions
        self.inputs: list[list[Read]] = [[] for _ in range(partitions + 1)]
        self.logs = [Log() for _ in range(partitions + 1)]
        self.published: list[Message] = []
        self._states: list[Any] = [self._new(number) for number in range(partitions + 1)]
        self._positions = [0] * (partitions + 1)

    def _new(self, number: int) -> Any:
        gateway = number == self.partitions
        return Gateway(self.around, Measures()) if gateway else Partition(number, self.around)

    def arrive(self, events: Iterable[tuple[int, dict[str, Any]]]) -> None:
        """Append events to partitions."""
        for partition, event in events:
            body = {name: value for name, value in event.items() if name != "topic"}
            self._append(partition, event["topic"], None, json.dumps(body).encode())

    def _append(
        self,
        partition: int,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[Header] = (),
    ) -> None:
        waiting = self.inputs[partition]
        waiting.append(Read(topic, partition, len(waiting), BROKER_TIME, key, value, tuple(headers)))

    def fold(self, number: int, count: int) -> None:
        """Fold the next ``count`` records of a task, as batches of one topic each."""
        start = self._positions[number]
        records = self.inputs[number][start : start + count]
        self._positions[number] += len(records)
        while records:
            length = next(
                (i for i, each in enumerate(records) if each.topic != records[0].topic), len(records)
            )
            self._fold_batch(self._states[number], records[:length])
            records = records[length:]

    def _fold_batch(self, state: Any, records: list[Read]) -> None:
        topic = records[0].topic
        stored = [new_record(*each[2:]) for each in records]
        batch = Batch(topic, records[0].partition, stored)
        if topic == self.around.topic(GATEWAY_SHARES):
            state.fold_shares(batch, NOW)
        elif topic == self.around.topic(FORWARDED):
            agents.forwarded(FOLDS)(state, batch, NOW)
        else:
            agents.events(FOLDS[topic])(state, batch, NOW)

    def drain(self, number: int) -> None:
        """Commit what a task has folded: rows to its log, messages to where they go."""
        changes = self._states[number].drain()
        self.logs[number].write(changes, self._positions[number])
        for message in changes.messages:
            if message.topic == self.around.topic(GATEWAY_SHARES):
                self._append(self.partitions, message.topic, message.key, message.value)
            elif message.topic == self.around.topic(FORWARDED):
                self._append(
                    message.partition, message.topic, message.key, message.value, message.headers or []
                )
            else:
                self.published.append(message)

    def crash(self, number: int) -> None:
        """Put a new state in the place of a task's, restored from its log."""
        state, log = self._new(number), self.logs[number]
        for table in (SHARES, HELD) if number == self.partitions else RESTORED:
            for key, value in log.rows.get(table, {}).items():
                state.restore(table, key, value)
        state.restored()
        self._states[number] = state
        self._positions[number] = log.committed

    def settle(self) -> None:
        """Fold and drain until nothing is left."""
        while any(log.committed < len(self.inputs[number]) for number, log in enumerate(self.logs)):
            for number, waiting in enumerate(self.inputs):
                self.fold(number, len(waiting))
                self.drain(number)

    def rows(self) -> dict[str, dict[bytes, bytes]]:
        """Return the callers' rows, encoded, and under ``gateway-shares`` the snapshots."""
        merged: dict[str, dict[bytes, bytes]] = {table: {} for table in (*_CODECS, SHARES)}
        for log in self.logs:
            for table in merged:
                merged[table] |= {key: row for key, row in log.rows.get(table, {}).items() if key}
        return merged

    def state(self) -> dict[tuple[int, str, bytes], Any]:
        """Return every restored row but the identities, which have an order, decoded, by task, table and key."""
        decoded: dict[tuple[int, str, bytes], Any] = {}
        for number, log in enumerate(self.logs):
            for table, codec in _CODECS.items():
                for key, row in log.rows.get(table, {}).items():
                    decoded[number, table, key] = codec.decode(row)
            for key, row in log.rows.get(SHARES, {}).items():
                decoded[number, SHARES, key] = _CODECS[key.split(b"/")[1].decode()].decode(row)
            for key, row in log.rows.get(HELD, {}).items():
                decoded[number, HELD, key] = HELD_CODEC.decode(row)
        return decoded


@dataclass
class Earned:
    """What was published for a scope."""

    achievements: list[str] = field(default_factory=list)
    stages: list[tuple[str, int]] = field(default_factory=list)
    levels: list[tuple[int, int]] = field(default_factory=list)

    @property
    def level(self) -> int:
        """Return the highest level."""
        return max((level for _, level in self.levels), default=1)


def earned(published: Iterable[Message]) -> dict[str, Earned]:
    """Return what was published, in its order, by scope."""
    scopes: dict[str, Earned] = {}
    for message in published:
        assert message.value is not None
        value = json.loads(message.value)
        scope = scopes.setdefault(value["scope"], Earned())
        match message.topic:
            case "streakline.achievement-unlocked":
                scope.achievements.append(value["achievement_id"])
            case "streakline.level-up":
                scope.levels.append((value["from_level"], value["level"]))
            case "streakline.pet-evolved":
                scope.stages.append((value["species_id"], value["stage_index"]))
            case topic:
                raise AssertionError(topic)
    return scopes
