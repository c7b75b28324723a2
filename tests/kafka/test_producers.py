"""Any producer: librdkafka's partitioner, the Java client's, none; bare JSON and CloudEvents in both modes."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from aiokafka import AIOKafkaProducer
from cloudevents.core.bindings.kafka import to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from confluent_kafka import Producer

from app.domain.events import EVENT_OF_TOPIC
from tables import counters
from tests.chaos.judge import judge
from tests.chaos.state import Found
from tests.support.deployment import Deployment, Sending
from tests.support.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from app.local.broker import Broker


@pytest.fixture
def deployment(broker: Broker, tmp_path: Path) -> Deployment:
    """Topics of its own for each test."""
    deployment = Deployment(broker.address, tmp_path)
    deployment.create_topics()
    return deployment


def send_with_librdkafka(deployment: Deployment, messages: Sequence[Sending]) -> None:
    """Send with librdkafka's default partitioner: CRC32 of the key, a random partition without one."""
    producer = Producer({"bootstrap.servers": deployment.settings.bootstrap_servers, "linger.ms": 20})
    failed: list[Any] = []

    def delivered(error: Any, _message: Any) -> None:
        if error is not None:
            failed.append(error)

    for each in messages:
        topic = deployment.around.topic(each.topic)
        producer.produce(topic, each.value, each.key, on_delivery=delivered)
        producer.poll(0)
    assert producer.flush(60) == 0
    assert not failed


def send_with_aiokafka(deployment: Deployment, messages: Sequence[Sending]) -> None:
    """Send with aiokafka's default partitioner: murmur2 of the key, as the Java client."""

    async def send() -> None:
        options = deployment.settings.kafka_options()
        async with AIOKafkaProducer(**options, linger_ms=20) as producer:
            sent = [
                await producer.send(deployment.around.topic(each.topic), each.value, each.key)
                for each in messages
            ]
            await asyncio.gather(*sent)

    asyncio.run(send())


def send_anywhere(deployment: Deployment, messages: Sequence[Sending]) -> None:
    """Send each message to any partition."""
    rnd, count = random.Random(1), deployment.settings.partitions
    deployment.send([replace(each, partition=rnd.randrange(count)) for each in messages])


def test_the_result_does_not_depend_on_the_partitioner(deployment: Deployment) -> None:
    """The same callers over three producers that disagree where they belong: the recount agrees."""
    messages = list(Traffic(5, deployment.settings.partitions, deployment.home, callers=60).events(6_000))
    senders = (send_with_librdkafka, send_with_aiokafka, send_anywhere)
    with deployment.start_worker(), deployment.start_worker():
        for number, send in enumerate(senders):
            send(deployment, messages[number :: len(senders)])
        deployment.wait_until_folded()
    assert sum(len(deployment.read(deployment.around.topic(name))) for name in EVENT_OF_TOPIC) == 6_000
    verdict = judge(Found(deployment.settings))
    assert verdict.events == 6_000
    assert not verdict.differences


def as_cloud_event(message: Sending, mode: Any) -> Sending:
    """Return the message as a CloudEvent of a mode, with its id in the envelope only."""
    assert message.value is not None
    body = json.loads(message.value)
    id_field = EVENT_OF_TOPIC[message.topic].id_field
    assert id_field is not None
    attributes = {
        "id": body.pop(id_field),
        "source": "/gateway",
        "type": f"io.{message.topic}",
        "datacontenttype": "application/json",
    }
    encoded = mode(CloudEvent(attributes, body), JSONFormat())
    return replace(message, value=encoded.value, headers=tuple(encoded.headers.items()))


def test_an_event_in_three_forms_counts_once(deployment: Deployment) -> None:
    """Bare, in binary and in structured mode, at home and elsewhere: one identity, one event."""
    traffic = Traffic(7, deployment.settings.partitions, deployment.home, callers=30)
    bare = list(traffic.events(1_500))
    forms = [*bare, *(as_cloud_event(each, mode) for each in bare for mode in (to_binary, to_structured))]
    random.Random(2).shuffle(forms)
    with deployment.start_worker():
        send_anywhere(deployment, forms)
        deployment.wait_until_folded()
    assert deployment.read(deployment.around.topic("streakline.dead-letters")) == []
    rows = deployment.read_rows("counters")["counters"]
    for scope, count in traffic.counts.items():
        if scope != "gateway":
            row = counters.CODEC.decode(rows[scope.removeprefix("caller:").encode()])
            found = (
                row.requests,
                row.cache_hits,
                row.tokens_saved,
                row.cost_saved,
                row.races,
                row.facts_stored,
            )
            counted = (count.requests, count.hits, count.tokens, count.nanos, count.races, count.facts)
            assert (scope, found) == (scope, counted)
