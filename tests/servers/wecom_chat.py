"""WeCom in callback mode as people see it: chats on phones, streams asked for again and again, late answers by address.

The other end of `/wecom`: it posts what people do, shows what the bot answers, and holds it to the platform's rules
(whole texts, pictures only with the last answer, a `response_url` used once). By WeCom documentation 100719, 101031.
"""

import asyncio
import base64
import hashlib
import io
import re
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from providers.net.certificates import trusted
from tests.leaks import said
from tests.servers.serving import serving
from tests.servers.wecom import AES_KEY, BOT_ID, TOKEN, Callbacks, Media, bot_key
from tests.waiting import LONG

MAX_TEXT = 20480
MAX_IMAGE = 10 * 1024 * 1024
MOST_PICTURES = 10
_LINKED = re.compile(r"!\[[^\]]*\]\((\S+?)\)")


@dataclass
class Bubble:
    """What stands in a chat: a stream as it is now, or a late answer. `asked`: how often it was asked for."""

    id: str
    text: str = ""
    texts: list[str] = field(default_factory=list)
    """Every text it had, in order, each once."""
    pictures: list[bytes] = field(default_factory=list)
    cards: list[dict[str, Any]] = field(default_factory=list)
    finished: bool = False
    late: bool = False
    asked: int = 0
    feedback: str | None = None

    def show(self, body: Mapping[str, Any], *, first: bool) -> None:
        kind = body["msgtype"]
        assert kind in ("stream", "stream_with_template_card"), kind
        stream = body["stream"]
        assert stream["id"] == self.id
        assert stream["content"].strip(), "a stream's text is never empty"
        assert len(stream["content"].encode()) <= MAX_TEXT
        assert "feedback" not in stream or first, "only the first answer carries it"
        self.feedback = stream.get("feedback", {}).get("id", self.feedback)
        items = stream.get("msg_item", [])
        assert not items or stream["finish"], "pictures come with the last answer only"
        assert len(items) <= MOST_PICTURES
        if kind == "stream_with_template_card":
            assert not self.cards, "a card rides once"
            self.cards.append(body["template_card"])
        self.text = stream["content"]
        if not self.texts or self.texts[-1] != self.text:
            self.texts.append(self.text)
        self.pictures = [_picture(item) for item in items]
        self.finished = stream["finish"]


def _picture(item: Mapping[str, Any]) -> bytes:
    data = base64.b64decode(item["image"]["base64"])
    assert hashlib.md5(data).hexdigest() == item["image"]["md5"]  # noqa: S324
    assert len(data) <= MAX_IMAGE
    assert Image.open(io.BytesIO(data)).format in ("JPEG", "PNG")
    return data


@dataclass
class FakeWeCom:
    """The platform. `app`: where the bot listens. `origin`: its own address, for `WECOM_API_URL` and media.

    `polling`: whether streams are asked for; `drop_last`: so many last answers are lost on their way, and asked for
    again. `late`: what a late answer is answered: an `errcode`, or `reset` after it was taken.
    """

    app: str = ""
    origin: str = ""
    every: float = 0.02
    polling: bool = True
    drop_last: int = 0
    late: int | str = 0
    token: str = TOKEN
    aes_key: str = AES_KEY
    people: dict[tuple[str, str], "Phone"] = field(default_factory=dict)
    media: Media = field(default_factory=Media)
    urls: dict[str, "Phone"] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    client: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(verify=trusted(), timeout=LONG))
    tasks: set["asyncio.Task[Any]"] = field(default_factory=set)

    @classmethod
    @asynccontextmanager
    async def serving(cls) -> AsyncIterator["FakeWeCom"]:
        made = cls()
        routes = [
            Route("/media/{name}", made.media.get),
            Route("/late/{name}", made._late, methods=["POST"]),
        ]
        with serving(Starlette(routes=routes)) as address:
            made.origin = made.media.address = address
            try:
                yield made
            finally:
                for task in made.tasks:
                    task.cancel()
                await asyncio.gather(*made.tasks, return_exceptions=True)
                await made.client.aclose()
        assert not made.problems, made.problems

    @property
    def callbacks(self) -> Callbacks:
        return Callbacks(f"{self.app}/wecom", token=self.token, aes_key=self.aes_key)

    @property
    def media_host(self) -> str:
        return self.origin.removeprefix("http://")

    def phone(self, userid: str = "ann", chatid: str | None = None) -> "Phone":
        key = (userid, chatid or "")
        return self.people.setdefault(key, Phone(self, userid, chatid))

    async def _late(self, request: Request) -> Response:
        """In a thread of its own."""
        name = request.path_params["name"]
        phone = self.urls.get(name)
        if phone is None or name in self.used:
            return JSONResponse({"errcode": 60140, "errmsg": "invalid response code"})
        if isinstance(self.late, int) and self.late:
            return JSONResponse({"errcode": self.late, "errmsg": "no"})
        body = await request.json()
        self.used.add(name)
        if body["msgtype"] != "markdown" or len(body["markdown"]["content"].encode()) > MAX_TEXT:
            self.problems.append(f"a late answer of the kind {body['msgtype']}")
        bubble = Bubble(id=f"late-{name}", text=body["markdown"]["content"], finished=True, late=True)
        said(str(body))
        phone.screen.append(bubble)
        if self.late == "reset":
            self.late = 0
            raise ConnectionResetError("the answer is lost")
        return JSONResponse({"errcode": 0, "errmsg": "ok"})


