"""Ways in which changelogs can be not what was written to them, done to a copy of a deployment's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaProducer

if TYPE_CHECKING:
    from tests.support.deployment import Deployment

Rows = list[tuple[bytes | None, bytes | None]]
Changelogs = dict[str, Rows]
Damage = Callable[[Changelogs], None]

#: The tables of the first stage.
TABLES = ("positions", "counters", "days", "models", "streaks", "subscriptions", "unlocks", "seen")


def changelogs_of(deployment: Deployment) -> Changelogs:
    """Return all that was written to the changelogs of a deployment of one partition, in order."""
    return {
        table: [(each.key, each.value) for each in deployment.read(deployment.around.changelog(table))]
        for table in TABLES
    }


def copy(deployment: Deployment, changelogs: Changelogs) -> None:
    """Write rows to the changelogs of a deployment that has none yet."""
    asyncio.run(_copy(deployment, changelogs))


async def _copy(deployment: Deployment, changelogs: Changelogs) -> None:
    async with AIOKafkaProducer(**deployment.settings.kafka_options(), linger_ms=50) as producer:
        sent: list[Any] = []
        for table, rows in changelogs.items():
            topic = deployment.around.changelog(table)
            sent += [await producer.send(topic, value, key, partition=0) for key, value in rows]
        await asyncio.gather(*sent)


def emptied(table: str) -> Damage:
    """Return the damage of a topic that was made anew."""

    def damage(changelogs: Changelogs) -> None:
        changelogs[table] = []

    return damage


def cut_off(table: str) -> Damage:
    """Return the damage of a topic that has lost its newest row."""

    def damage(changelogs: Changelogs) -> None:
        changelogs[table].pop()

    return damage


def deleted(table: str) -> Damage:
    """Return the damage of a topic with a tombstone for each of its keys."""

    def damage(changelogs: Changelogs) -> None:
        changelogs[table] += [(key, None) for key in {key for key, _ in changelogs[table]}]

    return damage


def written(table: str, value: bytes, key: bytes = b"somebody") -> Damage:
    """Return the damage of a topic into which something else was written."""

    def damage(changelogs: Changelogs) -> None:
        changelogs[table].append((key, value))

    return damage


#: Each with what a worker says of it, as a regular expression.
DAMAGES: tuple[tuple[Damage, str], ...] = (
    (emptied("counters"), r"counters-changelog\[0\] ends at offset 0, but \d+ rows were written to it"),
    (emptied("days"), r"days-changelog\[0\] ends at offset 0"),
    (emptied("unlocks"), r"unlocks-changelog\[0\] ends at offset 0"),
    (emptied("seen"), r"seen-changelog\[0\] ends at offset 0"),
    (emptied("positions"), r"holds rows, but the task's positions are gone"),
    (cut_off("streaks"), r"streaks-changelog\[0\] ends at offset \d+, but \d+ rows"),
    (
        deleted("counters"),
        r"counters-changelog\[0\] holds a row that cannot be read, key .*never deletes",
    ),
    (deleted("positions"), r"positions-changelog\[0\] .* a position is never deleted"),
    (deleted("seen"), r"the changelogs of callers\[0\] are not complete: rows of seen are missing"),
    (
        written("models", b"garbage"),
        r"models-changelog\[0\] holds a row that cannot be read, key b'somebody'",
    ),
    (written("counters", b"\x92\x02\x01"), r"counters-changelog\[0\] holds a row that cannot be read"),
    (written("counters", b"\x9c\x63"), r"counters-changelog\[0\] holds a row that cannot be read"),
    (
        written("seen", b"\x92\x01\xc4\x07goodbye", b"1"),
        r"seen-changelog\[0\] .* not hashes of identities",
    ),
    (written("positions", b"12x"), r"positions-changelog\[0\] holds a row that cannot be read"),
    (written("positions", b"[]", b"#rows"), r"positions-changelog\[0\] .* not counts by table"),
)
