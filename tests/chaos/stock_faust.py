"""The counter as a stock Faust program: an agent with ``app.Table``, killed as workers are, judged by the recount."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from tests.bench.expected import Expected
from tests.bench.kills import Supervised
from tests.bench.load import Load
from tests.bench.subjects.python_programs import Faust
from tests.bench.subjects.subject import Run
from tests.bench.surroundings import PARTITIONS, Bench
from tests.chaos.judge import Verdict, recounted
from tests.chaos.recount import GATEWAY
from tests.chaos.state import Found
from tests.chaos.traffic import Mix, Traffic
from tests.support.deployment import Deployment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.chaos.fault import Progress

NAME = "stock-faust"
TITLE = "a stock Faust agent: events"
REQUESTS = "gateway.requests"
EVENTS = 15_000

#: It knows no identities, no homes and no bad messages: it is spared all of them, only the kills are left.
GENTLE = Mix(away=0, bad=0, duplicates=0)

#: Seconds from when it is seen to fold to its end.
SOONEST, LATEST = 1.0, 2.0


def kill_stock_faust(
    address: str, folder: Path, progress: Progress, *, seed: int, times: int
) -> tuple[Verdict, list[str]]:
    """Count requests by caller, killed so many times; return the verdict, and what else happened."""
    deployment = Deployment(address, folder, STREAKLINE_PARTITIONS=str(PARTITIONS))
    deployment.create_topics()
    traffic = Traffic(seed, PARTITIONS, deployment.home, GENTLE)
    messages = [each for each in traffic.take(2 * EVENTS) if each.topic == REQUESTS][:EVENTS]
    deployment.send(messages)
    rnd = random.Random(seed)
    moments = [rnd.uniform(SOONEST, LATEST) for _ in range(times)]
    run = Run(
        Bench(address, deployment.prefix, folder),
        NAME,
        Load(EVENTS),
        Expected(),
        lambda _, done, total: progress(TITLE, done, total),
    )
    supervised = Supervised(Faust(), run)
    totals = asyncio.run(supervised.fold(moments))
    progress(TITLE, EVENTS, EVENTS)
    counted = {caller: total.requests for caller, total in totals.items()}
    return _judge(Found(deployment.settings), counted), supervised.notes


def _judge(found: Found, counted: Mapping[str, int]) -> Verdict:
    """Compare what it counts with the recount of the same topic."""
    recount = recounted(found)
    verdict = Verdict(recount.messages, recount.duplicates, len(recount.bad))
    expected = {
        name.removeprefix("caller:"): scope.requests
        for name, scope in recount.scopes.items()
        if name != GATEWAY
    }
    verdict.missing += [f"caller {each}" for each in sorted(expected.keys() - counted.keys())]
    verdict.extra += [f"caller {each}" for each in sorted(counted.keys() - expected.keys())]
    verdict.wrong += [
        f"caller {each} requests: {counted[each]} instead of {expected[each]}"
        for each in sorted(expected.keys() & counted.keys())
        if counted[each] != expected[each]
    ]
    return verdict
