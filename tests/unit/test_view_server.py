from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from app.domain.events import RequestRouted
from app.domain.published import ACHIEVEMENT_UNLOCKED
from app.view.messages import decode
from app.view.recent import Recent
from app.view.stream import Stream, Told, told
from tests.support.in_process import Deployed
from tests.support.view import Read, serving, state_of

if TYPE_CHECKING:
    from app.view.state import ViewState

TODAY = date(2025, 12, 20)
CALLER = "a/b é?#"


def request(number: int, caller: str, day: int) -> dict[str, Any]:
    """A request on a day of December 2025."""
    return {
        "topic": "gateway.requests",
        "request_id": f"r{number}",
        "caller_id": caller,
        "model": "gpt",
        "status": "ok",
        "created_at": f"2025-12-{day:02d}T10:00:00.123456Z",
    }


def hit(number: int, caller: str, tokens: int) -> dict[str, Any]:
    """A cache hit on 18 December 2025."""
    return {
        "topic": "gateway.cache-hits",
        "hit_id": f"h{number}",
        "caller_id": caller,
        "tokens_saved": tokens,
        "cost_saved": "1.5",
        "created_at": "2025-12-18T11:00:00Z",
    }


@pytest.fixture(scope="module")
def state() -> ViewState:
    """Two callers, one of them with a name that a path must quote."""
    deployed = Deployed(3)
    events = [
        *(request(day, CALLER, day) for day in (17, 18, 19)),
        request(1, "bob", 19),
        hit(1, CALLER, 1500),
    ]
    deployed.arrive((number % 3, event) for number, event in enumerate(events))
    deployed.settle()
    return state_of(deployed)


def path(scope: str, rest: str) -> str:
    """Return the path of a scope."""
    return f"/v1/scopes/{quote(scope, safe='')}/{rest}"


async def test_a_scope_is_answered(state: ViewState) -> None:
    """Every part of a scope is answered with the names of the reference and the event time it is complete up to."""
    async with serving(state, TODAY) as client:
        for scope, requests in (("gateway", 4), (f"caller:{CALLER}", 3)):
            stats = await client.get(path(scope, "stats"))
            assert stats.status == 200
            assert stats.headers["Streakline-As-Of"] == "2025-12-19T10:00:00.123456Z"
            assert stats.headers["Content-Type"] == "application/json"
            body = await stats.json()
            assert (body["totalRequests"], body["streakDays"], body["totalCostSaved"]) == (requests, 3, 1.5)
            buddy = await (await client.get(path(scope, "buddy"))).json()
            assert (buddy["speciesId"], buddy["tokensSaved"], buddy["level"]) == ("token-fox", 1500, 1)
            unlocked = (await (await client.get(path(scope, "achievements"))).json())["unlocked"]
            assert {"id": "streak-3", "achievedAt": "2025-12-19T10:00:00.123456Z"}.items() <= unlocked[
                -1
            ].items()
            calendar = await (await client.get(path(scope, "calendar") + "?days=2")).json()
            assert [day["date"] for day in calendar] == ["2025-12-19", "2025-12-20"]
            forecast = await (await client.get(path(scope, "forecast"))).json()
            assert forecast == {
                "next7DaysSavings": 3.5,
                "next30DaysSavings": 15.0,
                "next365DaysSavings": 182.5,
                "basedOnDays": 3,
                "dailyAverage": 0.5,
                "trend": "down",
            }


async def test_the_feed(state: ViewState) -> None:
    """The newest requests come first, of one caller or of all, and as many as are wanted."""
    recent = Recent()
    for number, caller in enumerate((CALLER, "bob", CALLER)):
        at = datetime(2025, 12, 19, 10, number, tzinfo=UTC)
        event = RequestRouted(
            request_id=f"r{number}", caller_id=caller, model="gpt", status="ok", latency_ms=250, created_at=at
        )
        recent.put(event, at)
    async with serving(state, TODAY, recent=recent) as client:
        all_of_them = await (await client.get(path("gateway", "events"))).json()
        assert [entry["ts"] for entry in all_of_them] == [f"2025-12-19T10:0{n}:00.000Z" for n in (2, 1, 0)]
        assert all_of_them[1] == {
            "ts": "2025-12-19T10:01:00.000Z",
            "type": "request",
            "caller": "bob",
            "detail": "gpt · 0 tokens · 250ms",
            "icon": "📡",
        }
        one = await (await client.get(path(f"caller:{CALLER}", "events") + "?limit=1")).json()
        assert [(entry["caller"], entry["ts"]) for entry in one] == [(CALLER, "2025-12-19T10:02:00.000Z")]


