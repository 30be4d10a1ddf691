"""The web app from outside: the cookie, posting, reading, pictures, and what operators ask (long: one app)."""

import asyncio
import re
import threading
import time
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from bot.channels.web.channel import MAX_TEXT
from bot.channels.web.middleware import hosts_for
from bot.channels.web.shell import assets
from bot.channels.web.uploads import MAX_PHOTO_BYTES, Limits
from handlers.message import Choice, Kind, Message, Outgoing
from handlers.store.memory import MemoryStore
from providers.media.threads import THREADS, in_thread
from tests.bot.stage import Stage, conversation, jpeg, on_stage, picture_file, settled
from tests.providers.media.pictures import encoded
from tests.waiting import LONG


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with on_stage(tmp_path) as made:
        yield made


def photos(*bodies: bytes) -> list[tuple[str, tuple[str, bytes, str]]]:
    return [("photos", (f"photo{n}.jpg", body, "image/jpeg")) for n, body in enumerate(bodies)]


def error_of(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message"}
    assert body["error"]["message"]
    return answer.status_code, body["error"]["code"]


def files_under(folder: Path) -> list[Path]:
    """All that was sent or made; the mark of the living process apart."""
    return [f for f in folder.rglob("*") if f.is_file() and f.suffix != ".alive"]


# --- who a browser is


async def test_opening_the_page_makes_a_browser_a_person_and_a_visit_keeps_it(stage: Stage) -> None:
    async with stage.browser() as client:
        cookie = (await client.get("/")).headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Secure" not in cookie
        seconds = re.search(r"Max-Age=(\d+)", cookie)
        assert seconds is not None
        assert int(seconds[1]) > 300 * 24 * 3600
        before = stage.chat(client)
        await client.get("/")
        assert stage.chat(client) == before
        assert (before.channel, before.chat) == ("web", before.person)


async def test_the_cookie_is_secure_where_the_page_is_https(stage: Stage) -> None:
    transport = httpx.ASGITransport(app=stage.app)
    async with httpx.AsyncClient(transport=transport, base_url="https://likeness.example") as client:
        assert "Secure" in (await client.get("/")).headers["set-cookie"]


async def test_without_a_cookie_or_with_a_forged_one_there_is_no_conversation(stage: Stage) -> None:
    transport = httpx.ASGITransport(app=stage.app)
    for cookies in ({}, {"likeness": "A" * 22 + ".forged"}, {"likeness": "ü"}):
        quoted = {b"cookie": "; ".join(f"{k}={v}" for k, v in cookies.items()).encode()}
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
            assert error_of(await client.get("/api/messages", headers=quoted)) == (401, "no_session")
            assert error_of(await client.get("/api/events", headers=quoted)) == (401, "no_session")
            posted = await client.post("/api/messages", data={"text": "hello"}, headers=quoted)
            assert error_of(posted) == (401, "no_session")


async def test_two_browsers_are_two_people(stage: Stage) -> None:
    async with stage.browser() as one, stage.browser() as two:
        await one.post("/api/messages", data={"text": "mine"})
        await settled(stage)
        assert [m["text"] for m in await conversation(one)] == ["mine", "You said: mine"]
        assert await conversation(two) == []


# --- posting


async def test_a_message_is_taken_and_shown_with_its_answer_in_the_shape_of_the_contract(stage: Stage) -> None:
    async with stage.browser() as client:
        answer = await client.post("/api/messages", data={"text": "  hello\r\nthere "}, files=photos(jpeg(40, 30)))
        assert answer.status_code == 202
        assert set(answer.json()) == {"id"}
        await settled(stage)
        mine, reply = await conversation(client)
        for message in (mine, reply):
            assert {"id", "from", "kind", "text", "pictures", "choices", "in_reply_to"} <= set(message)
        assert (mine["id"], mine["from"], mine["kind"]) == (answer.json()["id"], "person", "pictures")
        assert mine["text"] == "hello\nthere"
        assert [(p["width"], p["height"]) for p in mine["pictures"]] == [(40, 30)]
        assert (reply["from"], reply["kind"], reply["in_reply_to"]) == ("bot", "text", mine["id"])
        (seen,) = stage.conversation.seen
        assert seen.key == f"web:{seen.chat.person}:{mine['id']}"
        assert [p.path.read_bytes() for p in seen.photos] == [jpeg(40, 30)]


async def test_a_plain_form_will_do_for_words(stage: Stage) -> None:
    async with stage.browser() as client:
        body = "text=%E4%BD%A0%E5%A5%BD+there"
        kind = {"content-type": "application/x-www-form-urlencoded"}
        assert (await client.post("/api/messages", content=body, headers=kind)).status_code == 202
        await settled(stage)
        assert stage.conversation.seen[0].text == "你好 there"


async def test_the_same_id_posted_again_is_the_same_message(stage: Stage) -> None:
    async with stage.browser() as client:
        for _ in range(3):
            answer = await client.post("/api/messages", data={"id": "retry-0001", "text": "once"}, files=photos(jpeg()))
            assert (answer.status_code, answer.json()) == (202, {"id": "retry-0001"})
        await settled(stage)
        assert len(stage.conversation.seen) == 1
        assert [m["text"] for m in await conversation(client)] == ["once", "You said: once"]
        assert len(files_under(stage.data)) == 1


async def test_one_id_of_two_people_is_two_messages(stage: Stage) -> None:
    async with stage.browser() as one, stage.browser() as two:
        for client in (one, two):
            await client.post("/api/messages", data={"id": "same-id-here", "text": "hi"})
        await settled(stage)
        assert len({m.key for m in stage.conversation.seen}) == 2


async def test_a_tapped_choice_is_shown_by_its_label(tmp_path: Path) -> None:
    async def offer(message: Message) -> tuple[Outgoing, ...]:
        choices = (Choice(id="style:anime", label="Anime"), Choice(id="style:vintage", label="Vintage"))
        return (Outgoing(id=f"{message.ref}-a", kind=Kind.CHOICES, text="Which?", choices=choices, ref=message.ref),)

    async with on_stage(tmp_path, script=offer) as stage, stage.browser() as client:
        await client.post("/api/messages", data={"text": "styles"})
        await settled(stage)
        offered = (await conversation(client))[1]
        assert offered["choices"] == [
            {"id": "style:anime", "label": "Anime"},
            {"id": "style:vintage", "label": "Vintage"},
        ]
        await client.post("/api/messages", data={"choice": "style:vintage"})
        await client.post("/api/messages", data={"choice": "never:offered"})
        await settled(stage)
        assert [(m.choice, m.text) for m in stage.conversation.seen[1:]] == [
            ("style:vintage", ""),
            ("never:offered", ""),
        ]
        said = [m["text"] for m in await conversation(client) if m["from"] == "person"]
        assert said == ["styles", "Vintage", ""]


@pytest.mark.parametrize(
    ("fields", "bodies", "expected"),
    [
        ({}, [], (400, "empty")),
        ({"text": " \n "}, [], (400, "empty")),
        ({"text": "x"}, [jpeg()] * 9, (400, "too_many_photos")),
        ({"text": "x" * (MAX_TEXT + 1)}, [], (413, "text_too_long")),
        ({"text": "x" * 20_000}, [], (413, "text_too_long")),
        ({"text": "hi", "id": "no spaces!"}, [], (400, "bad_id")),
        ({"text": "hi", "picture": "/pictures/1-0-AAAAAAAAAAAAAAAAAAAAAA"}, [], (400, "no_picture")),
        ({f"field{n}": "x" for n in range(50)}, [], (400, "bad_form")),
    ],
)
async def test_what_cannot_be_taken_is_refused_with_a_sentence_and_leaves_nothing(
    stage: Stage, fields: dict[str, str], bodies: list[bytes], expected: tuple[int, str]
) -> None:
    async with stage.browser() as client:
        files = photos(*bodies) or {"": ("", b"")}
        assert error_of(await client.post("/api/messages", data=fields, files=files)) == expected
        assert await conversation(client) == []
        assert files_under(stage.data) == []
        assert stage.conversation.seen == []


async def test_refusals_are_said_in_the_language_of_the_browser(stage: Stage) -> None:
    async with stage.browser(**{"accept-language": "zh-TW,zh;q=0.9,en;q=0.5"}) as client:
        answer = await client.post("/api/messages", data={"text": ""})
        assert answer.json()["error"]["message"] == "先写几个字，或者加一张照片吧。"
        await client.post("/api/messages", data={"text": "hello"})
        await settled(stage)
        assert stage.conversation.seen[0].language_hint == "zh"


async def test_a_photo_above_the_limit_is_refused_while_it_streams(stage: Stage) -> None:
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--x\r\nContent-Disposition: form-data; name="photos"; filename="a.jpg"\r\n\r\n'
        block = b"\xff" * (1024 * 1024)
        for _ in range(30):
            sent += len(block)
            largest.append(max((f.stat().st_size for f in files_under(stage.data)), default=0))
            yield block
        yield b"\r\n--x--\r\n"

    largest: list[int] = []
    async with stage.browser() as client:
        kind = {"content-type": "multipart/form-data; boundary=x"}
        answer = await client.post("/api/messages", content=body(), headers=kind)
        assert error_of(answer) == (413, "photo_too_large")
        assert "20 MB" in answer.json()["error"]["message"]
        assert max(largest) <= MAX_PHOTO_BYTES
        assert files_under(stage.data) == []


async def test_a_body_announced_or_grown_above_the_total_is_not_read_on(tmp_path: Path) -> None:
    kind = {"content-type": "multipart/form-data; boundary=x"}
    read: list[int] = []

    async def endless() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\n'
        while True:
            read.append(1)
            yield b"a" * 1000

    async with on_stage(tmp_path, limits=Limits(total_bytes=10_000)) as stage, stage.browser() as client:
        announced = await client.post("/api/messages", content=b"a" * 10_001, headers=kind)
        assert error_of(announced) == (413, "too_large")
        assert announced.headers["connection"] == "close"
        for digits in ("9" * 5000, "0" * 5000):
            lied = await client.post("/api/messages", content=b"a", headers=kind | {"content-length": digits})
            assert error_of(lied) == (413, "too_large")
        assert error_of(await client.post("/api/messages", content=endless(), headers=kind)) == (413, "too_large")
        assert len(read) < 20


async def test_a_client_that_falls_silent_is_given_up(tmp_path: Path) -> None:
    async def silent() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="photos"; filename="a"\r\n\r\nhalf a pho'
        await asyncio.Event().wait()

    async with on_stage(tmp_path, limits=Limits(idle=0.01)) as stage, stage.browser() as client:
        kind = {"content-type": "multipart/form-data; boundary=x"}
        assert error_of(await client.post("/api/messages", content=silent(), headers=kind)) == (408, "too_slow")
        assert files_under(stage.data) == []


FORM = "multipart/form-data; boundary=x"
CUT_TEXT = b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\ncut'
CUT_PHOTO = b'--x\r\nContent-Disposition: form-data; name="photos"; filename="a"\r\n\r\ncut'


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("application/json", b"{}", (415, "bad_form")),
        ("multipart/form-data", b"", (415, "bad_form")),
        (FORM, b"not a part at all", (400, "bad_form")),
        (FORM, CUT_TEXT, (400, "bad_form")),
        (FORM, CUT_PHOTO, (400, "bad_form")),
    ],
)
async def test_a_body_that_is_no_form_is_refused(
    stage: Stage, kind: str, body: bytes, expected: tuple[int, str]
) -> None:
    async with stage.browser() as client:
        answer = await client.post("/api/messages", content=body, headers={"content-type": kind})
        assert error_of(answer) == expected
        assert files_under(stage.data) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "http://127.0.0.1:8080"},
    ],
)
async def test_a_post_from_another_site_is_refused(stage: Stage, headers: dict[str, str]) -> None:
    async with stage.browser() as client:
        answer = await client.post("/api/messages", data={"text": "hi"}, headers=headers)
        assert error_of(answer) == (403, "cross_site")
        assert stage.conversation.seen == []


