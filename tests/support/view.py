"""The view without Kafka: what was folded in process, in a server that answers."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp.test_utils import TestClient, TestServer

from app.domain.measures import Measures
from app.metrics import ViewMetrics
from app.view.guard import Guard
from app.view.recent import Recent
from app.view.server import Server
from app.view.state import TABLES, ViewState
from app.view.stream import Stream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping
    from datetime import date

    from aiokafka import TopicPartition

    from tests.support.in_process import Deployed

    Client = TestClient[Any, Any]


def rows_of(deployed: Deployed) -> Iterable[tuple[str, int, bytes, bytes]]:
    """Return all rows that the view reads: table, partition, key, value."""
    for number, log in enumerate(deployed.logs):
        partition = number if number < deployed.partitions else 0
        for table in TABLES:
            for key, value in log.rows.get(table, {}).items():
                yield table, partition, key, value


def state_of(deployed: Deployed, baseline: Measures | None = None) -> ViewState:
    """Return what the view knows when it has read everything."""
    state = ViewState(baseline or Measures())
    for row in rows_of(deployed):
        state.put(*row)
    return state


@dataclass
class Read:
    """What was read of the changelogs, by hand."""

    state: ViewState | None
    is_ready: bool = True
    remaining: int = 0
    positions: Mapping[TopicPartition, int] = field(default_factory=dict)
    ends: Mapping[TopicPartition, int] = field(default_factory=dict)

    @property
    def callers(self) -> int:
        """Return how many callers are known."""
        return self.state.callers if self.state is not None else 0


def server_of(
    state: ViewState | None,
    today: date,
    *,
    recent: Recent | None = None,
    stream: Stream | None = None,
    token: str | None = None,
    reading: Read | None = None,
) -> Server:
    """Return a view that has this state."""
    read, told = reading or Read(state), stream or Stream()
    metrics = ViewMetrics(read, lambda: told.listeners)
    guard = Guard(token, "127.0.0.1")
    return Server(read, recent or Recent(), told, guard=guard, metrics=metrics, today=lambda: today)


@asynccontextmanager
async def serving(state: ViewState | None, today: date, **parts: Any) -> AsyncIterator[Client]:
    """A client of a view that has this state; ``parts`` as in ``server_of``."""
    async with TestClient(TestServer(server_of(state, today, **parts).application())) as client:
        yield client
