"""The chat page as a test sees it. Waiting is always for something to become true, never for time to pass."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.waiting import LONG

T = TypeVar("T")

PUT = """
const [files, kind] = arguments;
const transfer = new DataTransfer();
for (const [name, type, body] of files) {
  const bytes = Uint8Array.from(atob(body), (c) => c.charCodeAt(0));
  transfer.items.add(new File([bytes], name, { type }));
}
if (kind === "paste") {
  dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true }));
} else {
  for (const step of kind.split(" ")) {
    document.body.dispatchEvent(new DragEvent(step, { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }
}
"""


SEEN = """
return [...document.querySelectorAll(arguments[0])].find((e) => {
  const { width, height } = e.getBoundingClientRect();
  return width > 0 && height > 0 && e.checkVisibility({ opacityProperty: true, visibilityProperty: true });
});
"""
"""One script: asking the driver for each element takes it tens of milliseconds."""


class Page:
    def __init__(self, driver: webdriver.Chrome, address: str, saved: Path) -> None:
        self.driver = driver
        self.address = address
        self.saved = saved

    def open(self) -> None:
        self.driver.get(self.address)
        self.until(lambda: self.script("return document.documentElement.dataset.ready") == "true")

    def until(self, true: Callable[[], T]) -> T:
        """What `true` gives, once it gives something."""

        def look(_: object) -> T | bool:
            try:
                return true() or False
            except (NoSuchElementException, StaleElementReferenceException, IndexError):
                return False

        found: T = WebDriverWait(self.driver, LONG, poll_frequency=0.1).until(look)  # type: ignore[assignment]
        return found

    def script(self, source: str, *arguments: Any) -> Any:
        return self.driver.execute_script(source, *arguments)

    def all(self, css: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css: str) -> WebElement:
        """The first element of this kind that is to be seen, waited for."""
        return self.until(lambda: self.script(SEEN, css))  # type: ignore[no-any-return]

    def texts(self, css: str) -> list[str]:
        return [e.text for e in self.all(css)]

    @property
    def box(self) -> WebElement:
        return self.driver.find_element(By.ID, "text")

    @property
    def focused(self) -> WebElement:
        return self.driver.switch_to.active_element

    def press(self, *keys: str) -> None:
        ActionChains(self.driver).send_keys(*keys).perform()

    def press_with_shift(self, key: str) -> None:
        ActionChains(self.driver).key_down(Keys.SHIFT).send_keys(key).key_up(Keys.SHIFT).perform()

    def size(self, width: int, height: int, *, phone: bool = False) -> None:
        """The window's inside in CSS pixels, whatever a window of this system may be at least: at 200 % it is half."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 2 if phone else 1, "mobile": phone}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def click(self, css: str) -> None:
        """The first of these, brought into the middle of its window first."""
        self.script("arguments[0].scrollIntoView({ block: 'center' })", self.one(css))
        self.one(css).click()

    def write(self, text: str) -> None:
        self.box.send_keys(text)

    def pick(self, *files: Path) -> None:
        """As the file dialog would."""
        before = len(self.all("#attached .tile"))
        self.driver.find_element(By.ID, "photos").send_keys("\n".join(str(f) for f in files))
        self.until(lambda: len(self.all("#attached .tile")) == before + len(files))

    def put(self, how: str, *files: tuple[str, str, str]) -> None:
        """Files (name, type, base64) by events: `paste`, or the steps of a drag."""
        self.script(PUT, [list(f) for f in files], how)

    def send(self) -> None:
        self.one("#send:not([disabled])").click()

    def said(self, text: str) -> WebElement:
        """The bot's message with these words, waited for."""
        return self.until(lambda: next((m for m in self.all(".message.bot") if text in m.text), None))  # type: ignore[return-value]

    def loaded(self, css: str) -> bool:
        """Whether every picture of this kind is there with its pixels."""
        return bool(
            self.script(
                "const i = [...document.querySelectorAll(arguments[0])];"
                "return i.length > 0 && i.every((x) => x.complete && x.naturalWidth > 0)",
                css,
            )
        )

    # --- what went on behind

    def complaints(self) -> list[str]:
        """Errors and warnings of the console."""
        return [e["message"] for e in self._log("browser") if e["level"] in ("SEVERE", "WARNING")]

    def _log(self, name: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.driver.get_log(name)  # type: ignore[no-untyped-call]
        return entries

    def strangers(self) -> list[str]:
        """Addresses asked for that are not the studio's own."""
        asked = []
        for entry in self._log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                asked.append(message["params"]["request"]["url"])
        own = (self.address, "blob:", "data:", "about:", "chrome:")
        return [url for url in asked if not url.startswith(own)]
