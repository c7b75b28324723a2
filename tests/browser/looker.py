"""Somebody who looks at the dashboard, and hears everything that its console says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playwright.async_api import expect

if TYPE_CHECKING:
    from playwright.async_api import Browser, ConsoleMessage, Error, Page

#: Milliseconds within which the page shows what it should; generous, the machine may be busy.
PATIENCE = 30_000
expect.set_options(timeout=PATIENCE)


class Looker:
    """Opens pages; ``expected`` are parts of the console's lines that a test provokes."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.expected: list[str] = []
        self._said: list[str] = []
        self._pages: list[Page] = []

    async def open(self, address: str, *, complete: bool = True, **context: Any) -> Page:
        """Open a page in a context of its own; with ``complete`` return when all of it is shown, live."""
        page = await self._browser.new_page(**context)
        self._pages.append(page)
        page.set_default_timeout(PATIENCE)
        page.on("console", self._on_console)
        page.on("pageerror", self._on_error)
        await page.goto(address)
        if complete:
            await expect(page.locator("main")).to_have_attribute("aria-busy", "false")
            await expect(page.locator("#link")).to_have_text("live")
        return page

    async def close(self) -> None:
        """Close all pages."""
        for page in self._pages:
            await page.close()

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._said.append(f"{message.type}: {message.text}")

    def _on_error(self, error: Error) -> None:
        self._said.append(f"uncaught: {error}")

    def require_clean_console(self) -> None:
        """Fail if a page said something that was not expected."""
        unexpected = [each for each in self._said if not any(part in each for part in self.expected)]
        assert not unexpected
