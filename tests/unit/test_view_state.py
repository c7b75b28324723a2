from __future__ import annotations

import random
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from app.domain.achievements import ACHIEVEMENTS, achievement
from app.domain.measures import Measures
from app.domain.progress import holds
from app.view.scope_rows import CallerRows, GatewayRows
from app.view.scope_view import scope_view
from app.view.standings import RANKINGS, Standings
from app.view.state import ViewState
from tables.codec import UnreadableRowError
from tables.counters import Counters
from tests.support.in_process import Deployed
from tests.support.view import rows_of, state_of

if TYPE_CHECKING:
    from collections.abc import Iterator

TODAY = date(2025, 12, 28)
CALLERS = ("ada", "bob", "🦊", "achievement/first-call", "2025-12")


def traffic() -> Iterator[dict[str, Any]]:
    """Events of some callers, and of none, over December 2025."""
    chance = random.Random(7)
    for number in range(400):
        day = f"2025-12-{chance.randint(1, 27):02d}T{chance.randint(0, 23):02d}:00:00Z"
        event: dict[str, Any] = {"created_at": day, "caller_id": chance.choice(CALLERS)}
        match number % 4:
            case 0:
                model = f"m{chance.randint(0, 9)}"
                yield event | {
                    "topic": "gateway.requests",
                    "request_id": f"{number}",
                    "model": model,
                    "status": "ok",
                }
            case 1:
                saved = {
                    "tokens_saved": chance.randint(0, 9_000),
                    "cost_saved": f"0.{chance.randint(0, 99):02d}",
                }
                yield event | {"topic": "gateway.cache-hits", "hit_id": f"{number}", **saved}
            case 2:
                yield event | {"topic": "gateway.races", "call_id": f"{number}"}
            case _:
                yield {
                    "topic": "gateway.mcp-calls",
                    "call_id": f"{number}",
                    "tokens_saved": 7,
                    "created_at": day,
                }


@pytest.fixture(scope="module")
def deployed() -> Deployed:
    """What the fold makes of the traffic."""
    deployed = Deployed(3)
    deployed.arrive((number % 3, event) for number, event in enumerate(traffic()))
    deployed.settle()
    return deployed


def test_a_scope_is_what_a_reader_of_only_its_rows_finds(deployed: Deployed) -> None:
    """The view says of each scope what `show` says, which reads the rows of one scope and decodes them all."""
    state = state_of(deployed)
    readers: dict[str, CallerRows | GatewayRows] = {f"caller:{name}": CallerRows(name) for name in CALLERS}
    readers["gateway"] = GatewayRows(Measures())
    for row in rows_of(deployed):
        for reader in readers.values():
            reader.put(*row)
    for scope, reader in readers.items():
        found = state.scope(scope)
        assert found is not None
        assert scope_view(found, TODAY) == scope_view(reader.state(), TODAY)
        assert found == reader.state() or scope != "gateway"


def test_later_rows_replace_earlier_ones(deployed: Deployed) -> None:
    """However many older rows of a scope came before, it is as its newest rows say; nothing is counted twice."""
    once, again = state_of(deployed), ViewState(Measures())
    rows = list(rows_of(deployed))
    older = Deployed(3)
    older.arrive((number % 3, event) for number, event in enumerate(list(traffic())[:150]))
    older.settle()
    for row in [*rows_of(older), *rows, *rows]:
        again.put(*row)
        again.scope("gateway")  # asked in between: what was merged must not be kept
    for scope in ("gateway", *(f"caller:{name}" for name in CALLERS)):
        assert again.scope(scope) == once.scope(scope)
        assert again.as_of(scope) == once.as_of(scope)
    for each in ACHIEVEMENTS:
        assert again.holders(each) == once.holders(each)
    for by in RANKINGS:
        assert again.standings.first(by, 10) == once.standings.first(by, 10)


