"""The whole program as a process: a photo and a phrase posted to the page's API, the picture back."""

import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from bot.server import GRACE_SECONDS
from handlers.jobs.engine import STOP_SECONDS
from providers.net.certificates import trusted
from tests.leaks import said
from tests.servers.fal import KEY, FakeFal
from tests.waiting import LONG

ROOT = Path(__file__).parents[1]
LOOK_AGAIN = 0.05


@dataclass
class Browser:
    """One person at the page: the cookie, and what the page's script does."""

    http: httpx.Client

    def sends(self, text: str = "", *photos: bytes, **fields: str) -> str:
        files = [("photos", (f"{n}.jpg", photo, "image/jpeg")) for n, photo in enumerate(photos)]
        answer = self.http.post("/api/messages", data={"text": text, **fields}, files=files or None)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def messages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.http.get("/api/messages").json()["messages"]
        return found

    def waits_for(self, kind: str, count: int = 1) -> list[dict[str, Any]]:
        """The bot's messages of a kind, once there are `count`."""
        end = time.monotonic() + LONG
        while time.monotonic() < end:
            found = [m for m in self.messages() if m["from"] == "bot" and m["kind"] == kind]
            if len(found) >= count:
                return found
            time.sleep(LOOK_AGAIN)
        raise AssertionError(f"no {kind}: {self.messages()}")


@contextmanager
def likeness(home: Path, *words: str, **env: str) -> Iterator["tuple[subprocess.Popen[str], str]"]:
    """`likeness run` in an empty home, and its address."""
    log = (home / "log").open("a")
    process = subprocess.Popen(
        [sys.executable, "-c", "from bot.cli import main; main()", "run", "--port", "0", *words],
        cwd=home,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT), **env},
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, (home / "log").read_text()
        yield process, found[0]
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=LONG)
        assert process.stdout is not None
        process.stdout.close()
        log.close()
        said((home / "log").read_text())


@contextmanager
def browser(address: str) -> Iterator[Browser]:
    with httpx.Client(verify=trusted(), base_url=address, timeout=LONG) as http:
        assert http.get("/").status_code == 200
        yield Browser(http)


@pytest.fixture(scope="module")
def face() -> bytes:
    data = pytest.importorskip("skimage.data")
    out = io.BytesIO()
    Image.fromarray(data.astronaut()).save(out, "JPEG", quality=92)
    return out.getvalue()


def picture(person: Browser, message: dict[str, Any]) -> Image.Image:
    answer = person.http.get(message["pictures"][0]["url"])
    assert answer.status_code == 200
    made = Image.open(io.BytesIO(answer.content))
    assert made.size == (message["pictures"][0]["width"], message["pictures"][0]["height"])
    return made


def test_with_nothing_set_a_photo_and_a_phrase_give_real_pictures(tmp_path: Path, face: bytes) -> None:
    with likeness(tmp_path) as (_, address), browser(address) as person:
        for n, (text, count) in enumerate([("复古风格", 1), ("vintage, two of them", 2)]):
            asked = person.sends(text, face)
            result = person.waits_for("pictures", n + 1)[n]
            assert len(result["pictures"]) == count
            picture(person, result)
            understood = next(m for m in person.messages() if m["in_reply_to"] == asked and m["kind"] == "text")
            assert "免费" in understood["text"] or "free" in understood["text"]
            assert {c["id"].partition(":")[0] for c in result["choices"]} >= {"again", "variations", "upscale"}


def test_with_a_fal_key_pictures_go_through_its_queue_and_a_restart_forgets_nothing_and_shows_them_once(
    tmp_path: Path, face: bytes
) -> None:
    with FakeFal.serving() as fal:
        fal.plan(seconds=2.0)
        settings = {"FAL_KEY": KEY, "FAL_QUEUE_URL": fal.url}
        with likeness(tmp_path, **settings) as (process, address), browser(address) as person:
            person.sends("动漫风格", face)
            end = time.monotonic() + LONG
            # Asked about, so its id is committed. Killed before that, it is rightly the person who decides.
            while not any(job.reads for job in list(fal.jobs.values())) and time.monotonic() < end:
                time.sleep(LOOK_AGAIN)
            cookies = dict(person.http.cookies)
            process.kill()
            process.wait()
        with (
            likeness(tmp_path, **settings) as (_, address),
            httpx.Client(verify=trusted(), base_url=address, cookies=cookies, timeout=LONG) as http,
        ):
            again = Browser(http)
            (result,) = again.waits_for("pictures")
            picture(again, result)
            assert len([m for m in again.messages() if m["kind"] == "pictures" and m["from"] == "bot"]) == 1
        assert fal.submits == 1
        assert fal.url not in str(result)
        log = (tmp_path / "log").read_text()
        assert KEY not in log
        assert "动漫" not in log


def test_it_stops_with_a_page_open(tmp_path: Path) -> None:
    with (
        likeness(tmp_path) as (process, address),
        browser(address) as person,
        person.http.stream("GET", "/api/events") as events,
    ):
        assert events.status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=LONG) == 0
    assert GRACE_SECONDS + STOP_SECONDS <= 10, "seconds that service managers give a program to stop"
