"""axe-core looks for barriers in every state of the page, at desk and phone size, enlarged, light and dark: none."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.browser.conftest import Opened
from tests.browser.page import Page
from tests.browser.studio import PASSWORD, Studio
from tests.browser.test_mini_app import DARK, App, app, opened

__all__ = ["app"]

AXE = (files("selenium_axe_python") / "axe-core" / "axe.min.js").read_text("utf-8")
LOOK = """
const [runOnly, done] = arguments;
axe.run(document, { runOnly, resultTypes: ["violations"] }).then((found) => done(found.violations.map(
  (rule) => [rule.id, rule.nodes.map((node) => node.target.join(" ") + ": " + node.failureSummary)])));
"""


SETTLED = "return !document.getAnimations().some((running) => /color|fill|stroke/.test(running.transitionProperty))"
"""No colour is on its way to another; a bar of progress never stands still."""
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice", "experimental")
ALL = {"type": "tag", "values": TAGS}
COLOURS = {"type": "rule", "values": ("color-contrast",)}
OF_SIZE = {"type": "rule", "values": ("color-contrast", "scrollable-region-focusable", "target-size", "meta-viewport")}
"""What another width of the window changes where names and roles are the same."""


def scheme(page: Page, *, dark: bool) -> None:
    media = {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]}
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    page.until(lambda: page.script(SETTLED))


def barriers(page: Page, *, dark: bool = False, rules: object = ALL, both: bool = True) -> Any:
    """In one scheme; `both`: in the other too, where it is the colours that differ."""
    if not page.script("return 'axe' in window"):
        page.script(AXE)
    found = page.driver.execute_async_script(LOOK, rules)
    if both:
        scheme(page, dark=not dark)
        found += page.driver.execute_async_script(LOOK, COLOURS)
        scheme(page, dark=dark)
    return found


@pytest.mark.parametrize(
    ("width", "height", "phone", "language", "dark", "rules"),
    [
        pytest.param(1280, 800, False, "zh-CN", False, ALL, id="desk, Chinese"),
        pytest.param(390, 844, True, "zh-CN", True, OF_SIZE, id="phone, Chinese"),
        pytest.param(640, 400, False, "en-GB", False, OF_SIZE, id="desk at 200 %, English"),
        pytest.param(195, 422, True, "en-GB", True, ALL, id="phone at 200 %, English"),
    ],
)
def test_nobody_meets_a_barrier(
    browser: Opened,
    studio: Studio,
    app: App,
    photo: Path,
    width: int,
    height: int,
    phone: bool,
    language: str,
    dark: bool,
    rules: object,
) -> None:
    page = browser(language=language, width=width, height=height, phone=phone, dark=dark)
    page.size(width, height, phone=phone)
    states: list[tuple[str, Any]] = []

    def look(state: str, *, chat: bool = True) -> None:
        assert page.script(WIDER) == [], state
        assert not chat or page.one("#language").is_displayed()
        # Enlarged, the colours are those of the same window at its usual size.
        states.append((state, barriers(page, dark=dark, rules=rules, both=language == "zh-CN")))

    look("welcome")
    page.one("#more > summary").click()
    look("menu")
    page.one("#more > summary").click()
    page.pick(photo)
    page.send()
    page.until(lambda: len(page.all(".choices .choice")) >= 6)
    page.pick(photo)
    page.script(SECOND, "second.png")
    page.until(lambda: len(page.all("#attached .tile")) == 2)
    page.write("paint two 画两张")
    look("choices and a photo to send")
    page.send()
    page.until(lambda: page.all(".message.status"))
    studio.let_go(2)
    page.until(lambda: page.loaded(".print img"))
    look("result")
    page.click(".print-open")
    page.until(lambda: page.loaded("#viewer-image"))
    look("viewer")
    page.click("#viewer-compare")
    page.until(lambda: page.loaded("#compare img"))
    look("before and after")
    page.click("#viewer-share")
    page.click("#share-new .solid")
    page.one("#shares-list li")
    look("links")
    page.click("#shares [data-close]")
    page.click("#viewer-paint")
    page.until(lambda: page.loaded(".painter-image"))
    look("painter")
    page.press(Keys.ESCAPE)
    page.until(lambda: not page.all(".painter[open]"))
    page.one("#open-pictures").click()
    page.until(lambda: page.loaded("#pictures .wall img"))
    look("pictures")
    page.click("#pictures [data-close]")
    page.one("#open-styles").click()
    page.until(lambda: page.loaded(".card-face img:only-child"))
    look("styles")
    tongue = "zh" if language == "zh-CN" else "en"
    opened(page, app.launched(tongue, **({"tgWebAppThemeParams": DARK} if dark else {})))
    look("Mini App", chat=False)
    page.driver.get(f"{studio.address}/made-here")
    look("was it made here", chat=False)
    page.driver.get(f"{studio.address}/admin?lang={tongue}")
    look("password", chat=False)
    page.driver.find_element(By.NAME, "password").send_keys(PASSWORD, Keys.ENTER)
    page.until(lambda: page.all("form[action$=pause]"))
    look("operator", chat=False)
    met = [(state, found) for state, found in states if found]
    assert not met, met


SECOND = """
const canvas = document.createElement("canvas");
canvas.toBlob((blob) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([blob], arguments[0], { type: "image/png" }));
  dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true }));
});
"""
WIDER = """
return [...document.querySelectorAll("body *")]
  .filter((e) => e.checkVisibility())
  .filter((e) => !e.closest("svg, .attached, .roles, .unseen, .skip, .tool span, .sheet-top span"))
  .filter((e) => e.getBoundingClientRect().right > innerWidth + 0.5)
  .map((e) => e.className || e.tagName);
"""
