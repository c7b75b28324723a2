"""The judges of the bench: what it compares programs with, and the fold that the Python programs share."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.bench.expected import Expected, Total
from tests.bench.load import TOPICS, Load, Sent, events
from tests.bench.plain_fold import DECODE, Caller, Cell, Fold, total
from tests.bench.subjects.subject import catalog
from tests.chaos.recount import Recount

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
        assert scope.total() == Total(
            *(judged.requests, judged.hits, judged.semantic, judged.tokens, judged.nanos),
            *(judged.races, judged.stored, judged.superseded),
            *(len(judged.models), len(judged.requested), len(judged.active), judged.longest()),
            *(judged.level(), len(judged.achievements(gateway=False))),
            (weighted[0], weighted[1], weighted[2]),
        )


def test_the_fold_of_the_python_programs_agrees_with_the_recount(
    traffic: tuple[list[Sent], Expected], tmp_path: Path
) -> None:
    """Bytewax, Quix Streams and Faust are given a fold that counts and unlocks what the load must come to."""
    sent, expected = traffic
    fold = Fold(catalog(tmp_path))
    callers: dict[str, Caller] = {}
    days: dict[str, dict[int, Cell]] = {}
    unlocked: Counter[tuple[str, str]] = Counter()
    for each in sent:
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
        for _, fields in fold.judge(topic, caller):
            if "achievement_id" in fields:
                unlocked[event.caller_id, fields["achievement_id"]] += 1
    totals = {}
    for name, caller in callers.items():
        *numbers, weighted = total(caller, days[name])
        totals[name] = Total._make([*numbers, tuple(weighted)])
    assert expected.problem(totals) == ""
    assert unlocked == Counter(expected.unlocks())


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
