"""What WeCom sends, as frozen values: the same JSON in callback mode and over the long connection.

Source: WeCom documentation 100719 (messages) and 101027 (events). Unknown members are ignored.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_LEADING_MENTION = re.compile(r"^\s*@\S+\s*")
_SYSTEM = "sys"


class Kind(StrEnum):
    """What a callback is about."""

    MESSAGE = "message"
    STREAM = "stream"
    """The platform asks for the next state of a running answer (callback mode)."""
    ENTER = "enter"
    """Somebody opened the private chat for the first time this day."""
    PRESS = "press"
    """A button of a card."""
    FEEDBACK = "feedback"
    DISCONNECTED = "disconnected"
    """Another process has taken the bot over (long connection)."""


@dataclass(frozen=True, kw_only=True)
class Photo:
    """A picture to be downloaded within five minutes. `key`: its own base64 or hex key (long connection), else None."""

    url: str
    key: str | None = None


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """One callback that is for the bot.

    `msgid` names it for ever. `chat` is the group's id, or the person's in a private chat. `text` is without the
    mention of the bot. `quoted`: the pictures of the message it answers. `other`: the kind of a message that holds
    neither words nor pictures (`file`, `video`, …), so that the person can be told what to do.
    """

    kind: Kind
    msgid: str = ""
    person: str = ""
    chat: str = ""
    group: bool = False
    text: str = ""
    photos: tuple[Photo, ...] = ()
    quoted: tuple[Photo, ...] = ()
    other: str | None = None
    quoted_other: str | None = None
    """The kind of the message it answers, if that is a file or a video: no picture, though it may be meant."""
    stream: str = ""
    response_url: str | None = None
    choice: str = ""
    task: str = ""
    """The card that was pressed."""
    feedback: str = ""
    """Of a feedback: `good`, `bad` or `withdrawn`; `task` is then the answer's feedback id."""


def read(data: Any, *, bot_id: str | None, bot_name: str | None, named: bool) -> Incoming | None:
    """What the callback means to us, or None for one that is not for the bot.

    `named`: whether it must carry the bot's id; over the long connection, which is the bot's own, it need not. Not for
    the bot: another `aibotid`, no sender, the sender `sys`, a group without `chatid`, a group message that does not
    mention the bot, unknown kinds.
    """
    if not isinstance(data, Mapping):
        return None
    kind = _text(data, "msgtype")
    if kind == "event" and _text(_member(data, "event"), "eventtype") == "disconnected_event":
        return Incoming(kind=Kind.DISCONNECTED)
    if bot_id is not None and _text(data, "aibotid") not in ((bot_id,) if named else ("", bot_id)):
        return None
    person = _text(_member(data, "from"), "userid")
    if not person or person == _SYSTEM:
        return None
    group = _text(data, "chattype") == "group"
    chat = _text(data, "chatid") if group else person
    if not chat:
        return None
    who: dict[str, Any] = {"msgid": _text(data, "msgid"), "person": person, "chat": chat, "group": group}
    late = _text(data, "response_url") or None
    if kind == "stream":
        stream = _text(_member(data, "stream"), "id")
        return Incoming(kind=Kind.STREAM, stream=stream, **who) if stream else None
    if kind == "event":
        return _event(_member(data, "event"), who, late)
    return _message(data, kind, who, late, bot_name)


def for_the_bot(text: str, bot_name: str | None) -> bool:
    """Whether a text in a group is meant for the bot: it mentions the bot, or anybody if the bot's name is not set."""
    return f"@{bot_name}" in text if bot_name else "@" in text


def without_mention(text: str, bot_name: str | None) -> str:
    """The text without the leading mention; a name may hold spaces, so the configured one is tried first."""
    if bot_name and f"@{bot_name}" in text:
        return text.replace(f"@{bot_name}", " ", 1).strip()
    return _LEADING_MENTION.sub("", text).strip()


def _message(
    data: Mapping[str, Any], kind: str, who: Mapping[str, Any], late: str | None, bot_name: str | None
) -> Incoming | None:
    parts = list(_parts(data))
    texts = [part for part in parts if isinstance(part, str)]
    text = "\n".join(texts)
    if who["group"]:
        if not for_the_bot(text, bot_name):
            return None
        text = without_mention(text, bot_name)
    quote = data.get("quote")
    return Incoming(
        kind=Kind.MESSAGE,
        text=text.strip(),
        photos=tuple(part for part in parts if isinstance(part, Photo)),
        quoted=tuple(part for part in _parts(quote) if isinstance(part, Photo)) if isinstance(quote, Mapping) else (),
        other=None if parts else kind or None,
        quoted_other=_text(quote, "msgtype") if isinstance(quote, Mapping) and _is_file(quote) else None,
        response_url=late,
        **who,
    )


def _parts(data: Mapping[str, Any]) -> Iterator[str | Photo]:
    """Text and pictures of a message, or of the message it quotes, in their order."""
    kind = _text(data, "msgtype")
    member = _member(data, kind)
    if kind in ("text", "voice"):
        if text := _text(member, "content"):
            yield text
    elif kind == "image":
        if url := _text(member, "url"):
            yield Photo(url=url, key=_text(member, "aeskey") or None)
    elif kind == "mixed":
        items = member.get("msg_item")
        for item in items if isinstance(items, list) else ():
            if isinstance(item, Mapping) and _text(item, "msgtype") in ("text", "image"):
                yield from _parts(item)


def _is_file(quote: Mapping[str, Any]) -> bool:
    return _text(quote, "msgtype") in ("file", "video")


def _event(event: Mapping[str, Any], who: Mapping[str, Any], late: str | None) -> Incoming | None:
    kind = _text(event, "eventtype")
    member = _member(event, kind)
    if kind == "enter_chat":
        return Incoming(kind=Kind.ENTER, **who)
    if kind == "template_card_event":
        choice = _selected(member) or _text(member, "event_key")
        return Incoming(kind=Kind.PRESS, choice=choice, task=_text(member, "task_id"), response_url=late, **who)
    if kind == "feedback_event":
        said = {1: "good", 2: "bad", 3: "withdrawn"}.get(member.get("type", 0), "")
        return Incoming(kind=Kind.FEEDBACK, task=_text(member, "id"), feedback=said, **who) if said else None
    return None


def _selected(member: Mapping[str, Any]) -> str:
    """The first option that was picked in a list, if the card had one."""
    items = _member(member, "selected_items").get("selected_item")
    for item in items if isinstance(items, list) else ():
        options = _member(item, "option_ids").get("option_id") if isinstance(item, Mapping) else None
        if isinstance(options, list) and options and isinstance(options[0], str):
            return options[0]
    return ""


def _member(data: Any, name: str) -> Mapping[str, Any]:
    found = data.get(name) if isinstance(data, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _text(data: Mapping[str, Any], name: str) -> str:
    """A string member; numbers count (ids come as either), anything else is none."""
    found = data.get(name)
    if isinstance(found, str):
        return found
    return str(found) if isinstance(found, int) and not isinstance(found, bool) else ""
