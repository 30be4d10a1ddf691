"""Telegram's Mini App in a real browser: it speaks with the client around it, and sends what was painted once."""

import asyncio
import base64
import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from PIL import Image
from starlette.applications import Starlette

from bot.channels.telegram.mini_app.desk import Desk, Drawn
from bot.channels.telegram.mini_app.tickets import Tickets
from handlers.message import Chat
from handlers.session import Session, SessionPhoto
from handlers.store.base import Turn
from handlers.store.memory import MemoryStore
from tests.bot.telegram.test_mini_app import signed
from tests.browser.conftest import Opened
from tests.browser.page import Page
from tests.browser.test_painter import dragged
from tests.servers.serving import serving
from tests.servers.telegram import TOKEN
from tests.world import Clock

ANN = Chat(channel="telegram", chat="1001", person="1001")
PROXY = "window.told = []; window.TelegramWebviewProxy = { postEvent: (type) => window.told.push(type) };"
DARK = json.dumps({"bg_color": "#17212b"})


class App:
    def __init__(self, photo: Path) -> None:
        self.drawn: list[Drawn] = []
        self.store = MemoryStore()
        laid = SessionPhoto(key="p1", path=photo, width=384, height=512, at=Clock()())
        turn = Turn(message_key="m1", chat=ANN, session=Session(photos=(laid,)), reply=())
        asyncio.run(self.store.commit_turn(turn))
        self.tickets = Tickets(secret=b"of tests", public_url="https://likeness.example", now=time.time)
        self.address = ""

    async def take(self, drawn: Drawn) -> bool:
        self.drawn.append(drawn)
        return True

    def launched(self, language: str = "en", **more: str) -> str:
        """Where a client opens it: the ticket in the query, what it says of itself behind the hash."""
        link = self.tickets.link(ANN, "zh" if language == "zh" else "en", photo="p1")
        assert link is not None
        said = urlencode({"tgWebAppData": signed(), "tgWebAppVersion": "8.0", **more})
        return f"{self.address}{urlsplit(link).path}?{urlsplit(link).query}#{said}"


@pytest.fixture
def app(photo: Path) -> Iterator[App]:
    made = App(photo)
    desk = Desk(token=TOKEN, tickets=made.tickets, store=made.store, take=made.take, now=time.time)
    with serving(Starlette(routes=desk.routes())) as address:
        made.address = address
        yield made


def opened(page: Page, address: str) -> None:
    proxy = page.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": PROXY})
    page.driver.get(address)
    page.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", proxy)
    page.until(lambda: page.script("return document.documentElement.dataset.ready") == "true")
    page.until(lambda: page.loaded(".painter-image"))


def test_what_is_painted_in_the_mini_app_is_sent_and_the_client_is_told(browser: Opened, app: App) -> None:
    page = browser(width=390, height=844, phone=True)
    opened(page, app.launched(tgWebAppThemeParams=DARK))
    assert page.one(".painter").get_attribute("data-scheme") == "dark"
    assert page.script("return window.told") == ["web_app_ready", "web_app_expand"]
    dragged(page, (0.3, 0.3), (0.7, 0.3))
    page.one(".painter-words").send_keys("a crown")
    page.one(".painter-solid").click()
    page.until(lambda: page.script("return window.told.at(-1)") == "web_app_close")
    (drawn,) = app.drawn
    assert (drawn.text, drawn.ticket.photo) == ("a crown", "p1")
    with Image.open(io.BytesIO(base64.b64decode(drawn.mask))) as mask:
        assert mask.size == (384, 512)
        assert mask.convert("L").getpixel((192, 154)) == 255
    assert page.complaints() == []


def test_who_cannot_be_told_is_told_so_in_their_language(browser: Opened, app: App) -> None:
    page = browser()
    page.driver.get(app.launched(tgWebAppData=signed(token="42:another")))
    assert page.until(lambda: "Telegram does not vouch" in page.one("#told").text)
