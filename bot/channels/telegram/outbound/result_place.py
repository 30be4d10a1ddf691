"""The place of one result, as it is committed before its picture is put there."""

from dataclasses import replace

from pydantic import BaseModel, ConfigDict

from bot.channels.telegram.outbound.media_format import Form
from handlers.message import Chat


class Place(BaseModel):
    """Where a result goes: the messages its pictures go to, one each, and the one its receipt goes to.

    `where`: another chat than the one it was requested in, because that one refused it. No messages: no chat takes it,
    and it is stored until the person writes again.
    """

    model_config = ConfigDict(frozen=True)

    messages: tuple[int, ...] = ()
    form: Form = "text"
    receipt: int | None = None
    where: str = ""

    def chat(self, asked: Chat) -> Chat:
        return replace(asked, chat=self.where, thread=None) if self.where else asked
