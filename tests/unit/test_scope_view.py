from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

from app.domain.calendar import calendar, day_of
from app.domain.measures import Measures
from app.domain.progress import Held
from app.domain.stats import Stats
from app.topics import GATEWAY_SHARES
from app.view.scope_rows import CALLER_TABLES, GATEWAY_TABLES, CallerRows, GatewayRows, ScopeState
from app.view.scope_view import achievements, scope_view
from tables import days
from tables.days import Cell
from tests.support.in_process import Deployed

TODAY = date(2025, 12, 20)
PARTITIONS = 3


def request(number: int, caller: str, day: int, model: str = "gpt") -> dict[str, Any]:
    """A request on a day of December 2025."""
    return {
        "topic": "gateway.requests",
        "request_id": f"r{number}",
        "caller_id": caller,
        "model": model,
        "status": "ok",
        "created_at": f"2025-12-{day:02d}T10:00:00Z",
    }


EVENTS = [
    *(request(number, "ada", day) for number, day in enumerate((15, 17, 18, 18, 19))),
    request(100, "bob", 19, "claude"),
    {
        "topic": "gateway.cache-hits",
        "hit_id": "h1",
        "caller_id": "ada",
        "kind": "semantic",
        "tokens_saved": 1500,
        "cost_saved": "1.5",
        "created_at": "2025-12-18T11:00:00Z",
    },
    {"topic": "gateway.cache-hits", "hit_id": "h2", "tokens_saved": 10, "created_at": "2025-12-18T11:00:00Z"},
    {"topic": "gateway.facts", "fact_id": "f1", "caller_id": "ada", "created_at": "2025-12-01T00:00:00Z"},
    {"topic": "gateway.facts", "fact_id": "f2", "caller_id": "ada", "created_at": "2025-12-01T00:00:00Z"},
    {
        "topic": "gateway.facts",
        "fact_id": "f1",
        "caller_id": "ada",
        "superseded_by": "f2",
        "created_at": "2025-12-02T00:00:00Z",
    },
    {"topic": "gateway.subscriptions", "subscription_id": "s1", "created_at": "2025-12-01T00:00:00Z"},
    {"topic": "gateway.subscriptions", "subscription_id": "s2", "created_at": "2025-12-01T00:00:00Z"},
    {
        "topic": "gateway.subscriptions",
        "subscription_id": "s2",
        "active": False,
        "created_at": "2025-12-03T00:00:00Z",
    },
]


@pytest.fixture(scope="module")
def deployed() -> Deployed:
    """What the fold makes of the events, wherever they arrive."""
    deployed = Deployed(PARTITIONS)
    deployed.arrive((number % PARTITIONS, event) for number, event in enumerate(EVENTS))
    deployed.settle()
    return deployed


def read(deployed: Deployed, rows: CallerRows | GatewayRows) -> ScopeState:
    """What the rows of a scope say after all changelogs were put into them."""
    for number, log in enumerate(deployed.logs):
        for table, entries in log.rows.items():
            for key, value in entries.items():
                rows.put(table, number, key, value)
    return rows.state()


def test_stats_of_a_caller(deployed: Deployed) -> None:
    """A caller's stats are those of its own events only; its streak has a day of grace."""
    view = scope_view(read(deployed, CallerRows("ada")), TODAY)
    assert view.stats == Stats(
        total_requests=5,
        total_tokens_saved=1500,
        total_cost_saved=1.5,
        cache_hits=1,
        semantic_hits=1,
        unique_callers=1,
        unique_models=1,
        facts_stored=1,
        streak_days=3,
        days_active=4,
    )
    assert view.longest_streak == 3
    assert scope_view(read(deployed, CallerRows("ada")), date(2025, 12, 21)).stats.streak_days == 0


def test_stats_of_the_gateway(deployed: Deployed) -> None:
    """The gateway's stats are those of all partitions, with its opening balance."""
    opening = Measures(tokens_saved=1000, cost_saved=2 * 10**9)
    view = scope_view(read(deployed, GatewayRows(opening)), TODAY)
    assert view.stats == Stats(
        total_requests=6,
        total_tokens_saved=2510,
        total_cost_saved=3.5,
        cache_hits=2,
        semantic_hits=1,
        unique_callers=2,
        unique_models=2,
        facts_stored=1,
        streak_days=3,
        subscriptions_configured=1,
        days_active=4,
    )
    assert view.buddy.tokens_saved == 2510


def test_achievements_say_when_and_how_far(deployed: Deployed) -> None:
    """An unlocked achievement has the time of its event, a locked one its value and threshold."""
    state = read(deployed, CallerRows("ada"))
    shown = achievements(state)
    unlocked = {each.id: each.achieved_at for each in shown.unlocked}
    assert unlocked["first-call"] == datetime(2025, 12, 15, 10, tzinfo=UTC)
    assert unlocked["streak-3"] == datetime(2025, 12, 19, 10, tzinfo=UTC)
    locked = {each.id: (each.value, each.threshold) for each in shown.locked}
    assert locked["requests-100"] == (5, 100)
    assert locked["cost-10d"] == (1.5, 10.0)
    assert len(unlocked) + len(locked) == 20
    assert shown.progress == round(100 * len(unlocked) / 20)


