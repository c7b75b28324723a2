"""Sends requests at a steady rate, each with the time at which it was due: the sender of ``latency.py``.

One request in twenty is the first of its caller, which unlocks an achievement. Every 10 ms what is due goes out in one
batch for each partition, as a producer with a small linger does. Prints by how many milliseconds the last of a hundred
ticks was late, so that a sender that cannot keep up is seen.
"""

import asyncio
import os
import time
from datetime import UTC, datetime
from typing import Any, Final

import click
from aiokafka import AIOKafkaProducer

from app.settings import Settings
from app.topics import Surroundings
from tests.bench.surroundings import PARTITIONS, REQUESTS

TICK: Final = 0.01
FIRST_OF_CALLER: Final = 20
_KNOWN: Final = 1_000
_EVENT: Final = (
    b'{"request_id":"%d-%d","caller_id":"%s","model":"claude-sonnet-4","status":"success","tokens_in":1500,'
    b'"tokens_out":420,"cost_usd":"0.012345","latency_ms":812,"fallback_used":false,"cache":null,"created_at":"%s"}'
)


@click.command
@click.option("--rate", required=True, type=int, help="Events per second.")
@click.option("--seconds", required=True, type=int)
def main(rate: int, seconds: int) -> None:
    """Send so many events a second."""
    late = asyncio.run(_send(Settings.from_environ(os.environ), rate, seconds))
    print(f"{sorted(late)[len(late) * 99 // 100] * 1000:.1f}")  # noqa: T201 - its only output


async def _send(settings: Settings, rate: int, seconds: int) -> list[float]:
    around = Surroundings.of(settings)
    topic = around.topic(REQUESTS)
    late = []
    async with AIOKafkaProducer(**settings.kafka_options(), linger_ms=0) as producer:
        began, number = time.monotonic(), 0
        offset = time.time() - began
        for tick in range(round(seconds / TICK)):
            due = began + tick * TICK
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            late.append(time.monotonic() - due)
            end = round((tick + 1) * TICK * rate)
            await _tick(producer, topic, around, range(number, end), offset + due)
            number = end
        await producer.flush()
    return late


async def _tick(
    producer: AIOKafkaProducer, topic: str, around: Surroundings, numbers: range, due: float
) -> None:
    """Send the events of a tick; what they unlock is measured from ``due`` on, however late they go out."""
    nanoseconds = round(due * 1e9)
    at = datetime.fromtimestamp(due, UTC).isoformat().encode()
    batches: dict[int, Any] = {}
    for number in numbers:
        first = not number % FIRST_OF_CALLER
        caller = b"first-%d" % number if first else b"known-%d" % (number % _KNOWN)
        partition = around.partition_of(caller)
        batch = batches.get(partition)
        if batch is None:
            batch = batches[partition] = producer.create_batch()
        value = _EVENT % (nanoseconds, number, caller, at)
        if batch.append(key=caller, value=value, timestamp=None) is None:
            raise ValueError(f"{len(numbers) / PARTITIONS:.0f} events do not fit into a batch")
    for partition, batch in batches.items():
        batch.close()
        await producer.send_batch(batch, topic, partition=partition)


if __name__ == "__main__":
    main()
