"""Changelogs that are not what was written to them: a worker that trusted one would count from a wrong state."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from app.engine.changelog import ChangelogError
from app.engine.tasks import Tasks
from app.factory import stages
from app.topics import FORWARDED, INPUTS
from tests.support.damage import DAMAGES, Changelogs, Damage, changelogs_of, copy
from tests.support.deployment import Deployment
from tests.support.topics import delete_compacted_records
from tests.support.traffic import Traffic

if TYPE_CHECKING:
    from pathlib import Path

    from app.local.broker import Broker


@pytest.fixture(scope="module")
def folded(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """A deployment of one partition that has folded two thousand events."""
    deployment = Deployment(broker.address, tmp_path_factory.mktemp("folded"), STREAKLINE_PARTITIONS="1")
    deployment.run("topics", "create")
    deployment.send(list(Traffic(1, 1, deployment.home, callers=20).events(2_000)))
    with deployment.start_worker() as worker:
        deployment.wait_until_folded()
        assert worker.stop() == 0
    return deployment


@pytest.fixture(scope="module")
def changelogs(folded: Deployment) -> Changelogs:
    """All that was written to its changelogs."""
    return changelogs_of(folded)


async def restore(deployment: Deployment) -> Tasks:
    """Open the only task of the first stage, as a worker does after a rebalance, and close it again."""
    settings, around = deployment.settings, deployment.around
    tasks = Tasks(around.group_id, stages(settings, around)[:1], settings.kafka_options(), around.changelog)
    sources = [TopicPartition(around.topic(name), 0) for name in (*INPUTS, FORWARDED)]
    await tasks.open(sources, 1)
    await tasks.close()
    return tasks


@pytest.mark.parametrize(("damage", "problem"), DAMAGES)
def test_a_damaged_changelog_is_refused(
    folded: Deployment,
    changelogs: Changelogs,
    tmp_path: Path,
    damage: Damage,
    problem: str,
) -> None:
    """Rows that are gone, cut off, deleted or were never rows: the restore says in which topic, and what to do."""
    damaged = {table: list(rows) for table, rows in changelogs.items()}
    damage(damaged)
    deployment = Deployment(folded.settings.bootstrap_servers, tmp_path, STREAKLINE_PARTITIONS="1")
    deployment.create_topics()
    copy(deployment, damaged)
    with pytest.raises(ChangelogError, match=problem) as refused:
        asyncio.run(restore(deployment))
    assert "start over under another application id" in str(refused.value)


def test_an_undamaged_changelog_is_restored(folded: Deployment, caplog: pytest.LogCaptureFixture) -> None:
    """The deployment that the others are copies of is restored whole."""
    caplog.set_level(logging.INFO, "app.engine.tasks")
    asyncio.run(restore(folded))
    assert "restored " in caplog.text


def test_a_worker_leaves_when_rows_were_deleted(broker: Broker, tmp_path: Path) -> None:
    """A worker whose changelog lost its oldest rows ends with status 1 and one line, at every start."""
    deployment = Deployment(broker.address, tmp_path, STREAKLINE_PARTITIONS="1")
    deployment.run("topics", "create")
    deployment.send(list(Traffic(1, 1, deployment.home, callers=20).events(500)))
    with deployment.start_worker() as worker:
        deployment.wait_until_folded()
        assert worker.stop() == 0
    counters = deployment.around.changelog("counters")
    before = asyncio.run(delete_oldest(deployment, counters))
    for _ in range(2):
        with deployment.start_worker() as worker:
            assert worker.process.wait(60) == 1
            last = worker.log.splitlines()[-1]
            assert f"{counters}[0] begins at offset 1: older rows were deleted" in last
    assert len(deployment.read(counters)) == before - 1


async def delete_oldest(deployment: Deployment, topic: str) -> int:
    """Have the broker delete the first record of a topic; return how many committed ones there were."""
    settings = deployment.settings
    count, partition = 0, TopicPartition(topic, 0)
    async with AIOKafkaConsumer(**settings.kafka_options(), isolation_level="read_committed") as consumer:
        consumer.assign([partition])
        await consumer.seek_to_beginning()
        while records := (await consumer.getmany(timeout_ms=2_000)).values():
            count += sum(len(each) for each in records)
    await delete_compacted_records(settings, partition, before=1)
    return count
