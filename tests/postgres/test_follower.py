"""Following one small changelog on a real Kafka: where reading goes on, and what is refused."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from app.postgres.project.batch import Place, Reached
from app.postgres.project.errors import ProjectionError
from app.postgres.project.follower import CLOCKS_DIFFER, Follower
from app.provision import Provisioner, TopicsError
from app.topics import Surroundings, specs
from tests.support.deployment import PATIENCE, Deployment
from tests.support.topics import delete_compacted_records, delete_topic

if TYPE_CHECKING:
    from pathlib import Path

    from app.local.broker import Broker

PLACE = Place("levels", 0)


class Changelog:
    """A changelog of one partition."""

    def __init__(self, broker: Broker, folder: Path) -> None:
        self.settings = Deployment(broker.address, folder).settings
        around = Surroundings.of(self.settings)
        self.topic = around.changelog(PLACE.table)
        self.specs = [each for each in specs(around, {PLACE.table: 1}) if each.name == self.topic]

    async def write(self, *values: bytes) -> None:
        """Write rows."""
        async with AIOKafkaProducer(**self.settings.kafka_options()) as producer:
            for value in values:
                await producer.send_and_wait(self.topic, value, b"key")

    async def make(self) -> None:
        """Make the topic."""
        async with Provisioner(self.settings) as provisioner:
            await provisioner.create(self.specs)

    async def remove(self, *, before: int) -> None:
        """Remove the rows before an offset."""
        await delete_compacted_records(self.settings, TopicPartition(self.topic, 0), before)


@pytest.fixture
async def changelog(broker: Broker, tmp_path: Path) -> Changelog:
    """A changelog with three rows."""
    changelog = Changelog(broker, tmp_path)
    await changelog.make()
    await changelog.write(b"0", b"1", b"2")
    return changelog


async def read(changelog: Changelog, next_offset: int, newest: int = 0) -> list[bytes]:
    """Return the values from an offset to the end."""
    async with Follower(changelog.settings, [PLACE]) as follower:
        await follower.begin({PLACE: Reached(next_offset, newest)})
        return await rest(follower)


async def rest(follower: Follower) -> list[bytes]:
    """Return the values that a follower has still to read."""
    values: list[bytes] = []
    ends, deadline = await follower.ends(), time.monotonic() + PATIENCE
    while (await follower.positions())[PLACE] < ends[PLACE]:
        values += [record.value for records in (await follower.poll(0.1)).values() for record in records]
        assert time.monotonic() < deadline
    return values


async def until_it_is_away(follower: Follower) -> None:
    """Ask the broker again and again: the first answers may be under way when it stops."""
    for _ in range(100):
        await follower.ends()


async def test_reading_goes_on(changelog: Changelog) -> None:
    """It reads from the offset on that was reached, to the end."""
    assert await read(changelog, 0) == [b"0", b"1", b"2"]
    assert await read(changelog, 2) == [b"2"]
    assert await read(changelog, 3) == []


async def test_made_anew_and_shorter(changelog: Changelog) -> None:
    """A topic that ends before the offset that was reached was made anew."""
    with pytest.raises(ProjectionError, match=r"levels-changelog\[0\] was made anew: .*--rebuild"):
        await read(changelog, 4)


async def test_made_anew_and_longer(changelog: Changelog) -> None:
    """So was one that has rows below the offset which are newer than all that was read up to there."""
    now = round(time.time() * 1000)
    assert await read(changelog, 2, now) == [b"2"]
    with pytest.raises(ProjectionError, match=r"levels-changelog\[0\] was made anew: .*--rebuild"):
        await read(changelog, 2, now - 2 * CLOCKS_DIFFER)


async def test_rows_that_are_gone(changelog: Changelog) -> None:
    """Rows that were removed before they were read are missed at the start; those that were read are not."""
    await changelog.remove(before=2)
    with pytest.raises(ProjectionError, match=r"begins at offset 2, the tables have it up to 1: .*--rebuild"):
        await read(changelog, 1)
    assert await read(changelog, 2) == [b"2"]
    assert await read(changelog, 0) == [b"2"]


async def test_rows_that_go_away_while_it_follows(changelog: Changelog) -> None:
    """Rows that are removed before it comes to them stop it: it never goes on behind a gap in silence."""
    async with Follower(changelog.settings, [PLACE]) as follower:
        await follower.begin({PLACE: Reached(3, 0)})
        await changelog.remove(before=3)
        follower._consumer.seek(TopicPartition(changelog.topic, 0), 0)  # it would have read ahead
        with pytest.raises(ProjectionError, match="does not have the offset any more"):
            await rest(follower)


async def test_a_topic_that_is_gone(changelog: Changelog) -> None:
    """A changelog that does not exist is named, with what makes it."""
    await delete_topic(changelog.settings, changelog.topic)
    with pytest.raises(TopicsError, match=r"levels-changelog does not exist: .*topics create"):
        await read(changelog, 0)


async def test_a_broker_that_does_not_answer(
    broker: Broker, changelog: Changelog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that does not answer any more ends it."""
    monkeypatch.setattr("app.postgres.project.follower._AWAY_AFTER", 1.0)
    async with Follower(changelog.settings, [PLACE]) as follower:
        await follower.begin({PLACE: Reached(0, 0)})
        os.kill(broker.pid, signal.SIGSTOP)
        try:
            with pytest.raises(ProjectionError, match=r"the Kafka broker at \S+ does not answer"):
                await until_it_is_away(follower)
        finally:
            os.kill(broker.pid, signal.SIGCONT)
