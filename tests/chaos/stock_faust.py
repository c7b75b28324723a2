"""The counter as a stock Faust program: an agent with ``app.Table``, killed as workers are, judged by the recount."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from tests.bench.faust_tables import FaustRun, Variant, changelogs, environment, table
from tests.bench.surroundings import PARTITIONS, Bench
from tests.chaos.judge import Verdict, recounted
from tests.chaos.recount import GATEWAY
from tests.chaos.state import Found
from tests.chaos.traffic import Mix, Traffic
from tests.support.deployment import Deployment

if TYPE_CHECKING:
    from collections import Counter
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
    here = Bench(address, deployment.prefix, folder)
    counted, notes = asyncio.run(_count(here, deployment.around.topic(REQUESTS), moments, progress))
    return _judge(Found(deployment.settings), counted), notes


async def _count(
    here: Bench, topic: str, moments: list[float], progress: Progress
) -> tuple[Counter[str], list[str]]:
    variant = Variant(NAME, "", "at_least_once", tables=True, events=EVENTS)
    app_id = here.prefix + NAME
    await here.create_topics_of_its_own(*changelogs(app_id))

    def say(_: str, left: int, total: int) -> None:
        if left:
            progress(TITLE, total - left, total)

    run = FaustRun(here, environment(here, variant, NAME, topic), NAME, EVENTS, say)
    await run.run(moments)
    progress(TITLE, EVENTS, EVENTS)
    return await table(here, f"{app_id}-requests-changelog"), run.notes


def _judge(found: Found, counted: Counter[str]) -> Verdict:
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
