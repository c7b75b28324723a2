"""`streakline view` as a process on a real Kafka."""

from __future__ import annotations

import json
import socket
import subprocess
from typing import TYPE_CHECKING, Any, Self

import pytest

from tests.support.deployment import STREAKLINE, Deployment, Sending
from tests.support.http import get
from tests.support.view_process import address, ask, is_ready, scope, start_view, wait_until, wait_until_ready

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.local.broker import Broker
    from tests.support.worker import Worker

EVERYWHERE = "0.0.0.0"  # noqa: S104 - that it is not served without a token is tested
CALLERS = ("ada", "bob/é", "caller:x")


@pytest.fixture
def deployment(broker: Broker, tmp_path: Path) -> Deployment:
    """A deployment with topics."""
    deployment = Deployment(broker.address, tmp_path)
    deployment.create_topics()
    return deployment


@pytest.fixture
def worker(deployment: Deployment) -> Iterator[Worker]:
    """A worker of the deployment."""
    with deployment.start_worker() as worker:
        yield worker


def request(number: int, caller: str, **fields: Any) -> Sending:
    """A request of a caller, on any partition."""
    body = {
        "request_id": f"r{number}",
        "caller_id": caller,
        "model": f"m{number % 3}",
        "status": "ok",
        "latency_ms": 200,
        "created_at": f"2026-03-{1 + number % 9:02d}T10:00:{number % 60:02d}Z",
    }
    return Sending("gateway.requests", number % 4, json.dumps(body | fields).encode())


def saving(number: int, caller: str, tokens: int) -> Sending:
    """A cache hit that saved something."""
    body = {
        "hit_id": f"h{number}",
        "caller_id": caller,
        "kind": "semantic",
        "tokens_saved": tokens,
        "cost_saved": "0.25",
        "created_at": "2026-03-05T11:00:00Z",
    }
    return Sending("gateway.cache-hits", number % 4, json.dumps(body).encode())


def test_it_answers_what_show_shows_and_follows(deployment: Deployment, worker: Worker) -> None:
    """A view says of a scope what `show` says, follows what is folded, tells unlocks, and says the same when killed and started again."""
    sent = [request(number, CALLERS[number % 3]) for number in range(60)]
    deployment.send([*sent, *(saving(number, CALLERS[number % 2], 1_000) for number in range(8))])
    deployment.wait_until_folded()
    with start_view(deployment) as view:
        wait_until_ready(view)
        for name in ("gateway", "caller:bob/é"):
            shown = json.loads(deployment.run("show", name, "--json"))
            for part in ("stats", "buddy", "achievements", "calendar"):
                assert scope(view, name, part) == shown[part]
        leaders = ask(view, "/v1/leaderboard?by=requests").json()
        assert [(each["caller"], each["value"]) for each in leaders] == [
            (caller, 20) for caller in sorted(CALLERS)
        ]

        with StreamOf(view) as stream:
            deployment.send([request(number, "late") for number in range(100, 200)])
            wait_until(lambda: ask(view, "/v1/scopes/caller:late/stats").status == 200, view)
            wait_until(lambda: scope(view, "caller:late", "stats")["totalRequests"] == 100, view)
            wait_until(lambda: scope(view, "gateway", "stats")["totalRequests"] == 160, view)
            unlocks = stream.read_until("requests-100", "caller:late")
        assert unlocks.count(("caller:late", "first-call")) == 1
        catalog = {each["id"]: each for each in ask(view, "/v1/catalog").json()["ACHIEVEMENTS"]}
        assert (catalog["first-call"]["holders"], catalog["first-call"]["share"]) == (5, 1.0)
        same = [
            "/v1/leaderboard?by=requests",
            "/v1/catalog",
            "/v1/scopes/gateway/stats",
            "/v1/scopes/caller:ada/buddy",
        ]
        before = [ask(view, path).body for path in same]
    with start_view(deployment) as again:  # the other one was killed
        wait_until_ready(again)
        assert [ask(again, path).body for path in same] == before
        assert again.stop() == 0


