"""Where something can go if its place is refused: the topic without a reply, the general topic, the person's private
chat. A result that no chat takes is stored until the person writes again (`Results.hand_over`)."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from telegram.error import BadRequest

from bot.channels.telegram.outbound.gateway import Gateway
from handlers.message import Chat

T = TypeVar("T")

_NO_TOPIC = ("thread not found", "topic_closed", "topic_deleted", "topic_id_invalid", "topic closed")
_NO_REPLY = ("message to be replied not found", "message to reply not found", "reply_message_id_invalid")

Call = Callable[[int, int | None, bool], Awaitable[T]]
"""Sends to a chat, in a topic of it, and with or without quoting what it replies to."""


def topic_refused(error: BadRequest) -> bool:
    return any(text in str(error).lower() for text in _NO_TOPIC)


def reply_refused(error: BadRequest) -> bool:
    return any(text in str(error).lower() for text in _NO_REPLY)


def thread_of(chat: Chat) -> int | None:
    return int(chat.thread) if chat.thread else None


async def in_topic(gateway: Gateway, chat: Chat, call: Call[T]) -> T:
    """Send to the chat's topic; if that was deleted or closed meanwhile, to the group's general one; if the message it
    replies to is gone, without quoting it. Raises what the gateway raises."""
    thread, quoting = thread_of(chat), True
    while True:
        to_thread, to_quote = thread, quoting
        try:
            return await gateway(chat.chat, lambda to: call(to, to_thread, to_quote))  # noqa: B023 - awaited here
        except BadRequest as error:
            if reply_refused(error) and quoting:
                quoting = False
            elif topic_refused(error) and thread is not None:
                thread, quoting = None, False  # the message it replies to is in the other topic
            else:
                raise


def chats_for(chat: Chat) -> Iterator[Chat]:
    """The chats a result of this person may be shown in, the one it was requested in first. Somebody who writes as a
    channel or a group has no private chat."""
    yield chat
    if chat.chat != chat.person and chat.person.isdecimal():
        yield replace(chat, chat=chat.person, thread=None)
