"""The painter as a Mini App: who opened it is checked by Telegram's signature, and what is painted is one message."""

import base64
import hmac
import io
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from PIL import Image
from starlette.applications import Starlette

from bot.channels.telegram.mini_app.desk import Desk, Drawn
from bot.channels.telegram.mini_app.init_data import Forged, person_of
from bot.channels.telegram.mini_app.tickets import Tickets
from handlers.message import Chat
from handlers.session import Session, SessionPhoto
from handlers.store.base import LineFull, Turn
from handlers.store.memory import MemoryStore
from tests.bot.telegram.stage import Stage, listening, on_stage
from tests.servers.telegram import TOKEN, FakeTelegram, Shown, jpeg
from tests.world import Clock

NOW = 1_800_000_000.0
HOME: dict[str, Any] = {"public_url": "https://likeness.example", "app_secret": b"a secret of tests, long enough"}


def signed(person: int = 1001, *, token: str = TOKEN, at: float | None = None, **more: str) -> str:
    """What Telegram gives the page, signed as its documentation says."""
    user = json.dumps({"id": person, "first_name": "Ann", "language_code": "en"})
    fields = {
        "auth_date": str(int(time.time() if at is None else at)),
        "query_id": "AAH",
        "signature": "x",
        "user": user,
    }
    fields |= more
    lines = "\n".join(f"{key}={fields[key]}" for key in sorted(fields))
    key = hmac.digest(b"WebAppData", token.encode(), "sha256")
    return urlencode(fields | {"hash": hmac.digest(key, lines.encode(), "sha256").hex()})


def test_who_opened_it_is_told_by_the_signature() -> None:
    assert person_of(signed(77, at=NOW), token=TOKEN, now=NOW + 60) == "77"


@pytest.mark.parametrize(
    "init_data",
    [
        "",
        "hash=",
        signed(at=NOW).replace("1001", "1002"),
        signed(at=NOW, token="42:another"),
        signed(at=NOW) + "&user=%7B%22id%22%3A5%7D",
        signed(at=NOW - 5 * 3600),
        signed(at=NOW + 3600),
        signed(at=NOW, user="[]"),
        signed(at=NOW, user='{"id": "1"}'),
        signed(at=NOW, auth_date="soon"),
        "&".join(part for part in signed(at=NOW).split("&") if not part.startswith("hash=")),
        "x=" + "y" * 9000,
    ],
)
def test_what_telegram_did_not_sign_for_this_bot_just_now_is_refused(init_data: str) -> None:
    with pytest.raises(Forged):
        person_of(init_data, token=TOKEN, now=NOW)


def app_button(shown: Shown) -> str | None:
    return next((str(b["web_app"]["url"]) for b in shown.buttons if "web_app" in b), None)


@asynccontextmanager
async def browser(stage: Stage) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=Starlette(routes=list(stage.channel.routes())))
    async with httpx.AsyncClient(transport=transport, base_url=HOME["public_url"]) as client:
        yield client


def mask(size: tuple[int, int] = (320, 240)) -> str:
    out = io.BytesIO()
    image = Image.new("L", size, 0)
    image.paste(255, (10, 10, 60, 60))
    image.save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def painted(ticket: str, **more: Any) -> dict[str, str]:
    return {"init_data": signed(), "ticket": ticket, "id": "painted-1", "text": "a red hat", "mask": mask(), **more}


async def sent_a_photo(stage: Stage, telegram: FakeTelegram) -> str:
    """The ticket of the button under the question about a photo."""
    telegram.person(1001).photographs()
    address = await stage.until(lambda: next(filter(None, map(app_button, telegram.shown(1001))), None))
    assert address.startswith("https://likeness.example/telegram/painter?t=")
    return str(parse_qs(urlsplit(address).query)["t"][0])


