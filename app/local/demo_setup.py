"""What a run of the demo stands on: a Kafka that runs, and settings that no other run has."""

import asyncio
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from aiohttp import ClientError, ClientSession
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from app.local import broker
from app.local.files import Report
from app.local.network import HOST, PortTakenError, free_port, require_free
from app.settings import Settings

#: Seconds between two looks whether the view is ready.
_LOOK_AGAIN = 0.1


@contextmanager
def local_kafka(environ: Mapping[str, str], report: Report) -> Iterator[Settings]:
    """Yield settings whose Kafka runs: the one that is configured, else the local one.

    If the local one has to be started, it is stopped again. Blocks while it starts and stops.
    """
    settings = Settings.from_environ(environ)
    if not settings.local_broker:
        yield settings
        return
    try:
        running = broker.start(settings.data_dir, report=report)
    except PortTakenError:
        running = broker.start(settings.data_dir, port=0, report=report)
    try:
        yield Settings.from_environ(environ)
    finally:
        if not running.already_running:
            broker.stop(settings.data_dir)


def own_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what a run sets for its programs and itself: topics, a group and ports that no other has."""
    prefix = environ.get("STREAKLINE_TOPIC_PREFIX", "")
    return {
        "STREAKLINE_TOPIC_PREFIX": f"{prefix}demo-{secrets.token_hex(4)}.",
        "STREAKLINE_WORKER_PORT": "0",
        "STREAKLINE_VIEW_HOST": HOST,
        "STREAKLINE_VIEW_PORT": str(_port(Settings.from_environ(environ).view_port)),
    }


def _port(wanted: int) -> int:
    """Return the port that is wanted if it is free, else another."""
    try:
        require_free(wanted)
    except PortTakenError:
        return free_port()
    return wanted or free_port()


def dashboard(own: Mapping[str, str]) -> str:
    """Return the address of a run's dashboard."""
    return f"http://{own['STREAKLINE_VIEW_HOST']}:{own['STREAKLINE_VIEW_PORT']}/"


async def answers(address: str) -> None:
    """Wait until a view is ready, for ever."""
    async with ClientSession() as session:
        while True:
            with suppress(ClientError, OSError):
                async with session.get(f"{address}healthz/ready") as response:
                    if response.ok:
                        return
            await asyncio.sleep(_LOOK_AGAIN)


async def delete_topics(settings: Settings, topics: Sequence[str]) -> None:
    """Delete the topics of a run, if the broker lets us and is still there."""
    admin = AIOKafkaAdminClient(**settings.kafka_options(), request_timeout_ms=10_000)
    with suppress(KafkaError, OSError):
        await admin.start()
        await admin.delete_topics(list(topics))
    await admin.close()


def from_home(path: Path) -> str:
    """Return a path as people write it."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
