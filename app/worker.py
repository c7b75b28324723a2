"""The worker: ``app`` for ``faust -A app.worker worker``, ``run`` for ``streakline worker``."""

import asyncio
import gc
import logging.config
import os
import sys
from typing import TYPE_CHECKING, Any, Final, NoReturn

import faust

from app.engine.watchdog import STUCK_AFTER, Watchdog
from app.factory import create_app, topic_specs
from app.health import HealthServer
from app.metrics import WorkerMetrics
from app.provision import Provisioner, TopicsError
from app.settings import Settings
from app.topics import INPUTS, Surroundings
from tables.activity import Activity

if TYPE_CHECKING:
    from app.engine.app import App

#: A fold makes many objects that live long and few cycles: look for those more rarely than Python does.
GC_THRESHOLDS: Final = (1_000_000, 20, 100)

#: Seconds after which a thread has to let another run: the one that fetches asks for a moment at a time, and
#: all that has come waits for it. Python's own 5 ms are longer than a request to the broker, each time.
SWITCH_INTERVAL: Final = 0.0005

LOGGING: Final[dict[str, Any]] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"level": "WARNING", "handlers": ["stderr"]},
    "loggers": {"app": {"level": "INFO"}},
}


def __getattr__(name: str) -> "App":
    """Make the app when Faust asks for it; importing this module must not need settings."""
    if name == "app":
        return create_app(Settings.from_environ(os.environ))
    raise AttributeError(name)


async def check_topics(settings: Settings) -> None:
    """Raise ``TopicsError`` with one line if a topic is not what the state needs."""
    async with Provisioner(settings) as provisioner:
        problems = [each for each in await provisioner.check(topic_specs(settings)) if each.problem]
    if problems:
        more = f" ({len(problems) - 1} more: `streakline topics check`)" if len(problems) > 1 else ""
        raise TopicsError(f"topic {problems[0].topic} {problems[0].problem}{more}")


def run(settings: Settings, *, stuck_after: float = STUCK_AFTER) -> NoReturn:
    """Fold until SIGTERM or SIGINT, then exit with status 0; with 1 where memory may be ahead of the log.

    It also leaves when nothing of a partition is committed for ``stuck_after`` seconds although it lags.
    Raises ``StreaklineError`` before anything is started if the broker or the topics are not as needed.
    """
    logging.config.dictConfig(LOGGING)
    asyncio.run(check_topics(settings))
    gc.set_threshold(*GC_THRESHOLDS)
    sys.setswitchinterval(SWITCH_INTERVAL)
    # Faust makes the folder itself but not its parents, and hangs where it cannot.
    (settings.data_dir / "worker").mkdir(parents=True, exist_ok=True)
    activity = Activity(Surroundings.of(settings).topic(name) for name in INPUTS)
    app = create_app(settings, activity)
    health = HealthServer(app, WorkerMetrics(app, activity), settings.worker_host, settings.worker_port)
    watchdog = Watchdog(app, settings.kafka_options(), stuck_after=stuck_after)
    worker = faust.Worker(app, health, watchdog, quiet=True, override_logging=False)
    worker.spinner = None
    worker.execute_from_commandline()
    raise AssertionError("a Faust worker exits by itself")
