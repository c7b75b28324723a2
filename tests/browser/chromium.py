"""The browser of this machine. Nothing is downloaded: Chromium is the system's, or there is none."""

from __future__ import annotations

import os
import shutil
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from playwright.async_api import async_playwright

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

MISSING = (
    "no Chromium on this machine: `apt-get install chromium` (Debian, Ubuntu) brings one, "
    "or set CHROMIUM to the path of a Chromium or Chrome"
)


def find() -> str | None:
    """Return the path of a Chromium: what CHROMIUM says, else what is on the PATH."""
    return next(filter(None, map(shutil.which, (os.environ.get("CHROMIUM", ""), *_NAMES))), None)


@asynccontextmanager
async def chromium(path: str) -> AsyncIterator[Browser]:
    """Yield a headless browser that talks to nobody by itself."""
    options = ["--disable-background-networking", "--disable-component-update"]
    if os.geteuid() == 0:
        options.append("--no-sandbox")  # Chromium's sandbox refuses root, which CI runs as
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=options)
        try:
            yield browser
        finally:
            await browser.close()
