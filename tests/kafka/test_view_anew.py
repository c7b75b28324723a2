"""Changelogs that are made anew under a running view: it reads them from their beginning, and answers meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from app.domain.measures import Measures
from app.view.changelog_tail import ChangelogTail
from app.view.state import ViewState
from tables import counters
from tests.support.deployment import Deployment, Sending
from tests.support.topics import delete_topic

if TYPE_CHECKING:
    from pathlib import Path

    from app.local.broker import Broker

TABLE = "streakline.counters-changelog"
PATIENCE = 90.0


def row(caller: str, requests: int) -> Sending:
    """A row of a caller."""
    return Sending(TABLE, 0, counters.CODEC.encode(counters.Counters(requests=requests)), caller.encode())


async def test_topics_that_were_made_anew_are_read_anew(broker: Broker, tmp_path: Path) -> None:
    """What an older life of the deployment has left behind is not answered with any more."""
    deployment = Deployment(broker.address, tmp_path)
    await asyncio.to_thread(deployment.create_topics)
    await asyncio.to_thread(deployment.send, [row(f"old-{number}", 1) for number in range(20)])
    tail = ChangelogTail(deployment.settings, lambda: ViewState(Measures()))

    async def until_callers(count: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while not (tail.is_ready and tail.callers == count):  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.1)

    following = asyncio.create_task(tail.run())
    try:
        await until_callers(20)
        await delete_topic(deployment.settings, deployment.around.topic(TABLE))
        assert tail.callers == 20
        await asyncio.to_thread(deployment.create_topics)
        await asyncio.to_thread(deployment.send, [row("new", 7)])
        await until_callers(1)
        assert tail.state is not None
        found = tail.state.scope("caller:new")
        assert found is not None
        assert found.measures.requests == 7
    finally:
        following.cancel()