async def test_leaderboard_and_catalog(state: ViewState) -> None:
    """The leaderboard ranks callers by what is asked for; the catalog says who holds what."""
    async with serving(state, TODAY) as client:
        by_tokens = await (await client.get("/v1/leaderboard")).json()
        assert [(each["rank"], each["scope"], each["tokensSaved"]) for each in by_tokens] == [
            (1, f"caller:{CALLER}", 1500)
        ]
        by_requests = await (await client.get("/v1/leaderboard?by=requests&limit=1")).json()
        assert [(each["caller"], each["value"]) for each in by_requests] == [(CALLER, 3)]
        catalog = await (await client.get("/v1/catalog")).json()
        assert list(catalog) == ["PET_SPECIES", "ACHIEVEMENTS", "RARITY_ORDER", "scopes"]
        assert catalog["scopes"] == 3
        held = {each["id"]: (each["holders"], each["share"]) for each in catalog["ACHIEVEMENTS"]}
        assert len(held) == 22
        assert held["first-call"] == (3, 1.0)
        assert held["streak-3"] == (2, 2 / 3)
        assert held["callers-3"] == (0, 0.0)
        species = {each["id"]: each for each in catalog["PET_SPECIES"]}
        assert species["cache-cat"]["stages"][1]["unlocksAtTokensSaved"] == 5_000


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (path("caller:nobody", "stats"), 404),
        (path("caller:", "stats"), 404),
        (path("caller:" + "x" * 201, "stats"), 404),
        (path("team", "stats"), 404),
        (path("gateway", "secrets"), 404),
        ("/v2/catalog", 404),
        (path("gateway", "calendar") + "?days=0", 400),
        (path("gateway", "calendar") + "?days=1097", 400),
        (path("gateway", "calendar") + "?days=ten", 400),
        (path("gateway", "calendar") + "?days=-1", 400),
        (path("gateway", "calendar") + "?days=%D9%A3", 400),
        (path("gateway", "calendar") + "?days=1&days=2", 400),
        (path("gateway", "events") + "?limit=201", 400),
        ("/v1/leaderboard?limit=101", 400),
        ("/v1/leaderboard?by=luck", 400),
        ("/v1/leaderboard?days=7", 400),
        ("/v1/catalog?limit=7", 400),
        ("/v1/stream?scope=team", 400),
        ("/page/..%2Fserver.py", 404),
    ],
)
async def test_errors_are_problem_details(state: ViewState, target: str, status: int) -> None:
    """What is not there or not accepted is said as RFC 9457 has it."""
    async with serving(state, TODAY) as client:
        response = await client.get(target)
        assert response.status == status
        assert response.headers["Content-Type"] == "application/problem+json"
        body = await response.json(content_type=None)
        assert body["status"] == status
        assert body["type"] == "about:blank"
        assert set(body) == {"type", "title", "status", "detail"}


async def test_only_get(state: ViewState) -> None:
    """Other methods are refused, and what is allowed is said."""
    async with serving(state, TODAY) as client:
        response = await client.post("/v1/catalog")
        assert response.status == 405
        assert response.headers["Allow"] == "GET,HEAD"
        assert (await response.json(content_type=None))["title"] == "Method Not Allowed"


async def test_nothing_is_answered_before_all_is_read() -> None:
    """Until the changelogs are read to their end the view is alive, not ready, and answers nothing half-known."""
    async with serving(None, TODAY, reading=Read(None, is_ready=False, remaining=12)) as client:
        assert (await client.get("/healthz/live")).status == 200
        ready = await client.get("/healthz/ready")
        assert ready.status == 503
        assert await ready.json() == {"status": "reading", "offsets_remaining": 12}
        stats = await client.get(path("gateway", "stats"))
        assert (stats.status, stats.headers["Retry-After"]) == (503, "2")


async def test_what_was_known_is_answered_without_the_broker(state: ViewState) -> None:
    """A view that has lost the broker is not ready, and answers with what it knows."""
    async with serving(state, TODAY, reading=Read(state, is_ready=False, remaining=3)) as client:
        ready = await client.get("/healthz/ready")
        assert (ready.status, await ready.json()) == (503, {"status": "stale", "offsets_remaining": 3})
        assert (await client.get(path("gateway", "stats"))).status == 200


async def test_token(state: ViewState) -> None:
    """With a token only those who have it get answers; probes and the page, which asks for it, are open."""
    async with serving(state, TODAY, token="s3cret") as client:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic s3cret"}):
            for target in ("/v1/catalog", path("gateway", "stats"), "/v1/stream"):
                refused = await client.get(target, headers=headers)
                assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
        allowed = await client.get("/v1/catalog", headers={"Authorization": "bearer s3cret"})
        assert allowed.status == 200
        assert (await client.get("/healthz/ready")).status == 200
        assert (await client.get("/page/nothing.css")).status == 404