@dataclass
class Phone:
    """One person in one chat, and what they see there."""

    platform: FakeWeCom
    userid: str
    chatid: str | None = None
    screen: list[Bubble] = field(default_factory=list)

    # --- what the person does

    def body(self, **members: Any) -> dict[str, Any]:
        name = secrets.token_hex(8)
        self.platform.urls[name] = self
        chat = {"chattype": "group", "chatid": self.chatid} if self.chatid else {"chattype": "single"}
        return {
            "msgid": secrets.token_hex(12),
            "aibotid": BOT_ID,
            **chat,
            "from": {"userid": self.userid},
            "response_url": f"{self.platform.origin}/late/{name}",
            **members,
        }

    def image(self, data: bytes) -> dict[str, Any]:
        url = self.platform.media.put(data, bot_key(self.platform.aes_key))
        return {"msgtype": "image", "image": {"url": url}}

    def text(self, words: str) -> dict[str, Any]:
        return {"msgtype": "text", "text": {"content": words}}

    async def says(self, words: str, *photos: bytes, quote: Mapping[str, Any] | None = None) -> Bubble:
        quoting = {"quote": quote} if quote else {}
        if photos:
            items = [self.text(words), *(self.image(photo) for photo in photos)]
            return await self.sends(self.body(msgtype="mixed", mixed={"msg_item": items}, **quoting))
        return await self.sends(self.body(**self.text(words), **quoting))

    async def sends_photo(self, photo: bytes) -> Bubble:
        return await self.sends(self.body(**self.image(photo)))

    async def sends(self, body: Mapping[str, Any]) -> Bubble:
        """Post a message; what it is answered is shown, and asked for again until it ends."""
        answer = await self.platform.callbacks.post(self.platform.client, body)
        assert answer is not None, "nothing was answered"
        return self.shows(answer)

    def shows(self, answer: Mapping[str, Any]) -> Bubble:
        id = answer["stream"]["id"]
        known = next((b for b in self.screen if b.id == id), None)
        bubble = known or Bubble(id=id)
        bubble.show(answer, first=True)
        if known is None:
            said(str(bubble))
            self.screen.append(bubble)
            if not bubble.finished:
                self._later(self._ask(bubble))
        return bubble

    async def presses(self, card: Mapping[str, Any], key: str) -> dict[str, Any] | None:
        """Returns what the card becomes."""
        event: dict[str, Any] = {"event_key": key, "task_id": card["task_id"], "card_type": card["card_type"]}
        if card["card_type"] == "vote_interaction":
            item = {"question_key": card["checkbox"]["question_key"], "option_ids": {"option_id": [key]}}
            event |= {"event_key": card["submit_button"]["key"], "selected_items": {"selected_item": [item]}}
        answer = await self.does("template_card_event", event)
        if answer is not None:
            assert answer["response_type"] == "update_template_card"
            assert answer["template_card"]["task_id"] == card["task_id"]
        return answer

    async def does(self, kind: str, member: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        event = {"eventtype": kind, kind: member or {}}
        return await self.platform.callbacks.post(self.platform.client, self.body(msgtype="event", event=event))

    # --- what the platform does

    def _later(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self.platform.tasks.add(task)

    async def _ask(self, bubble: Bubble) -> None:
        platform = self.platform
        while not bubble.finished:
            await asyncio.sleep(platform.every)
            if not platform.polling:
                continue
            body = self.body(msgtype="stream", stream={"id": bubble.id})
            del body["response_url"]
            try:
                answer = await platform.callbacks.post(platform.client, body)
            except (httpx.HTTPError, AssertionError):
                continue  # the bot is being started again: the platform asks once more
            try:
                assert answer is not None, "a poll without an answer"
                bubble.asked += 1
                if answer["stream"]["finish"] and platform.drop_last:
                    platform.drop_last -= 1
                    continue
                bubble.show(answer, first=False)
            except (AssertionError, KeyError) as problem:
                platform.problems.append(str(problem))
                return

    # --- what the person sees

    def texts(self) -> list[str]:
        return [bubble.text for bubble in self.screen]

    async def pictures(self) -> list[bytes]:
        """In streams, and those that late answers link to, as the chat shows them."""
        found = [data for bubble in self.screen for data in bubble.pictures]
        for bubble in self.screen:
            for url in _LINKED.findall(bubble.text) if bubble.late else ():
                answer = await self.platform.client.get(url)
                assert answer.status_code == 200, answer.status_code
                found.append(answer.content)
        return found

    async def until(self, condition: Callable[[], Any], seconds: float = LONG) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                assert not self.platform.problems, self.platform.problems
                await asyncio.sleep(0.01)

    async def ended(self, *bubbles: Bubble) -> None:
        shown: Sequence[Bubble] = bubbles or self.screen
        await self.until(lambda: all(bubble.finished for bubble in shown))