def test_the_gateway_has_two_achievements_more(deployed: Deployed) -> None:
    """Callers and subscriptions count for the gateway only, and what it holds has a time too."""
    shown = achievements(read(deployed, GatewayRows(Measures())))
    assert len(shown.unlocked) + len(shown.locked) == 22
    assert {"callers-3", "wallet-pro"} <= {each.id for each in shown.locked}
    assert all(each.achieved_at is not None for each in shown.unlocked)


@pytest.mark.parametrize(
    ("held", "of_caller", "of_gateway"), [(0, 0, 0), (1, 5, 5), (3, 15, 14), (7, 35, 32)]
)
def test_progress_is_rounded_as_in_the_reference(held: int, of_caller: int, of_gateway: int) -> None:
    """Progress is Math.round of the share of 20 for a caller, of 22 for the gateway."""
    bits = Held(achievements=(1 << held) - 1)
    for scope, expected in (("caller:x", of_caller), ("gateway", of_gateway)):
        state = ScopeState(scope=scope, seed="x", measures=Measures(), held=bits)
        assert achievements(state).progress == expected


def test_the_calendar_is_of_the_scope(deployed: Deployed) -> None:
    """The calendar ends today, has a cell for every day, and sums the partitions for the gateway."""
    ada = scope_view(read(deployed, CallerRows("ada")), TODAY).calendar
    assert len(ada) == 365
    assert ada[-1].date == TODAY
    assert {cell.date.day: (cell.count, cell.tokens_saved) for cell in ada[-6:]} == {
        15: (1, 0),
        16: (0, 0),
        17: (1, 0),
        18: (2, 1500),
        19: (1, 0),
        20: (0, 0),
    }
    gateway = scope_view(read(deployed, GatewayRows(Measures())), TODAY).calendar
    assert [(cell.count, cell.tokens_saved) for cell in gateway[-3:]] == [(2, 1510), (2, 0), (0, 0)]


def test_calendar_levels_are_quartiles() -> None:
    """As in the reference: levels by the quartiles of the days in the window that have requests."""
    first = day_of(date(2025, 12, 1))
    counts = [0, 10, 20, 30, 40, 50, 60, 70, 80, 0]
    cells = {first + number: Cell(requests=count) for number, count in enumerate(counts)}
    cells[first - 1] = Cell(requests=1_000_000)
    levels = [cell.level for cell in calendar(cells, date(2025, 12, 10), 10)]
    assert levels == [0, 1, 1, 1, 2, 2, 3, 3, 4, 0]
    assert [cell.level for cell in calendar({}, TODAY, 3)] == [0, 0, 0]
    assert [cell.level for cell in calendar({day_of(TODAY): Cell(requests=5)}, TODAY, 2)] == [0, 1]


def test_rows_of_others_are_left_alone(deployed: Deployed) -> None:
    """A caller whose rows are not there is not known; bytes of others are never decoded."""
    rows = CallerRows("nobody")
    state = read(deployed, rows)
    assert not rows.is_known
    assert state.measures == Measures()
    for table in CALLER_TABLES:
        rows.put(table, 0, b"2025-12ada" if table == days.TABLE else b"ada", b"no row at all")
    rows.state()


def test_a_removed_row_is_gone(deployed: Deployed) -> None:
    """A tombstone in a changelog removes the row, also one whose id looks like a month."""
    rows = CallerRows("2025-12ada")
    rows.put("counters", 0, b"2025-12ada", b"\x91\x01")
    assert rows.is_known
    rows.put("counters", 0, b"2025-12ada", None)
    assert not rows.is_known


def test_json_has_the_fields_of_the_reference(deployed: Deployed) -> None:
    """The names in JSON are those that the functions of the reference return."""
    view = scope_view(read(deployed, CallerRows("ada")), TODAY)
    parts = msgspec.json.decode(msgspec.json.encode(view.parts()))
    assert list(parts) == ["stats", "buddy", "achievements", "calendar", "forecast"]
    assert {"totalRequests", "subscriptionsConfigured", "daysActive"} <= set(parts["stats"])
    assert len(parts["stats"]) == 12
    assert {"speciesId", "xpForNextLevel", "asciiArt", "unlockedSpecies"} <= set(parts["buddy"])
    assert list(parts["achievements"]) == ["unlocked", "locked", "progress"]
    assert {"id", "title", "description", "icon", "category"} <= set(parts["achievements"]["locked"][0])
    assert parts["calendar"][-1] == {"date": "2025-12-20", "count": 0, "tokensSaved": 0, "level": 0}


def test_the_tables_of_the_gateway_are_its_own() -> None:
    """The gateway is read from tables of its own, of which the shares are also an internal topic."""
    assert GATEWAY_SHARES in GATEWAY_TABLES
    assert not set(GATEWAY_TABLES) & set(CALLER_TABLES)