async def test_a_post_from_our_own_page_is_taken_behind_a_proxy_too(tmp_path: Path) -> None:
    own = {"origin": "http://127.0.0.1:8080", "sec-fetch-site": "same-origin"}
    proxied = {"origin": "https://likeness.example", "sec-fetch-site": "same-origin"}
    async with on_stage(tmp_path, public_url="https://likeness.example/") as stage, stage.browser() as client:
        for headers in (own, proxied):
            assert (await client.post("/api/messages", data={"text": "hi"}, headers=headers)).status_code == 202


async def test_a_page_listening_at_home_answers_to_no_foreign_name(tmp_path: Path) -> None:
    hook = Route("/hook", lambda _: PlainTextResponse("hook"))
    hosts = hosts_for("127.0.0.1", "https://likeness.example")
    async with on_stage(tmp_path, hosts=hosts, routes=[hook]) as stage, stage.browser() as client:
        foreign = {"host": "rebound.example"}
        for path in ("/", "/api/messages", "/api/events", "/pictures/x", "/static/chat.js"):
            assert error_of(await client.get(path, headers=foreign)) == (421, "unknown_host")
        for host in ("localhost:8080", "likeness.example", "[::1]:8080"):
            assert (await client.get("/", headers={"host": host})).status_code == 200
        assert (await client.get("/hook", headers=foreign)).text == "hook"
        assert (await client.get("/healthz", headers=foreign)).status_code == 200
    assert hosts_for("0.0.0.0", None) is None