class StreamOf:
    """What the stream of a view tells, from when it is entered on."""

    def __init__(self, view: Worker) -> None:
        self._view = view

    def __enter__(self) -> Self:
        host, _, port = address(self._view).removeprefix("http://").rpartition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=60)
        self._socket.sendall(b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self._lines = self._socket.makefile("rb")
        while self._lines.readline() != b": connected\n":
            pass
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._socket.close()

    def read_until(self, achievement: str, of_scope: str) -> list[tuple[str, str]]:
        """Return (scope, achievement) of all unlocks up to this one. Fails when nothing comes for a minute."""
        unlocks = []
        while (of_scope, achievement) not in unlocks:
            line = self._lines.readline()
            assert line, "the stream ended"
            if line.startswith(b"data: "):
                value = json.loads(line.removeprefix(b"data: "))
                if "achievement_id" in value:
                    unlocks.append((value["scope"], value["achievement_id"]))
        return unlocks


def test_the_feed_is_the_newest_requests(deployment: Deployment) -> None:
    """The feed needs no worker: the newest requests by their own time, each once, without those that are refused."""
    plain = [request(number, "ada", created_at=f"2026-03-01T10:{number:02d}:00Z") for number in range(60)]
    event = json.dumps(
        {"caller_id": "bob", "model": "m", "status": "error", "created_at": "2026-03-01T11:30:00Z"}
    )
    headers = (("ce_specversion", b"1.0"), ("ce_id", b"e1"), ("ce_type", b"t"), ("ce_source", b"s"))
    deployment.send(
        [
            *reversed(plain),
            *plain[:20],
            Sending("gateway.requests", 1, event.encode(), None, headers),
            Sending("gateway.requests", 2, b"{"),
            Sending("gateway.requests", 2, None),
            request(99, "eve", created_at="2999-01-01T00:00:00Z"),
        ]
    )
    deployment.send([request(98, "mallory", created_at="2026-03-01T12:00:00Z")], abort=True)
    with start_view(deployment) as view:
        wait_until_ready(view)
        wait_until(lambda: len(scope(view, "gateway", "events?limit=200")) == 61, view)
        entries = scope(view, "gateway", "events?limit=3")
        assert [(each["caller"], each["type"], each["ts"]) for each in entries] == [
            ("bob", "error", "2026-03-01T11:30:00.000Z"),
            ("ada", "request", "2026-03-01T10:59:00.000Z"),
            ("ada", "request", "2026-03-01T10:58:00.000Z"),
        ]


def refused(deployment: Deployment, *arguments: str, **settings: str) -> tuple[int, str]:
    """Return status and stderr of a view that does not start."""
    done = subprocess.run(
        [STREAKLINE, "view", *arguments],
        env={**deployment.environ, "STREAKLINE_VIEW_PORT": "0", **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr.splitlines()[-1]


def test_what_stands_in_its_way_is_said_in_one_line(broker: Broker, tmp_path: Path) -> None:
    """Topics that do not exist, a taken port and an address without a token end it with what to do."""
    deployment = Deployment(broker.address, tmp_path)
    status, line = refused(deployment)
    assert (status, "streakline topics create" in line) == (1, True)
    deployment.create_topics()
    status, line = refused(deployment, STREAKLINE_VIEW_HOST=EVERYWHERE)
    assert (status, "STREAKLINE_API_TOKEN" in line, "--insecure" in line) == (2, True, True)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        status, line = refused(deployment, STREAKLINE_VIEW_PORT=port)
    assert (status, "STREAKLINE_VIEW_PORT" in line, port in line) == (1, True, True)


def test_with_a_token_other_addresses_are_served(deployment: Deployment) -> None:
    """A view that others reach asks for the token, and for nothing else."""
    with start_view(
        deployment, STREAKLINE_VIEW_HOST=EVERYWHERE, STREAKLINE_API_TOKEN="t0ken-of-the-test"
    ) as view:
        wait_until(lambda: is_ready(view), view)
        target = f"{address(view)}/v1/scopes/gateway/stats"
        assert get(target).status == 401
        assert (
            get(target, {"Authorization": "Bearer t0ken-of-the-test", "Host": "view.example"}).status == 200
        )
        assert "t0ken" not in view.log
