from __future__ import annotations

import random
import subprocess
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from app.postgres.differences import REFUSED, ROUNDED
from tests.postgres.support import counted_twice, events, events_at_home, run, select
from tests.support.deployment import PATIENCE, Deployment
from tests.support.gateway_history import REFUSED as REFUSED_ROWS
from tests.support.gateway_history import SMALL, fill

if TYPE_CHECKING:
    from pathlib import Path

    from app.local.broker import Broker


@pytest.fixture
def deployment(broker: Broker, database: str, tmp_path: Path) -> Deployment:
    """A deployment with topics, and a database with the gateway's tables."""
    deployment = Deployment(broker.address, tmp_path, STREAKLINE_DATABASE_URL=database)
    deployment.create_topics()
    return deployment


@pytest.mark.parametrize("missing", ["", "subscription_quota_window", "caller_knowledge"])
def test_import_fold_verify(deployment: Deployment, database: str, missing: str) -> None:
    """What was imported and folded is what the rescan says, with all that is awkward and a table that is missing."""
    counts = dict(SMALL)
    if missing:
        select(database, f"DROP TABLE {missing}")
        counts.pop({"subscription_quota_window": "subscriptions", "caller_knowledge": "facts"}[missing])
    fill(database, counts)
    imported = run(deployment, "import")
    assert imported.returncode == 1  # some rows break the contract
    assert f"{REFUSED_ROWS} rows break the contract" in imported.stderr
    assert (
        "request_tracking request_id=bad-model: Expected `str`, got `null` - at `$.model`" in imported.stderr
    )
    assert "x" * 50 not in imported.stderr  # what is in a row is not shown
    with deployment.start_worker():
        verified = run(deployment, "verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr + deployment.logs()
        assert "DIFFERS" not in verified.stdout
        assert {REFUSED, ROUNDED} <= set(_said(verified.stdout).values())
        _correct(database)
        assert run(deployment, "import").returncode == 0
        verified = run(deployment, "verify", "--days", "40")
        assert verified.returncode == 0, verified.stdout + verified.stderr + deployment.logs()
        assert REFUSED not in verified.stdout
        assert _said(verified.stdout)["totalRequests"] == "same"


def _said(output: str) -> dict[str, str]:
    """Return what `verify` says of each figure."""
    lines = [line.split(maxsplit=3) for line in output.splitlines()]
    return {words[0]: words[3] for words in lines if len(words) > 3}


def _correct(url: str) -> None:
    """Make something countable of the rows that break the contract."""
    select(url, "UPDATE request_tracking SET model = 'gpt-4o' WHERE model IS NULL")
    select(url, "UPDATE request_tracking SET status = 'ok' WHERE status = ''")
    select(url, "UPDATE request_tracking SET created_at = now() - interval '9 days' WHERE created_at IS NULL")
    select(url, "UPDATE request_tracking SET tokens_in = 0 WHERE tokens_in < 0")
    select(
        url,
        "UPDATE request_tracking SET caller_id = 'caller-2' WHERE caller_id IS NULL OR length(caller_id) > 200",
    )
    select(url, "UPDATE response_cache SET cost_saved = 0.5 WHERE cost_saved < 0")
    select(url, "DELETE FROM response_cache WHERE hit_count < 0")
    select(url, "UPDATE mcp_tool_calls SET tool = NULL WHERE tool = ''")


def test_events_are_whole(deployment: Deployment, database: str) -> None:
    """A row becomes an event with all of its columns as they are, at its home, in the order of time."""
    fill(database, {"requests": 300}, bad=False)
    select(database, "ALTER TABLE request_tracking ADD prompt text DEFAULT 'secret'")
    assert run(deployment, "import").returncode == 0
    found = {event["request_id"]: event for event in events_at_home(deployment, "gateway.requests")}
    rows = select(
        database,
        "SELECT request_id, caller_id, model, status, tokens_in, tokens_out, cost_usd::text, latency_ms, fallback_used,"
        " extract(epoch FROM created_at)::text FROM request_tracking",
    )
    assert len(found) == len(rows) == 300
    for request_id, *values, cost, latency, fallback, _ in rows:
        event = found[request_id]
        assert "prompt" not in event
        assert [event[name] for name in ("caller_id", "model", "status", "tokens_in", "tokens_out")] == values
        assert event["cost_usd"] == (float(cost) if cost is not None else None)
        assert (event["latency_ms"], event["fallback_used"]) == (latency, fallback)
    by_partition: dict[int, list[str]] = {}
    for record in deployment.read(deployment.around.topic("gateway.requests")):
        by_partition.setdefault(record.partition, []).append(_field(record.value, "created_at"))
    assert all(times == sorted(times) for times in by_partition.values())


def _field(value: bytes, name: str) -> str:
    return value.decode().split(f'"{name}":"')[1].split('"')[0]


def test_killed_and_started_again(deployment: Deployment, database: str) -> None:
    """An import that is killed again and again, wherever it stands, sends every row once."""
    fill(database, {**SMALL, "requests": 20_000})
    chance = random.Random(7)
    small_chunks = [sys.executable, "-P", "-m", "tests.postgres.small_chunks", "import"]
    kills = 0
    while True:
        with subprocess.Popen(
            small_chunks,
            env={**deployment.environ, "PYTHONPATH": "."},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            try:
                process.communicate(timeout=chance.uniform(0.9, 2.5) if kills < 8 else PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                kills += 1
            else:
                break
    assert kills >= 3
    assert counted_twice(deployment) == []
    requests = {event["request_id"] for event in events(deployment, "gateway.requests")}
    assert requests == {f"req-{number}" for number in range(1, 20_001)}
    assert _sums(deployment, database)


def _sums(deployment: Deployment, database: str) -> bool:
    """Say whether the events of cache rows and MCP calls have the sums of the tables, without what is refused."""
    hits = events(deployment, "gateway.cache-hits")
    [(count, tokens)] = select(
        database,
        "SELECT sum(hit_count), sum(tokens_saved) FROM response_cache WHERE cache_key NOT LIKE 'bad%'",
    )
    calls = len(events(deployment, "gateway.mcp-calls"))
    [(want,)] = select(database, "SELECT count(*) FROM mcp_tool_calls WHERE tool IS DISTINCT FROM ''")
    return (sum(hit["hits"] for hit in hits), sum(hit["tokens_saved"] for hit in hits), calls) == (
        count,
        tokens,
        want,
    )


def test_cut_over(deployment: Deployment, database: str) -> None:
    """--before divides: rows from then on are named and left; a later one takes the rest, an earlier one is refused."""
    insert = "INSERT INTO request_tracking (request_id, caller_id, model, status, created_at) VALUES (%s, 'a', 'm', 'ok', %s)"
    for number in range(1, 7):
        select(database, insert, (f"r{number}", f"2026-03-0{number}T00:00:00Z"))
    first = run(deployment, "import", "--before", "2026-03-03")
    assert first.returncode == 0
    assert "4 rows of request_tracking are not before it" in first.stdout
    assert _ids(deployment) == ["r1", "r2"]
    assert run(deployment, "import", "--before", "2026-03-05T01:00:00+02:00").returncode == 0
    assert _ids(deployment) == ["r1", "r2", "r3", "r4"]
    earlier = run(deployment, "import", "--before", "2026-03-02")
    assert earlier.returncode == 1
    assert "--before cannot be earlier" in earlier.stderr
    assert run(deployment, "import").returncode == 0
    assert _ids(deployment) == ["r1", "r2", "r3", "r4", "r5", "r6"]


def _ids(deployment: Deployment) -> list[str]:
    return [event["request_id"] for event in events(deployment, "gateway.requests")]


def test_cut_over_waits_for_running_transactions(deployment: Deployment, database: str) -> None:
    """A row of a transaction that began before the cut-over is imported, though it is committed after the start."""
    insert = (
        "INSERT INTO request_tracking (request_id, caller_id, model, status) VALUES ('late', 'a', 'm', 'ok')"
    )
    with psycopg.connect(database) as writer:
        [began] = writer.execute("SELECT now()").fetchone() or ()
        time.sleep(0.1)
        process = subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-m",
                "app.cli",
                "import",
                "--before",
                str(began + timedelta(milliseconds=50)),
            ],
            env=deployment.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            assert process.stderr is not None
            assert "waiting for a transaction" in process.stderr.readline()
            writer.execute(insert)
            writer.commit()
            _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said
    assert _ids(deployment) == ["late"]