# --- reading


async def test_after_gives_what_came_since_a_message(stage: Stage) -> None:
    async with stage.browser() as client:
        first = (await client.post("/api/messages", data={"text": "one"})).json()["id"]
        await settled(stage)
        await client.post("/api/messages", data={"text": "two"})
        await settled(stage)
        since = await conversation(client, f"?after={first}")
        assert [m["text"] for m in since] == ["You said: one", "two", "You said: two"]
        newest = since[-1]["id"]
        assert await conversation(client, f"?after={newest}") == []
        assert len(await conversation(client, "?after=nobody-knows-it")) == 4
        cursor = (await client.get("/api/messages")).json()["cursor"]
        assert await conversation(client, f"?cursor={cursor}") == []


async def test_a_long_conversation_comes_whole_and_in_order(stage: Stage) -> None:
    async with stage.browser() as client:
        chat = stage.chat(client)
        for n in range(450):
            await stage.channel.say(chat, Outgoing(id=f"line-{n}", kind=Kind.TEXT, text=str(n)))
        assert [m["text"] for m in await conversation(client)] == [str(n) for n in range(450)]


# --- pictures


async def shown(stage: Stage, client: httpx.AsyncClient, *, width: int = 64, height: int = 48) -> dict[str, Any]:
    picture = picture_file(stage.data / "out", width=width, height=height)
    outgoing = Outgoing(id="result-1", kind=Kind.PICTURES, text="Here", pictures=(picture,), job="job-1")
    await stage.channel.deliver(stage.chat(client), outgoing, "result-1")
    found: dict[str, Any] = (await conversation(client))[-1]["pictures"][0]
    return found


