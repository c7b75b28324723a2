"""A broker that loses markers, as Apache Kafka 4.4.0 does when it is killed before it has written them."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from app.engine import changelog
from app.engine.changelog import ChangelogReader, StalledError
from app.engine.fold import Message, Row
from app.engine.takeover import take_over
from app.engine.transactions import TransactionalWriter
from tests.chaos.points import forget_partitions, send
from tests.support.cluster import UNCHECKED, Cluster

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from app.engine.record_writer import Rows

PATIENCE = 60.0

Options = dict[str, Any]


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Options]:
    """Return what a client needs of a broker that is not told of all partitions of a transaction."""
    folder: Path = tmp_path_factory.mktemp("brokers")
    with Cluster(folder, 1, UNCHECKED) as cluster:
        yield {"bootstrap_servers": cluster.address}


@pytest_asyncio.fixture
async def topic(options: Options) -> str:
    """Return a topic of three partitions: for rows, for positions, for what is published."""
    name = f"t{secrets.token_hex(4)}"
    admin = AIOKafkaAdminClient(**options)
    await admin.start()
    await admin.create_topics([NewTopic(name, 3, 1)])
    await admin.close()
    return name


def transaction(topic: str, text: str) -> tuple[list[Message], Rows]:
    """Return the messages and rows of a transaction that writes to all partitions."""
    value = text.encode()
    return [Message(topic, 2, b"key", value)], {(topic, n): [Row("t", b"key", value)] for n in (0, 1)}


def everywhere_the_same(texts: list[str]) -> dict[int, list[str]]:
    """Return what each partition must hold."""
    return dict.fromkeys(range(3), texts)


async def committed(options: Options, topic: str) -> Mapping[int, list[str]]:
    """Return what a reader of committed records finds in each partition, up to where it ends for all."""
    partitions = [TopicPartition(topic, number) for number in range(3)]
    found: dict[int, list[str]] = {number: [] for number in range(3)}
    async with (
        asyncio.timeout(PATIENCE),
        ChangelogReader(options, "read_uncommitted") as everything,
        ChangelogReader(options) as reader,
    ):
        ends = await everything.ends(partitions)
        await reader.read_to_end(
            partitions,
            lambda _, number, __, value: found[number].append((value or b"").decode()),
            ends=ends,
        )
    return found


@pytest.mark.parametrize("is_committed", [True, False], ids=["commit", "abort"])
@pytest.mark.parametrize("lost", [{0, 1}, {1}, {0, 2}], ids=str)
async def test_lost_markers_are_written_by_the_next_owner(
    options: Options, topic: str, lost: set[int], *, is_committed: bool
) -> None:
    """Whatever markers are lost: the next owner finds the transaction whole, or nothing of it, and so does everybody."""
    everywhere = [TopicPartition(topic, number) for number in range(3)]
    older = TransactionalWriter(options, topic)
    await take_over(options, {older: everywhere})
    await older.write(*transaction(topic, "first"))
    assert await committed(options, topic) == everywhere_the_same(["first"])
    forget_partitions(older, lambda tp: tp.partition in lost)
    await (older.write if is_committed else lambda *what: send(older, *what))(*transaction(topic, "second"))

    owner = TransactionalWriter(options, topic)
    await take_over(options, {owner: everywhere})
    seen = ["first", "second"] if is_committed else ["first"]
    assert await committed(options, topic) == everywhere_the_same(seen)

    await owner.write(*transaction(topic, "third"))
    assert await committed(options, topic) == everywhere_the_same([*seen, "third"])
    await owner.stop()
    await older.stop()


async def test_lost_markers_are_written_by_the_next_transaction(options: Options, topic: str) -> None:
    """Who lives on ends the transaction before again, also where the next one has nothing to write."""
    lost: set[int] = set()
    owner = TransactionalWriter(options, topic)
    await owner.fence()
    forget_partitions(owner, lambda tp: tp.partition in lost)
    await owner.write(*transaction(topic, "first"))
    lost.update({1, 2})
    await owner.write(*transaction(topic, "second"))
    lost.clear()
    await owner.write([Message(topic, 0, b"key", b"third")])
    assert await committed(options, topic) == {
        0: ["first", "second", "third"],
        1: ["first", "second"],
        2: ["first", "second"],
    }
    await owner.write([Message(topic, 0, b"key", b"fourth")])
    assert owner._last == {TopicPartition(topic, 0)}
    await owner.stop()


async def test_an_old_state_is_never_read(
    options: Options, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody knows how a transaction ended, reading says so: what is before it is not all there is."""
    monkeypatch.setattr(changelog, "STALLED_AFTER", 0.5)
    older = TransactionalWriter(options, topic)
    await older.fence()
    forget_partitions(older, lambda tp: tp.partition == 1)
    await older.write(*transaction(topic, "first"))
    interrupted = TransactionalWriter(options, topic)
    await interrupted.fence()  # and its coordinator has forgotten the one before

    owner = TransactionalWriter(options, topic)
    await take_over(options, {owner: [TopicPartition(topic, 1)]})
    with pytest.raises(StalledError, match=rf"{topic}\[1\].*a transaction that the broker has not ended"):
        await committed(options, topic)
    for each in (owner, interrupted, older):
        await each.stop()


async def test_a_living_owner_is_left_alone(options: Options, topic: str) -> None:
    """What another owner's open transaction holds up is still that owner's to commit."""
    living, owner = TransactionalWriter(options, f"{topic}-1"), TransactionalWriter(options, f"{topic}-2")
    everywhere = [TopicPartition(topic, number) for number in range(3)]
    await take_over(options, {living: everywhere, owner: everywhere})
    await owner.write(*transaction(topic, "first"))
    await send(living, *transaction(topic, "second"))

    heir = TransactionalWriter(options, f"{topic}-2")
    await take_over(options, {heir: everywhere})
    await living._producer.commit_transaction()
    assert await committed(options, topic) == everywhere_the_same(["first", "second"])
    for each in (heir, owner, living):
        await each.stop()
