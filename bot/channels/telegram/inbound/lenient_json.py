"""From the JSON of an update to the library's `Update`, whatever a newer server puts into it.

Fields the library does not know are no matter. One that it knows, but that has another shape by now, makes it refuse
the whole update: then the update is read without whatever we have no use for, and keeps a note that something was left
out. What cannot be read even so is nobody's message.
"""

import logging
from collections.abc import Mapping
from typing import Any

from telegram import Bot, Message, Update

log = logging.getLogger(__name__)

Json = Mapping[str, Any]

UNREADABLE = (TypeError, ValueError, KeyError, AttributeError, IndexError, RecursionError, OverflowError, OSError)
"""What the library raises on an object of another shape."""
_MESSAGES = ("message", "edited_message")
_NEEDED = frozenset(
    {
        "message_id",
        "date",
        "edit_date",
        "chat",
        "from",
        "sender_chat",
        "is_automatic_forward",
        "forward_origin",
        "text",
        "entities",
        "caption",
        "caption_entities",
        "photo",
        "live_photo",
        "document",
        "sticker",
        "media_group_id",
        "message_thread_id",
        "is_topic_message",
        "forum_topic_created",
        "reply_to_message",
        "external_reply",
        "reply_markup",
        "migrate_to_chat_id",
        "migrate_from_chat_id",
    }
)
_NOTE = "likeness_left_out"
_CONTENT = frozenset(
    {
        "animation",
        "audio",
        "checklist",
        "contact",
        "dice",
        "game",
        "giveaway",
        "giveaway_winners",
        "invoice",
        "location",
        "paid_media",
        "poll",
        "story",
        "venue",
        "video",
        "video_note",
        "voice",
    }
)
"""What somebody sent rather than what happened in the chat."""


def update_from(data: Json, bot: Bot) -> Update | None:
    """None where it cannot be read."""
    try:
        return Update.de_json(dict(data), bot)
    except UNREADABLE as error:
        log.info("an update is read without what is new in it: %s", type(error).__name__)
    try:
        return Update.de_json({name: plain(value) if name in _MESSAGES else value for name, value in data.items()}, bot)
    except UNREADABLE as error:
        log.error("an update could not be read and is passed over: %s", type(error).__name__)
        return None


def left_out(message: Message) -> bool:
    """Whether something that was sent could not be read."""
    return bool(message.api_kwargs.get(_NOTE))


def answered(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer of the server's, whose messages come with what they answer: that with only what we read of one."""
    result = answer.get("result") if isinstance(answer, dict) else None
    for message in result if isinstance(result, list) else [result]:
        if isinstance(message, dict) and "reply_to_message" in message:
            message["reply_to_message"] = plain(message["reply_to_message"])
    return answer


def plain(message: Any) -> Any:
    """A message with only what we read of one."""
    if not isinstance(message, Mapping):
        return message
    needed = {name: value for name, value in message.items() if name in _NEEDED}
    if "reply_to_message" in needed:
        needed["reply_to_message"] = plain(needed["reply_to_message"])
    return needed | ({_NOTE: True} if _CONTENT & message.keys() else {})
