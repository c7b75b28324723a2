from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.support.deployment import PATIENCE, STREAKLINE, Deployment, Sending
from tests.support.http import get

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.local.broker import Broker

NOW = datetime.now(UTC)


def request(number: int, caller: str, back: int) -> Sending:
    """A request of a caller, some days ago; where it arrives does not matter."""
    body = {
        "request_id": f"r{number}",
        "caller_id": caller,
        "model": "gpt",
        "status": "ok",
        "created_at": (NOW - timedelta(days=back)).isoformat(),
    }
    return Sending("gateway.requests", number % 4, json.dumps(body).encode())


def hit(number: int, caller: str) -> Sending:
    """A cache hit of now."""
    body = {
        "hit_id": f"h{number}",
        "caller_id": caller,
        "tokens_saved": 12_000,
        "cost_saved": "0.25",
        "created_at": NOW.isoformat(),
    }
    return Sending("gateway.cache-hits", number % 4, json.dumps(body).encode())


@pytest.fixture(scope="module")
def deployment(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """A deployment whose worker has folded a few events of two callers, and has left."""
    deployment = Deployment(broker.address, tmp_path_factory.mktemp("deployment"))
    deployment.run("topics", "create")
    events = [request(number, "ada", back) for number, back in enumerate((0, 1, 2, 2))]
    with deployment.start_worker() as worker:
        deployment.send([*events, request(10, "bob", 0), hit(1, "ada")])
        deployment.wait_until_folded()
        worker.stop()
    return deployment


def run(deployment: Deployment, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command, whatever its status."""
    return subprocess.run(
        [STREAKLINE, *arguments],
        env=deployment.environ | environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_show_the_gateway(deployment: Deployment) -> None:
    """Without an argument it is the gateway, as plain lines where the output is no terminal."""
    shown = deployment.run("show")
    assert shown.startswith("gateway\n")
    assert "5 requests, 3 active days, 2 callers, 1 model" in shown
    assert "12,000 tokens and $0.25 saved" in shown
    assert re.search(r"20\d\d-\d\d-\d\d  🔥 3-Day Glow", shown)
    assert "(2 of 3)" in shown
    assert "\x1b" not in shown


def test_show_a_caller(deployment: Deployment) -> None:
    """A caller has its own stats and no achievements of the gateway."""
    shown = deployment.run("show", "caller:bob")
    assert shown.startswith("caller:bob\n")
    assert "1 request, 1 active day, 1 model" in shown
    assert "1 of 20 achievements (5%)" in shown
    assert "Three Mouths" not in shown


def test_show_json(deployment: Deployment) -> None:
    """--json is one object with the fields of the reference."""
    shown = json.loads(deployment.run("show", "caller:ada", "--json"))
    assert shown["stats"]["totalRequests"] == 4
    assert shown["stats"]["totalCostSaved"] == 0.25
    assert shown["stats"]["streakDays"] >= 2  # today may have ended meanwhile
    assert shown["buddy"]["speciesId"] == "token-fox"
    assert {each["id"] for each in shown["achievements"]["unlocked"]} == {
        *("first-call", "first-cache", "saved-1k", "saved-10k", "cost-1c", "streak-3")
    }
    assert shown["achievements"]["progress"] == 30
    assert len(shown["calendar"]) == 365
    assert sum(day["count"] for day in shown["calendar"]) == 4


def test_show_an_unknown_caller(deployment: Deployment) -> None:
    """A caller without events is one line that names others, similar ones first, and status 1."""
    done = run(deployment, "show", "caller:adda")
    assert (done.returncode, done.stdout) == (1, "")
    assert (
        done.stderr == "streakline: no events of caller:adda yet: known are gateway, caller:ada, caller:bob\n"
    )


@pytest.mark.parametrize("scope", ["ada", "caller:", "team:x"])
def test_show_what_is_no_scope(deployment: Deployment, scope: str) -> None:
    """What is no scope is one line and status 2."""
    done = run(deployment, "show", scope)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "did you mean caller:" in done.stderr


@pytest.mark.parametrize("command", ["show", "watch"])
def test_without_topics_or_broker(deployment: Deployment, command: str) -> None:
    """Missing topics and a missing broker are one line each that says what to do, and status 1."""
    done = run(deployment, command, STREAKLINE_TOPIC_PREFIX="elsewhere.")
    assert done.returncode == 1
    assert re.fullmatch(r"streakline: topic elsewhere\.\S+ does not exist: .*topics create.*\n", done.stderr)
    done = run(deployment, command, KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
    assert done.returncode == 1
    assert done.stderr == "streakline: no Kafka broker at 127.0.0.1:1: is it running?\n"


def test_watch_from_the_beginning(deployment: Deployment) -> None:
    """Each message is one line, and --count ends it."""
    done = run(deployment, "watch", "--from-beginning", "--scope", "caller:ada", "--count", "8")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert len(lines) == 8
    assert all(re.match(r"20\d\d-\d\d-\d\d \d\d:\d\d  .+  caller:ada  ", line) for line in lines)
    assert all(name in done.stdout for name in ("Hello Gateway", "3-Day Glow", "Token Fox unlocked"))


def test_watch_json(deployment: Deployment) -> None:
    """--json prints each message as it is, with its type."""
    done = run(deployment, "watch", "--from-beginning", "--scope", "caller:bob", "--json", "--count", "1")
    message = json.loads(done.stdout)
    assert message["type"] == "achievement-unlocked"
    assert message["achievement_id"] == "first-call"
    assert message["cause"]["id"] == "r10"


def test_watch_follows_until_ctrl_c(deployment: Deployment) -> None:
    """It begins with what is published next, and Ctrl-C ends it with status 0."""
    process = subprocess.Popen(
        [STREAKLINE, "watch"],
        env=deployment.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        assert process.stderr.readline().startswith("watching all scopes")
        with deployment.start_worker():
            deployment.send([request(20, "eve", 0)])
            line = process.stdout.readline()
        assert "caller:eve" in line
        assert "Hello Gateway" in line
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def demo_environ(broker: Broker, tmp_path: Path) -> dict[str, str]:
    """Settings under which the demo uses the broker of the tests, with topics of its own."""
    return Deployment(broker.address, tmp_path).environ


def test_demo_ends_by_itself(demo_environ: dict[str, str], tmp_path: Path) -> None:
    """--exit folds and checks all of the sample traffic, shows unlocks and the buddy, and leaves nothing behind."""
    picture = tmp_path / "demo.svg"
    done = subprocess.run(
        [STREAKLINE, "demo", "--exit", "--seconds", "1", "--record", picture],
        env=demo_environ,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert re.search(
        r"✓ 2\d,\d{3} events in \d+ s; 1\d,\d{3} requests of 36 callers are counted", done.stdout
    )
    assert re.search(r"🎯  gateway +Thousand-Strong", done.stdout)
    assert re.search(r"✓ the dashboard is at http://127\.0\.0\.1:\d+/\n", done.stdout)
    assert "the Gateway Dragon (Dragon, stage 4 of 5" in done.stdout
    assert re.search(r"🐉  support-bot +level 3[56]", done.stdout)
    assert "<title>streakline demo</title>" in picture.read_text()


def test_demo_until_ctrl_c(demo_environ: dict[str, str]) -> None:
    """Without --exit it goes on; `show` reads it meanwhile; SIGTERM, like Ctrl-C, removes all it made."""
    process = subprocess.Popen(
        [STREAKLINE, "demo", "--seconds", "1"], env=demo_environ, stdout=subprocess.PIPE, text=True
    )
    try:
        lines = lines_of(process)
        address = next(found[0] for line in lines if (found := re.search(r"http://127.0.0.1:\d+/", line)))
        prefix = next(prefix for line in lines if (prefix := exported_prefix(line)))
        environ = demo_environ | {"STREAKLINE_TOPIC_PREFIX": prefix}
        shown = subprocess.check_output([STREAKLINE, "show", "--json"], env=environ, text=True)
        assert json.loads(shown)["stats"]["totalRequests"] > 10_000
        assert get(f"{address}v1/scopes/gateway/stats").json()["totalRequests"] > 10_000
        assert b"<title>streakline</title>" in get(address).body
        process.terminate()
        assert process.wait(30) == 0
    finally:
        end(process)
    after = subprocess.run([STREAKLINE, "show"], env=environ, capture_output=True, text=True, check=False)
    assert "does not exist" in after.stderr


def test_demo_whose_worker_dies(demo_environ: dict[str, str], tmp_path: Path) -> None:
    """When the worker dies it ends with status 1 and the end of the worker's log."""
    process = subprocess.Popen(
        [STREAKLINE, "demo"], env=demo_environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        next(line for line in lines_of(process) if "a worker folds" in line)
        children = psutil.Process(process.pid).children()
        [worker] = [each for each in children if each.cmdline()[-1] == "worker"]
        worker.kill()
        _, errors = process.communicate(timeout=30)
    finally:
        end(process)
    assert process.returncode == 1
    assert "streakline: the worker ended with status -9; the end of its log follows" in errors
    assert "folding: " in errors


def end(process: subprocess.Popen[str]) -> None:
    """End a demo however its test went, and what it has started with it."""
    started = psutil.Process(process.pid).children() if process.poll() is None else []
    process.kill()
    for each in started:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    process.communicate()


def lines_of(process: subprocess.Popen[str]) -> Iterator[str]:
    """What a process prints, line by line, for as long as a test waits."""
    assert process.stdout is not None
    deadline = time.monotonic() + 2 * PATIENCE
    for line in process.stdout:
        yield line
        assert time.monotonic() < deadline


def exported_prefix(line: str) -> str | None:
    """The prefix of topics that a line of the demo says to export."""
    found = re.search(r"export STREAKLINE_TOPIC_PREFIX=(\S+)", line)
    return found.group(1) if found else None
