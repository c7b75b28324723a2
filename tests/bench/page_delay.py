"""How long after an event its unlock is on an open page: `.venv/bin/python -m tests.bench.page_delay`.

Starts a broker, a worker, a view and a headless Chromium that shows the dashboard. Sends the first request of a
caller that nobody knows, waits until the page shows its unlock, and does that again: 100 times by default. What is
measured begins before the event is sent and ends when the page's DOM has it; both clocks are this machine's.
"""

import argparse
import asyncio
import json
import math
import secrets
import statistics
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from random import uniform

from aiokafka import AIOKafkaProducer
from playwright.async_api import Page

from app.local.network import HOST, free_port
from tests.bench.surroundings import REQUESTS, WORKER, Bench, BenchError, Child, bench
from tests.browser.chromium import MISSING, chromium, find
from tests.support.http import get

APP_ID = "streakline"
VIEW = (*WORKER[:-1], "view")

#: Unlocks before those that are measured: caches fill, Chromium and Python have seen their code once.
_FIRST = 10
_READY_WITHIN = 90.0
_SHOWN_WITHIN_MS = 30_000

#: Resolves with the time (seconds since 1970) at which the news name a caller.
_SHOWN = """
caller => new Promise(resolve => {
    const news = document.getElementById("news");
    const look = () => {
        if (!news.textContent.includes(caller)) return false;
        resolve((performance.timeOrigin + performance.now()) / 1000);
        return true;
    };
    const watch = new MutationObserver(() => look() && watch.disconnect());
    look() || watch.observe(news, { childList: true, subtree: true, characterData: true });
})
"""


def main() -> None:
    """Measure, and print a line of a Markdown table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--unlocks", type=int, default=100, help="how many are measured (default 100)")
    unlocks: int = parser.parse_args().unlocks
    path = find()
    if path is None:
        sys.exit(MISSING)
    with bench("page-delay") as here:
        delays = asyncio.run(measure(here, path, unlocks))
    print(table(delays))  # noqa: T201 - a program that prints


async def measure(here: Bench, path: str, unlocks: int) -> list[float]:
    """Return the seconds from each event to its unlock on the page. Raises ``BenchError``."""
    await here.create_topics(APP_ID)
    port = free_port()
    environment = here.environment(APP_ID) | {"STREAKLINE_VIEW_HOST": HOST, "STREAKLINE_VIEW_PORT": str(port)}
    with (
        Child(WORKER, environment, here.folder / "worker.log") as worker,
        Child(VIEW, environment, here.folder / "view.log") as view,
    ):
        await _ready(port, view)
        async with chromium(path) as browser, _producer(here) as producer:
            page = await browser.new_page()
            page.set_default_timeout(_SHOWN_WITHIN_MS)
            await page.goto(f"http://{HOST}:{port}/")
            await page.locator("#link[data-state='live']").wait_for()
            delays = []
            for number in range(_FIRST + unlocks):
                worker.require_running()
                delays.append(await _one(page, producer, here.prefix + REQUESTS))
                report(number + 1, _FIRST + unlocks)
                await asyncio.sleep(uniform(0.02, 0.2))
    return delays[_FIRST:]


async def _ready(port: int, view: Child) -> None:
    deadline = time.monotonic() + _READY_WITHIN
    while not await asyncio.to_thread(_is_ready, port):
        view.require_running()
        if time.monotonic() > deadline:
            raise BenchError(f"the view is not ready after {_READY_WITHIN:.0f} s")
        await asyncio.sleep(0.1)


def _is_ready(port: int) -> bool:
    try:
        return get(f"http://{HOST}:{port}/healthz/ready").status == HTTPStatus.OK
    except OSError:
        return False


@asynccontextmanager
async def _producer(here: Bench) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(**here.settings(APP_ID).kafka_options()) as producer:
        yield producer


async def _one(page: Page, producer: AIOKafkaProducer, topic: str) -> float:
    """Return how long the first unlock of a new caller takes."""
    caller = f"caller-{secrets.token_hex(6)}"
    body = {
        "request_id": caller,
        "caller_id": caller,
        "model": "gpt",
        "status": "success",
        "created_at": datetime.now(UTC).isoformat(),
    }
    shown = asyncio.create_task(page.evaluate(_SHOWN, caller))
    await asyncio.sleep(0.02)  # the page watches before the event is sent
    began = time.time()
    await producer.send(topic, json.dumps(body).encode(), caller.encode())
    async with asyncio.timeout(_SHOWN_WITHIN_MS / 1000):
        return float(await shown) - began


def report(done: int, total: int) -> None:
    """Say how far it is."""
    if done == total or done % 20 == 0:
        sys.stderr.write(f"{done} of {total} unlocks\n")


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that so large a share of the values does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def table(delays: Sequence[float]) -> str:
    """Return a Markdown table of milliseconds."""
    median, p99, worst = statistics.median(delays), percentile(delays, 0.99), max(delays)
    figures = " | ".join(f"{1000 * each:.0f} ms" for each in (median, p99, worst))
    return (
        "| `.venv/bin/python -m tests.bench.page_delay` | median | p99 | worst |\n|---|---|---|---|\n"
        f"| from an event to its unlock on an open page, {len(delays)} unlocks | {figures} |"
    )


if __name__ == "__main__":
    main()
