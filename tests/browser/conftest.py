from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from app.local.sample import traffic
from tests.browser.chromium import MISSING, chromium, find
from tests.browser.looker import Looker
from tests.browser.view import View
from tests.support.deployment import Deployment, Sending

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from playwright.async_api import Browser

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


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium_path: str) -> AsyncIterator[Browser]:
    """One browser for all tests of the session, which start fresh in it: each page has a context of its own."""
    async with chromium(chromium_path) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def looker(browser: Browser) -> AsyncIterator[Looker]:
    """Somebody who looks at pages, and in the end at their consoles: nothing unexpected may be there."""
    looker = Looker(browser)
    yield looker
    await looker.close()
    looker.require_clean_console()