async def test_a_foreign_name_is_not_answered(state: ViewState) -> None:
    """A site whose name was made to point to this machine reads nothing, unless it has the token."""
    async with serving(state, TODAY) as client:
        assert (await client.get("/v1/catalog", headers={"Host": "evil.example:8080"})).status == 421
        assert (await client.get("/v1/catalog", headers={"Host": "localhost:8080"})).status == 200
        assert (await client.get("/v1/catalog", headers={"Host": "[::1]:8080"})).status == 200
    async with serving(state, TODAY, token="s3cret") as client:
        headers = {"Host": "view.example", "Authorization": "Bearer s3cret"}
        assert (await client.get("/v1/catalog", headers=headers)).status == 200


def message(number: int, scope: str = "gateway") -> Told:
    """A message of the stream."""
    return Told(f"id-{number}", scope, b"id: id-%d\ndata: {}\n\n" % number)


async def test_the_stream_tells_what_is_published(state: ViewState) -> None:
    """A listener hears what comes after it, and what it missed since the id it names; others hear their scope only."""
    stream = Stream()
    stream.remember([message(1), message(2, "caller:bob"), message(3)])
    async with serving(state, TODAY, stream=stream) as client:
        back = await client.get("/v1/stream", headers={"Last-Event-ID": "id-1"})
        bob = await client.get("/v1/stream?scope=caller:bob")
        assert back.headers["Content-Type"] == "text/event-stream"
        for response in (back, bob):  # it listens when this has come
            assert await response.content.readline() == b"retry: 2000\n"
        for each in (message(4), message(5, "caller:bob"), message(4)):
            stream.tell(each)
        stream.close()
        assert ids(await back.text()) == ["id-2", "id-3", "id-4", "id-5"]
        assert ids(await bob.text()) == ["id-5"]


def ids(text: str) -> list[str]:
    """Return the ids of a stream, in order."""
    return [line.removeprefix("id: ") for line in text.splitlines() if line.startswith("id: ")]


def test_a_message_is_one_event_on_one_line() -> None:
    """An event of the stream has the message's id, its name and its JSON on one line."""
    value = b"""{"event_id": "e1", "scope": "gateway", "achieved_at": "2025-01-01T00:00:00Z",
     "recorded_at": "2025-01-01T00:00:00Z", "cause": null, "achievement_id": "first-call", "title": "T",
     "description": "D", "icon": "i", "category": "first", "value": 1, "threshold": 1}"""
    frame = told(ACHIEVEMENT_UNLOCKED, value, decode(ACHIEVEMENT_UNLOCKED, value)).frame
    head, event, data, *rest = frame.decode().split("\n")
    assert (head, event, rest) == ("id: e1", "event: achievement-unlocked", ["", ""])
    assert data.startswith('data: {"event_id":"e1"')


async def test_metrics(state: ViewState) -> None:
    """The view tells how well it follows and how long its answers took, by route; no caller is in a label."""
    async with serving(state, TODAY) as client:
        for target in (
            path(f"caller:{CALLER}", "stats"),
            path("caller:nobody", "stats"),
            "/v9",
            "/v1/catalog",
        ):
            await client.get(target)
        response = await client.get("/metrics")
        assert response.headers["Content-Type"].startswith("text/plain; version=")
        text = await response.text()
    assert 'streakline_view_request_seconds_count{route="/v1/scopes/{scope}/stats",status="200"} 1.0' in text
    assert 'streakline_view_request_seconds_count{route="/v1/scopes/{scope}/stats",status="404"} 1.0' in text
    assert "\nstreakline_view_ready 1.0\n" in text
    assert "\nstreakline_view_callers 2.0\n" in text
    assert "\nstreakline_view_listeners 0.0\n" in text
    assert "\nstreakline_restore_remaining 0.0\n" in text
    assert "bob" not in text
    assert "nobody" not in text


async def test_the_description_is_served(state: ViewState) -> None:
    """The view describes itself to whoever asks, also to those without the token that it then names."""
    async with serving(state, TODAY) as client:
        assert (await (await client.get("/openapi.json")).json())["security"] == []
    async with serving(state, TODAY, token="s3cret") as client:
        described = await (await client.get("/openapi.json")).json()
        assert described["security"] == [{"bearer": []}]
        assert described["openapi"] == "3.1.0"