def test_holders_are_counted(deployed: Deployed) -> None:
    """How many hold an achievement is what counting them one by one finds."""
    state = state_of(deployed)
    scopes = [state.scope(scope) for scope in ("gateway", *(f"caller:{name}" for name in CALLERS))]
    for each in ACHIEVEMENTS:
        holders = sum(holds(scope.held, each) for scope in scopes if scope is not None)
        could = 1 if each.id in {"callers-3", "wallet-pro"} else 1 + len(CALLERS)
        assert state.holders(each) == (holders, could)
    assert state.holders(achievement("first-call"))[0] == 1 + len(CALLERS)


def test_standings_are_what_sorting_finds(deployed: Deployed) -> None:
    """Each ranking has the callers in the order of their stats."""
    state = state_of(deployed)
    stats = {}
    for name in CALLERS:
        found = state.scope(f"caller:{name}")
        assert found is not None
        stats[name] = scope_view(found, TODAY)
    by: dict[str, dict[str, float]] = {
        "tokensSaved": {name: view.stats.total_tokens_saved for name, view in stats.items()},
        "costSaved": {name: view.stats.total_cost_saved for name, view in stats.items()},
        "requests": {name: view.stats.total_requests for name, view in stats.items()},
        "cacheHits": {name: view.stats.cache_hits for name, view in stats.items()},
        "raceWins": {name: view.stats.race_wins for name, view in stats.items()},
        "xp": {name: view.buddy.xp for name, view in stats.items()},
        "longestStreak": {name: view.longest_streak for name, view in stats.items()},
        "daysActive": {name: view.stats.days_active for name, view in stats.items()},
    }
    assert set(by) == set(RANKINGS)
    for ranking in RANKINGS:
        expected = sorted(by[ranking].items(), key=lambda item: (-item[1], item[0].encode()))
        assert [(place.caller, place.value) for place in state.standings.first(ranking, 10)] == expected


def test_few_places_are_enough() -> None:
    """As long as values only grow, the first places are right however few are kept, ties included."""
    chance = random.Random(3)
    standings, values = Standings(places=5), dict.fromkeys((f"c{number:02d}" for number in range(40)), 0)
    for _ in range(3_000):
        caller = chance.choice(list(values))
        values[caller] += chance.choice((0, 1, 1, 2))
        standings.put_counters(caller.encode(), Counters(tokens_saved=values[caller]))
        expected = sorted((-value, name) for name, value in values.items() if value)[:5]
        assert [(-value, name) for name, value in standings.first("tokensSaved", 5)] == expected


def test_as_of_is_the_newest_event_of_the_partition(deployed: Deployed) -> None:
    """A caller's answer is as of what its partition has folded; the gateway's and those about all as of everything."""
    state = state_of(deployed)
    newest = max(datetime.fromisoformat(event["created_at"]) for event in traffic())
    assert state.as_of("gateway") == state.as_of(None) == newest
    times = {state.as_of(f"caller:{name}") for name in CALLERS}
    assert newest in times
    assert None not in times
    assert ViewState(Measures()).as_of("gateway") is None


def test_an_empty_deployment_is_answered() -> None:
    """Before any event the gateway is there with its opening balance, and no caller is known."""
    state = ViewState(Measures(tokens_saved=1_000))
    gateway = state.scope("gateway")
    assert gateway is not None
    assert gateway.measures.tokens_saved == 1_000
    assert state.scope("caller:ada") is None
    assert state.callers == 0
    assert state.standings.first("xp", 10) == []


@pytest.mark.parametrize(
    "table", ["counters", "models", "streaks", "days", "unlocks", "gateway-shares", "gateway-held"]
)
def test_what_cannot_be_read_is_refused(table: str) -> None:
    """A row that was deleted or that another release wrote is refused when it comes, not when it is asked for."""
    state = ViewState(Measures())
    key = {"unlocks": b"achievement/first-call\0ada", "gateway-shares": b"0/counters/"}.get(
        table, b"2025-12ada"
    )
    for value in (None, b"\x91\x63", b"garbage"):
        with pytest.raises(UnreadableRowError):
            state.put(table, 0, key, value)


def test_when_an_achievement_was_unlocked(deployed: Deployed) -> None:
    """The time in the view is that of the ledger, to the microsecond and in UTC."""
    found = state_of(deployed).scope("caller:ada")
    assert found is not None
    assert found.ledger["achievement/first-call"].tzinfo is UTC
