"""The chat page in a real browser, against the real web app with a conversation of ours behind it (long: one page)."""

import asyncio
import base64
from pathlib import Path

import pytest
from PIL import Image
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from tests.browser.conftest import Opened
from tests.browser.page import Page
from tests.browser.studio import Studio


def as_file(path: Path, name: str = "photo.jpg", kind: str = "image/jpeg") -> tuple[str, str, str]:
    return (name, kind, base64.b64encode(path.read_bytes()).decode())


def painted(page: Page, studio: Studio, words: str = "paint it") -> WebElement:
    """Ask for a picture, let it be made, and wait until it is seen."""
    before = len(page.all(".print"))
    page.write(words)
    page.send()
    studio.let_go(2)
    page.until(lambda: len(page.all(".print")) > before and page.loaded(".print img"))
    return page.all(".print")[-1]


def tiles(page: Page) -> int:
    return len(page.all("#attached .tile"))


def clean(page: Page) -> bool:
    """Nothing in the console, and nobody else was asked for anything."""
    assert page.complaints() == []
    assert page.strangers() == []
    return True


WIDER_THAN_THE_WINDOW = """
return [...document.querySelectorAll("body *")]
  .filter((e) => e.checkVisibility() && !e.closest("svg, .attached, .unseen, .skip"))
  .filter((e) => e.getBoundingClientRect().right > innerWidth + 0.5)
  .map((e) => e.className || e.tagName);
"""

TOO_SMALL_TO_TAP = """
return [...document.querySelectorAll("button, a, textarea")]
  .filter((e) => e.checkVisibility() && !e.closest(".skip"))
  .map((e) => [e.className || e.id, e.getBoundingClientRect()])
  .filter(([, box]) => box.width > 0 && (box.width < 43.5 || box.height < 43.5))
  .map(([name]) => name);
"""

NAMELESS = """
return [...document.querySelectorAll("button, a, textarea, img, dialog, [role=log], [role=group]")]
  .filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim() || e.hasAttribute("alt")))
  .map((e) => e.outerHTML);
"""

NEXT_FRAME = "const [done] = arguments; requestAnimationFrame(() => requestAnimationFrame(() => done()))"

# --- from a photo to a picture


def test_a_photo_is_picked_sent_and_comes_back_as_a_picture(browser: Opened, studio: Studio, photo: Path) -> None:
    page = browser()
    assert page.one("#welcome").is_displayed()
    page.pick(photo)
    assert page.until(lambda: page.loaded("#attached img"))
    page.write("paint it")
    page.send()
    page.said("In the queue, 1 before you")
    assert not page.all("#welcome:not([hidden])")
    assert tiles(page) == 0
    assert page.box.get_property("value") == ""
    studio.let_go()
    page.said("Being made · 4 s of about 12 s")
    assert len(page.all(".message.status")) == 1, "a status replaces the one before"
    assert "In the queue" not in page.one("#log").text
    done = "return Number(document.querySelector('.bath').style.getPropertyValue('--done'))"
    assert 0 <= page.script(done) < 1
    studio.let_go()
    page.until(lambda: page.loaded(".print img"))
    page.until(lambda: not page.all(".message.status"))
    page.until(lambda: page.loaded(".frame img"))
    (message,) = studio.seen
    assert message.text == "paint it"
    assert message.photos[0].path.read_bytes() == photo.read_bytes(), "the original is sent"
    assert clean(page)


def test_a_reload_shows_the_conversation_and_a_running_job_goes_on(
    browser: Opened, studio: Studio, photo: Path
) -> None:
    page = browser()
    page.pick(photo)
    painted(page, studio)
    page.write("paint again")
    page.send()
    page.said("In the queue")
    studio.let_go()
    page.said("Being made")
    before = page.texts(".message .words")
    page.open()
    assert page.texts(".message .words") == before
    page.until(lambda: page.loaded(".print img") and page.loaded(".frame img"))
    studio.let_go()
    page.until(lambda: len(page.all(".print")) == 2 and not page.all(".message.status"))
    assert clean(page)


