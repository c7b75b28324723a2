from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from app.local.sample import traffic
from tests.browser.chromium import MISSING, chromium, find
from tests.browser.looker import Looker
from tests.browser.view import View
from tests.support.deployment import Deployment, Sending

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from app.local.broker import Broker


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The browser. Where there is none these tests are left out, but not in CI, which brings one."""
    path = find()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    return path


@pytest.fixture(scope="session")
def deployment(
    chromium_path: str, broker: Broker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """A deployment whose worker has folded six weeks of the demo's traffic, and goes on."""
    deployment = Deployment(broker.address, tmp_path_factory.mktemp("browser"))
    deployment.create_topics()
    with deployment.start_worker():
        deployment.send(
            [
                Sending(each.topic, deployment.home((each.key or b"").decode()), each.value, each.key)
                for each in traffic(7, datetime.now(UTC))
            ]
        )
        deployment.wait_until_folded()
        yield deployment


@pytest.fixture(scope="session")
def view(deployment: Deployment) -> Iterator[View]:
    """A view that nobody restarts."""
    view = View(deployment)
    with view.running():
        yield view


@pytest.fixture
async def looker(chromium_path: str) -> AsyncIterator[Looker]:
    """A browser, and in the end a look at its console: nothing unexpected may be there."""
    async with chromium(chromium_path) as browser:
        looker = Looker(browser)
        yield looker
        await asyncio.sleep(0)  # what the page said last arrives
    looker.require_clean_console()
