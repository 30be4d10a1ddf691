"""The painter on the page, in a real browser: what is painted arrives as a mask of the picture's own shape."""

from pathlib import Path

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.browser.conftest import Opened
from tests.browser.page import Page
from tests.browser.studio import Studio

BOX = """
const box = document.querySelector(".painter-surface").getBoundingClientRect();
return [box.width, box.height];
"""

NAMELESS = """
return [...document.querySelectorAll(".painter button, .painter input, .painter [role]")]
  .filter((e) => e.role !== "status" && !(e.getAttribute("aria-label") || e.textContent.trim()))
  .map((e) => e.outerHTML);
"""

HARD_TO_TAP = """
return [...document.querySelectorAll(".painter button, .painter input")]
  .filter((e) => e.checkVisibility())
  .map((e) => [e.className, e.getBoundingClientRect()])
  .filter(([, b]) => b.height < 43.5 || b.width < 43.5 || b.right > innerWidth + 0.5 || b.bottom > innerHeight + 0.5)
  .map(([name]) => name);
"""


def on_a_photo(page: Page, photo: Path) -> None:
    """Send a photo, look at it, and open the painter on it."""
    page.pick(photo)
    page.send()
    page.said("Lovely" if page.script("return document.documentElement.lang") == "en" else "收到")
    page.one(".frame img").click()
    page.one("#viewer-paint").click()
    page.until(lambda: page.loaded(".painter-image"))


def dragged(page: Page, *points: tuple[float, float]) -> None:
    """A stroke over the picture through these points, as shares of it."""
    box = page.script(BOX)
    surface = page.driver.find_element(By.CSS_SELECTOR, ".painter-surface")
    actions = ActionChains(page.driver, duration=20)
    for n, (x, y) in enumerate(points):
        actions.move_to_element_with_offset(surface, round((x - 0.5) * box[0]), round((y - 0.5) * box[1]))
        if n == 0:
            actions.click_and_hold()
    actions.release().perform()


def white(studio: Studio, x: float, y: float) -> bool:
    mask = studio.masks[-1].convert("L")
    value = mask.getpixel((round(x * (mask.width - 1)), round(y * (mask.height - 1))))
    assert value in (0, 255), "a mask is black and white but for its edges"
    return value == 255


def test_a_painted_place_and_words_arrive_as_one_message_about_the_photo(
    browser: Opened, studio: Studio, photo: Path
) -> None:
    page = browser()
    on_a_photo(page, photo)
    dragged(page, (0.2, 0.3), (0.8, 0.3))
    dragged(page, (0.5, 0.8), (0.6, 0.8))
    page.one(".painter-button[title='Undo']").click()
    page.one(".painter-button[title='Eraser']").click()
    dragged(page, (0.5, 0.1), (0.5, 0.5))
    page.one(".painter-words").send_keys("paint a hat")
    page.one(".painter-solid").click()
    page.until(lambda: not page.all(".painter[open]"))
    page.said("In the queue")
    message = studio.seen[-1]
    assert (message.text, len(message.quoted_photos), message.photos) == ("paint a hat", 1, ())
    assert studio.masks[-1].size == (384, 512), "the photo's own size"
    assert white(studio, 0.3, 0.3)
    assert white(studio, 0.7, 0.3)
    assert not white(studio, 0.5, 0.3), "erased"
    assert not white(studio, 0.55, 0.8), "undone"
    assert (page.complaints(), page.strangers()) == ([], [])


def test_the_frame_is_dragged_outwards_and_arrives_as_shares(browser: Opened, studio: Studio, photo: Path) -> None:
    page = browser(width=390, height=844, phone=True)
    on_a_photo(page, photo)
    page.one(".painter-button[title='More around']").click()
    handle = page.one(".painter-handle.right")
    width = page.script("return document.querySelector('.painter-surface').getBoundingClientRect().width")
    ActionChains(page.driver).drag_and_drop_by_offset(handle, round(width / 4), 0).perform()
    page.one(".painter-handle.top").send_keys(Keys.ARROW_UP, Keys.ARROW_UP)
    assert page.one(".painter-handle.top").get_attribute("aria-valuenow") == "10"
    page.one(".painter-solid").click()
    page.until(lambda: not page.all(".painter[open]") and studio.seen[-1].painted is not None)
    painted = studio.seen[-1].painted
    assert painted is not None
    assert (painted.mask, painted.margins.left, painted.margins.top) == (None, 0, 0.1)
    assert painted.margins.right == pytest.approx(0.25, abs=0.02)
    assert page.complaints() == []


def test_it_is_painted_with_the_keyboard_alone_in_chinese(browser: Opened, studio: Studio, photo: Path) -> None:
    page = browser(language="zh-CN")
    on_a_photo(page, photo)
    assert "涂画" in page.one(".painter-title").text
    page.press(" ", *[Keys.ARROW_RIGHT] * 6, " ")
    assert page.one(".painter-hint").text == "已抬笔。"
    page.press("+", "-", "]", "[")
    page.one(".painter-plain").send_keys(Keys.ENTER)
    page.until(lambda: not page.all(".painter[open]") and studio.masks)
    assert studio.seen[-1].text == "去掉标出的地方"
    assert white(studio, 0.5, 0.5)
    assert white(studio, 0.66, 0.5)
    assert not white(studio, 0.2, 0.5)


def test_what_is_missing_is_said_and_what_could_not_be_sent_is_kept(
    browser: Opened, studio: Studio, photo: Path
) -> None:
    page = browser()
    on_a_photo(page, photo)
    page.one(".painter-solid").click()
    assert page.until(lambda: "Paint over a place first" in page.one(".painter-hint").text)
    dragged(page, (0.4, 0.4), (0.6, 0.6))
    page.one(".painter-solid").click()
    assert page.until(lambda: "Say what shall be there" in page.one(".painter-hint").text)
    page.one(".painter-words").send_keys("paint flowers")
    page.driver.execute_cdp_cmd("Network.enable", {})
    page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/api/messages"]})
    page.one(".painter-solid").click()
    page.until(lambda: "Nothing is lost" in page.one(".painter-hint").text)
    page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    page.one(".painter-solid").click()
    page.until(lambda: not page.all(".painter[open]") and studio.masks)
    assert white(studio, 0.5, 0.5)
    assert len([message for message in studio.seen if message.painted]) == 1


def test_everything_in_the_painter_has_a_name_and_fits_a_finger(browser: Opened, photo: Path) -> None:
    page = browser(width=390, height=844, phone=True)
    on_a_photo(page, photo)
    assert page.script(NAMELESS) == []
    assert page.script(HARD_TO_TAP) == []


def test_a_photo_that_was_not_sent_leaves_with_what_was_painted_on_it(
    browser: Opened, studio: Studio, photo: Path
) -> None:
    page = browser()
    page.pick(photo)
    page.write("kept")
    page.one(".tile .on-it").click()
    page.until(lambda: page.loaded(".painter-image"))
    dragged(page, (0.2, 0.3), (0.8, 0.3))
    page.one(".painter-words").send_keys("paint a hat")
    page.one(".painter-solid").click()
    page.until(lambda: not page.all(".painter[open]") and studio.masks)
    (message,) = studio.seen
    assert (message.text, len(message.photos), message.quoted_photos) == ("paint a hat", 1, ())
    assert white(studio, 0.5, 0.3)
    assert page.all("#attached .tile") == []
    assert page.box.get_attribute("value") == "kept"
    assert page.complaints() == []