def test_photos_are_dropped_and_pasted_and_removed(
    browser: Opened, studio: Studio, photo: Path, tmp_path: Path
) -> None:
    page = browser()
    other = tmp_path / "other.png"
    Image.new("RGB", (80, 60), "teal").save(other)
    page.put("dragenter dragover", as_file(photo))
    assert page.one("#drop").is_displayed()
    page.put("drop", as_file(photo, "a.jpg"), as_file(other, "b.png", "image/png"))
    page.until(lambda: tiles(page) == 2 and page.loaded("#attached img"))
    assert not page.all("#drop:not([hidden])")
    page.put("paste", as_file(other, "", "image/png"))
    page.until(lambda: tiles(page) == 3)
    page.all("#attached .remove")[0].click()
    page.until(lambda: tiles(page) == 2)
    page.write("paint")
    page.send()
    page.until(lambda: studio.seen)
    assert [p.path.read_bytes() for p in studio.seen[0].photos] == [other.read_bytes(), other.read_bytes()]
    assert clean(page)


def test_what_cannot_be_sent_is_said_by_the_composer(browser: Opened, tmp_path: Path, photo: Path) -> None:
    page = browser()
    huge, page_file, heic = tmp_path / "huge.jpg", tmp_path / "page.html", tmp_path / "IMG_1.HEIC"
    huge.write_bytes(b"\xff" * (20 * 1024 * 1024 + 1))
    page_file.write_text("<p>no photo</p>")
    heic.write_bytes(b"\0\0\0\x18ftypheic" + b"\0" * 64)
    page.driver.find_element(By.ID, "photos").send_keys(str(huge))
    assert "20 MB" in page.one("#failed-text").text
    page.driver.find_element(By.ID, "photos").send_keys(str(page_file))
    page.until(lambda: page.one("#failed-text").text.startswith("Only photos"))
    assert tiles(page) == 0
    page.pick(heic)
    assert page.until(lambda: page.one("#attached .blank").text) == "HEIC, shown after sending"
    copies = [tmp_path / f"{n}.jpg" for n in range(8)]
    for n, copy in enumerate(copies):
        copy.write_bytes(photo.read_bytes() + bytes([n]))
    page.driver.find_element(By.ID, "photos").send_keys("\n".join(map(str, copies)))
    page.until(lambda: page.one("#failed-text").text.startswith("At most 8"))
    assert tiles(page) == 8
    page.one("#failed-dismiss").click()
    assert not page.all("#failed:not([hidden])")
    assert clean(page)


def test_what_cameras_call_their_photos_is_taken_and_sent(
    browser: Opened, studio: Studio, photo: Path, tmp_path: Path
) -> None:
    page = browser()
    cameras = [tmp_path / name for name in ("DSC1.HIF", "live.heics", "two.MPO", "no ending")]
    for camera in cameras:
        camera.write_bytes(photo.read_bytes())
        page.pick(camera)
    assert tiles(page) == len(cameras)
    page.write("paint")
    page.send()
    page.until(lambda: studio.seen)
    assert [p.path.read_bytes() for p in studio.seen[0].photos] == [photo.read_bytes()] * len(cameras)
    assert clean(page)


def test_a_file_that_is_gone_is_taken_off_and_there_is_nothing_to_repeat(
    browser: Opened, studio: Studio, photo: Path, tmp_path: Path
) -> None:
    page = browser()
    gone = tmp_path / "gone.jpg"
    gone.write_bytes(photo.read_bytes() + b"\0")
    page.driver.find_element(By.ID, "photos").send_keys(f"{gone}\n{photo}")
    page.until(lambda: tiles(page) == 2)
    gone.unlink()
    page.write("paint it")
    page.send()
    page.until(lambda: page.one("#failed-text").text.startswith("gone.jpg is no longer where you picked it"))
    assert not page.all("#failed-retry:not([hidden])")
    assert (tiles(page), page.box.get_property("value"), studio.seen) == (1, "paint it", [])
    page.send()
    page.until(lambda: studio.seen)
    assert len(studio.seen[0].photos) == 1


def test_a_message_that_could_not_be_sent_keeps_its_words_and_photos_and_is_sent_once(
    browser: Opened, studio: Studio, photo: Path
) -> None:
    page = browser()
    page.pick(photo)
    page.write("paint it")
    page.driver.execute_cdp_cmd("Network.enable", {})
    page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/api/messages"]})
    page.send()
    assert "Nothing is lost" in page.one("#failed-text").text
    assert page.box.get_property("value") == "paint it"
    assert tiles(page) == 1
    page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    page.one("#failed-retry").click()
    page.said("In the queue")
    assert not page.all("#failed:not([hidden])")
    assert tiles(page) == 0
    assert len(studio.seen) == 1
    assert [m for m in page.complaints() if "ERR_BLOCKED_BY_CLIENT" not in m] == []


