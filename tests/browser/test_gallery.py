"""What a person has made and how they choose: the slider, the gallery, links, styles, the order of photos, a draft."""

import zipfile
from pathlib import Path
from typing import Any

from PIL import Image
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from intent import parse
from tests.browser.conftest import Opened
from tests.browser.page import Page
from tests.browser.studio import Studio
from tests.browser.test_barriers import barriers
from tests.browser.test_chat_page import clean, painted


def shots(folder: Path, *colours: str) -> list[Path]:
    paths = [folder / f"{colour}.png" for colour in colours]
    for path, colour in zip(paths, colours, strict=True):
        Image.new("RGB", (90, 120), colour).save(path)
    return paths


def order_of(page: Page) -> list[str]:
    """The colours of the photos to be sent, in their order."""
    seen = page.script(
        "return [...document.querySelectorAll('#attached img')].map((img) => {"
        " const c = document.createElement('canvas').getContext('2d'); c.drawImage(img, 0, 0, 1, 1);"
        " return [...c.getImageData(0, 0, 1, 1).data].slice(0, 3).indexOf(255); })"
    )
    return [("red", "lime", "blue")[index] for index in seen]


def test_a_picture_is_compared_saved_with_all_others_and_shared_until_it_is_taken_back(
    browser: Opened, studio: Studio, photo: Path
) -> None:
    page = browser()
    page.pick(photo)
    painted(page, studio, "paint two")
    page.one("#open-pictures").click()
    page.until(lambda: page.loaded("#pictures .wall img"))
    page.one("#pictures-all").click()
    (saved,) = page.until(lambda: [f for f in page.saved.iterdir() if f.suffix == ".zip"])
    assert page.until(lambda: zipfile.is_zipfile(saved) and len(zipfile.ZipFile(saved).namelist()) == 2)
    page.click("#pictures .wall button")
    page.one("#viewer-compare").click()
    page.until(lambda: page.loaded("#compare img"))
    assert page.focused.get_attribute("id") == "compare-at"
    page.press(Keys.ARROW_LEFT, Keys.HOME)
    at = "return document.getElementById('compare').style.getPropertyValue('--at')"
    page.until(lambda: page.script(at) == "0%")
    page.one("#viewer-share").click()
    page.click("#share-new .solid")
    link = str(page.one("#shares-list input").get_property("value"))
    page.driver.switch_to.new_window("tab")
    page.driver.get(link)
    page.until(lambda: page.loaded(".shared img"))
    assert "Made with AI" in page.one(".shared").text
    assert barriers(page) == []
    page.driver.switch_to.window(page.driver.window_handles[0])
    page.one("#shares-list .revoke").click()
    page.until(lambda: not page.all("#shares-list li"))
    assert clean(page)
    page.driver.switch_to.window(page.driver.window_handles[1])
    page.driver.refresh()
    page.until(lambda: page.all(".shared-gone"))
    assert barriers(page) == []


def test_a_style_is_chosen_from_those_on_ones_own_photo(browser: Opened, studio: Studio, photo: Path) -> None:
    page = browser()
    page.one("#open-styles").click()
    page.until(lambda: page.all(".card"))
    assert "Send a photo first" in page.one("#styles-note").text
    page.press(Keys.ESCAPE)
    page.pick(photo)
    page.send()
    page.said("Lovely")
    page.one("#open-styles").click()
    page.until(lambda: page.loaded(".card-face img:only-child"))
    assert page.script("return getComputedStyle(document.querySelector('.card-face img')).opacity") == "1"
    page.click(".card")
    page.until(lambda: studio.seen[-1].choice)
    assert studio.seen[-1].choice == "style:id_photo_blue", "the first of the catalog's order"
    assert not page.all("#styles[open]")
    assert clean(page)


def test_photos_are_put_in_order_by_hand_and_by_key_and_the_last_can_be_the_style(
    browser: Opened, studio: Studio, tmp_path: Path
) -> None:
    page = browser()
    page.pick(*shots(tmp_path, "red", "lime", "blue"))
    page.until(lambda: page.loaded("#attached img"))
    first, _, third = page.all("#attached .grip")
    carry = ActionChains(page.driver).click_and_hold(first).move_to_element(third)
    carry.move_by_offset(30, 0).release().perform()
    page.until(lambda: order_of(page) == ["lime", "blue", "red"])
    page.script("document.querySelectorAll('#attached .grip')[1].focus()")
    page.press(Keys.ARROW_LEFT)
    page.until(lambda: order_of(page) == ["blue", "lime", "red"])
    assert page.script("return [...document.querySelectorAll('.grip')].indexOf(document.activeElement)") == 0
    page.all("#attached .grip")[1].click()
    page.until(lambda: order_of(page) == ["lime", "blue", "red"])
    page.script("document.querySelector('#roles [value=style]').click()")
    page.send()
    page.until(lambda: studio.seen)
    assert parse(studio.seen[0].text, photos=3).action == "transfer_style"
    assert [Image.open(p.path).getpixel((0, 0)) for p in studio.seen[0].photos] == [
        (0, 255, 0),
        (0, 0, 255),
        (255, 0, 0),
    ]


