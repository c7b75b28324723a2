"""8: changelogs that are compacted by force, and copies of changelogs that are damaged."""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.chaos.fault import Fault
from tests.chaos.faults.brokers import brokers
from tests.support.damage import DAMAGES, changelogs_of, copy
from tests.support.deployment import Deployment
from tests.support.topics import configure
from tests.support.traffic import Traffic

if TYPE_CHECKING:
    from tests.chaos.harness import Chaos

#: Has the broker compact a topic as soon as it can.
EAGER = {
    "cleanup.policy": "compact",
    "segment.ms": "1000",
    "min.cleanable.dirty.ratio": "0.01",
    "max.compaction.lag.ms": "1000",
    "delete.retention.ms": "100",
}
#: Seconds that compaction has until it shows.
PATIENCE = 60.0
#: Seconds that a worker has to leave a damaged changelog.
REFUSAL = 60.0


def compact_and_kill(chaos: Chaos) -> None:
    """Have every changelog compacted while it is written, and kill a worker that must then restore from it."""
    around = chaos.deployment.around
    tables = ("positions", "counters", "days", "models", "streaks", "subscriptions", "seen", "gateway-shares")
    changelogs = [around.changelog(table) for table in tables]
    asyncio.run(configure(chaos.deployment.settings, changelogs, EAGER))
    slots = chaos.start_workers(2, static=2)
    positions = around.changelog("positions")
    for number in range(chaos.times):
        before = asyncio.run(_oldest(chaos.deployment, positions))
        deadline = time.monotonic() + PATIENCE
        while asyncio.run(_oldest(chaos.deployment, positions)) <= before:
            assert time.monotonic() < deadline, f"{positions} is not compacted"
            time.sleep(0.5)
        slots[number % 2].kill()
        chaos.struck()
        chaos.wait_until_folded()


async def _oldest(deployment: Deployment, topic: str) -> int:
    """Return the sum of the offsets of the oldest records: it grows when the topic is compacted."""
    consumer = AIOKafkaConsumer(**deployment.settings.kafka_options(), auto_offset_reset="earliest")
    async with consumer:
        oldest = 0
        for number in range(deployment.settings.partitions):
            tp = TopicPartition(topic, number)
            consumer.assign([tp])
            await consumer.seek_to_beginning(tp)
            batches = await consumer.getmany(tp, timeout_ms=1_000, max_records=1)
            oldest += sum(record.offset for records in batches.values() for record in records)
        return oldest


def damage_a_copy(chaos: Chaos) -> None:
    """Start a worker on damaged copies of a deployment: it must refuse each, every time with the same line."""
    chaos.start_workers(1)
    address = chaos.deployment.settings.bootstrap_servers
    one = {"STREAKLINE_PARTITIONS": "1"}
    whole = Deployment(address, chaos.folder / "whole", **one)
    (chaos.folder / "whole").mkdir()
    whole.create_topics()
    whole.send(list(Traffic(1, 1, whole.home, callers=20).events(2_000)))
    with whole.start_worker() as worker:
        whole.wait_until_folded()
        assert worker.stop() == 0
    changelogs = changelogs_of(whole)
    for number, (damage, problem) in enumerate(DAMAGES[: chaos.times]):
        folder = chaos.folder / f"copy-{number}"
        folder.mkdir()
        deployment = Deployment(address, folder, **one)
        deployment.create_topics()
        damaged = {table: list(rows) for table, rows in changelogs.items()}
        damage(damaged)
        copy(deployment, damaged)
        with deployment.start_worker() as worker:
            assert worker.process.wait(REFUSAL) == 1, f"{problem}: not refused\n{worker.log}"
            assert re.search(problem, worker.log.splitlines()[-1]), worker.log
        chaos.struck()


FAULTS = (
    Fault(
        key="8-compaction",
        title="changelogs compacted by force, then a worker killed",
        times=5,
        short=0,
        strike=compact_and_kill,
        brokers=brokers(1),
    ),
    Fault(
        key="8-damage",
        title="a changelog emptied, cut off, deleted, tombstoned or corrupt: refused",
        times=len(DAMAGES),
        short=0,  # tests/kafka/test_damaged_changelogs.py
        strike=damage_a_copy,
    ),
)
