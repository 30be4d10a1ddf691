"""The long connection as people see it: what they say goes over it, what the bot sends stands on their phones."""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.servers.wecom import BOT_ID, FakeLine, Media
from tests.waiting import LONG


@dataclass
class LinePhone:
    """One person in one chat. `texts` and `pictures` are what is on the screen, from the frames the platform took."""

    line: FakeLine
    userid: str = "ann"
    chatid: str | None = None
    media: Media | None = None
    requests: set[str] = field(default_factory=set)
    """Handles of what this person sent."""

    def body(self, **members: Any) -> dict[str, Any]:
        chat = {"chattype": "group", "chatid": self.chatid} if self.chatid else {"chattype": "single"}
        return {
            "msgid": secrets.token_hex(12),
            "aibotid": BOT_ID,
            **chat,
            "from": {"userid": self.userid},
            "create_time": 0,
            **members,
        }

    def text(self, words: str) -> dict[str, Any]:
        return {"msgtype": "text", "text": {"content": words}}

    def image(self, data: bytes) -> dict[str, Any]:
        """With a key of its own, as hex digits."""
        assert self.media is not None
        key = secrets.token_bytes(32)
        return {"msgtype": "image", "image": {"url": self.media.put(data, key), "aeskey": key.hex()}}

    async def says(self, words: str, *photos: bytes) -> dict[str, Any]:
        """Returns what was said, for `sends` to say it again."""
        body = self.body(**self.text(words))
        if photos:
            items = [self.text(words), *(self.image(photo) for photo in photos)]
            body = self.body(msgtype="mixed", mixed={"msg_item": items})
        await self.sends(body)
        return body

    async def sends(self, body: Mapping[str, Any], cmd: str = "aibot_msg_callback") -> str:
        await self.until(lambda: self.line.connected)
        req_id = await asyncio.to_thread(self.line.say, cmd, body)
        self.requests.add(req_id)
        return req_id

    async def does(self, kind: str, member: Mapping[str, Any] | None = None) -> str:
        event = {"eventtype": kind, kind: member or {}}
        return await self.sends(self.body(msgtype="event", event=event), "aibot_event_callback")

    # --- what is on the screen

    def _mine(self, frame: Mapping[str, Any]) -> bool:
        if frame["cmd"] == "aibot_send_msg":
            return bool(frame["body"]["chatid"] == (self.chatid or self.userid))
        return frame["headers"]["req_id"] in self.requests

    def frames(self, kind: str) -> list[dict[str, Any]]:
        """What was shown of this kind, in order."""
        shown = [frame for frame in list(self.line.shown) if self._mine(frame)]
        return [frame["body"] for frame in shown if frame["body"]["msgtype"] == kind]

    def streams(self) -> dict[str, dict[str, Any]]:
        """The streams as they are now, by their ids."""
        return {body["stream"]["id"]: body["stream"] for body in self.frames("stream")}

    def texts(self) -> list[str]:
        markdown = [body["markdown"]["content"] for body in self.frames("markdown")]
        return [*(stream["content"] for stream in self.streams().values()), *markdown]

    def pictures(self) -> list[bytes]:
        return [self.line.media[body["image"]["media_id"]] for body in self.frames("image")]

    def cards(self) -> list[dict[str, Any]]:
        return [body["template_card"] for body in self.frames("template_card")]

    async def until(self, condition: Callable[[], Any], seconds: float = LONG) -> None:
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 - what is waited for happens in another thread
                await asyncio.sleep(0.01)
