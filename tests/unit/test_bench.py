"""The judges of the bench: what it compares programs with, and the fold that the Python programs share."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from app.domain.achievements import ACHIEVEMENTS
from app.domain.progress import AchievementEarned, LevelReached, Progress, StageReached
from app.domain.published import Cause, cloud_event_headers, event_id, publish
from app.domain.species import TOKEN_FOX
from tests.bench.__main__ import write
from tests.bench.expected import Expected, Total
from tests.bench.load import TOPICS, Load, Sent, events
from tests.bench.outputs import MESSAGES, compare, due, fault
from tests.bench.parts import FULL, PARTS, Section
from tests.bench.plain_fold import DECODE, Caller, Cell, Fold, total
from tests.bench.plain_judge import Judge
from tests.bench.plain_message import Messages
from tests.bench.subjects.subject import catalog
from tests.chaos.recount import Recount

if TYPE_CHECKING:
    from collections.abc import Hashable

LOAD = Load(events=6_000, callers=40, seed=7)
EPOCH = 719_163


@pytest.fixture(scope="module")
def traffic() -> tuple[list[Sent], Expected]:
    """A load, and what it must come to."""
    expected = Expected()
    return list(events(LOAD, expected)), expected


def test_what_a_load_must_come_to_is_what_another_recount_makes_of_its_bytes(
    traffic: tuple[list[Sent], Expected],
) -> None:
    """What is counted while events are made is what the judge of the chaos suite reads out of them."""
    sent, expected = traffic
    recount = Recount()
    for offset, each in enumerate(sent):
        recount.add((TOPICS[each.topic], 0, offset), 2**42, each.key, each.value, [])
    assert not recount.bad
    assert not recount.duplicates
    assert expected.events == LOAD.events
    assert recount.scopes.keys() == {f"caller:{caller.decode()}" for caller in expected.scopes} | {"gateway"}
    for caller, scope in expected.scopes.items():
        judged = recount.scopes[f"caller:{caller.decode()}"]
        weighted = [
            sum((day - EPOCH) * cell[place] for day, cell in judged.days.items()) for place in range(3)
        ]
        assert scope.earned() == judged.achievements(gateway=False)
        assert scope.stages() == judged.stages()
        assert scope.total() == Total(
            *(judged.requests, judged.hits, judged.semantic, judged.tokens, judged.nanos),
            *(judged.races, judged.stored, judged.superseded),
            *(len(judged.models), len(judged.requested), len(judged.active), judged.longest()),
            *(judged.level(), len(judged.achievements(gateway=False)), len(judged.stages())),
            (weighted[0], weighted[1], weighted[2]),
        )


def test_the_fold_of_the_python_programs_agrees_with_the_recount(
    traffic: tuple[list[Sent], Expected], tmp_path: Path
) -> None:
    """Bytewax, Quix Streams and Faust are given a fold that counts and unlocks what the load must come to."""
    sent, expected = traffic
    fold, judge, messages = Fold(), Judge(catalog(tmp_path)), Messages("app")
    callers: dict[str, Caller] = {}
    days: dict[str, dict[int, Cell]] = {}
    published: dict[str, Counter[Hashable]] = {name: Counter() for name in MESSAGES}
    for offset, each in enumerate(sent):
        topic = TOPICS[each.topic]
        if topic not in DECODE:
            continue
        event = DECODE[topic](each.value)
        caller = callers.setdefault(event.caller_id, Caller())
        day = fold.day(event.created_at)
        cells = days.setdefault(event.caller_id, {})
        cell = cells.get(day, [0, 0, 0])
        if fold.fold(topic, event, caller, cell, day):
            cells[day] = cell
        for unlocked in judge.judge(topic, caller):
            name, key, value, headers = messages.message(event.caller_id, unlocked, event, (topic, 0, offset))
            message = msgspec.json.decode(value, type=MESSAGES[name])
            assert fault(name, message, key, headers) == ""
            published[name][message.what(event.caller_id)] += 1
    totals = {}
    for name, caller in callers.items():
        *numbers, weighted = total(caller, days[name], judge.achievements)
        totals[name] = Total._make([*numbers, tuple(weighted)])
    assert expected.problem(totals) == ""
    for name, found in published.items():
        assert found
        assert compare(found, due(name, expected)) == ""


@pytest.mark.parametrize(
    "progress",
    [
        AchievementEarned(ACHIEVEMENTS[12], 3 * 10**7, 10**7),
        LevelReached(1, 2, 300, 477),
        StageReached(TOKEN_FOX, TOKEN_FOX.stages[0], 0),
    ],
)
def test_what_streakline_publishes_is_what_the_others_are_held_to(progress: Progress) -> None:
    """The fields and headers that are asked of all programs are those of the product's own messages."""
    at = datetime(2025, 3, 1, 12, 30, tzinfo=UTC)
    name, value = publish(progress, "caller:ada", at, at, Cause("gateway.requests", 0, 1, "r-1"))
    message = msgspec.json.decode(msgspec.json.encode(value), type=MESSAGES[name])
    headers = cloud_event_headers(name, value, "streakline")
    assert fault(name, message, b"caller:ada", headers) == ""
    assert "key" in fault(name, message, b"ada", headers)
    for place, (header, text) in enumerate(headers):
        assert "headers" in fault(name, message, b"caller:ada", [*headers[:place], *headers[place + 1 :]])
        wrong = [*headers[:place], (header, text[:-1]), *headers[place + 1 :]]
        assert header == "ce_source" or "headers" in fault(name, message, b"caller:ada", wrong)


