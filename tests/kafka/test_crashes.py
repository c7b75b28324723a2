"""Two workers, mixed traffic, and processes that die or stand still: the recount must agree to the last event."""

from __future__ import annotations

import json
import random
import signal
import threading
import time
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Self

import pytest

from app.engine.app import SESSION_TIMEOUT
from tables import counters, models, streaks
from tests.support.deployment import Deployment
from tests.support.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.local.broker import Broker

SLICE = 4_000

#: Seconds within which everything is folded after the last crash: a session, a restore and the rest.
PATIENCE = 120.0


@pytest.fixture
def deployment(broker: Broker, tmp_path: Path) -> Deployment:
    """Topics of its own for each test."""
    deployment = Deployment(broker.address, tmp_path)
    deployment.run("topics", "create")
    return deployment


class Sender:
    """Sends traffic from a thread while a test does worse things."""

    def __init__(self, deployment: Deployment, events: int, seed: int) -> None:
        self.traffic = Traffic(seed, deployment.settings.partitions, deployment.home)
        self._deployment = deployment
        self._events = events
        self._thread = threading.Thread(target=self._send)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    def _send(self) -> None:
        for _ in range(0, self._events, SLICE):
            self._deployment.send(list(self.traffic.events(min(SLICE, self._events))))


def test_kill_9_of_one_of_two_workers_loses_and_repeats_nothing(deployment: Deployment) -> None:
    """Six times one of two workers is killed while 200,000 events flow, and every count is that of a recount."""
    rnd = random.Random(6)
    with Sender(deployment, 200_000, seed=1) as sender:
        workers = [deployment.start_worker(), deployment.start_worker()]
        workers[0].wait_until_folding()
        for _ in range(6):
            time.sleep(rnd.uniform(0.5, 5))
            victim = rnd.randrange(2)
            workers[victim].__exit__()
            workers[victim] = deployment.start_worker()
    with workers[0], workers[1]:
        deployment.wait_until_folded(PATIENCE)
        judge(deployment, sender.traffic)


def test_a_worker_that_stood_still_leaves_and_does_no_harm(deployment: Deployment) -> None:
    """A worker that is stopped for longer than its session and then goes on leaves with status 1."""
    with Sender(deployment, 60_000, seed=2) as sender:
        workers = [deployment.start_worker(), deployment.start_worker()]
        for worker in workers:
            worker.wait_until_folding()
        workers[0].wait_until_ready()  # again, with what the other one has left to it
        workers[0].process.send_signal(signal.SIGSTOP)
        time.sleep(1.5 * SESSION_TIMEOUT)
        workers[0].process.send_signal(signal.SIGCONT)
        assert workers[0].process.wait(PATIENCE) == 1, workers[0].log
        assert "leaving: " in workers[0].log
        workers[0].__exit__()
    with workers[1], deployment.start_worker():
        deployment.wait_until_folded(PATIENCE)
        judge(deployment, sender.traffic)


def test_sigterm_leaves_in_time_and_nothing_is_folded_twice(deployment: Deployment) -> None:
    """SIGTERM in the middle of traffic ends with status 0 within 15 s; another worker goes on where it was."""
    with Sender(deployment, 60_000, seed=3) as sender:
        for _ in range(3):
            with deployment.start_worker() as worker:
                worker.wait_until_folding()
                time.sleep(1)
                started = time.monotonic()
                assert worker.stop() == 0, worker.log
                assert time.monotonic() - started < 15  # the contract's deadline
    with deployment.start_worker():
        deployment.wait_until_folded(PATIENCE)
        judge(deployment, sender.traffic)


