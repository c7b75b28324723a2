from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.kafka.bad_messages import (
    BAD,
    CACHE_HITS,
    CALLER,
    FACTS,
    GOOD,
    MARKER,
    MCP_CALLS,
    ODD,
    RACES,
    REQUESTS,
    SUBSCRIPTIONS,
    Case,
    body,
)
from tests.support import rows as stored
from tests.support.deployment import PARTITIONS, Deployment, Sending
from tests.support.rows import caller_stats, gateway_stats

if TYPE_CHECKING:
    from pathlib import Path

    from app.local.broker import Broker

#: A good neighbour behind each message, so that each batch has both.
NEIGHBOURS: dict[str, dict[str, Any]] = {
    REQUESTS: {"model": "m"},
    CACHE_HITS: {"tokens_saved": 3, "cost_saved": "0.01", "kind": "semantic"},
    MCP_CALLS: {"tokens_saved": 5},
    RACES: {},
    FACTS: {},
    SUBSCRIPTIONS: {},
}
STAGE = b"VALUE_CONVERTER"
CLASSES = {
    "decode": "DecodeFailed",
    "schema": "SchemaFailed",
    "range": "OutOfRange",
    "future": "FromTheFuture",
}


@dataclass
class Folded:
    """What became of all messages."""

    deployment: Deployment
    #: (topic, partition, offset) of each case.
    places: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    neighbours: Counter[str] = field(default_factory=Counter)
    dead_letters: list[Any] = field(default_factory=list)
    rows: stored.Rows = field(default_factory=dict)
    log: str = ""


@pytest.fixture(scope="module")
def folded(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Folded:
    """All messages in one go, good ones between the bad ones, before a worker is there."""
    deployment = Deployment(broker.address, tmp_path_factory.mktemp("bad-messages"))
    deployment.run("topics", "create")
    folded = Folded(deployment)
    offsets: dict[tuple[str, int], int] = defaultdict(int)
    sendings = []
    for number, case in enumerate([*BAD, *GOOD]):
        partition = number % PARTITIONS
        place = (case.topic, partition)
        folded.places[case.name] = (*place, offsets[place])
        offsets[place] += 2
        folded.neighbours[case.topic] += 1
        sendings.append(Sending(*place, case.value, case.key, case.headers))
        neighbour = body(case.topic, **NEIGHBOURS[case.topic])
        sendings.append(Sending(*place, neighbour, CALLER.encode()))
    deployment.send(sendings)
    with deployment.start_worker() as worker:
        deployment.wait_until_folded()
        assert worker.stop() == 0
        folded.log = worker.log
    folded.dead_letters = deployment.read(f"{deployment.prefix}streakline.dead-letters")
    folded.rows = deployment.read_rows(*stored.CALLER_TABLES, stored.GATEWAY_SHARES)
    return folded


def test_there_are_more_than_forty_kinds() -> None:
    """The table has the forty kinds that the issue asks for, each under a name of its own."""
    assert len(BAD) > 40
    names = [case.name for case in [*BAD, *GOOD]]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_a_bad_message_is_a_dead_letter_once(folded: Folded, case: Case) -> None:
    """A bad message is in the dead letters exactly once, unchanged, with headers that say where and why."""
    topic, partition, offset = folded.places[case.name]
    place = (folded.deployment.prefix + topic).encode(), b"%d" % partition, b"%d" % offset
    letters = [each for each in folded.dead_letters if _place(each) == place]
    assert len(letters) == 1, folded.log
    [letter] = letters
    assert (letter.key, letter.value) == (case.key, case.value)
    own, errors = letter.headers[: len(case.headers)], letter.headers[len(case.headers) :]
    assert tuple(own) == case.headers
    assert case.reason is not None
    message = dict(errors)["__connect.errors.exception.message"]
    assert list(errors) == [
        ("__connect.errors.topic", place[0]),
        ("__connect.errors.partition", place[1]),
        ("__connect.errors.offset", place[2]),
        ("__connect.errors.stage", STAGE),
        ("__connect.errors.exception.class.name", f"app.domain.events.{CLASSES[case.reason]}".encode()),
        ("__connect.errors.exception.message", message),
        ("streakline.reason", case.reason.encode()),
    ]
    assert message
    assert MARKER.encode() not in message


def _place(letter: Any) -> tuple[bytes, bytes, bytes]:
    # The last of equal names: what was there before is in front.
    headers = dict(letter.headers)
    return tuple(headers[f"__connect.errors.{name}"] for name in ("topic", "partition", "offset"))


def test_nothing_else_is_a_dead_letter(folded: Folded) -> None:
    """Good messages are not refused, and no bad one is refused twice."""
    assert len(folded.dead_letters) == len(BAD)


def test_good_neighbours_count(folded: Folded) -> None:
    """Every good message between the bad ones counts exactly, and nothing of a bad one does."""
    sent = folded.neighbours
    stats = caller_stats(folded.rows, CALLER, 0)
    assert stats.totalRequests == sent[REQUESTS]
    assert stats.cacheHits == stats.semanticHits == sent[CACHE_HITS]
    assert stats.totalCostSaved == sent[CACHE_HITS] * 10_000_000
    assert stats.totalTokensSaved == sent[CACHE_HITS] * 3 + sent[MCP_CALLS] * 5
    assert (stats.raceWins, stats.factsStored) == (sent[RACES], sent[FACTS])
    assert (stats.uniqueModels, stats.daysActive) == (1, 1)


def test_what_only_looks_bad_counts(folded: Folded) -> None:
    """Whatever the key says and however much is unknown, a message with all that is needed is good."""
    assert caller_stats(folded.rows, ODD, 0).totalRequests == len(GOOD)


def test_the_gateway_counts_them_all(folded: Folded) -> None:
    """The gateway has the good messages of both callers, and the subscription."""
    stats = gateway_stats(folded.rows, 0)
    assert stats.totalRequests == folded.neighbours[REQUESTS] + len(GOOD)
    assert (stats.uniqueCallers, stats.subscriptionsConfigured) == (2, 1)


def test_nobody_gets_a_scope_by_a_bad_message(folded: Folded) -> None:
    """Neither a bad message nor a key makes a caller."""
    assert set(folded.rows["counters"]) - {b""} == {CALLER.encode(), ODD.encode()}


def test_values_never_reach_the_log(folded: Folded) -> None:
    """Nothing of a value is in the worker's log."""
    assert "folding: " in folded.log
    assert MARKER not in folded.log


def test_the_largest_messages(broker: Broker, tmp_path: Path) -> None:
    """A message as large as a broker accepts, or larger once it is unpacked, is refused or forwarded like any other."""
    deployment = Deployment(broker.address, tmp_path)
    deployment.run("topics", "create")
    home = deployment.home(CALLER)
    away = (home + 1) % PARTITIONS
    plain, packed = 1_040_000, 14_000_000
    bad = [Sending(REQUESTS, home, b"x" * size) for size in (plain, packed)]
    good = [Sending(REQUESTS, away, body(payload="y" * (size - 1_000))) for size in (plain, packed)]
    with deployment.start_worker() as worker:
        deployment.send([bad[0], good[0]])
        deployment.send([bad[1], good[1]], compression="gzip")
        deployment.send([Sending(REQUESTS, home, body())])
        deployment.wait_until_folded()
        assert worker.stop() == 0
    letters = deployment.read(f"{deployment.prefix}streakline.dead-letters")
    assert [len(letter.value) for letter in letters] == [plain, packed]
    rows = deployment.read_rows(*stored.CALLER_TABLES)
    assert caller_stats(rows, CALLER, 0).totalRequests == 3