KEPT = """
const done = arguments[0];
const asked = indexedDB.open("likeness", 1);
asked.onupgradeneeded = () => asked.transaction.abort();  // not there yet: it is the page that makes it
asked.onerror = () => done(null);
asked.onsuccess = () => {
  const got = asked.result.transaction("draft").objectStore("draft").get("now");
  got.onsuccess = () => {
    asked.result.close();
    done(got.result ? [got.result.text, got.result.photos.length, got.result.pending] : null);
  };
};
"""


def kept(page: Page) -> Any:
    """What lies on the device of what is being written: words, number of photos, whether it is on its way."""
    return page.driver.execute_async_script(KEPT)


def test_a_draft_and_its_photos_outlive_the_page_and_leave_once_the_line_is_back(
    browser: Opened, studio: Studio, photo: Path
) -> None:
    page = browser()
    page.pick(photo)
    page.write("paint it")
    page.until(lambda: kept(page) == ["paint it", 1, False])
    page.open()
    page.until(lambda: page.loaded("#attached img"))
    assert page.box.get_property("value") == "paint it"
    page.until(lambda: page.script("return navigator.serviceWorker.controller !== null"))
    network = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    page.driver.execute_cdp_cmd("Network.enable", {})
    page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", network)
    page.send()
    page.until(lambda: "offline" in page.one("#failed-text").text)
    page.until(lambda: kept(page) == ["paint it", 1, True])
    page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {**network, "offline": False})
    page.open()
    page.said("In the queue")
    assert [(m.text, len(m.photos)) for m in studio.seen] == [("paint it", 1)]
    assert page.box.get_property("value") == ""
    page.open()
    assert page.all("#attached .tile") == []


def test_the_page_opens_without_a_network_and_the_look_chosen_stays(browser: Opened, studio: Studio) -> None:
    page = browser()
    page.one("#more > summary").click()
    page.script("document.querySelector('#looks [value=dark]').click()")
    paper = "return getComputedStyle(document.body).backgroundColor"
    assert page.script(paper) == "rgb(21, 19, 17)"
    page.driver.execute_async_script("navigator.serviceWorker.ready.then(() => arguments[0]())")
    studio.close()
    page.open()
    page.write("for later")
    assert page.script(paper) == "rgb(21, 19, 17)"
    assert page.one("#welcome-heading").is_displayed()
    page.until(lambda: page.all("#banner:not([hidden])"))


def test_styles_are_tried_on_a_photo_before_it_is_sent_and_one_is_tapped(
    browser: Opened, studio: Studio, photo: Path
) -> None:
    page = browser()
    page.pick(photo)
    page.until(lambda: page.loaded("#tryouts-list img"))
    assert page.texts("#tryouts-list .tryout")[0] == "Anime"
    assert barriers(page) == []
    assert studio.seen == []
    page.one("#tryouts-all").click()
    page.until(lambda: page.loaded(".card-face img:only-child"))
    assert "Nothing has been sent" in page.one("#styles-note").text
    page.click("#styles [data-close]")
    page.one(".tryout").click()
    page.until(lambda: studio.seen)
    assert (studio.seen[0].text, len(studio.seen[0].photos)) == ("Anime", 1)
    page.until(lambda: not page.one("#composer").find_elements("css selector", "#tryouts:not([hidden])"))
    assert (page.complaints(), page.strangers()) == ([], [])


def test_an_unfinished_picture_sharpens_beside_its_progress_and_gives_way_to_the_result(
    browser: Opened, studio: Studio, photo: Path
) -> None:
    page = browser()
    page.pick(photo)
    page.write("paint it in steps")
    page.send()
    page.until(lambda: page.all(".message.status"))
    studio.let_go(2)
    page.until(lambda: page.loaded(".step img"))
    first = page.one(".step img").get_attribute("src")
    assert page.one(".step figcaption").text == "Not finished yet"
    assert "not finished yet" in str(page.one(".step img").get_attribute("alt"))
    assert barriers(page) == []
    studio.let_go()
    page.until(lambda: page.one(".step img:only-child").get_attribute("src") != first and page.loaded(".step img"))
    studio.let_go()
    page.until(lambda: page.loaded(".print img"))
    assert page.all(".step") == []
    assert len(page.all(".print img")) == 1
    assert page.complaints() == []
