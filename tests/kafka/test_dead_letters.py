"""`streakline dead-letters`: what was refused, and sending it again."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from aiokafka import AIOKafkaProducer

from app.dead_letters import DeadLetters, Letter, Wanted
from app.engine.record_writer import RecordWriter
from app.engine.written_batch import WrittenBatch
from tables import counters
from tests.support.deployment import PARTITIONS, STREAKLINE, Deployment, Sending

if TYPE_CHECKING:
    from pathlib import Path

    from app.local.broker import Broker

#: How far beyond the limit the events of the future are, in seconds.
AHEAD = 5.0
HEADERS = (("content-type", b"application/json"), ("trace", b"\x00\xff"), ("trace", b"again"))


def request(number: int, created_at: str, **fields: Any) -> bytes:
    """A request of ada."""
    body = {
        "request_id": f"r{number}",
        "caller_id": "ada",
        "model": "m",
        "status": "ok",
        "created_at": created_at,
    }
    return json.dumps({**body, **fields}).encode()


@pytest.fixture(scope="module")
def deployment(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """A deployment with one event counted, one of the future, one that lacks a field and three that are no JSON."""
    deployment = Deployment(broker.address, tmp_path_factory.mktemp("deployment"))
    deployment.create_topics()
    soon = (datetime.now(UTC) + timedelta(days=1, seconds=AHEAD)).isoformat()
    deployment.send(
        [
            Sending("gateway.requests", 0, request(1, "2026-03-01T08:00:00Z")),
            Sending("gateway.requests", 2, request(2, soon), b"ada", HEADERS),
            Sending("gateway.races", 1, b'{"call_id": "c"}'),
            *(Sending("gateway.mcp-calls", 3, b"\x1b[31m no JSON \xff", b"key") for _ in range(3)),
        ]
    )
    with deployment.start_worker() as worker:
        deployment.wait_until_folded()
        worker.stop()
    return deployment


def listed(deployment: Deployment, *arguments: str) -> list[dict[str, Any]]:
    """Return what `list --json` prints."""
    lines = deployment.run("dead-letters", "list", "--json", *arguments).splitlines()
    return [json.loads(line) for line in lines]


def test_list(deployment: Deployment) -> None:
    """Each refused message is a line: where it is, where it was read, why; and in the end there is a sum."""
    lines = deployment.run("dead-letters", "list").splitlines()
    assert lines[-1] == "5 refused: 3 decode, 1 future, 1 schema"
    race = next(line for line in lines if "gateway.races[1]@0" in line)
    assert "schema" in race
    assert "Object missing required field `created_at`" in race
    assert "no JSON" not in "".join(lines)


def test_list_some(deployment: Deployment) -> None:
    """Filters and the limit choose; values are shown where they are asked for, and do nothing to a terminal."""
    assert [each["reason"] for each in listed(deployment, "--reason", "schema")] == ["schema"]
    assert len(listed(deployment, "--topic", "gateway.mcp-calls")) == 3
    assert len(listed(deployment, "--topic", f"{deployment.prefix}gateway.mcp-calls")) == 3
    assert listed(deployment, "--topic", "gateway.facts") == []
    [future] = listed(deployment, "--reason", "future", "--values")
    assert json.loads(future["value"])["request_id"] == "r2"
    assert future["key"] == "ada"
    assert listed(deployment, "--letter", future["letter"], "--values") == [future]
    limited = deployment.run(
        "dead-letters", "list", "--limit", "2", "--topic", "gateway.mcp-calls", "--values"
    )
    assert limited.splitlines()[-1] == "3 refused: 3 decode (1 older ones are not shown: --limit)"
    assert "\\x1b[31m no JSON \\xff" in limited
    assert "\x1b" not in limited


def test_wrong_use(deployment: Deployment) -> None:
    """What is no place of a letter is said, with status 2."""
    done = subprocess.run(
        [STREAKLINE, "dead-letters", "list", "--letter", "3"],
        env=deployment.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "'3' is not PARTITION:OFFSET" in done.stderr


def test_replay(deployment: Deployment) -> None:
    """What has become countable is counted, with key, headers and partition as they were, and once for two replays."""
    only = ("dead-letters", "replay", "--reason", "future")
    assert deployment.run(*only, "--dry-run") == "1 messages would be sent again\n"
    time.sleep(AHEAD)
    for _ in range(2):
        assert deployment.run(*only) == "sent 1 messages again\n"
    first, *again = [
        each for each in deployment.read(deployment.around.topic("gateway.requests")) if each.partition == 2
    ]
    assert [each[3:] for each in map(sent, again)] == [sent(first)[3:]] * 2
    with deployment.start_worker() as worker:
        deployment.wait_until_folded()
        worker.stop()
    assert counters.CODEC.decode(deployment.read_rows("counters")["counters"][b"ada"]).requests == 2
    assert len(listed(deployment)) == 5


def sent(record: Any) -> tuple[Any, ...]:
    """Return what a producer decides of a record, behind where it is."""
    return (
        record.offset,
        record.timestamp,
        record.partition,
        record.key,
        record.value,
        tuple(record.headers),
    )


def test_replay_of_what_is_still_bad(deployment: Deployment) -> None:
    """It is refused again: one more dead letter, with one set of error headers."""
    [race] = listed(deployment, "--reason", "schema")
    assert deployment.run("dead-letters", "replay", "--letter", race["letter"]) == "sent 1 messages again\n"
    with deployment.start_worker() as worker:
        deployment.wait_until_folded()
        worker.stop()
    old, new = listed(deployment, "--reason", "schema")
    assert (old["topic"], old["partition"], old["offset"]) == (new["topic"], new["partition"], 0)
    assert new["offset"] == 1
    letters = deployment.read(deployment.around.topic("streakline.dead-letters"))
    assert {len(each.headers) for each in letters if each.value == b'{"call_id": "c"}'} == {7}


def test_replay_of_a_large_message(broker: Broker, tmp_path: Path) -> None:
    """A message that the broker took only because it was compressed goes there and back."""
    deployment = Deployment(broker.address, tmp_path)
    deployment.create_topics()
    value = b"[" + b" " * 12_000_000 + b"]"
    deployment.send([Sending("gateway.races", 1, value)], compression="gzip")
    with deployment.start_worker() as worker:
        deployment.wait_until_folded()
        worker.stop()
    assert deployment.run("dead-letters", "replay") == "sent 1 messages again\n"
    assert [each.value == value for each in deployment.read(deployment.around.topic("gateway.races"))] == [
        True
    ] * 2


def test_names_of_headers_that_are_no_text(broker: Broker, tmp_path: Path) -> None:
    """A good event counts and is forwarded, a bad one is refused and replayed, whatever bytes name their headers."""
    deployment = Deployment(broker.address, tmp_path)
    deployment.create_topics()
    headers = [("n\udcffme", b"value"), ("\udcfe", None)]
    away = (deployment.home("ada") + 1) % PARTITIONS
    good = request(1, "2026-03-01T08:00:00Z")
    for value in (good, b"no JSON"):
        asyncio.run(send_with_headers(deployment, away, value, headers))

    fold(deployment)
    assert counters.CODEC.decode(deployment.read_rows("counters")["counters"][b"ada"]).requests == 1
    assert deployment.run("dead-letters", "replay") == "sent 1 messages again\n"
    fold(deployment)

    letters = asyncio.run(letters_of(deployment))
    assert [(each.value, each.headers) for each in letters] == [(b"no JSON", headers)] * 2
    assert [each.refusal.offset for each in letters] == [1, 2]


async def send_with_headers(
    deployment: Deployment, partition: int, value: bytes, headers: list[tuple[str, bytes | None]]
) -> None:
    """Send a request as clients do that take names for bytes."""
    writer = RecordWriter(1 << 20)
    writer.append(None, value, headers)  # type: ignore[arg-type]  # a header may have no value
    batch = WrittenBatch.of(writer, is_transactional=False)
    async with AIOKafkaProducer(**deployment.settings.kafka_options()) as producer:
        topic = deployment.around.topic("gateway.requests")
        await (await producer.send_batch(batch, topic, partition=partition))


async def letters_of(deployment: Deployment) -> list[Letter]:
    """Return all dead letters."""
    async with DeadLetters(deployment.settings) as letters:
        return [each async for each in letters.read(Wanted())]


def fold(deployment: Deployment) -> None:
    """Let a worker fold what there is."""
    with deployment.start_worker() as worker:
        deployment.wait_until_folded()
        assert worker.stop() == 0, worker.log
