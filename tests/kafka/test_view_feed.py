"""How far back a view reads requests, and what it does when they come faster than it can take them."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer

from app.view import live_tail
from app.view.live_tail import LiveTail
from app.view.recent import OF_ALL, Recent
from app.view.stream import Stream
from tests.support.deployment import PARTITIONS, Deployment, Sending

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    import pytest

    from app.local.broker import Broker

BACK = 5
PATIENCE = 60.0


def requests(count: int) -> list[Sending]:
    """So many requests on each partition."""
    return [
        Sending("gateway.requests", partition, value(f"{partition}-{number}", number))
        for partition in range(PARTITIONS)
        for number in range(count)
    ]


def value(request_id: str, second: int) -> bytes:
    """A request of ada."""
    at = f"2026-03-01T10:00:{second:02d}Z"
    event = {
        "request_id": request_id,
        "caller_id": "ada",
        "model": request_id,
        "status": "ok",
        "created_at": at,
    }
    return json.dumps(event).encode()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Return when the condition holds."""
    async with asyncio.timeout(PATIENCE):
        while not await condition():  # noqa: ASYNC110 - nothing tells when a consumer moves
            await asyncio.sleep(0.05)


async def test_reading_begins_a_little_before_the_end(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a long topic only its last records are read, then what comes."""
    monkeypatch.setattr(live_tail, "REQUESTS_BACK", BACK)
    deployment = Deployment(broker.address, tmp_path)
    await asyncio.to_thread(deployment.create_topics)
    await asyncio.to_thread(deployment.send, requests(40))
    recent = Recent()
    following = asyncio.create_task(LiveTail(deployment.settings, Stream(), recent).run())
    expected = {f"{partition}-{number}" for partition in range(PARTITIONS) for number in range(40 - BACK, 40)}

    async def has_read_all() -> bool:
        return len(models(recent)) >= len(expected)

    async def has_read_more() -> bool:
        return "new" in models(recent)

    try:
        await until(has_read_all)
        assert models(recent) == expected
        await asyncio.to_thread(deployment.send, [Sending("gateway.requests", 0, value("new", 59))])
        await until(has_read_more)
        assert models(recent) == {*expected, "new"}
    finally:
        following.cancel()


def models(recent: Recent) -> set[str]:
    """The models of all entries: here the ids of the requests."""
    return {entry.detail.partition(" ")[0] for entry in recent.entries(None, OF_ALL)}


async def test_what_is_too_far_behind_is_skipped(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A partition that is more than so many records behind goes on so many before its end; others are left alone."""
    monkeypatch.setattr(live_tail, "REQUESTS_BACK", BACK)
    monkeypatch.setattr(live_tail, "_ASK_EVERY", 0.05)
    deployment = Deployment(broker.address, tmp_path)
    await asyncio.to_thread(deployment.create_topics)
    await asyncio.to_thread(deployment.send, requests(40))
    live = LiveTail(deployment.settings, Stream(), Recent())
    async with AIOKafkaConsumer(**deployment.settings.kafka_options(), enable_auto_commit=False) as consumer:
        consumer.assign(live._requests)
        first, *others = live._requests
        consumer.seek(first, 40 - BACK + 1)
        for tp in others:
            consumer.seek(tp, 1)

        async def has_skipped() -> bool:
            return {await consumer.position(tp) for tp in others} == {40 - BACK}

        keeping_up = asyncio.create_task(live._keep_up(consumer))
        try:
            await until(has_skipped)
        finally:
            keeping_up.cancel()
        assert await consumer.position(first) == 40 - BACK + 1
