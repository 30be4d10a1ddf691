"""A headless Chromium, clean for each test, and a studio for it to look at."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from skimage import data

from tests.browser.page import Page
from tests.browser.studio import Studio

CHROMIUM = next((found for n in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(n))), None)
DRIVER = shutil.which("chromedriver")

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--force-color-profile=srgb",
)

AS_AT_FIRST: dict[str, dict[str, Any]] = {
    "Network.clearBrowserCookies": {},
    "Network.clearBrowserCache": {},
    "Network.setBlockedURLs": {"urls": []},
    "Network.emulateNetworkConditions": {
        "offline": False,
        "latency": 0,
        "downloadThroughput": -1,
        "uploadThroughput": -1,
    },
    "Emulation.clearDeviceMetricsOverride": {},
    "Emulation.setTouchEmulationEnabled": {"enabled": False},
    "Emulation.setEmulatedMedia": {"features": []},
    "Browser.resetPermissions": {},
}
"""Whatever a test changed in its browser."""

Opened = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = CHROMIUM is None or DRIVER is None
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)
            if missing:
                item.add_marker(pytest.mark.skip(reason="Install Chromium and its driver to have these run"))


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real portrait, upright 3:4."""
    path = tmp_path_factory.mktemp("photos") / "me.jpg"
    astronaut = data.astronaut()  # type: ignore[no-untyped-call]
    Image.fromarray(astronaut).crop((64, 0, 448, 512)).save(path, "JPEG", quality=92)
    return path


@pytest.fixture
def studio(tmp_path: Path, photo: Path) -> Iterator[Studio]:
    with Studio(tmp_path / "data", photo) as opened:
        yield opened


class Browsers:
    """Browsers that stay open between tests, for each language and pace of its own: starting one takes a second of
    the processor. A test gets one without a cookie, a stored value or a file of the tests before it."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, bool], list[webdriver.Chrome]] = {}
        self._profiles: list[Path] = []

    def take(self, language: str, calm: bool) -> webdriver.Chrome:
        """Hand it back with `give`."""
        idle = self._idle.get((language, calm))
        return idle.pop() if idle else self._started(language, calm)

    def give(self, driver: webdriver.Chrome, language: str, calm: bool, address: str) -> None:
        """`address`: what of it is forgotten."""
        try:
            first, *others = driver.window_handles
            for tab in others:
                driver.switch_to.window(tab)
                driver.close()
            driver.switch_to.window(first)
            driver.get("about:blank")
            driver.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": address, "storageTypes": "all"})
            for command, settings in AS_AT_FIRST.items():
                driver.execute_cdp_cmd(command, settings)
            for log in ("browser", "performance"):
                driver.get_log(log)  # type: ignore[no-untyped-call]
        except WebDriverException:  # a browser that has crashed
            _ended(driver)
        else:
            self._idle.setdefault((language, calm), []).append(driver)

    def close(self) -> None:
        for idle in self._idle.values():
            for driver in idle:
                _ended(driver)
        for profile in self._profiles:
            shutil.rmtree(profile, ignore_errors=True)

    def _started(self, language: str, calm: bool) -> webdriver.Chrome:
        profile = Path(tempfile.mkdtemp(prefix="likeness-chromium-"))
        self._profiles.append(profile)
        options = Options()
        options.binary_location = CHROMIUM or ""
        for flag in (*FLAGS, f"--user-data-dir={profile}", f"--lang={language}"):
            options.add_argument(flag)
        if calm:
            options.add_argument("--force-prefers-reduced-motion")
        options.add_experimental_option("prefs", {"intl.accept_languages": language})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        return webdriver.Chrome(options=options, service=Service(DRIVER))


def _ended(driver: webdriver.Chrome) -> None:
    with suppress(Exception):  # it may be gone already
        driver.quit()


@pytest.fixture(scope="session")
def browsers() -> Iterator[Browsers]:
    kept = Browsers()
    yield kept
    kept.close()


@pytest.fixture
def browser(studio: Studio, browsers: Browsers, tmp_path: Path) -> Iterator[Opened]:
    """Opens the page in a clean browser: `browser(language="zh-CN", width=390, height=844, phone=True, dark=True)`."""
    taken: list[tuple[webdriver.Chrome, str, bool]] = []

    def opened(
        *,
        language: str = "en-GB",
        width: int = 1200,
        height: int = 860,
        phone: bool = False,
        dark: bool = False,
        calm: bool = True,
    ) -> Page:
        driver = browsers.take(language, calm)
        taken.append((driver, language, calm))
        saved = tmp_path / f"saved-{len(taken)}"
        saved.mkdir()
        driver.set_window_size(width, height)
        kept = {"behavior": "allow", "downloadPath": str(saved)}
        driver.execute_cdp_cmd("Browser.setDownloadBehavior", kept)
        if dark:
            media = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        if phone:
            metrics = {"width": width, "height": height, "deviceScaleFactor": 2, "mobile": True}
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
        page = Page(driver, studio.address, saved)
        page.open()
        return page

    yield opened
    for driver, language, calm in taken:
        browsers.give(driver, language, calm, studio.address)
