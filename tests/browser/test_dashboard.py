from __future__ import annotations

import asyncio
import json
import re
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.browser.view import View
from tests.support.deployment import Deployment, Sending

if TYPE_CHECKING:
    from tests.browser.looker import Looker

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: What Chromium's console says when a server is away; JavaScript cannot keep it from saying so.
AWAY = ["net::ERR_CONNECTION_REFUSED", "net::ERR_INCOMPLETE_CHUNKED_ENCODING", "net::ERR_CONNECTION_RESET"]


def request(deployment: Deployment, caller: str) -> Sending:
    """A request of now."""
    body = {
        "request_id": secrets.token_hex(8),
        "caller_id": caller,
        "model": "gpt",
        "status": "ok",
        "created_at": datetime.now(UTC).isoformat(),
    }
    return Sending("gateway.requests", deployment.home(caller), json.dumps(body).encode(), caller.encode())


async def send(deployment: Deployment, caller: str) -> None:
    """Send a request of a caller."""
    await asyncio.to_thread(deployment.send, [request(deployment, caller)])


async def test_an_unlock_is_shown_on_the_open_page(
    deployment: Deployment, view: View, looker: Looker
) -> None:
    """An event that is produced after the page was opened earns an achievement, and the page says so."""
    page = await looker.open(view.address)
    await expect(page.locator("#news")).not_to_contain_text("zoe")
    hello, toast = re.compile("Hello Gateway.*zoe"), page.locator("#toasts .toast")
    # A toast stays for some seconds only: look for it from before the event on.
    await asyncio.gather(expect(toast).to_contain_text(hello), send(deployment, "zoe"))
    await toast.get_by_role("button").click()
    await expect(toast).to_have_count(0)
    await expect(page.locator("#news li.fresh").first).to_contain_text(hello)


async def test_the_page_of_a_caller(deployment: Deployment, view: View, looker: Looker) -> None:
    """The scope is in the address; its unlock moves what is shown of it, and others' do not appear."""
    await send(deployment, "yan")
    await asyncio.to_thread(deployment.wait_until_folded)
    page = await looker.open(f"{view.address}?scope=caller%3Ayan")
    await expect(page.locator("#stats")).to_contain_text(re.compile("requests1active"))
    await expect(page.locator("#unlocked")).not_to_contain_text("Centurion")
    many = [request(deployment, "yan") for _ in range(99)]
    await asyncio.gather(
        expect(page.locator("#toasts")).to_contain_text("Centurion"),
        asyncio.to_thread(deployment.send, [*many, request(deployment, "someone-else")]),
    )
    await expect(page.locator("#unlocked")).to_contain_text("Centurion")
    await expect(page.locator("#stats")).to_contain_text(re.compile("requests100active"))
    await expect(page.locator("#news")).not_to_contain_text("someone-else")


async def test_a_restart_of_the_view(deployment: Deployment, looker: Looker) -> None:
    """The page says that it has lost the view, gets it back by itself, and then shows what happened meanwhile."""
    view = View(deployment)
    looker.expected += AWAY
    with view.running():
        page = await looker.open(view.address)
        before = await page.locator("#stats dd").first.inner_text()
    await expect(page.locator("#lost")).to_contain_text("has not answered since")
    await expect(page.locator("#link")).to_have_text("not connected")
    await send(deployment, "xenia")
    await asyncio.to_thread(deployment.wait_until_folded)
    with view.running():
        await expect(page.locator("#lost")).to_be_hidden()
        await expect(page.locator("#link")).to_have_text("live")
        await expect(page.locator("#stats dd").first).not_to_have_text(before)
        await send(deployment, "wanda")
        await expect(page.locator("#news")).to_contain_text("wanda")


