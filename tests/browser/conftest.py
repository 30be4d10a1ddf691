"""A headless Chromium for each test, and a studio for it to look at."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image
from selenium import webdriver
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


@pytest.fixture
def browser(studio: Studio, tmp_path: Path) -> Iterator[Opened]:
    """Opens the page in a new browser: `browser(language="zh-CN", width=390, height=844, phone=True, dark=True)`."""
    drivers: list[webdriver.Chrome] = []
    profiles: list[Path] = []

    def opened(
        *,
        language: str = "en-GB",
        width: int = 1200,
        height: int = 860,
        phone: bool = False,
        dark: bool = False,
        calm: bool = True,
    ) -> Page:
        profile = Path(tempfile.mkdtemp(prefix="likeness-chromium-"))
        profiles.append(profile)
        saved = tmp_path / f"saved-{len(profiles)}"
        saved.mkdir()
        options = Options()
        options.binary_location = CHROMIUM or ""
        for flag in (*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}", f"--lang={language}"):
            options.add_argument(flag)
        if calm:
            options.add_argument("--force-prefers-reduced-motion")
        options.add_experimental_option(
            "prefs", {"intl.accept_languages": language, "download.default_directory": str(saved)}
        )
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        driver = webdriver.Chrome(options=options, service=Service(DRIVER))
        drivers.append(driver)
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
    for driver in drivers:
        with suppress(Exception):  # a browser that has crashed is gone already
            driver.quit()
    for profile in profiles:
        shutil.rmtree(profile, ignore_errors=True)
