"""The page's own files: kept by version, compressed, and all of them known to the page and to its worker."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from bot.channels.web.shell import SHEETS, WEB, assets, version
from tests.bot.stage import Stage, jpeg, on_stage, settled

DARK = (':root:not([data-theme="light"]) {', ':root[data-theme="dark"] {')


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with on_stage(tmp_path) as made:
        yield made


async def test_a_file_of_this_version_is_kept_for_ever_and_of_another_is_asked_about(stage: Stage) -> None:
    async with stage.browser() as client:
        now = await client.get(f"/static/{version()}/chat.js")
        then = await client.get("/static/000000000000/chat.js")
        assert now.content == then.content == assets()["chat.js"].body
        assert "immutable" in now.headers["cache-control"]
        assert then.headers["cache-control"] == "no-cache"
        assert (await client.get(f"/static/{version()}/index.html")).status_code == 404


async def test_text_is_compressed_and_pictures_and_event_streams_are_not(stage: Stage) -> None:
    async with stage.browser() as client:
        for path in ("/", "/static/page.css", "/static/chat.js", "/static/words.json"):
            answer = await client.get(path)
            assert answer.headers["content-encoding"] == "gzip", path
            assert "accept-encoding" in answer.headers["vary"].lower()
        plain = await client.get("/static/chat.js", headers={"accept-encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert plain.content == assets()["chat.js"].body
        await client.post("/api/messages", files={"photos": ("me.jpg", jpeg(800, 600), "image/jpeg")})
        await settled(stage)
        url = (await client.get("/api/messages")).json()["messages"][0]["pictures"][0]["url"]
        for path in (url, f"{url}?w=640", "/static/icon-512.png"):
            assert "content-encoding" not in (await client.get(path)).headers, path
        stage.channel.feed.stop()  # this client reads an answer to its end
        events = await client.get("/api/events")
        assert events.headers["content-type"].startswith("text/event-stream")
        assert "content-encoding" not in events.headers


def test_the_page_loads_each_of_its_modules_at_once_and_none_that_is_not_there() -> None:
    """Otherwise a phone finds a module only after it has read the one that names it, a round trip each."""
    page = assets()["index.html"].body.decode()
    preloaded = set(re.findall(rf'rel="modulepreload" href="/static/{version()}/([\w-]+\.js)"', page))
    imported: set[str] = set()
    waiting = ["chat.js"]
    while waiting:
        found = set(re.findall(r'from "\./([\w-]+\.js)"', assets()[waiting.pop()].body.decode())) - imported
        imported |= found
        waiting += sorted(found)
    assert preloaded == imported


def test_the_worker_keeps_every_file_of_the_page_and_nothing_of_anybody() -> None:
    worker = assets()["sw.js"].body.decode()
    folder = f"/static/{version()}/"
    assert all(f'"{folder}{name}"' in worker for name in assets() if not name.endswith(".html") and name != "sw.js")
    assert "/api/" not in worker
    assert "/pictures/" not in worker


def test_every_sheet_of_style_is_part_of_the_one_that_is_served() -> None:
    with_the_painter = {"painter.css"}  # which is fetched when it is first opened, and stands alone elsewhere
    assert {path.name for path in WEB.glob("*.css")} - with_the_painter == set(SHEETS)
    assert all((WEB / name).read_bytes() in assets()["page.css"].body for name in SHEETS)


def test_the_modules_are_short_enough_to_be_read() -> None:
    for path in (*WEB.glob("*.js"), *WEB.glob("*.css")):
        if path.stem == "painter":
            continue  # one instrument, by itself
        assert len(path.read_text("utf-8").splitlines()) <= 300, path.name


def test_the_icons_have_the_sizes_that_the_manifest_promises() -> None:
    manifest = assets()["likeness.webmanifest"].body.decode()
    icons = re.findall(r'"src": "([\w-]+\.png)", "sizes": "(\d+)x(\d+)"', manifest)
    assert {size for _, size, _ in icons} >= {"192", "512"}
    assert '"purpose": "maskable"' in manifest
    for name, width, height in icons:
        with Image.open(WEB / name) as icon:
            assert icon.size == (int(width), int(height)), name


def test_dark_by_the_systems_wish_and_dark_by_choice_are_one_palette() -> None:
    """A page without scripts knows only the system's wish, so the colours stand twice."""
    css = (WEB / "theme.css").read_text("utf-8")
    blocks = [re.findall(r"(--[\w-]+): ([^;]+);", css[css.index(start) :].partition("}")[0]) for start in DARK]
    assert blocks[0]
    assert blocks[0] == blocks[1]