async def test_a_view_that_asks_for_a_token(deployment: Deployment, looker: Looker) -> None:
    """The page asks once for all its requests, again when the token was wrong, and keeps it while the tab is open."""
    looker.expected += [*AWAY, "status of 401"]  # the view ends before the page does
    view = View(deployment, STREAKLINE_API_TOKEN="open-sesame")
    with view.running():
        page = await looker.open(view.address, complete=False)
        for token in ("wrong", "open-sesame"):
            await page.get_by_label("Token", exact=True).fill(token)
            await page.get_by_role("button", name="Sign in").click()
        await expect(page.locator("#link")).to_have_text("live")
        await expect(page.locator("#level-words")).to_have_text(re.compile(r"Level \d+"))
        await expect(page.get_by_role("dialog")).to_be_hidden()
        await page.reload()
        await expect(page.locator("#link")).to_have_text("live")
        await expect(page.get_by_role("dialog")).to_be_hidden()


async def test_an_unknown_caller(view: View, looker: Looker) -> None:
    """A caller without events has a page that says so and leads back."""
    looker.expected.append("status of 404")
    page = await looker.open(f"{view.address}?scope=caller:nobody-at-all")
    await expect(page.get_by_role("heading", name="caller:nobody-at-all")).to_be_visible()
    await expect(page.locator("#somebody")).to_be_hidden()
    await page.get_by_role("link", name="Back to the gateway").click()
    await expect(page.locator("#buddy")).to_be_visible()


async def test_names_are_text(deployment: Deployment, view: View, looker: Looker) -> None:
    """A caller whose name is markup, or has a slash, is shown by its name; nothing of it is run."""
    name = '<img src=x onerror="document.title=1">/é?'
    page = await looker.open(view.address)
    await send(deployment, name)
    await page.locator("#news").get_by_role("link", name=name).first.click()
    await expect(page.locator("#scope")).to_have_value(f"caller:{name}")
    await expect(page.locator("#stats")).to_contain_text(re.compile("requests1active"))
    assert await page.title() != "1"
    await page.reload()
    await expect(page.locator("#stats")).to_contain_text(re.compile("requests1active"))


async def test_scripts_from_elsewhere_are_refused(view: View, looker: Looker) -> None:
    """The view's Content-Security-Policy lets the page run, and lets nothing else run in it."""
    looker.expected.append("Content Security Policy")
    page = await looker.open(view.address)
    ran = await page.evaluate(
        """() => {
            const script = document.createElement('script');
            script.textContent = 'document.title = "ran"';
            document.head.append(script);
            return document.title === 'ran';
        }"""
    )
    assert not ran


async def test_a_tab_that_nobody_sees_lets_go(view: View, looker: Looker) -> None:
    """A hidden page gives its connection back after a while, for the other tabs, and follows again when it is seen."""
    page = await looker.open(view.address)
    told = await page.evaluate(
        """async () => {
            const { follow } = await import(new URL('page/stream.js', document.baseURI));
            const hide = (hidden) => {
                Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
                document.dispatchEvent(new Event('visibilitychange'));
            };
            const told = [];
            await new Promise((resolve) => follow('v1/stream', {
                opened: () => { told.push('opened'); told.length < 3 ? hide(true) : resolve(); },
                message: () => {},
                lost: () => told.push('lost'),
                resting: () => { told.push('resting'); setTimeout(() => hide(false), 100); },
            }, 100));
            return told;
        }"""
    )
    assert told == ["opened", "resting", "opened"]


async def test_the_stream_may_be_cut_anywhere(view: View, looker: Looker) -> None:
    """Server-sent events are the same wherever the network cuts them, and with every kind of line end."""
    page = await looker.open(view.address)
    wrong = await page.evaluate(
        """async () => {
            const { parser } = await import(new URL('page/stream.js', document.baseURI));
            const wrong = [];
            for (const end of ['\\n', '\\r\\n', '\\r']) {
                const lines = [': hello', 'event: level-up', 'id: 7', 'data: {"a":', 'data: 1}', '', 'data:x', '', ''];
                const text = lines.join(end) + ': the end';
                for (let cut = 0; cut <= text.length; cut += 1) {
                    const events = [];
                    const parse = parser((event) => events.push(event));
                    parse(text.slice(0, cut));
                    parse(text.slice(cut));
                    const told = JSON.stringify(events.map(({ id, type, data }) => [id ?? null, type, data]));
                    if (told !== '[["7","level-up","{\\\\"a\\\\":\\\\n1}"],[null,"message","x"]]') wrong.push([cut, told]);
                }
            }
            return wrong;
        }"""
    )
    assert wrong == []
