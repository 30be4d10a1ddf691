"""The chat page on a slow phone: first paint, ready for input, requests and bytes, cold and on a second visit.

Measured by Chromium itself over the DevTools protocol; needs chromium and chromedriver. `python -m bench.page`
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait
from skimage import data

from tests.browser.conftest import CHROMIUM, DRIVER, FLAGS
from tests.browser.studio import Studio

ROUND_TRIP_MS = 150
DOWN, UP = 1_600_000 / 8, 750_000 / 8
"""Bytes a second: what is commonly called slow 4G."""
PROCESSOR = 4
"""Times slower than this machine."""
RUNS = 5
SECONDS = 120

MARK = """
addEventListener("DOMContentLoaded", () => new MutationObserver((_, observer) => {
  if (document.documentElement.dataset.ready) { performance.mark("ready"); observer.disconnect(); }
}).observe(document.documentElement, { attributes: true }));
"""
FIGURES = """
const own = performance.getEntriesByType("resource").filter((entry) => !entry.name.includes("/api/events"));
const page = performance.getEntriesByType("navigation")[0];
const paint = performance.getEntriesByName("first-contentful-paint")[0];
return {
  paint: paint.startTime,
  ready: performance.getEntriesByName("ready")[0].startTime,
  requests: [page, ...own].filter((entry) => entry.transferSize > 0).length,
  bytes: [page, ...own].reduce((sum, entry) => sum + entry.transferSize, 0),
  whole: [page, ...own].reduce((sum, entry) => sum + entry.decodedBodySize, 0),
};
"""
PAINTED = (
    "return performance.getEntriesByName('first-contentful-paint').length && document.documentElement.dataset.ready"
)


@contextmanager
def phone() -> Iterator[webdriver.Chrome]:
    profile = tempfile.mkdtemp(prefix="likeness-bench-")
    options = Options()
    options.binary_location = CHROMIUM or ""
    for flag in (*FLAGS, f"--user-data-dir={profile}", "--lang=en-GB"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        for command, values in (
            ("Network.enable", {}),
            (
                "Network.emulateNetworkConditions",
                {"offline": False, "latency": ROUND_TRIP_MS, "downloadThroughput": DOWN, "uploadThroughput": UP},
            ),
            ("Emulation.setCPUThrottlingRate", {"rate": PROCESSOR}),
            (
                "Emulation.setDeviceMetricsOverride",
                {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True},
            ),
            ("Page.addScriptToEvaluateOnNewDocument", {"source": MARK}),
        ):
            driver.execute_cdp_cmd(command, values)
        yield driver
    finally:
        driver.quit()
        shutil.rmtree(profile, ignore_errors=True)


def visit(driver: webdriver.Chrome, address: str) -> dict[str, Any]:
    driver.get(address)
    WebDriverWait(driver, SECONDS, poll_frequency=0.1).until(lambda d: d.execute_script(PAINTED))
    figures: dict[str, Any] = driver.execute_script(FIGURES)
    return figures


def median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def row(name: str, runs: list[dict[str, Any]]) -> None:
    figures = {key: median([run[key] for run in runs]) for key in runs[0]}
    print(
        f"| {name} | {figures['paint']:.0f} | {figures['ready']:.0f} | {figures['requests']:.0f} "
        f"| {figures['bytes'] / 1000:.1f} | {figures['whole'] / 1000:.1f} |"
    )


def main() -> None:
    if CHROMIUM is None or DRIVER is None:
        print("not measured: chromium and chromedriver are not installed")
        return
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "me.jpg"
        Image.fromarray(data.astronaut()).save(photo, "JPEG")  # type: ignore[no-untyped-call]
        cold, warm = [], []
        with Studio(Path(folder) / "data", photo) as studio:
            for _ in range(RUNS):
                with phone() as driver:
                    cold.append(visit(driver, studio.address))
                    driver.execute_async_script("navigator.serviceWorker.ready.then(() => arguments[0]())")
                    warm.append(visit(driver, studio.address))
    line = f"{ROUND_TRIP_MS} ms round trip, {DOWN * 8 / 1e6:.1f} Mbit/s down"
    print(f"390 × 844, {line}, processor ÷ {PROCESSOR}; median of {RUNS}")
    print("| visit | first paint, ms | ready for input, ms | requests | kB over the line | kB unpacked |")
    print("| --- | --- | --- | --- | --- | --- |")
    row("first", cold)
    row("second", warm)


if __name__ == "__main__":
    main()
