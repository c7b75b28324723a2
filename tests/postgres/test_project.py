"""Tables of SQL that follow changelogs of a real Kafka into a real PostgreSQL, by the installed command."""

from __future__ import annotations

import json
import random
import re
import subprocess
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.postgres.conftest import new_database
from tests.support.deployment import PATIENCE, STREAKLINE, Deployment, Sending
from tests.support.projected import by_the_changelogs, differences, in_the_database
from tests.support.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.local.broker import Broker
    from tests.support.worker import Worker

ROOT = Path(__file__).parents[2]
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def deployment(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A deployment with an opening balance, whose worker has folded some traffic and folds on."""
    baseline = "tokens_saved=1000,cost_saved=2.5"
    deployment = Deployment(broker.address, tmp_path_factory.mktemp("project"), STREAKLINE_BASELINE=baseline)
    deployment.create_topics()
    with deployment.start_worker():
        deployment.send([*Traffic(1, 4, deployment.home).events(5_000), *recent()])
        deployment.wait_until_folded()
        yield deployment


@pytest.fixture(scope="module")
def filled_template(deployment: Deployment, postgres: str) -> Iterator[str]:
    """The name of a database whose tables equal the changelogs as they were when it was filled."""
    with new_database(postgres) as (name, url):
        once(deployment, url)
        yield name


@pytest.fixture
def filled(postgres: str, filled_template: str) -> Iterator[str]:
    """The URL of a database of the test's own with tables that were filled before."""
    with new_database(postgres, filled_template) as (_, url):
        yield url


def recent() -> list[Sending]:
    """Events of the last days, with what is awkward: a NUL in an id, and a subscription."""
    events = [
        request(number, caller, back)
        for number, (caller, back) in enumerate(
            [("ada", 0), ("ada", 1), ("ada", 1), ("ada", 2), ("ada", 9), ("bob", 3), ("nul\0", 1), ("␀", 1)]
        )
    ]
    hit = {"hit_id": "h", "caller_id": "ada", "cost_saved": "0.000000001", "tokens_saved": 7, **at(1)}
    subscription = {"subscription_id": "s", **at(0)}
    return [*events, sending("cache-hits", hit), sending("subscriptions", subscription)]


def request(number: int, caller: str, back: int) -> Sending:
    """A request some days ago."""
    body = {"request_id": f"recent-{number}", "caller_id": caller, "model": f"m{back}", "status": "ok"}
    return sending("requests", body | at(back))


def at(back: int) -> dict[str, str]:
    """The time of an event some days ago."""
    return {"created_at": (NOW - timedelta(days=back)).isoformat()}


def sending(topic: str, body: dict[str, Any]) -> Sending:
    """A message to any partition."""
    return Sending(f"gateway.{topic}", 0, json.dumps(body).encode())


def project(
    deployment: Deployment, url: str, *options: str, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run the command until it ends by itself."""
    return subprocess.run(
        [STREAKLINE, "project", *options],
        env={**deployment.environ, "STREAKLINE_DATABASE_URL": url, **environ},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def once(deployment: Deployment, url: str, *options: str) -> int:
    """Bring the tables up to now; return how many rows were read for it."""
    done = project(deployment, url, "--once", *options)
    assert done.returncode == 0, done.stderr
    found = re.search(r"the tables equal the changelogs: ([\d,]+) rows in", done.stderr)
    assert found, done.stderr
    return int(found[1].replace(",", ""))


def follow(deployment: Deployment, url: str) -> Worker:
    """Start the command as a process that follows; a context manager."""
    return deployment.start_worker((str(STREAKLINE), "project"), STREAKLINE_DATABASE_URL=url)


def wait(is_so: Callable[[], bool], process: Worker) -> None:
    """Wait until something is so while a process runs."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        process.fail_if_crashed()
        assert time.monotonic() < deadline, process.log
        time.sleep(0.05)


def wait_until_equal(deployment: Deployment, url: str, process: Worker) -> None:
    """Wait until the tables are what the changelogs say."""
    expected = by_the_changelogs(deployment)
    wait(lambda: differences(in_the_database(url), expected) == [], process)


def value(url: str, query: str) -> Any:
    """The one value of a query."""
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def execute(url: str, statement: str) -> None:
    """Change something in the database."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def test_tables_equal_the_changelogs(deployment: Deployment, empty_database: str) -> None:
    """The first fill has everything, and a second one reads on from the offsets in the database: nothing."""
    assert once(deployment, empty_database) > 1_000
    tables = in_the_database(empty_database)
    assert differences(tables, by_the_changelogs(deployment)) == []
    assert tables["counters"]["gateway",][2] > Decimal("2.5")
    assert tables["days"]["caller:ada", (NOW - timedelta(1)).date()] == (2, 7, Decimal("1E-9"))
    assert once(deployment, empty_database) == 0
    assert in_the_database(empty_database) == tables


@pytest.mark.parametrize("scope", ["gateway", "caller:ada", "caller:bob"])
def test_views_agree_with_show(deployment: Deployment, filled: str, scope: str) -> None:
    """The views have the numbers and the names of `streakline show --json`, those that depend on today too."""
    shown = json.loads(deployment.run("show", scope, "--json"))
    with psycopg.connect(filled, row_factory=dict_row) as connection:
        stats = connection.execute("SELECT * FROM streakline.stats WHERE scope = %s", [scope]).fetchall()
        achievements = connection.execute(
            "SELECT * FROM streakline.achievements WHERE scope = %s ORDER BY position", [scope]
        ).fetchall()
        calendar = connection.execute(
            "SELECT * FROM streakline.calendar WHERE scope = %s ORDER BY date", [scope]
        ).fetchall()
    [found] = stats
    assert {**found, "totalCostSaved": float(found["totalCostSaved"])} == {"scope": scope, **shown["stats"]}
    assert found["streakDays"] == {"gateway": 4, "caller:ada": 3, "caller:bob": 0}[scope]
    badge = ("id", "title", "description", "icon", "category")
    unlocked = [each for each in achievements if each["unlocked"]]
    assert [
        {**{name: each[name] for name in badge}, "achievedAt": each["achievedAt"]} for each in unlocked
    ] == [
        {**each, "achievedAt": datetime.fromisoformat(each["achievedAt"])}
        for each in shown["achievements"]["unlocked"]
    ]
    assert [
        {**{name: each[name] for name in badge}, "value": each["value"], "threshold": each["threshold"]}
        for each in achievements
        if not each["unlocked"]
    ] == [exactly(each) for each in shown["achievements"]["locked"]]
    assert [
        {"date": str(each["date"]), **{name: each[name] for name in ("count", "tokensSaved", "level")}}
        for each in calendar
    ] == shown["calendar"]


def test_queries_of_the_readme(filled: str) -> None:
    """What the README says to ask the tables has an answer."""
    queries = re.findall(r"```sql\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len([query for query in queries if "streakline." in query]) == 1
    with psycopg.connect(filled) as connection:
        [first, *_] = connection.execute(queries[0].encode()).fetchall()
    assert first == ("caller:ada", 4, 1, 3)


def exactly(badge: dict[str, Any]) -> dict[str, Any]:
    """A locked achievement with its numbers as the decimals that they print as."""
    return {**badge, **{name: Decimal(str(badge[name])) for name in ("value", "threshold")}}


def test_following_until_sigterm(deployment: Deployment, filled: str) -> None:
    """What is folded while it runs is in the tables a moment later; SIGTERM ends it with status 0."""
    with follow(deployment, filled) as projector:
        wait(lambda: "the tables equal the changelogs" in projector.log, projector)
        deployment.send([request(100, "eve", 0), request(101, "ada", 5)])
        deployment.wait_until_folded()
        wait_until_equal(deployment, filled, projector)
        assert projector.stop() == 0
    assert value(filled, "SELECT \"totalRequests\" FROM streakline.stats WHERE scope = 'caller:eve'") == 1


def test_killed_while_rows_change(deployment: Deployment, empty_database: str) -> None:
    """Killed again and again in the middle of its work, it leaves neither a gap nor anything twice."""
    rnd, traffic = random.Random(4), Traffic(4, 4, deployment.home)

    def reached() -> int:
        """Count the offsets that are in the tables."""
        return int(value(empty_database, "SELECT coalesce(sum(next_offset), 0) FROM streakline.offsets"))

    once(deployment, empty_database)
    for _ in range(3):
        deployment.send(list(traffic.events(1_000)))
        before = reached()
        with follow(deployment, empty_database) as projector:
            wait(lambda before=before: reached() > before, projector)  # type: ignore[misc]
            deployment.send(list(traffic.events(1_000)))
            time.sleep(rnd.uniform(0, 0.5))
            # leaving the block is kill -9
    deployment.wait_until_folded()
    assert once(deployment, empty_database) >= 0
    assert differences(in_the_database(empty_database), by_the_changelogs(deployment)) == []


def test_second_projector(deployment: Deployment, filled: str) -> None:
    """A second one for the same database is one line and status 1, and the first goes on."""
    with follow(deployment, filled) as projector:
        wait(lambda: "the tables equal the changelogs" in projector.log, projector)
        second = project(deployment, filled)
        assert second.returncode == 1
        assert second.stderr == (
            "streakline: another `streakline project` keeps the tables of this database: one is enough\n"
        )
        assert projector.stop() == 0


def test_something_else_writes(deployment: Deployment, filled: str) -> None:
    """Where the offsets are not those that it wrote it leaves, and writes nothing."""
    with follow(deployment, filled) as projector:
        wait(lambda: "the tables equal the changelogs" in projector.log, projector)
        execute(filled, "UPDATE streakline.offsets SET next_offset = next_offset - 1 WHERE next_offset > 0")
        deployment.send([request(200, "mallory", 0)])
        assert projector.process.wait(PATIENCE) == 1
        assert "streakline: something else writes to the schema streakline" in projector.log
    query = "SELECT count(*) FROM streakline.counters WHERE scope = 'caller:mallory'"
    assert value(filled, query) == 0
    once(deployment, filled)
    assert value(filled, query) == 1


def test_database_goes_away(deployment: Deployment, filled: str) -> None:
    """When the server ends the connection, also of one that has nothing to do, it leaves with one line."""
    with follow(deployment, filled) as projector:
        wait(lambda: "the tables equal the changelogs" in projector.log, projector)
        execute(
            filled,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'streakline project'"
            " AND datname = current_database()",
        )
        assert projector.process.wait(PATIENCE) == 1
        assert re.search(r"\nstreakline: the PostgreSQL at .* says: .*\n\Z", projector.log), projector.log
        assert "Traceback" not in projector.log


def test_offsets_that_do_not_fit(deployment: Deployment, filled: str) -> None:
    """Offsets beyond the end of a topic, or of an older one, are refused; --rebuild fills the tables anew."""
    execute(
        filled, "UPDATE streakline.offsets SET next_offset = next_offset + 100000 WHERE topic ~ 'streaks'"
    )
    execute(filled, "DELETE FROM streakline.days")
    refused = project(deployment, filled, "--once")
    assert refused.returncode == 1
    assert re.fullmatch(
        r"streakline: \S+streaks-changelog\[\d\] was made anew: .*--rebuild` fills .*\n", refused.stderr
    )
    once(deployment, filled, "--rebuild")
    assert differences(in_the_database(filled), by_the_changelogs(deployment)) == []
    execute(filled, "UPDATE streakline.offsets SET newest_at = newest_at - interval '1 hour'")
    assert "was made anew" in project(deployment, filled, "--once").stderr


def test_tables_of_other_topics(deployment: Deployment, filled: str) -> None:
    """Tables that were filled from other topics are refused."""
    execute(filled, "UPDATE streakline.offsets SET topic = 'other.' || topic")
    refused = project(deployment, filled, "--once")
    assert refused.returncode == 1
    assert "the tables were filled from other topics" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_without_settings_database_or_broker(deployment: Deployment, empty_database: str) -> None:
    """What is missing is one line each; a missing setting is wrong use."""
    missing = project(deployment, "")
    assert (missing.returncode, missing.stderr.count("\n")) == (2, 1)
    nowhere = project(deployment, "postgresql://u:s3cret@127.0.0.1:1/d")
    assert (nowhere.returncode, nowhere.stderr.count("\n")) == (1, 1)
    assert "s3cret" not in nowhere.stderr
    broker = project(deployment, empty_database, KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
    assert (broker.returncode, broker.stderr) == (
        1,
        "streakline: no Kafka broker at 127.0.0.1:1: is it running?\n",
    )
    topics = project(deployment, empty_database, STREAKLINE_TOPIC_PREFIX="elsewhere.")
    assert re.fullmatch(
        r"streakline: topic elsewhere\.\S+ does not exist: .*topics create.*\n", topics.stderr
    )
