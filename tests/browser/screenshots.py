"""Pictures of the dashboard for the documents, of a demo that runs meanwhile.

    .venv/bin/python -m tests.browser.screenshots

Writes docs/dashboard.png, -dark.png and -narrow.png. Needs a Chromium, as the browser tests do.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.async_api import TimeoutError as TooLateError

from tests.browser.chromium import MISSING, chromium, find

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.async_api import Page

DOCS = Path(__file__).parents[2] / "docs"
#: Milliseconds.
_SHOWN_WITHIN = 60_000
_TOAST_WITHIN = 90_000

#: What differs between the pictures: see Playwright's ``Browser.new_page``.
_PICTURES: dict[str, dict[str, Any]] = {
    "dashboard": {"viewport": {"width": 1280, "height": 1080}, "color_scheme": "light"},
    "dashboard-dark": {"viewport": {"width": 1280, "height": 1080}, "color_scheme": "dark"},
    "dashboard-narrow": {"viewport": {"width": 390, "height": 1180}, "color_scheme": "light"},
}


@contextmanager
def demo() -> Iterator[str]:
    """Run the demo, and yield the address of its dashboard when all of its traffic is folded."""
    command = [sys.executable, "-m", "app.cli", "demo", "--seconds", "3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("Live traffic goes on"):
                    yield re.findall(r"http://\S+", line)[0]
                    break
            else:
                raise SystemExit("the demo ended before it had shown anything")
        finally:
            process.terminate()


async def take(path: str, address: str) -> None:
    """Take all pictures."""
    async with chromium(path) as browser:
        for name, context in _PICTURES.items():
            page = await browser.new_page(**context)
            await page.goto(address)
            await page.locator("main[aria-busy='false']").wait_for(timeout=_SHOWN_WITHIN)
            await _wait_for_news(page)
            await page.screenshot(path=DOCS / f"{name}.png")
            await page.close()


async def _wait_for_news(page: Page) -> None:
    """Wait until something is earned, as the pictures are to show it; live traffic takes its time."""
    try:
        await page.locator(".toast").first.wait_for(timeout=_TOAST_WITHIN)
    except TooLateError:
        sys.stderr.write("nothing was earned: this picture is without news\n")
    await asyncio.sleep(1)


def main() -> None:
    """Run the demo and take the pictures."""
    path = find()
    if path is None:
        raise SystemExit(MISSING)
    with demo() as address:
        asyncio.run(take(path, address))


if __name__ == "__main__":
    os.environ.setdefault("STREAKLINE_VIEW_PORT", "0")
    main()