async def test_a_result_can_be_seen_saved_and_seen_smaller(stage: Stage) -> None:
    async with stage.browser() as client:
        picture = await shown(stage, client, width=900, height=600)
        assert (picture["width"], picture["height"]) == (900, 600)
        whole = await client.get(picture["url"])
        assert whole.headers["content-type"] == "image/jpeg"
        assert whole.headers["content-disposition"].startswith("inline")
        assert whole.headers["cache-control"].startswith("private")
        assert whole.headers["x-content-type-options"] == "nosniff"
        assert Image.open(BytesIO(whole.content)).size == (900, 600)
        saved = await client.get(picture["url"] + "?download=1")
        assert re.fullmatch(r'attachment; filename="likeness-\d{8}-\d{6}-1\.jpg"', saved.headers["content-disposition"])
        assert saved.content == whole.content
        smaller = await client.get(picture["url"] + "?w=300")
        assert Image.open(BytesIO(smaller.content)).size == (320, 213)


async def test_a_picture_is_nobody_elses_and_its_address_cannot_be_guessed(stage: Stage) -> None:
    async with stage.browser() as client, stage.browser() as other:
        url = (await shown(stage, client))["url"]
        last = "A" if url[-1] != "A" else "B"
        for path in (url[:-1] + last, url[:-23], "/pictures/1-0-x", "/pictures/..%2F..%2Fsecret", "/pictures/"):
            assert (await client.get(path)).status_code == 404
        assert error_of(await other.get(url)) == (404, "no_picture")
        client.cookies.clear()
        assert error_of(await client.get(url)) == (404, "no_picture")


async def test_a_picture_that_left_the_disk_is_missed_politely(stage: Stage) -> None:
    async with stage.browser() as client:
        url = (await shown(stage, client))["url"]
        (stage.data / "out" / "made.jpg").unlink()
        assert error_of(await client.get(url)) == (404, "no_picture")


async def test_what_is_no_picture_is_never_served(stage: Stage) -> None:
    page = b"<!doctype html><script>alert(1)</script>"
    async with stage.browser() as client:
        await client.post("/api/messages", data={"text": "look"}, files=photos(page, jpeg()[:40]))
        await settled(stage)
        mine = (await conversation(client))[0]
        assert [(p["width"], p["type"]) for p in mine["pictures"]] == [(0, "application/octet-stream")] * 2
        for picture in mine["pictures"]:
            assert error_of(await client.get(picture["url"])) == (404, "no_picture")
            assert error_of(await client.get(picture["url"] + "?w=320")) == (404, "no_picture")
        assert len(stage.conversation.seen[0].photos) == 2


