"""A callback on its way to the handlers: what the inbox stores of it, and the `Message` it becomes."""

import hashlib
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from bot.channels.wecom.incoming import Incoming, Kind
from bot.channels.wecom.talk import Answer
from bot.channels.wecom.talks import CHANNEL, chat_of
from handlers.message import Chat, IncomingPhoto, Language, Message

HINTED = frozenset({"file", "video", "voice", "image", "mixed", "text"})
"""Kinds of messages that people send: one without text and pictures is answered with what to send instead."""


class Heard(BaseModel):
    """`key` names it permanently. `req`: its handle over the long connection. `began`: seconds since 1970."""

    model_config = ConfigDict(frozen=True)

    key: str
    incoming: Incoming
    began: float
    req: str = ""
    language: Language = "zh"
    choice: str | None = None

    @property
    def chat(self) -> Chat:
        return chat_of(self.incoming.chat, self.incoming.person)

    @property
    def answer_id(self) -> str:
        """Its stream's id: one per message, and the same however often that comes."""
        return stream_id(self.key)

    @property
    def pressed(self) -> bool:
        return self.incoming.kind is Kind.PRESS

    @property
    def hinted(self) -> str | None:
        """The key of the reply if there is nothing for the handlers."""
        incoming = self.incoming
        if self.pressed or incoming.photos or incoming.quoted:
            return None
        if incoming.quoted_other:
            return "wecom.unsupported"
        if incoming.text:
            return None
        return "wecom.unsupported" if incoming.other else "wecom.greeting"

    def answer(self, url: str) -> Answer:
        """`url`: its `response_url` if it may be called."""
        return Answer(
            id=self.answer_id,
            began=self.began,
            language=self.language,
            req=self.req,
            url=url,
            streamed=not self.pressed,
        )

    def message(self, photos: Sequence[IncomingPhoto] = (), quoted: Sequence[IncomingPhoto] = ()) -> Message:
        return Message(
            key=f"{CHANNEL}:{self.key}",
            chat=self.chat,
            text="" if self.choice else self.incoming.text,
            choice=self.choice,
            photos=tuple(photos),
            quoted_photos=tuple(quoted),
            language_hint=self.language,
            ref=self.answer_id,
            group=self.incoming.group,
        )


def key_of(incoming: Incoming, req: str) -> str:
    """What names it. A press is named by what was pressed on which card, so that pressing twice is pressing once."""
    if incoming.kind is Kind.PRESS:
        return f"press:{incoming.task}:{incoming.choice}"
    return incoming.msgid or req


def stream_id(key: str) -> str:
    return hashlib.sha256(f"{CHANNEL}\x1f{key}".encode()).hexdigest()[:32]
