"""The demo for a gateway that has its history in PostgreSQL: import, fold, compare, and follow."""

from __future__ import annotations

import signal
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from psycopg import AsyncConnection
from rich.text import Text

from app.factory import topic_specs
from app.local.demo import FIRST_ANSWER, SEED, DemoError, first_of
from app.local.demo_program import Program
from app.local.demo_setup import answers, dashboard, delete_topics, from_home
from app.local.sample import Sample, traffic, trickle
from app.postgres.importing import importing
from app.postgres.queries import load_queries
from app.postgres.verdict_view import timing, verdict_lines, verdict_table
from app.postgres.verifying import verify
from app.provision import Provisioner
from app.view.follow import Follower
from app.view.plain import buddy_lines
from app.view.reader import ScopeReader
from app.view.scope_view import scope_view
from app.view.terminal import buddy_panel
from tables.publishing import GATEWAY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from app.local.demo_screen import DemoScreen
    from app.settings import Settings

QUERIES = load_queries("gateway", "app.local")

#: The calendar that is compared: the six weeks of the sample, and some days before them.
_DAYS = 60
_PANEL_WIDTH = 84
#: Seconds between two looks at the tables, while they are followed.
_LOOK = 0.5


class PostgresDemo:
    """One run, on a Kafka and a PostgreSQL that run; ``settings`` name both, ``own`` are for its programs."""

    def __init__(self, settings: Settings, own: Mapping[str, str], screen: DemoScreen) -> None:
        assert settings.database_url is not None
        self._settings = settings
        self._url = settings.database_url
        self._screen = screen
        self._worker = Program("worker", own, settings.data_dir)
        self._view = Program("view", own, settings.data_dir)
        self._dashboard = dashboard(own)
        #: Set when all is shown that the demo shows; only then is Ctrl-C the way to end.
        self.is_shown = False

    async def run(self, *, stay: bool) -> None:
        """Fill the gateway's tables, take them over and compare; ``stay``: then follow them, live.

        Raises ``StreaklineError`` when streakline does not say what the rescan says, or the worker ends.
        """
        screen = self._screen
        screen.step(f"Apache Kafka on {self._settings.bootstrap_servers}")
        screen.doing("filling a gateway's tables")
        rows = await self._fill()
        screen.step(f"a gateway's tables in PostgreSQL, with six weeks of traffic: {rows:,} rows")
        async with AsyncExitStack() as stack:
            topics = await self._create_topics()
            stack.push_async_callback(delete_topics, self._settings, topics)
            await stack.enter_async_context(self._worker)
            await stack.enter_async_context(self._view)
            screen.step(f"a worker folds (its log: {from_home(self._worker.log_file)})")
            follower = await stack.enter_async_context(Follower(self._settings, from_beginning=True))
            stack.callback(self._begin_to_stop)
            await first_of(
                self._play(stay=stay),
                self._show_published(follower),
                self._worker.died(),
                self._view.died(),
            )

    async def _play(self, *, stay: bool) -> None:
        await self._view.wait_for(answers(self._dashboard), FIRST_ANSWER, "the view does not answer")
        self._screen.step(f"the dashboard is at {self._dashboard}")
        await self._import()
        await self._verify()
        self.is_shown = True
        if stay:
            await self._follow()

    async def _fill(self) -> int:
        samples = list(traffic(SEED, datetime.now(UTC)))
        async with await AsyncConnection.connect(self._url) as connection:
            await connection.execute(QUERIES["create_tables"])
            await connection.execute(QUERIES["create_optional_tables"])
            await _write(connection, samples)
            cursor = await connection.execute(QUERIES["count_rows"])
            [rows] = await cursor.fetchone() or (0,)
        return int(rows)

    async def _create_topics(self) -> Sequence[str]:
        self._screen.doing("creating topics")
        async with Provisioner(self._settings) as provisioner:
            created = await provisioner.create(topic_specs(self._settings))
        self._screen.step(f"{len(created)} topics, all {self._settings.topic_prefix}*")
        return created

    async def _import(self) -> None:
        began = time.monotonic()
        async with importing(self._settings, self._report) as run:
            await run.history(await run.cut_over(None, self._screen.doing))
        rows, events = run.tally.rows.total(), run.tally.events.total()
        took = time.monotonic() - began
        self._screen.step(f"streakline import: {rows:,} rows are {events:,} events, in {took:.1f} s")

    async def _verify(self) -> None:
        verdict = await verify(self._settings, _DAYS, self._report)
        self._screen.step("streakline verify: the rescan's own queries, beside what was folded")
        self._screen.show(verdict_table(verdict), "\n".join(verdict_lines(verdict)))
        self._screen.show(Text(f"  {timing(verdict)}"), timing(verdict))
        if not verdict.is_clean:
            raise DemoError("streakline does not say what the rescan says")
        view = scope_view(await ScopeReader(self._settings).read(GATEWAY), datetime.now(UTC).date())
        self._screen.show(buddy_panel(GATEWAY, view.buddy, _PANEL_WIDTH), "\n".join(buddy_lines(view.buddy)))
        self._screen.how_to_go_on()

    async def _follow(self) -> None:
        """Have the gateway write a little SQL for ever, and follow it."""
        source = trickle(SEED)
        async with (
            await AsyncConnection.connect(self._url, autocommit=True) as gateway,
            importing(self._settings, lambda *_: None) as run,
        ):
            async for _ in run.follow(_LOOK):
                at = datetime.now(UTC)
                self._screen.progress(at, run.tally.events.total(), 0)
                await _write(gateway, source.next(at))

    async def _show_published(self, follower: Follower) -> None:
        async for followed in follower.messages():
            self._screen.published(followed.message)

    def _report(self, what: str, done: int, total: int) -> None:
        self._screen.doing(f"{what}: {done:,} of {total:,}" if total else what)

    def _begin_to_stop(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must leave nothing behind
        self._screen.doing("stopping the worker and the view")


async def _write(connection: AsyncConnection[Any], samples: Iterable[Sample]) -> None:
    """Write what happened as a gateway does: each kind into its table, in order."""
    by_topic: dict[str, list[dict[str, Any]]] = {}
    for sample in samples:
        by_topic.setdefault(sample.topic, []).append(msgspec.json.decode(sample.value))
    async with connection.cursor() as cursor:
        for topic, rows in by_topic.items():
            await cursor.executemany(QUERIES[topic], rows)
