"""Whether a partition holds anything to fold: the worker's watchdog, commands and the tests themselves go by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiokafka import TopicPartition

from app.engine.sources import Sources
from tests.support.deployment import Deployment, Sending

if TYPE_CHECKING:
    from pathlib import Path

    from app.local.broker import Broker

TOPIC = "gateway.requests"


@pytest.mark.parametrize(("committed", "nothing"), [(0, True), (1, False)])
async def test_only_a_committed_record_is_something(
    broker: Broker, tmp_path: Path, committed: int, *, nothing: bool
) -> None:
    """Aborted records and markers are nothing, before a committed record and behind it."""
    deployment = Deployment(broker.address, tmp_path)
    await deployment._create_topics()
    aborted, sent = [Sending(TOPIC, 0, b"aborted")] * 3, [Sending(TOPIC, 0, b"committed")] * committed
    for messages, abort in ((aborted, True), (sent, False), (aborted, True)):
        await deployment._send(messages, None, abort=abort)

    partition = TopicPartition(deployment.around.topic(TOPIC), 0)
    async with Sources(deployment.settings.kafka_options()) as sources:
        [end] = (await sources.ends([partition])).values()
        assert end == 8 + committed
        assert await sources.hold_nothing(partition, 0, end) is nothing
        assert await sources.hold_nothing(partition, 4 + committed, end)