def judge(deployment: Deployment, traffic: Traffic) -> None:
    """Compare stats and outputs of every scope with the recount; fail with the first differences."""
    expected = traffic.counts
    callers = {scope.removeprefix("caller:") for scope in expected if scope != "gateway"}
    rows = deployment.read_rows("counters", "models", "streaks")
    found = {key.decode() for key in rows["counters"]} - {""}
    assert found == callers
    wrong = [
        (caller, *difference) for caller in callers for difference in differences(expected, rows, caller)
    ]
    assert not wrong, f"{len(wrong)} differences, among them {wrong[:5]}"
    judge_gateway(json.loads(deployment.run("show", "gateway", "--json"))["stats"], traffic)
    judge_outputs(deployment, traffic)


def differences(expected: Any, rows: Any, caller: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield what is stored of a caller and what was counted where the two differ."""
    key, count = caller.encode(), expected[f"caller:{caller}"]
    stored = counters.CODEC.decode(rows["counters"][key])
    pairs: dict[str, tuple[Any, Any]] = {
        "requests": (stored.requests, count.requests),
        "tokens": (stored.tokens_saved, count.tokens),
        "cost": (stored.cost_saved, count.nanos),
        "hits": (stored.cache_hits, count.hits),
        "semantic": (stored.semantic_hits, count.semantic),
        "races": (stored.races, count.races),
        "facts": (stored.facts_stored, count.facts),
        "superseded": (stored.facts_superseded, count.superseded),
        "level": (stored.held.level, count.level()),
    }
    if key in rows["models"]:
        pairs["models"] = (models.CODEC.decode(rows["models"][key]).names, count.models)
    if key in rows["streaks"]:
        days = streaks.CODEC.decode(rows["streaks"][key])
        pairs["longest"] = (days.longest, count.longest_streak())
        pairs["days"] = (sum(mask.bit_count() for mask in days.active.values()), len(count.active_days))
        pairs["asked"] = (sum(mask.bit_count() for mask in days.requested.values()), len(count.request_days))
    yield from ((name, stored, counted) for name, (stored, counted) in pairs.items() if stored != counted)


def judge_gateway(stats: dict[str, Any], traffic: Traffic) -> None:
    """Compare the gateway's stats with the recount."""
    count = traffic.counts["gateway"]
    expected = {
        "totalRequests": count.requests,
        "totalTokensSaved": count.tokens,
        "totalCostSaved": count.nanos / 1e9,
        "cacheHits": count.hits,
        "semanticHits": count.semantic,
        "uniqueCallers": len(count.callers),
        "uniqueModels": len(count.models),
        "raceWins": count.races,
        "factsStored": max(0, count.facts - count.superseded),
        "daysActive": len(count.request_days),
    }
    assert {name: stats[name] for name in expected} == expected


def judge_outputs(deployment: Deployment, traffic: Traffic) -> None:
    """Everything earned is published, and once; levels of a scope follow on each other without a gap."""
    unlocks = [json.loads(each.value) for each in deployment.read(output(deployment, "achievement-unlocked"))]
    evolutions = [json.loads(each.value) for each in deployment.read(output(deployment, "pet-evolved"))]
    level_ups = [json.loads(each.value) for each in deployment.read(output(deployment, "level-up"))]
    assert Counter((each["scope"], each["achievement_id"]) for each in unlocks) == Counter(
        (scope, unlocked)
        for scope, count in traffic.counts.items()
        for unlocked in count.achievements(gateway=scope == "gateway")
    )
    assert Counter(
        (each["scope"], each["species_id"], each["stage_index"]) for each in evolutions
    ) == Counter((scope, *stage) for scope, count in traffic.counts.items() for stage in count.stages())
    levels: dict[str, list[int]] = defaultdict(lambda: [1])
    for each in level_ups:
        assert each["from_level"] == levels[each["scope"]][-1]
        levels[each["scope"]].append(each["level"])
    highest = {scope: reached[-1] for scope, reached in levels.items()}
    assert highest == {scope: count.level() for scope, count in traffic.counts.items() if count.level() > 1}


def output(deployment: Deployment, name: str) -> str:
    """Return the full name of an output's topic."""
    return deployment.around.output_topic(name)
