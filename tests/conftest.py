from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aiokafka import conn
from aiokafka.consumer import consumer, fetcher

from app.local import broker as local

if TYPE_CHECKING:
    from collections.abc import Iterator


AIOKAFKA_S_OWN = [
    (place, name, getattr(place, name))
    for place, name in (
        (fetcher, "PartitionRecords"),
        (fetcher, "MemoryRecords"),
        (fetcher.FetchResult, "getall"),
        (consumer, "Fetcher"),
        (conn, "AIOKafkaProtocol"),
    )
]


def pytest_sessionstart() -> None:
    """Refuse to test machine code that was made of another source."""
    root = Path(__file__).parents[1]
    for package in ("agents", "app", "tables"):
        for compiled in (root / package).rglob("*.so"):
            source = compiled.with_name(compiled.name.partition(".")[0] + ".py")
            if source.stat().st_mtime > compiled.stat().st_mtime:
                pytest.exit(
                    f"{source.name} is newer than what is compiled of it: `make compiled` or `make plain`"
                )


@pytest.fixture(autouse=True)
def records_as_aiokafka_makes_them() -> None:
    """What an app changes in aiokafka, for all consumers of its process, is not there for the next test."""
    for place, name, own in AIOKAFKA_S_OWN:
        setattr(place, name, own)


@pytest.fixture(scope="session")
def broker() -> Iterator[local.Broker]:
    """One real Kafka for all tests of the session, on a free port; its `.address` is for clients.

    Tests share it: each uses a topic prefix of its own.
    """
    # Not pytest's temporary folders: those of the last three runs stay, and a broker's data is large.
    with tempfile.TemporaryDirectory(prefix="streakline-kafka-") as folder:
        running = local.start(Path(folder), port=0)
        try:
            yield running
        finally:
            local.stop(Path(folder))