async def test_a_post_is_answered_while_others_photos_are_decoded(stage: Stage) -> None:
    """With 200 hostile photos in that line, posts waited for ten minutes."""
    gate = threading.Event()
    busy = [asyncio.create_task(in_thread(gate.wait, LONG)) for _ in range(THREADS)]
    try:
        async with stage.browser() as client:
            assert (await client.post("/api/messages", files=photos(jpeg()))).status_code == 202
            assert not any(task.done() for task in busy)
    finally:
        gate.set()
        await asyncio.gather(*busy)


async def test_a_photo_browsers_cannot_show_is_shown_smaller_as_one_they_can(stage: Stage) -> None:
    heic = encoded(Image.new("RGB", (400, 300), "teal"), "HEIF")
    async with stage.browser() as client:
        await client.post("/api/messages", files=photos(heic))
        (picture,) = (await conversation(client))[0]["pictures"]
        assert (picture["type"], picture["width"], picture["height"]) == ("image/heic", 400, 300)
        smaller = await client.get(picture["url"] + "?w=320")
        assert (smaller.headers["content-type"], Image.open(BytesIO(smaller.content)).size) == (
            "image/jpeg",
            (320, 240),
        )
        assert (await client.get(picture["url"] + "?download=1")).content == heic


async def test_words_about_a_picture_carry_it_and_its_job(stage: Stage) -> None:
    async with stage.browser() as client:
        url = (await shown(stage, client))["url"]
        await client.post("/api/messages", data={"text": "make it night", "picture": url})
        await client.post("/api/messages", data={"picture": url})
        await settled(stage)
        about, taken_up = stage.conversation.seen
        assert [p.path.name for p in about.quoted_photos] == ["made.jpg"]
        assert (about.quoted_job, about.photos) == ("job-1", ())
        assert [p.path.name for p in taken_up.photos] == ["made.jpg"]
        assert (taken_up.quoted_job, taken_up.quoted_photos) == (None, ())
        assert len((await conversation(client))[-2]["pictures"]) == 1


# --- around it


async def test_every_answer_carries_the_security_headers(stage: Stage) -> None:
    async with stage.browser() as client:
        for path in ("/", "/static/chat.js", "/api/messages", "/healthz", "/nowhere"):
            headers = (await client.get(path)).headers
            assert "default-src 'self'" in headers["content-security-policy"]
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"


async def test_the_pages_files_are_served_and_kept_by_browsers(stage: Stage) -> None:
    async with stage.browser() as client:
        for name in assets():
            if name.endswith(".html"):
                continue
            first = await client.get(f"/static/{name}")
            assert first.status_code == 200
            again = await client.get(f"/static/{name}", headers={"if-none-match": first.headers["etag"]})
            assert again.status_code == 304
        for path in ("/static/../http.py", "/static/..%2Fhttp.py", "/static/http.py", "/static/index.html"):
            assert (await client.get(path)).status_code == 404
        assert (await client.get("/favicon.ico")).headers["content-type"] == "image/png"


def test_the_page_names_no_other_address_and_has_no_inline_script_or_style() -> None:
    ours = r"http://www\.w3\.org/(2000/svg|1999/xlink)"
    for name, asset in assets().items():
        if asset.type.startswith("image/png"):
            continue
        text = asset.body.decode()
        assert not re.search(r"(https?:)?//[a-z0-9-]+\.[a-z]", re.sub(ours, "", text)), name
        if name.endswith(".html"):
            assert "style=" not in text
            assert not re.search(r"<script(?![^>]*\bsrc=)", text)
            assert not re.search(r"\son[a-z]+=", text)


async def test_routes_of_other_channels_are_served_beside_the_page(tmp_path: Path) -> None:
    async def hook(request: Request) -> PlainTextResponse:
        return PlainTextResponse((await request.body()).decode())

    routes = [Route("/telegram", hook, methods=["POST"])]
    async with on_stage(tmp_path, routes=routes) as stage, stage.browser() as client:
        cross = {"origin": "https://api.example", "sec-fetch-site": "cross-site"}
        assert (await client.post("/telegram", content="update", headers=cross)).text == "update"


async def test_ready_says_whether_messages_can_be_taken(tmp_path: Path) -> None:
    class Away(MemoryStore):
        away = False

        async def ping(self) -> None:
            if self.away:
                raise ConnectionError("the database is away")

    store = Away()
    async with on_stage(tmp_path, store=store) as stage, stage.browser() as client:
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 200
        store.away = True
        assert (await client.get("/readyz")).status_code == 503
        store.away = False
        await stage.channel.stop()
        assert (await client.get("/readyz")).status_code == 503
        assert error_of(await client.post("/api/messages", data={"text": "hi"})) == (503, "starting")
        assert (await client.get("/healthz")).status_code == 200