def test_being_offline_is_said_and_being_back_is_noticed(browser: Opened, studio: Studio) -> None:
    page = browser()
    page.write("hello")
    network = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    page.driver.execute_cdp_cmd("Network.enable", {})
    page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", network)
    page.until(lambda: "offline" in page.one("#banner").text)
    page.send()
    assert "offline" in page.one("#failed-text").text
    page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {**network, "offline": False})
    page.said("Heard: hello")  # nobody had to ask for it again
    page.until(lambda: not page.all("#banner:not([hidden])"))
    assert len(studio.seen) == 1


# --- choices


def test_a_choice_is_tapped(browser: Opened, studio: Studio, photo: Path) -> None:
    page = browser()
    page.pick(photo)
    page.send()
    page.said("Lovely")
    page.until(lambda: len(page.all(".choice")) >= 6)
    next(c for c in page.all(".choices .choice") if "Oil painting" in c.text).click()
    page.said("In the queue")
    assert studio.seen[-1].choice == "style:oil_painting"
    assert page.texts(".message.person .words")[-1] == "Oil painting"
    assert clean(page)


def test_everything_can_be_done_with_the_keyboard_alone(browser: Opened, studio: Studio, photo: Path) -> None:
    page = browser()
    page.driver.find_element(By.ID, "photos").send_keys(str(photo))  # the dialog itself is the system's
    page.until(lambda: tiles(page) == 1)
    assert page.focused.get_attribute("id") == "text"
    page.press(Keys.ENTER)
    page.said("Lovely")
    for _ in range(40):
        page.press_with_shift(Keys.TAB)
        if "Vintage" in page.focused.text:
            break
    assert page.script("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.press(Keys.ENTER)
    page.until(lambda: studio.seen[-1].choice == "style:vintage")
    studio.let_go(2)
    page.until(lambda: page.loaded(".print img"))
    page.script("document.getElementById('text').focus()")
    for _ in range(40):
        page.press_with_shift(Keys.TAB)
        if "print-open" in (page.focused.get_attribute("class") or ""):
            break
    page.press(Keys.ENTER)
    page.until(lambda: page.loaded("#viewer-image"))
    page.press(Keys.ESCAPE)
    page.until(lambda: not page.all("#viewer[open]"))
    assert "print-open" in (page.focused.get_attribute("class") or ""), "focus returns to where it was"
    assert clean(page)


def test_the_skip_link_leads_to_the_message_box(browser: Opened) -> None:
    page = browser()
    page.script("document.activeElement.blur()")
    page.press(Keys.TAB)
    assert page.focused.text == "Skip to the message box"
    page.press(Keys.ENTER)
    page.until(lambda: page.focused.get_attribute("id") == "text")


def test_enter_sends_shift_enter_does_not_and_an_input_method_keeps_its_enter(browser: Opened, studio: Studio) -> None:
    page = browser()
    page.write("one")
    page.press_with_shift(Keys.ENTER)
    page.write("two")
    low = page.box.size["height"]
    page.script(
        "document.getElementById('text').dispatchEvent("
        "new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true, cancelable: true}))"
    )
    assert page.box.get_property("value") == "one\ntwo"
    page.press_with_shift(Keys.ENTER)
    page.write("three")
    assert page.box.size["height"] > low, "the box grows with the words"
    page.press(Keys.ENTER)
    page.said("Heard: one")
    assert studio.seen[0].text == "one\ntwo\nthree"


def test_an_example_can_be_tapped(browser: Opened, studio: Studio) -> None:
    page = browser()
    assert {e.get_attribute("lang") for e in page.all("#examples .choice")} == {"en", "zh-Hans"}
    page.one("#examples .choice").click()
    page.said("In the queue")
    assert studio.seen[0].text == "Oil painting, two of them"


# --- pictures


def test_the_viewer_opens_turns_zooms_and_closes(browser: Opened, studio: Studio, photo: Path) -> None:
    page = browser()
    page.pick(photo)
    painted(page, studio, "paint two")
    page.all(".print-open")[0].click()
    page.until(lambda: page.loaded("#viewer-image"))
    assert page.one("#viewer-position").text == "2 of 3", "the photo that was sent is the first"
    page.press(Keys.ARROW_RIGHT)
    page.until(lambda: page.one("#viewer-position").text == "3 of 3")
    assert page.driver.find_element(By.ID, "viewer-next").get_property("disabled")
    page.press(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    page.until(lambda: page.one("#viewer-position").text == "1 of 3")
    assert page.one("#viewer-image").get_attribute("alt")
    page.one("#viewer-zoom").click()
    assert page.one("#viewer-zoom").get_attribute("aria-pressed") == "true"
    page.until(lambda: page.one("#viewer-image").size == {"width": 384, "height": 512})
    page.one("#viewer-close").click()
    page.until(lambda: not page.all("#viewer[open]"))
    assert clean(page)


def test_a_picture_is_saved_under_a_sensible_name(browser: Opened, studio: Studio, photo: Path) -> None:
    page = browser()
    page.pick(photo)
    painted(page, studio)
    page.one(".print .save").click()
    (saved,) = page.until(lambda: [f for f in page.saved.iterdir() if f.suffix == ".jpg"])
    assert saved.name.startswith("likeness-")
    made = studio.call(studio.stage.store.entries(studio.seen[0].chat))[-1].outgoing.pictures[0]
    page.until(lambda: saved.stat().st_size == made.size_bytes)


def test_a_picture_can_be_gone_on_from(browser: Opened, studio: Studio, photo: Path) -> None:
    page = browser()
    page.pick(photo)
    painted(page, studio, "paint two")
    page.all(".print .use")[1].click()
    assert page.one("#attached .quote").is_displayed()
    assert page.focused.get_attribute("id") == "text"
    page.write("make it night")
    page.send()
    page.said("Heard: make it night")
    (quoted,) = studio.seen[-1].quoted_photos
    assert quoted.path.name.endswith("-1.jpg")
    assert studio.seen[-1].quoted_job == f"job-{studio.seen[0].ref}"
    assert clean(page)


# --- people, languages, windows


def test_two_browsers_are_two_people_and_two_tabs_are_one(browser: Opened, studio: Studio, photo: Path) -> None:
    one, two = browser(), browser()
    one.pick(photo)
    painted(one, studio)
    two.write("hello")
    two.send()
    two.said("Heard: hello")
    assert two.all(".print") == []
    assert "hello" not in one.one("#log").text
    assert len({m.chat.person for m in studio.seen}) == 2
    url = str(one.script("return document.querySelector('.print .save').href"))
    status = "const done = arguments[1]; fetch(arguments[0]).then((a) => done(a.status))"
    assert one.driver.execute_async_script(status, url) == 200
    assert two.driver.execute_async_script(status, url) == 404
    one.driver.switch_to.new_window("tab")
    one.open()
    assert len(one.all(".print")) == 1
    one.write("from the second tab")
    one.send()
    one.said("Heard: from the second tab")
    one.driver.switch_to.window(one.driver.window_handles[0])
    one.said("Heard: from the second tab")


@pytest.mark.parametrize("language", ["en-GB", "zh-CN"])
def test_a_phone_shows_everything_without_scrolling_sideways(
    browser: Opened, studio: Studio, photo: Path, language: str
) -> None:
    page = browser(language=language, phone=True, width=360, height=740)

    def fits() -> bool:
        assert page.script(WIDER_THAN_THE_WINDOW) == []
        assert page.script("return document.documentElement.scrollWidth <= innerWidth")
        assert page.script(TOO_SMALL_TO_TAP) == []
        return True

    assert fits()
    assert page.one("#camera").is_displayed()
    page.pick(photo)
    assert fits()
    page.send()
    page.until(lambda: len(page.all(".choices .choice")) >= 6)
    assert fits()
    page.write("paint two 画两张 " + "long" * 30)
    page.send()
    page.until(lambda: page.all(".message.status"))
    assert fits()
    studio.let_go(2)
    page.until(lambda: page.loaded(".print img"))
    assert fits()
    page.all(".print-open")[0].click()
    page.until(lambda: page.loaded("#viewer-image"))
    assert fits()
    assert clean(page)


def test_the_page_speaks_the_browsers_language_and_can_be_switched(
    browser: Opened, studio: Studio, photo: Path
) -> None:
    page = browser(language="zh-CN")
    assert page.script("return document.documentElement.lang") == "zh-Hans"
    assert page.one("#welcome-heading").text == "小小的照片工作室"
    page.pick(photo)
    painted(page, studio, "画两张")
    assert studio.seen[0].language_hint == "zh"
    assert page.texts(".print .save span") == ["保存", "保存"]
    page.one("#language").click()
    assert page.texts(".print .save span") == ["Save", "Save"]
    assert page.box.get_attribute("placeholder") == "What would you like?"
    page.open()
    assert page.script("return document.documentElement.lang") == "en"
    assert clean(page)


def test_a_screen_reader_finds_its_way(browser: Opened, studio: Studio, photo: Path) -> None:
    page = browser()
    page.pick(photo)
    painted(page, studio, "paint two")
    log = page.one("#log")
    assert (log.get_attribute("role"), log.get_attribute("aria-live")) == ("log", "polite")
    assert log.get_attribute("aria-label") == "Conversation"
    page.until(
        lambda: page.driver.find_element(By.ID, "announcer").get_property("textContent") == "2 pictures have arrived."
    )
    assert page.script(NAMELESS) == []
    ids = page.script("return [...document.querySelectorAll('[id]')].map((e) => e.id)")
    assert len(ids) == len(set(ids))


def test_who_reads_back_is_not_pulled_away_and_is_told_of_news(browser: Opened, studio: Studio) -> None:
    page = browser(height=600)
    page.write("hello")
    page.send()
    page.said("Heard: hello")
    chat = studio.seen[0].chat
    for n in range(40):
        studio.say(chat, f"line {n}", id=f"line-{n}")
    page.said("line 39")
    at_end = "const r = document.getElementById('room'); return r.scrollHeight - r.scrollTop - r.clientHeight < 3"
    page.until(lambda: page.script(at_end))
    page.script("document.getElementById('room').scrollTop = 0")
    page.driver.execute_async_script(NEXT_FRAME)  # when it scrolled, the page is told with the next one
    studio.say(chat, "news", id="news")
    newest = page.one("#newest")
    assert page.script("return document.getElementById('room').scrollTop") == 0
    newest.click()
    page.until(lambda: page.script(at_end))
    assert not page.all("#newest:not([hidden])")


def test_a_stream_that_broke_is_taken_up_again_without_a_gap(browser: Opened, studio: Studio) -> None:
    page = browser()
    page.write("hello")
    page.send()
    page.said("Heard: hello")
    chat = studio.seen[0].chat
    page.driver.execute_cdp_cmd("Network.enable", {})
    page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/api/events*"]})
    page.script("dispatchEvent(new Event('online'))")  # listens anew, and in vain
    page.until(lambda: "connection was lost" in page.one("#banner").text)
    studio.say(chat, "said meanwhile", id="meanwhile")
    page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    page.said("said meanwhile")
    page.until(lambda: not page.all("#banner:not([hidden])"))


def test_everything_forgotten_leaves_an_empty_page(browser: Opened, studio: Studio) -> None:
    page = browser()
    page.write("hello")
    page.send()
    page.said("Heard: hello")
    chat = studio.seen[0].chat
    studio.call(studio.stage.store.forget(chat))
    studio.on_loop(lambda: studio.stage.channel.feed.wake(chat, cleared=True))
    page.until(lambda: page.all("#welcome:not([hidden])"))
    assert page.all(".message") == []


def test_stopping_the_studio_with_the_page_open_takes_no_time(browser: Opened, studio: Studio) -> None:
    page = browser()
    page.until(
        lambda: b"likeness_event_streams 1.0" in studio.call(studio.stage.metrics.exposition(studio.stage.store))
    )

    async def now() -> float:
        return asyncio.get_running_loop().time()

    began = studio.call(now())
    studio.on_loop(studio.stage.channel.feed.stop)
    page.until(
        lambda: b"likeness_event_streams 0.0" in studio.call(studio.stage.metrics.exposition(studio.stage.store))
    )
    assert studio.call(now()) - began < 5


def test_the_menu_helps_begins_anew_and_asks_before_it_deletes(browser: Opened, studio: Studio, photo: Path) -> None:
    page = browser()
    page.write("hello")
    page.send()
    page.said("Heard: hello")

    def pick(name: str) -> None:
        page.one("#more > summary").click()
        page.one(f"#more-{name}").click()

    pick("help")
    page.said("Heard: /help")
    pick("delete")
    page.said("Heard: /forget")
    pick("new")
    page.until(lambda: not page.all(".message") and page.one("#welcome").is_displayed())
    assert "deleted after" in page.one("#kept").text
    page.driver.refresh()
    page.until(lambda: page.one("#welcome").is_displayed())
    assert not page.all(".message")
    pick("earlier")
    page.said("Heard: hello")
    assert clean(page)
