"""What somebody changes in topics of a running broker: settings, records that are deleted, whole topics.

The controller answers before the broker itself has heard of a change: for some milliseconds, or for longer where
processors are busy, it goes by what was. Each function returns when the broker has heard of it.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import PolicyViolationError

from tests.support.deployment import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from aiokafka import TopicPartition

    from app.settings import Settings


@asynccontextmanager
async def _administration(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """Connect to the broker of a deployment."""
    admin = AIOKafkaAdminClient(**settings.kafka_options())
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def configure(settings: Settings, topics: Sequence[str], configs: Mapping[str, str]) -> None:
    """Give topics these settings and no others."""
    async with _administration(settings) as admin:
        await admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, topic, dict(configs)) for topic in topics]
        )
        asked = [ConfigResource(ConfigResourceType.TOPIC, topic, dict.fromkeys(configs)) for topic in topics]
        wanted = {(topic, *each) for topic in topics for each in configs.items()}
        deadline = time.monotonic() + PATIENCE
        while (found := await _described(admin, asked)) != wanted:
            assert time.monotonic() < deadline, wanted ^ found
            await asyncio.sleep(0.05)


async def _described(admin: AIOKafkaAdminClient, asked: list[ConfigResource]) -> set[tuple[str, str, str]]:
    """Return topic, name and value of each setting that is asked for; nothing of a topic that is unknown."""
    return {
        (topic, name, value)
        for response in await admin.describe_configs(asked)
        for _code, _message, _kind, topic, entries in response.resources
        for name, value, *_ in entries
    }


async def delete_topic(settings: Settings, topic: str) -> None:
    """Delete a topic."""
    async with _administration(settings) as admin:
        await admin.delete_topics([topic])
        deadline = time.monotonic() + PATIENCE
        while topic in await admin.list_topics():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)


async def delete_records(settings: Settings, partition: TopicPartition, before: int) -> None:
    """Have the broker delete what a partition holds below an offset, as retention would."""
    async with _administration(settings) as admin:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                await admin.delete_records({partition: RecordsToDelete(before_offset=before)})
            except PolicyViolationError:  # it is not yet known here that the policy was changed
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.05)
            else:
                return


async def delete_compacted_records(settings: Settings, partition: TopicPartition, before: int) -> None:
    """Delete records of a compacted topic, from which Kafka deletes none.

    Somebody changes its policy, and changes it back.
    """
    await configure(settings, [partition.topic], {"cleanup.policy": "compact,delete"})
    await delete_records(settings, partition, before)
    await configure(settings, [partition.topic], {"cleanup.policy": "compact"})
