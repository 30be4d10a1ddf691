"""A push of the platform as one frozen value. Only what is used is kept; everything is checked."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal
from xml.parsers.expat import ExpatError

from wechatpy.parser import parse_message

from bot.channels.signed_posts import Malformed
from bot.customer_messages.follower import Action

Sort = Literal["text", "photo", "voice", "follow", "unfollow", "scan", "tap", "unsupported", "nothing"]

_NAME = re.compile(r"[A-Za-z0-9_.@-]{1,64}")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Characters that XML does not allow and people paste all the same: their message is not lost for one of them."""
_MSG_ID = re.compile(r"[0-9]{1,20}")
MAX_TEXT = 4000
"""Characters that are read; the platform itself allows fewer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One push. `key` names it permanently: the same for every attempt to deliver it. `at`: when the person did it,
    seconds since 1970.

    `text`: words, or what was recognised in a voice message. `tapped`: the id of a tapped menu item, the key of a menu
    button, or the parameter of a scanned code. `picture_url`, `media_id`: of a photo.
    """

    key: str
    openid: str
    account: str
    sort: Sort
    at: int = 0
    text: str = ""
    tapped: str = ""
    picture_url: str = ""
    media_id: str = ""

    @property
    def action(self) -> Action | None:
        """What it allows us to send; None for nothing."""
        if self.sort in ("tap", "follow", "scan"):
            return "brief"
        return None if self.sort in ("unfollow", "nothing") else "message"

    @property
    def moment(self) -> datetime | None:
        """`at` as a moment; None if the platform did not give it."""
        return datetime.fromtimestamp(self.at, UTC) if self.at else None


def readable(xml: str) -> str:
    """Without what no XML parser accepts."""
    return _NOT_XML.sub("", xml)


def read_event(xml: str) -> Event:
    """Raises Malformed."""
    try:
        message = parse_message(readable(xml))
    except (ExpatError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Malformed("not a push") from None
    if message is None:
        raise Malformed("empty")
    data: dict[str, Any] = {k: v for k, v in message._data.items() if isinstance(v, str)}
    openid, account = data.get("FromUserName", ""), data.get("ToUserName", "")
    if not _NAME.fullmatch(openid) or not _NAME.fullmatch(account):
        raise Malformed("no sender")
    second = data.get("CreateTime", "")
    at = int(second) if second.isascii() and second.isdecimal() and len(second) < 12 else 0
    if data["MsgType"].lower() == "event":
        return replace(_event(message.type, getattr(message, "event", ""), data, openid, account), at=at)
    if not _MSG_ID.fullmatch(data.get("MsgId", "")):
        raise Malformed("no id")
    return replace(_message(data, openid, account), at=at)


def _message(data: dict[str, Any], openid: str, account: str) -> Event:
    key = f"wechat:{openid}:{data['MsgId']}"
    match data["MsgType"].lower():
        case "text":
            tapped = data.get("bizmsgmenuid", "")
            text = data.get("Content", "")[:MAX_TEXT]
            sort: Sort = "tap" if tapped else "text"
            return Event(key=key, openid=openid, account=account, sort=sort, text=text, tapped=tapped)
        case "image":
            url, media = data.get("PicUrl", ""), data.get("MediaId", "")
            if not url and not media:
                raise Malformed("a picture without an address")
            return Event(key=key, openid=openid, account=account, sort="photo", picture_url=url, media_id=media)
        case "voice" if data.get("Recognition", "").strip():
            heard = data["Recognition"].strip()[:MAX_TEXT]
            return Event(key=key, openid=openid, account=account, sort="text", text=heard)
        case "voice":
            return Event(key=key, openid=openid, account=account, sort="voice")
        case _:
            return Event(key=key, openid=openid, account=account, sort="unsupported")


def _event(kind: str, event: str, data: dict[str, Any], openid: str, account: str) -> Event:
    """Events have no id: sender, second and kind name them."""
    name, tapped, second = data.get("Event", ""), data.get("EventKey", ""), data.get("CreateTime", "")
    if not name or not (second.isascii() and second.isdecimal()):
        raise Malformed("an event without a name")
    key = f"wechat:{openid}:{second}:{name[:40]}:{tapped[:128]}"
    sorts: dict[str, Sort] = {
        "subscribe": "follow",
        "subscribe_scan": "follow",
        "scan": "scan",
        "click": "tap",
        "unsubscribe": "unfollow",
    }
    sort = sorts.get(event, "nothing") if kind == "event" else "nothing"
    return Event(key=key, openid=openid, account=account, sort=sort, tapped=tapped)
