"""Streams in callback mode: what the platform is answered when it posts a message, and each time it polls."""

from collections.abc import Callable
from typing import Any

from bot.channels.wecom.pictures import Fitted
from bot.channels.wecom.talk import Answer, Item, Talk
from bot.channels.wecom.talks import Talks
from bot.channels.wecom.view import View, stream_json, with_card
from handlers.message import Chat, Language
from handlers.words import words

Look = Callable[[Talk, Answer], View]
"""What a stream shows now."""


class Streams:
    def __init__(self, *, talks: Talks, fitted: Fitted, look: Look) -> None:
        self._talks = talks
        self._fitted = fitted
        self._look = look

    async def given(self, chat: Chat, id: str, *, language: Language, first: bool = False) -> dict[str, Any]:
        """The stream as it stands. `first`: in the answer to the message itself, which carries no card.

        A stream that is no longer known ends with a sentence.
        """
        talk = await self._talks.read(chat)
        answer = talk.answer(id) if talk else None
        if talk is None or answer is None or not answer.streamed:
            return stream_json(id, words(language, "wecom.forgotten"), last=True, feedback=False)
        shown = self._look(talk, answer)
        if shown.card is not None:
            plain = stream_json(id, shown.text, last=False, feedback=first)
            if first:
                return plain
            card = shown.card
            await self._talks.change(chat, lambda t: t.carded(id, card))
            return with_card(plain, card, answer.language)
        if not shown.last:
            return stream_json(id, shown.text, last=False, feedback=first)
        await self._fitted.all(shown.pictures)  # before it is said that they are shown
        if not answer.ended:
            names = [item.id for item in shown.items]
            talk = await self._talks.change(chat, lambda t: t.over(id, names, self._talks.now()))
            # What the other way has taken meanwhile is not shown here too.
            shown = self._look(talk, talk.answer(id) or answer)
        images = await self._fitted.all(shown.pictures)
        return stream_json(id, shown.text, last=True, images=images, feedback=first)

    async def settled(self, chat: Chat, item: Item) -> None:
        """Give up the stream that an item waits for: nobody polls it any more."""

        def give_up(talk: Talk) -> Talk:
            now = talk.item(item.id)
            return talk if now is None or now.way else talk.over(now.answer, (), self._talks.now())

        await self._talks.change(chat, give_up)
