"""From the JSON of an update to the library's `Update`, whatever a newer server puts into it.

Fields unknown to the library do not matter. A known one whose shape has changed makes it reject the whole update: then
the update is read without the fields we do not use, and marked as incomplete. What cannot be read even so is skipped.
"""

import logging
from collections.abc import Mapping
from typing import Any

from telegram import Bot, Message, Update

log = logging.getLogger(__name__)

Json = Mapping[str, Any]

UNREADABLE = (TypeError, ValueError, KeyError, AttributeError, IndexError, RecursionError, OverflowError, OSError)
"""What the library raises for an object of another shape."""
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
        "ephemeral_message_id",
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
"""What somebody sent, as opposed to what happened in the chat."""


def update_from(data: Json, bot: Bot) -> Update | None:
    """None if it cannot be read."""
    try:
        return Update.de_json(dict(data), bot)
    except UNREADABLE as error:
        log.info("reading an update without its unknown parts: %s", type(error).__name__)
    try:
        return Update.de_json({name: plain(value) if name in _MESSAGES else value for name, value in data.items()}, bot)
    except UNREADABLE as error:
        log.error("skipping an unreadable update: %s", type(error).__name__)
        return None


def left_out(message: Message) -> bool:
    """Whether something that was sent could not be read."""
    return bool(message.api_kwargs.get(_NOTE))


def answered(answer: dict[str, Any]) -> dict[str, Any]:
    """A server's answer whose messages contain the ones they reply to: that with only what we read of one."""
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