async def test_a_photo_is_painted_on_and_the_order_goes_on_in_the_chat_once(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    async with listening(tmp_path, telegram, **HOME) as stage, browser(stage) as client:
        ticket = await sent_a_photo(stage, telegram)
        opened = await client.post("/telegram/painter/open", json={"init_data": signed(), "ticket": ticket})
        assert (opened.status_code, opened.json()["width"], opened.json()["height"]) == (200, 320, 240)
        photo = await client.get(opened.json()["photo"])
        assert (photo.status_code, photo.headers["cache-control"]) == (200, "private, no-store")
        for _ in range(3):
            assert (await client.post("/telegram/painter/send", json=painted(ticket))).status_code == 202
        await stage.channel.idle()
        order = (await stage.job(1001)).order
        assert order.shots[0].edits[0].prompt == "a red hat"
        assert order.mask is not None
        assert "At the marked place: a red hat" in telegram.words(1001)


async def test_a_result_has_the_button_too(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with on_stage(tmp_path, telegram, **HOME) as stage, browser(stage) as client:
        telegram.person(1001).photographs("anime style")
        (result,) = await stage.until(lambda: telegram.pictures(1001))
        await stage.all_ended()
        ticket = parse_qs(urlsplit(app_button(result) or "").query)["t"][0]
        opened = await client.post("/telegram/painter/open", json={"init_data": signed(), "ticket": ticket})
        assert opened.status_code == 200


async def test_the_words_of_a_result_can_be_copied(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with on_stage(tmp_path, telegram) as stage:
        telegram.person(1001).photographs("me as a wizard in a snowy forest")
        telegram.person(1002).photographs("anime style")
        (wizard,) = await stage.until(lambda: telegram.pictures(1001))
        (anime,) = await stage.until(lambda: telegram.pictures(1002))
        copied = [button["copy_text"]["text"] for button in wizard.buttons if "copy_text" in button]
        assert copied == ["me as a wizard in a snowy forest"]
        assert not any("copy_text" in button for button in anime.buttons), "a style has no words of theirs"


async def test_nobody_else_and_nothing_else_opens_it(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with listening(tmp_path, telegram, **HOME) as stage, browser(stage) as client:
        ticket = await sent_a_photo(stage, telegram)
        for body, status in (
            ({"init_data": signed(1002), "ticket": ticket}, 403),
            ({"init_data": signed(token="42:another"), "ticket": ticket}, 403),
            ({"init_data": signed(), "ticket": ticket[:-4] + "AAAA"}, 403),
            ({"init_data": signed(at=time.time() - 5 * 3600), "ticket": ticket}, 403),
            ({"init_data": signed()}, 403),
            (["no", "object"], 400),
            ({"init_data": 7, "ticket": ticket}, 400),
        ):
            assert (await client.post("/telegram/painter/open", json=body)).status_code == status
        assert (await client.get("/telegram/painter/photo/forged")).status_code == 403
        assert (await client.get(f"/telegram/painter/photo/{ticket}")).status_code == 403, "a ticket is no address"


async def test_what_the_page_would_not_send_is_refused(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with listening(tmp_path, telegram, **HOME) as stage, browser(stage) as client:
        ticket = await sent_a_photo(stage, telegram)
        for more, status in (
            ({"mask": ""}, 400),
            ({"mask": "not base64!"}, 400),
            ({"id": "x"}, 400),
            ({"outpaint": "left=9"}, 400),
            ({"text": "x" * 1001}, 400),
            ({"mask": base64.b64encode(bytes(600 << 10)).decode()}, 400),
            ({"mask": "A" * (2 << 20)}, 413),
        ):
            answer = await client.post("/telegram/painter/send", json=painted(ticket, **more))
            assert answer.status_code == status, more.keys()
        await client.post("/telegram/painter/send", json=painted(ticket, mask=mask((240, 240))))
        await stage.channel.idle()
        assert await stage.jobs_of(1001) == ()
        assert "The mask does not fit the photo" in telegram.words(1001)


async def test_the_page_loads_nothing_from_elsewhere_and_only_telegram_frames_it(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    async with listening(tmp_path, telegram, **HOME) as stage, browser(stage) as client:
        page = await client.get("/telegram/painter")
        assert page.status_code == 200
        assert "http" not in page.text
        policy = page.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors https://web.telegram.org" in policy
        for name in ("app.js", "app.css", "app.json", "painter.js", "strokes.js", "painter.css", "painter.json"):
            assert (await client.get(f"/telegram/painter/{name}")).status_code == 200
        assert (await client.get("/telegram/painter/desk.py")).status_code == 404


@pytest.mark.parametrize(
    ("home", "verdict", "says"),
    [
        ({}, "warning", "PUBLIC_URL is not set"),
        ({**HOME, "public_url": "http://likeness.example"}, "warning", "begins with http"),
        (HOME, "ok", "opens as a Mini App"),
    ],
)
async def test_the_doctor_says_what_the_painter_needs(
    tmp_path: Path, telegram: FakeTelegram, home: dict[str, Any], verdict: str, says: str
) -> None:
    async with on_stage(tmp_path, telegram, working=False, **home) as stage:
        (finding,) = (await stage.channel.health(ask=True)).findings
    assert finding.verdict == verdict
    assert says in finding.message


@pytest.mark.parametrize("home", [{}, {**HOME, "public_url": "http://likeness.example"}])
async def test_without_https_there_is_no_button(tmp_path: Path, telegram: FakeTelegram, home: dict[str, Any]) -> None:
    async with listening(tmp_path, telegram, **home) as stage:
        telegram.person(1001).photographs()
        await stage.until(lambda: telegram.shown(1001))
        await stage.read()
        assert [app_button(shown) for shown in telegram.shown(1001)] == [None] * len(telegram.shown(1001))
        assert list(stage.channel.routes()) == []


async def test_groups_have_no_button(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with listening(tmp_path, telegram, **HOME) as stage:
        telegram.person(1001).photographs("/make", chat=-100)
        await stage.until(lambda: telegram.shown(-100))
        await stage.read()
        assert all(app_button(shown) is None for shown in telegram.shown(-100))


async def test_who_sends_faster_than_anybody_paints_is_held_back(tmp_path: Path) -> None:
    store, taken = MemoryStore(), list[Drawn]()
    photo = tmp_path / "me.jpg"
    photo.write_bytes(jpeg())
    chat = Chat(channel="telegram", chat="1001", person="1001")
    laid = SessionPhoto(key="p", path=photo, width=320, height=240, at=Clock()())
    await store.commit_turn(Turn(message_key="m", chat=chat, session=Session(photos=(laid,)), reply=()))
    tickets = Tickets(secret=HOME["app_secret"], public_url=HOME["public_url"], now=time.time)

    async def take(drawn: Drawn) -> bool:
        if len(taken) == 20:
            raise LineFull
        taken.append(drawn)
        return True

    desk = Desk(token=TOKEN, tickets=tickets, store=store, take=take, now=time.time)
    address = tickets.link(chat, "en", photo="p")
    assert address is not None
    ticket = str(parse_qs(urlsplit(address).query)["t"][0])
    transport = httpx.ASGITransport(app=Starlette(routes=desk.routes()))
    async with httpx.AsyncClient(transport=transport, base_url=HOME["public_url"]) as client:
        sent = [
            (await client.post("/telegram/painter/send", json=painted(ticket, id=f"painted-{n}"))).status_code
            for n in range(22)
        ]
    assert sent == [202] * 20 + [429] * 2
