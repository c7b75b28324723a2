"""One deployment of streakline on the broker of the tests: its own topics, the installed commands, its messages."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from app.engine.changelog import ChangelogReader
from app.engine.rows_written import KEY as ROWS_WRITTEN
from app.engine.sources import Sources
from app.factory import GATEWAY_POSITIONS, POSITIONS, topic_specs
from app.provision import Provisioner
from app.settings import Settings
from app.topics import FORWARDED, GATEWAY_SHARES, INPUTS, Surroundings
from tests.support.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

STREAKLINE = Path(sys.executable).with_name("streakline")
PARTITIONS = 4

#: Seconds within which a worker folds what a test sends.
PATIENCE = 60.0

Header = tuple[str, bytes | None]


@dataclass(frozen=True, slots=True)
class Sending:
    """A message to be sent as it is; ``topic`` without the prefix."""

    topic: str
    partition: int
    value: bytes | None
    key: bytes | None = None
    headers: tuple[Header, ...] = ()


class Deployment:
    """Topics under a prefix of their own. All methods block; what waits fails with the workers' logs."""

    def __init__(self, address: str, folder: Path, **settings: str) -> None:
        self.prefix = f"t{secrets.token_hex(4)}."
        foreign = ("STREAKLINE_", "KAFKA_")
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith(foreign)},
            "KAFKA_BOOTSTRAP_SERVERS": address,
            "STREAKLINE_TOPIC_PREFIX": self.prefix,
            "STREAKLINE_PARTITIONS": str(PARTITIONS),
            "STREAKLINE_REPLICATION_FACTOR": "1",
            "STREAKLINE_WORKER_PORT": "0",
            "STREAKLINE_DATA_DIR": str(folder / "data"),
            **settings,
        }
        self.settings = Settings.from_environ(self.environ)
        self.around = Surroundings.of(self.settings)
        self.workers: list[Worker] = []
        self.folder = folder

    # -- commands ------------------------------------------------------------------------------------------

    def run(self, *arguments: str) -> str:
        """Run a command of the installed ``streakline``; return what it printed, fail if its status is not 0."""
        done = subprocess.run(
            [STREAKLINE, *arguments],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        if done.returncode:
            pytest.fail(
                f"streakline {' '.join(arguments)}: status {done.returncode}\n{done.stdout}{done.stderr}"
            )
        return done.stdout

    def create_topics(self) -> None:
        """Make the topics, quicker than the command does."""
        asyncio.run(self._create_topics())

    async def _create_topics(self) -> None:
        async with Provisioner(self.settings) as provisioner:
            await provisioner.create(topic_specs(self.settings))

    def start_worker(self, command: Sequence[str] = (str(STREAKLINE), "worker"), **settings: str) -> Worker:
        """Start the installed worker, or another command that runs one. Use as a context manager, which stops it."""
        log = self.folder / f"worker-{len(self.workers)}.log"
        worker = Worker(list(command), {**self.environ, **settings}, log)
        self.workers.append(worker)
        return worker

    def logs(self) -> str:
        """Return what all workers have logged."""
        return "\n".join(f"--- {worker.log_file.name}\n{worker.log}" for worker in self.workers)

    # -- messages ------------------------------------------------------------------------------------------

    def home(self, key: str) -> int:
        """Return the partition where the events of a key are at home."""
        return self.around.partition_of(key.encode())

    def send(
        self, messages: Sequence[Sending], *, compression: str | None = None, abort: bool = False
    ) -> None:
        """Send messages, those of a partition in their order and in as few batches as they fit in.

        With ``abort`` they are written in a transaction that is then aborted.
        """
        asyncio.run(self._send(messages, compression, abort=abort))

    async def _send(self, messages: Sequence[Sending], compression: str | None, *, abort: bool) -> None:
        transactional_id = secrets.token_hex(8) if abort else None
        producer = AIOKafkaProducer(
            **self.settings.kafka_options(),
            compression_type=compression,
            transactional_id=transactional_id,
            max_batch_size=1_000_000 if compression is None else 64_000_000,
        )
        async with producer:
            if abort:
                await producer.begin_transaction()
            batches: dict[tuple[str, int], Any] = {}
            for message in messages:
                target = (self.around.topic(message.topic), message.partition)
                if not _append(batches.setdefault(target, producer.create_batch()), message):
                    await (await producer.send_batch(batches[target], target[0], partition=target[1]))
                    batches[target] = producer.create_batch()
                    assert _append(batches[target], message), "a message does not fit in a batch of its own"
            for (topic, partition), batch in batches.items():
                await (await producer.send_batch(batch, topic, partition=partition))
            if abort:
                await producer.abort_transaction()

    def read(self, topic: str) -> list[Any]:
        """Return all committed records of a topic (its full name), by partition and offset, with their headers."""
        return asyncio.run(self._read(topic))

    async def _read(self, topic: str) -> list[Any]:
        consumer = AIOKafkaConsumer(
            **self.settings.kafka_options(),
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            fetch_max_wait_ms=50,
        )
        async with consumer:
            numbers = consumer.partitions_for_topic(topic) or await _partitions(consumer, topic)
            ends = await consumer.end_offsets([TopicPartition(topic, number) for number in sorted(numbers)])
            consumer.assign(list(ends))
            records: dict[TopicPartition, list[Any]] = {tp: [] for tp in ends}
            started = time.monotonic()
            while any([await consumer.position(tp) < end for tp, end in ends.items()]):
                for tp, fetched in (await consumer.getmany(timeout_ms=100)).items():
                    records[tp] += fetched
                if time.monotonic() - started > PATIENCE:
                    pytest.fail(f"{topic} could not be read to its end in {PATIENCE:.0f} s")
            return [record for tp in ends for record in records[tp]]

    def read_rows(self, *tables: str) -> dict[str, dict[bytes, bytes]]:
        """Return the newest rows of tables, encoded, by table and key, over all partitions."""
        return asyncio.run(self._read_rows(tables))

    async def _read_rows(self, tables: Iterable[str]) -> dict[str, dict[bytes, bytes]]:
        topics = {self.around.changelog(table): table for table in tables}
        rows: dict[str, dict[bytes, bytes]] = {table: {} for table in topics.values()}

        def on_row(topic: str, _partition: int, key: bytes, value: bytes | None) -> None:
            if value is None:
                rows[topics[topic]].pop(key, None)
            else:
                rows[topics[topic]][key] = value

        async with ChangelogReader(self.settings.kafka_options()) as reader:
            await reader.read_to_end(self._changelogs(topics), on_row)
        return rows

    def _changelogs(self, topics: Iterable[str]) -> list[TopicPartition]:
        gateway = {self.around.changelog(table) for table in GATEWAY_TABLES}
        return [
            TopicPartition(topic, number)
            for topic in topics
            for number in range(1 if topic in gateway else self.settings.partitions)
        ]

    # -- waiting -------------------------------------------------------------------------------------------

    def wait_until_folded(self, patience: float = PATIENCE) -> None:
        """Return when every committed message of the inputs and of the internal topics is folded and committed."""
        asyncio.run(self._wait_until_folded(patience))

    async def _wait_until_folded(self, patience: float) -> None:
        deadline = time.monotonic() + patience
        while lag := await self._lag():
            if time.monotonic() > deadline:
                pytest.fail(f"not folded after {patience:.0f} s: {lag}\n{self.logs()}")
            for worker in self.workers:
                worker.fail_if_crashed()
            await asyncio.sleep(0.05)

    async def _lag(self) -> dict[TopicPartition, tuple[int, int]]:
        """Return (position, end) of what is not folded: positions first, so that nothing slips through between."""
        positions = await self._positions()
        callers = [self.around.topic(name) for name in (*INPUTS, FORWARDED)]
        sources = [TopicPartition(topic, p) for topic in callers for p in range(self.settings.partitions)]
        sources.append(TopicPartition(self.around.topic(GATEWAY_SHARES), 0))
        async with Sources(self.settings.kafka_options()) as asked:
            ends = await asked.ends(sources)
            lag = {tp: (positions.get(tp, 0), end) for tp, end in ends.items() if positions.get(tp, 0) < end}
            for tp, (position, end) in list(lag.items()):
                if await asked.hold_nothing(tp, position, end):
                    del lag[tp]
        return lag

    async def _positions(self) -> dict[TopicPartition, int]:
        positions = {}

        def on_row(_topic: str, partition: int, key: bytes, value: bytes | None) -> None:
            if key != ROWS_WRITTEN:
                positions[TopicPartition(key.decode(), partition)] = int(value or 0)

        topics = [self.around.changelog(table) for table in (POSITIONS, GATEWAY_POSITIONS)]
        async with ChangelogReader(self.settings.kafka_options()) as reader:
            await reader.read_to_end(self._changelogs(topics), on_row)
        return positions


GATEWAY_TABLES = (GATEWAY_POSITIONS, "gateway-shares", "gateway-held", "gateway-unlocks")


def _append(batch: Any, message: Sending) -> bool:
    appended = batch.append(
        key=message.key, value=message.value, timestamp=None, headers=list(message.headers)
    )
    return appended is not None


async def _partitions(consumer: Any, topic: str) -> set[int]:
    """Ask the broker; a consumer that has just started knows no topic yet."""
    await consumer._client.add_topic(topic)
    numbers: set[int] | None = consumer.partitions_for_topic(topic)
    assert numbers, f"there is no topic {topic}"
    return numbers
