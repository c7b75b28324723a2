from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from tests.browser.test_dashboard import AWAY
from tests.browser.view import View

if TYPE_CHECKING:
    from playwright.async_api import Page

    from tests.browser.looker import Looker
    from tests.support.deployment import Deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: axe's rules of WCAG 2 at level AA, and what it holds for good practice.
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


#: Of the calendar's days, which are all made alike, only the last row is looked at: axe takes its time.
CONTEXT = {"exclude": [["#calendar g[role=row]:not(:last-of-type)"]]}


async def require_accessible(page: Page) -> None:
    """Fail with axe's report where a rule is violated. What moves must be at rest: see ``reduced_motion``."""
    found = await Axe().run(page, context=CONTEXT, options=RULES)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
async def test_axe_finds_nothing(view: View, looker: Looker, scheme: str, width: int) -> None:
    """The page has no violation that axe knows: light and wide, dark and narrow, with a tooltip and with news."""
    page = await looker.open(
        view.address,
        color_scheme=scheme,
        reduced_motion="reduce",
        viewport={"width": width, "height": 800},
    )
    await page.evaluate(
        """async () => {
            const { toast } = await import(new URL('page/toasts.js', document.baseURI));
            toast({ key: 'k', scope: 'caller:ada', icon: '🔥', text: '3-Day Glow' });
        }"""
    )
    await page.locator("#calendar [tabindex='0']").focus()
    await expect(page.locator("#tip")).to_be_visible()
    await require_accessible(page)


async def test_axe_finds_nothing_when_the_view_is_away(deployment: Deployment, looker: Looker) -> None:
    """Neither in the form for the token, nor in what is said when the view is lost."""
    looker.expected += [*AWAY, "status of 401"]
    view = View(deployment, STREAKLINE_API_TOKEN="t")
    with view.running():
        page = await looker.open(view.address, complete=False, reduced_motion="reduce")
        await expect(page.get_by_role("dialog")).to_be_visible()
        await require_accessible(page)
        await page.get_by_label("Token", exact=True).fill("t")
        await page.keyboard.press("Enter")
        await expect(page.locator("#link")).to_have_text("live")
    await expect(page.locator("#lost")).to_be_visible()
    await require_accessible(page)


@pytest.mark.parametrize("width", [1280, 768, 390, 320])
async def test_nothing_is_wider_than_the_screen(view: View, looker: Looker, width: int) -> None:
    """No screen has to be moved sideways; the calendar, which is wider than a phone, begins at today."""
    page = await looker.open(view.address, viewport={"width": width, "height": 800})
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    today = page.locator("#calendar [tabindex='0']")
    assert await today.evaluate("each => each.getBoundingClientRect().right") <= width


async def test_the_keyboard_is_enough(view: View, looker: Looker) -> None:
    """Another scope, the days of the calendar, and the way back, without a mouse."""
    page = await looker.open(view.address, reduced_motion="reduce")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the buddy")).to_be_focused()
    await page.get_by_label("Scope").focus()
    await page.keyboard.type("ada")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(r"\?scope=caller%3Aada$"))
    await expect(page.get_by_label("Scope")).to_have_value("caller:ada")
    await expect(page.locator("#leaders [aria-current]")).to_have_text("ada")

    await page.locator("#calendar [tabindex='0']").focus()
    today = await page.locator("#tip").inner_text()
    await page.keyboard.press("ArrowLeft")
    week_before = await page.locator("#tip").inner_text()
    assert week_before != today
    assert week_before.split(",")[0] == today.split(",")[0]  # the same day of the week
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("#tip")).to_have_text(today)
    await page.keyboard.press("Escape")
    await expect(page.locator("#tip")).to_be_hidden()

    await page.go_back()
    await expect(page.get_by_label("Scope")).to_have_value("gateway")


async def test_the_scopes_of_the_leaderboard_are_offered(view: View, looker: Looker) -> None:
    """The field offers the gateway and the callers, and takes any other."""
    page = await looker.open(view.address)
    offered = await page.locator("#scopes option").evaluate_all("all => all.map((each) => each.value)")
    assert offered[0] == "gateway"
    assert "caller:ada" in offered


async def test_light_and_dark(view: View, looker: Looker) -> None:
    """Colours follow the system; the button turns them round, and the choice is remembered."""
    page = await looker.open(view.address, color_scheme="dark")
    button = page.get_by_role("button", name="Dark colours")
    await expect(button).to_have_attribute("aria-pressed", "true")
    dark = await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    await button.click()
    light = await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert light != dark
    await page.reload()
    await expect(button).to_have_attribute("aria-pressed", "false")


async def test_who_wants_no_motion_sees_none(view: View, looker: Looker) -> None:
    """With reduced motion nothing moves by itself: no animation runs, and the buddy does not blink."""
    page = await looker.open(view.address, reduced_motion="reduce")
    assert await page.evaluate("document.getAnimations().length") == 0
    art = await page.locator("#art").inner_text()
    blinked = await page.evaluate(
        """() => new Promise((resolve) => {
            new MutationObserver(() => resolve(true)).observe(document.getElementById('art'),
                { childList: true, characterData: true, subtree: true });
            setTimeout(() => resolve(false), 4500);
        })"""
    )
    assert not blinked
    assert "*" in art  # the eyes of the dragon are open
