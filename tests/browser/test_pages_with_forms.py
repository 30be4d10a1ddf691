"""The pages without a script, in a browser: only there is it seen what its forms are posted with."""

from pathlib import Path

import pytest
from selenium.webdriver.common.by import By

from handlers.words import words
from tests.browser.conftest import Opened
from tests.browser.studio import PASSWORD, Studio

pytestmark = pytest.mark.browser


def test_a_password_opens_the_operators_page_and_its_buttons_work(browser: Opened, studio: Studio) -> None:
    page = browser(width=390, height=844, phone=True)
    driver = page.driver
    driver.get(f"{studio.address}/admin?lang=en")
    driver.find_element(By.NAME, "password").send_keys(PASSWORD)
    driver.find_element(By.CSS_SELECTOR, "button.main").click()
    page.until(lambda: words("en", "admin.going") in driver.page_source)
    driver.find_element(By.CSS_SELECTOR, "form[action$=pause] button").click()
    page.until(lambda: words("en", "admin_page.paused") in driver.page_source)
    assert page.script("return document.documentElement.scrollWidth <= innerWidth")
    driver.find_element(By.CSS_SELECTOR, "form[action$=logout] button").click()
    page.until(lambda: driver.find_elements(By.NAME, "password"))


def test_a_picture_that_is_asked_about_is_looked_at(browser: Opened, studio: Studio, photo: Path) -> None:
    page = browser()
    page.driver.get(f"{studio.address}/made-here")
    page.driver.find_element(By.NAME, "photos").send_keys(str(photo))
    page.driver.find_element(By.TAG_NAME, "button").click()
    told = page.until(lambda: page.driver.find_element(By.TAG_NAME, "output").text)
    assert told == words("en", "made_here.no")
