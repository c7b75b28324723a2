"""The view as a process: it follows Kafka and serves what it has read, until it is stopped."""

import asyncio
import gc
import logging
from typing import Final

from aiohttp import web

from app.domain.measures import Measures
from app.domain.published import OUTPUTS
from app.engine.fetching import use_quick_fetches
from app.errors import StreaklineError
from app.factory import topic_specs
from app.metrics import ViewMetrics
from app.provision import Provisioner, TopicsError
from app.settings import Settings
from app.topics import Surroundings
from app.view.changelog_tail import ChangelogTail
from app.view.guard import Guard
from app.view.live_tail import REQUESTS, LiveTail
from app.view.reader import UnreadableStateError
from app.view.recent import Recent
from app.view.server import Server
from app.view.state import TABLES, ViewState
from app.view.stream import Stream
from app.view.together import together
from tables.codec import UnreadableRowError

logger = logging.getLogger(__name__)

#: Reading makes many objects that stay: look for cycles more rarely than Python does.
GC_THRESHOLDS: Final = (50_000, 20, 100)

#: Seconds that answers in progress have when the view is stopped.
SHUTDOWN_WITHIN: Final = 5.0


class AddressError(StreaklineError):
    """Nothing can listen where the view is to listen."""


async def serve(settings: Settings) -> None:
    """Serve until cancelled.

    Raises ``StreaklineError`` where the broker, the topics or the address will not do.
    """
    gc.set_threshold(*GC_THRESHOLDS)
    use_quick_fetches()
    await _require_topics(settings)
    opening = settings.baseline
    baseline = Measures(tokens_saved=opening.tokens_saved, cost_saved=opening.cost_saved)
    recent, stream = Recent(), Stream()
    changelogs = ChangelogTail(settings, lambda: ViewState(baseline))
    live = LiveTail(settings, stream, recent)
    guard = Guard(settings.api_token, settings.view_host)
    metrics = ViewMetrics(changelogs, lambda: stream.listeners)
    runner = web.AppRunner(
        Server(changelogs, recent, stream, guard=guard, metrics=metrics).application(),
        access_log=None,
        shutdown_timeout=SHUTDOWN_WITHIN,
    )
    await runner.setup()
    try:
        await _listen(runner, settings)
        await together(changelogs.run(), live.run())
    except UnreadableRowError as error:
        raise UnreadableStateError(
            f"a changelog cannot be read, was it written by another release? {error}"
        ) from error
    finally:
        stream.close()
        await runner.cleanup()


async def _listen(runner: web.AppRunner, settings: Settings) -> None:
    try:
        await web.TCPSite(runner, settings.view_host, settings.view_port).start()
    except OSError as exc:
        where = f"{settings.view_host}:{settings.view_port}"
        raise AddressError(
            f"nothing can listen on {where} ({exc.strerror}): set STREAKLINE_VIEW_PORT, 0 for any free port"
        ) from exc
    host, port = runner.addresses[0][:2]
    logger.info("serving on http://%s:%d/", f"[{host}]" if ":" in host else host, port)


async def _require_topics(settings: Settings) -> None:
    """Raise where the broker or a topic is missing, before a consumer would wait for it."""
    around = Surroundings.of(settings)
    needed = {
        *(around.changelog(table) for table in TABLES),
        *(around.output_topic(output) for output in OUTPUTS),
        around.topic(REQUESTS),
    }
    async with Provisioner(settings) as provisioner:
        found = await provisioner.check([spec for spec in topic_specs(settings) if spec.name in needed])
    problems = [each for each in found if each.problem]
    if problems:
        raise TopicsError(f"topic {problems[0].topic} {problems[0].problem}")


def run(settings: Settings) -> None:
    """Serve until Ctrl-C or SIGTERM."""
    asyncio.run(serve(settings))