def test_ids_are_those_of_the_product(tmp_path: Path) -> None:
    """A message about the same is the same message, whoever publishes it."""
    caller = Caller(requests=1)
    [unlocked] = Judge(catalog(tmp_path)).judge("gateway.requests", caller)
    event = DECODE["gateway.requests"](
        b'{"request_id":"r","caller_id":"ada","model":"m","created_at":"2025-03-01T12:30:00Z"}'
    )
    message = Messages("app").message("ada", unlocked, event, ("gateway.requests", 0, 0))
    assert json.loads(message.value)["event_id"] == event_id(
        "achievement-unlocked", "caller:ada", "first-call"
    )


def test_pets_of_hand_counted_callers() -> None:
    """Ten hits of 500 tokens make a cat, grown once, and a young fox; a million tokens need a week for a dragon."""
    expected = Expected()
    for number in range(10):
        expected.cache_hit(b"cat", number % 2, 500, 0, semantic=False)
    assert list(expected.levels()) == [("cat", 2), ("cat", 3)]  # 500 points for hits, 20 for tokens
    for day in range(7):
        expected.mcp_call(b"dragon", day, 150_000)
        expected.mcp_call(b"six days", day - day // 6, 150_000)
    expected.mcp_call(b"nobody", 1, 999)
    pets = set(expected.pets())
    fox = {("token-fox", 0), ("token-fox", 1)}
    assert {pet[1:] for pet in pets if pet[0] == "cat"} == {
        ("cache-cat", 0),
        ("cache-cat", 1),
        ("token-fox", 0),
    }
    assert {pet[1:] for pet in pets if pet[0] == "six days"} == fox
    assert {pet[1:] for pet in pets if pet[0] == "dragon"} == fox | {
        ("gateway-dragon", stage) for stage in range(4)
    }
    assert not any(pet[0] == "nobody" for pet in pets)
    with pytest.raises(AssertionError):  # such an event passes levels: which are published, order decides
        list(expected.levels())


@pytest.mark.parametrize("name", list(MESSAGES))
def test_what_is_missing_or_published_too_often_is_told(
    name: str, traffic: tuple[list[Sent], Expected]
) -> None:
    """An unlock, a level or a pet that is not there, there twice, or of nobody is a problem, and is said."""
    _, expected = traffic
    right = Counter(due(name, expected))
    one = next(iter(right))
    assert compare(Counter(right), due(name, expected)) == ""
    assert "1 are missing, 0 too many" in compare(right - Counter([one]), due(name, expected))
    assert "0 are missing, 1 too many" in compare(right + Counter([one]), due(name, expected))
    assert "0 are missing, 1 too many" in compare(right + Counter(["stranger"]), due(name, expected))


def test_a_program_that_miscounts_one_caller_is_told(traffic: tuple[list[Sent], Expected]) -> None:
    """One event more, a caller less or a stranger is a problem, and is said."""
    _, expected = traffic
    totals = {caller.decode(): scope.total() for caller, scope in expected.scopes.items()}
    name, right = next(iter(totals.items()))
    assert expected.problem(totals) == ""
    assert "1 of" in expected.problem({**totals, name: right._replace(requests=right.requests + 1)})
    assert "1 of" in expected.problem({each: totals[each] for each in totals if each != name})
    assert "1 are unknown" in expected.problem({**totals, "stranger": right})


def test_the_topics_have_the_proportions_of_real_traffic(traffic: tuple[list[Sent], Expected]) -> None:
    """Seventy of a hundred are requests, twenty cache hits, eight MCP calls, two others; a request has 250 bytes."""
    sent, _ = traffic
    shares = Counter(TOPICS[each.topic] for each in sent)
    assert shares["gateway.requests"] / len(sent) == pytest.approx(0.7, abs=0.02)
    assert shares["gateway.cache-hits"] / len(sent) == pytest.approx(0.2, abs=0.02)
    assert shares["gateway.mcp-calls"] / len(sent) == pytest.approx(0.08, abs=0.01)
    sizes = [len(each.value) for each in sent if TOPICS[each.topic] == "gateway.requests"]
    assert sum(sizes) / len(sizes) == pytest.approx(250, abs=5)
    assert json.loads(sent[0].value)


def test_everyone_sends_where_everyone_is_to() -> None:
    """Of very many callers most would send nothing by chance: one event in so many is of the next newcomer."""
    load = Load(events=3_000, callers=1_000, seed=7)
    by_chance, everyone = Expected(), Expected()
    assert len(list(events(load, by_chance))) == len(list(events(replace(load, everyone=True), everyone)))
    assert len(by_chance.scopes) < 800
    assert len(everyone.scopes) == 1_000


def test_fewer_take_part_where_callers_are_a_million() -> None:
    """And the plan says who, how often, and that everyone sends; the other loads are as they are."""
    load, subjects, rounds = FULL.contest(1_000)
    assert ([each.name for each in subjects], rounds, load.everyone) == (list(FULL.programs), 3, False)
    load, subjects, rounds = FULL.contest(1_000_000)
    assert ([each.name for each in subjects], rounds, load.everyone) == (list(FULL.crowd_programs), 2, True)
    assert 1_000_000 in FULL.callers


def test_some_parts_alone_leave_the_file_of_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run of some parts writes a file of its own and says so."""
    everything = {name: Section(f"## {name}", {f"{name}.svg": "<svg/>"}) for name in PARTS}
    write(tmp_path, everything, 24)
    assert all(f"## {name}" in (tmp_path / "bench.md").read_text() for name in PARTS)
    before = (tmp_path / "bench.md").read_text()
    write(tmp_path, {"speed": Section("## of today", {})}, 3)
    assert (tmp_path / "bench.md").read_text() == before
    assert "Only speed, of 5 parts." in (tmp_path / "bench-speed.md").read_text()
    assert "bench-speed.md" in capsys.readouterr().out
