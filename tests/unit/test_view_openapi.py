"""The view against its own description: requests that Schemathesis makes out of it, and answers held against it."""

from __future__ import annotations

import asyncio
import threading
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from aiohttp import web
from hypothesis import HealthCheck, settings

from app.domain.events import RequestRouted
from app.view.openapi import document
from app.view.recent import Recent
from tests.support.in_process import Deployed
from tests.support.view import server_of, state_of

if TYPE_CHECKING:
    from collections.abc import Iterator

TODAY = date(2025, 12, 20)

#: The stream does not end; its description is tested with the rest of it below.
schema = schemathesis.openapi.from_dict(document(needs_token=True)).exclude(path="/v1/stream")
HEADERS = {"Authorization": "Bearer s3cret"}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A view in a thread of its own, with a caller that the description's examples name."""
    started: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.new_event_loop()
    done = asyncio.Event()

    async def serve() -> None:
        deployed = Deployed(2)
        event = {
            "topic": "gateway.requests",
            "request_id": "r",
            "caller_id": "ada",
            "model": "m",
            "status": "ok",
        }
        deployed.arrive([(0, event | {"created_at": "2025-12-19T10:00:00Z"})])
        deployed.settle()
        recent, at = Recent(), datetime(2025, 12, 19, tzinfo=UTC)
        request = RequestRouted(request_id="r", caller_id="ada", model="m", status="ok", created_at=at)
        recent.put(request, at)
        async with AsyncExitStack() as stack:
            runner = web.AppRunner(
                server_of(state_of(deployed), TODAY, recent=recent, token="s3cret").application()
            )
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            started.put_nowait(f"http://127.0.0.1:{runner.addresses[0][1]}")
            await done.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    yield asyncio.run_coroutine_threadsafe(started.get(), loop).result(30)
    loop.call_soon_threadsafe(done.set)
    thread.join(30)
    loop.close()


@schema.parametrize()
@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_answers_are_as_described(case: Any, address: str) -> None:
    """Whatever is asked, allowed or not, there is no 500 and nothing that the description does not say."""
    case.call_and_validate(base_url=address, headers=HEADERS)


def test_the_description_names_every_route() -> None:
    """No route is missing, and none is invented; the page and this description itself are for people."""
    application = server_of(None, TODAY).application()
    routes = {resource.canonical for resource in application.router.resources()}
    assert routes - {"/", "/page/{name}", "/openapi.json"} == set(document(needs_token=False)["paths"])
