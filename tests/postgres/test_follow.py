from __future__ import annotations

import random
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL

from app.postgres.catalog import find
from app.postgres.connection import connect
from app.postgres.import_state import ImportState, Position
from app.postgres.sources import CACHE, REQUESTS
from app.settings import Settings
from app.topics import IMPORT
from tests.postgres.support import counted_twice, events, run, select
from tests.postgres.writers import HIT, REQUEST, Writers
from tests.support.deployment import PATIENCE, STREAKLINE, Deployment, Sending
from tests.support.gateway_history import fill

if TYPE_CHECKING:
    from pathlib import Path

    from app.engine.fold import Message
    from app.local.broker import Broker
    from app.postgres.sources import Source

FOLLOW = (str(STREAKLINE), "import", "--follow", "--interval", "0.05")


@pytest.fixture
def deployment(broker: Broker, database: str, tmp_path: Path) -> Deployment:
    """A deployment with topics, and a database with the gateway's tables."""
    deployment = Deployment(broker.address, tmp_path, STREAKLINE_DATABASE_URL=database)
    deployment.create_topics()
    return deployment


def start(deployment: Deployment) -> subprocess.Popen[str]:
    """Start to follow."""
    return subprocess.Popen(
        FOLLOW, env=deployment.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for_requests(deployment: Deployment, count: int, process: subprocess.Popen[str]) -> None:
    """Wait until so many requests are in their topic."""
    deadline = time.monotonic() + PATIENCE
    while len(events(deployment, "gateway.requests")) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "they do not come"
        time.sleep(0.2)


def test_nothing_missed_nothing_twice(deployment: Deployment, database: str) -> None:
    """While three connections write, with long transactions, following is killed; still every row is sent once."""
    fill(database, {"requests": 500, "cache": 30, "facts": 10, "subscriptions": 3}, bad=False)
    chance = random.Random(3)
    with Writers(database):
        for _ in range(4):
            with start(deployment) as process:
                time.sleep(chance.uniform(2.5, 5))
                process.kill()
    [(requests,)] = select(database, "SELECT count(*) FROM request_tracking")
    with deployment.start_worker(), start(deployment) as process:
        wait_for_requests(deployment, requests, process)
        verified = run(deployment, "verify", "--days", "30")
        assert verified.returncode == 0, verified.stdout + verified.stderr + deployment.logs()
        process.send_signal(signal.SIGTERM)
        said, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, errors
        assert "goes on where it stands" in said
    # A row that its transaction's end changes at once may be sent again, with its identity: it counts once.
    again = [each for each in counted_twice(deployment) if "gateway.requests short-" not in each]
    assert again == []
    sent = {event["request_id"] for event in events(deployment, "gateway.requests")}
    assert sent == {name for (name,) in select(database, "SELECT request_id FROM request_tracking")}
    hits = events(deployment, "gateway.cache-hits")
    [sums] = select(database, "SELECT sum(hit_count), sum(tokens_saved) FROM response_cache")
    assert (sum(hit["hits"] for hit in hits), sum(hit["tokens_saved"] for hit in hits)) == sums


def test_a_changed_row_counts_its_difference(deployment: Deployment, database: str) -> None:
    """Hits since the last look are one event at their own time; a row that was made anew counts from zero."""
    with start(deployment) as process:
        for hits in (1, 2):
            for _ in range(hits):
                select(database, HIT, ("key",))
            _wait_for_hits(deployment, hits * (hits + 1) // 2)
        select(
            database,
            "UPDATE response_cache SET hit_count = 1, tokens_saved = 5, cost_saved = 0, last_hit_at = now()",
        )
        _wait_for_hits(deployment, 4)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
    found = events(deployment, "gateway.cache-hits")
    assert sum(event["tokens_saved"] for event in found) == 305
    assert (
        sum(round(float(event["cost_saved"]) * 1e9) for event in found) == 25
    )  # 0.1 + 2 x 12.3, half to even
    assert len({event["hit_id"] for event in found}) == len(found)


def _wait_for_hits(deployment: Deployment, count: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while sum(event["hits"] for event in events(deployment, "gateway.cache-hits")) < count:
        assert time.monotonic() < deadline, "they do not come"
        time.sleep(0.2)


def test_a_second_import_ends_the_first(deployment: Deployment, database: str) -> None:
    """Whoever is started later goes on; the older one stops by itself with a line that says why."""
    with start(deployment) as first:
        select(database, REQUEST, ("one", "ada"))
        wait_for_requests(deployment, 1, first)
        with start(deployment) as second:
            _, said = first.communicate(timeout=PATIENCE)
            assert first.returncode == 1
            assert "another import was started and has taken over" in said
            select(database, REQUEST, ("two", "ada"))
            wait_for_requests(deployment, 2, second)
            second.send_signal(signal.SIGTERM)
            second.communicate(timeout=PATIENCE)
    assert counted_twice(deployment) == []


def test_a_corrected_row_is_followed_too(deployment: Deployment, database: str) -> None:
    """A row that was refused is looked at again when following starts, however old it is."""
    old = "INSERT INTO request_tracking (request_id, caller_id, model, status, created_at) VALUES ('bad', NULL, 'm', 'ok', '2026-03-01')"
    select(database, old)
    select(database, REQUEST, ("good", "ada"))
    with start(deployment) as process:
        wait_for_requests(deployment, 1, process)
        process.kill()
    assert "request_tracking request_id=bad" in run(deployment, "import", "--refused").stderr
    select(database, "UPDATE request_tracking SET caller_id = 'ada' WHERE request_id = 'bad'")
    with start(deployment) as process:
        wait_for_requests(deployment, 2, process)
        process.kill()
    assert run(deployment, "import", "--refused").stdout == "no row was refused\n"


def test_a_database_that_is_another_one(deployment: Deployment, database: str, postgres: str) -> None:
    """Numbers of transactions belong to one server: those of a younger one would hide every row."""
    state = ImportState(deployment.around.topic(IMPORT))
    position = Position(
        until="2026-03-01 00:00:00+00", is_done=True, horizon=2**60, floor="2026-03-01 00:00:00+00"
    )
    deployment.send([_as_sending(state.put_position("request_tracking", position))])
    refused = run(deployment, "import", "--follow")
    assert refused.returncode == 1
    assert "the database is younger than what was imported of request_tracking" in refused.stderr
    refused = run(deployment, "import")
    assert refused.returncode == 1
    assert "request_tracking is followed already" in refused.stderr


def _as_sending(message: Message) -> Sending:
    return Sending(IMPORT, message.partition, message.value, message.key)


def test_needs_an_index(deployment: Deployment, database: str) -> None:
    """Where new rows could be found by a scan only, the error says which index makes it quick."""
    select(database, "DROP INDEX response_cache_last_hit_at_idx")
    refused = run(deployment, "import", "--follow")
    assert refused.returncode == 1
    assert "CREATE INDEX CONCURRENTLY ON response_cache (last_hit_at)" in refused.stderr


@pytest.mark.parametrize(
    ("source", "index"), [(REQUESTS, "request_tracking_created"), (CACHE, "response_cache_last")]
)
async def test_new_rows_are_found_by_an_index(database: str, source: Source, index: str) -> None:
    """The query for new rows reads a range of an index, not the table."""
    fill(database, {"requests": 20_000, "cache": 20_000}, bad=False)
    settings = Settings.from_environ({"HOME": "/", "STREAKLINE_DATABASE_URL": database})
    async with connect(settings) as connection:
        table = await find(connection, source)
        assert table is not None
        query = SQL("EXPLAIN {}").format(table.format("rows_settled", after=SQL("TRUE")))
        cursor = await connection.execute(query, {"floor": "2099-01-01", "horizon": 1000, "span": 10})
        plan = "\n".join(line for (line,) in await cursor.fetchall())
    assert f"Index Scan using {index}" in plan
    assert "Seq Scan" not in plan


def test_needs_to_see_other_sessions(deployment: Deployment, database: str) -> None:
    """A role that cannot see since when others write is told what to grant, because it could miss rows."""
    role = f"reader_{deployment.prefix.rstrip('.')}"
    select(database, f"CREATE ROLE {role} LOGIN IN ROLE pg_read_all_data")
    try:
        deployment.environ["STREAKLINE_DATABASE_URL"] = make_conninfo(database, user=role)
        with psycopg.connect(database) as other:
            other.execute("SELECT 1")
            refused = run(deployment, "import", "--follow")
        assert refused.returncode == 1
        assert "GRANT pg_read_all_stats" in refused.stderr
    finally:
        select(database, f"DROP ROLE {role}")