async def test_figures_count_requests_by_route_and_never_by_address(stage: Stage) -> None:
    async with stage.browser() as client:
        url = (await shown(stage, client))["url"]
        await client.get(url)
        await client.post("/api/messages", data={"text": "hi"})
        await client.get("/no/such/page")
        text = (await client.get("/metrics")).text
        assert 'likeness_http_requests_total{method="GET",route="/pictures/{reference}",status="200"} 1.0' in text
        assert 'likeness_http_requests_total{method="GET",route="other",status="404"} 1.0' in text
        assert 'likeness_messages_total{channel="web"} 1.0' in text
        assert 'likeness_deliveries_total{channel="web",outcome="sent"} 1.0' in text
        assert 'likeness_jobs{state="running"} 0.0' in text
        assert url not in text


# --- what it costs


async def test_a_smaller_picture_is_made_once_however_many_ask(stage: Stage) -> None:
    async with stage.browser() as client:
        url = (await shown(stage, client))["url"] + "?w=320"
        answers = await asyncio.gather(*(client.get(url) for _ in range(20)))
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        assert stage.channel._page.thumbnails.made == 1


async def test_a_post_that_is_refused_is_not_parsed_on(tmp_path: Path) -> None:
    async with on_stage(tmp_path, limits=Limits(parts=4)) as stage, stage.browser() as client:
        part = b'--b\r\ncontent-disposition: form-data; name="text"\r\n\r\n\r\n'
        body = part * 100_000 + b"--b--\r\n"
        began = time.process_time()
        answer = await client.post(
            "/api/messages", content=body, headers={"content-type": "multipart/form-data; boundary=b"}
        )
        assert error_of(answer)[1] == "bad_form"
        assert time.process_time() - began < 1.0, "seconds, where every part was parsed"


async def test_a_file_that_is_no_picture_is_gone_once_it_was_answered(stage: Stage) -> None:
    async with stage.browser() as client:
        await client.post("/api/messages", files=photos(b"no picture at all" * 100))
        await settled(stage)
        assert len(stage.conversation.seen) == 1
        assert files_under(stage.data) == []


async def test_the_number_of_the_last_event_may_be_anything_and_is_no_fault_of_ours(stage: Stage) -> None:
    async with stage.browser() as client:
        for number in ("9" * 5000, "9" * 19):
            answer = await client.get("/api/events", headers={"last-event-id": number})
            assert answer.status_code == 400


async def test_the_figures_are_for_this_machine_or_for_who_has_the_token(tmp_path: Path) -> None:
    async with on_stage(tmp_path, metrics_token=SecretStr("let me in")) as stage:
        for address, headers, status in (
            ("127.0.0.1", {}, 200),
            ("203.0.113.5", {}, 403),
            ("127.0.0.1", {"x-forwarded-for": "203.0.113.5"}, 403),
            ("203.0.113.5", {"authorization": "Bearer let me in"}, 200),
            ("203.0.113.5", {"authorization": "Bearer other"}, 403),
        ):
            transport = httpx.ASGITransport(app=stage.app, client=(address, 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as client:
                assert (await client.get("/metrics")).status_code == status, (address, headers)


async def test_listening_to_the_world_the_page_has_the_name_that_was_given_or_an_address(tmp_path: Path) -> None:
    hosts = hosts_for("0.0.0.0", "https://likeness.example")
    async with on_stage(tmp_path, hosts=hosts, open_to_all=True) as stage, stage.browser() as client:
        for host, status in (("likeness.example", 200), ("192.168.1.7:8080", 200), ("evil.example", 421)):
            assert (await client.get("/", headers={"host": host})).status_code == status, host


async def test_a_choice_that_could_not_have_been_offered_is_refused(stage: Stage) -> None:
    async with stage.browser() as client:
        for choice in ("style:\x00", "x" * 65, "style:动漫"):
            assert error_of(await client.post("/api/messages", data={"choice": choice})) == (400, "bad_form")


async def test_the_page_is_told_how_long_things_are_kept_and_where_photos_go(stage: Stage) -> None:
    async with stage.browser() as client:
        assert (await client.get("/api/about")).json() == {"kept_days": 30, "companies": []}
