"""What a person's message leads to: its photos downloaded, then the handlers, or a word of ours.

It is a tap, a drawing from the Mini App, or the posts that are one message.
"""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from bot.channels.arrivals import Arrival, Outcome
from bot.channels.telegram.inbound.dispatch import Dispatch
from bot.channels.telegram.inbound.joining import Heard
from bot.channels.telegram.inbound.messages import MessageBuilder
from bot.channels.telegram.inbound.photos import Lost, Photos, TooLarge
from bot.channels.telegram.inbound.updates import LARGEST_DOWNLOAD, Post, Tap
from bot.channels.telegram.message_index import MessageIndex
from bot.channels.telegram.mini_app.desk import Desk, Drawn
from bot.channels.telegram.outbound.ephemeral import Action
from bot.channels.telegram.outbound.kept import KeptResults
from bot.channels.telegram.outbound.results import Results
from bot.channels.telegram.outbound.speaker import Speaker
from handlers.commands import is_command
from handlers.foreground import ForegroundGate
from handlers.message import IncomingPhoto
from handlers.store.base import Store
from providers.media.files import delete_quietly
from providers.media.threads import in_file_thread


class Handling:
    """`soon`: runs a task beside, which the channel's stop ends."""

    def __init__(
        self,
        *,
        store: Store,
        index: MessageIndex,
        builder: MessageBuilder,
        photos: Photos,
        desk: Desk,
        dispatch: Dispatch,
        speaker: Speaker,
        results: Results,
        kept: KeptResults,
        foreground: ForegroundGate,
        soon: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._store = store
        self._index = index
        self._builder = builder
        self._photos = photos
        self._desk = desk
        self._dispatch = dispatch
        self._speaker = speaker
        self._results = results
        self._kept = kept
        self._foreground = foreground
        self._soon = soon

    async def handle(self, arrivals: tuple[Arrival[Heard], ...]) -> Outcome:
        name, first = arrivals[0].value.chat, arrivals[0].value.what
        if isinstance(first, Drawn):
            return await self._painted(first)
        if isinstance(first, Tap):
            self._soon(self._kept.hand_over(self._builder.tapped(name, first).chat, self._results))
            return await self._tap(name, first, arrivals[0].value.action)
        posts = [arrival.value.what for arrival in arrivals if isinstance(arrival.value.what, Post)]
        if any(post.addressed for post in posts):
            self._soon(self._kept.hand_over(self._builder.message(name, posts).chat, self._results))
        return await self._posts(name, posts, arrivals[0].value.action)

    async def give_up(self, arrivals: tuple[Arrival[Heard], ...]) -> None:
        name, first = arrivals[0].value.chat, arrivals[0].value.what
        if isinstance(first, Drawn):
            message, files = await self._desk.message(first, self._photos.folder)
            await in_file_thread(delete_quietly, files)
        elif isinstance(first, Tap):
            message = self._builder.tapped(name, first)
        else:
            message = self._builder.message(name, [first])
        await self._dispatch.say_word(message, "error.internal")

    async def _painted(self, drawn: Drawn) -> Outcome:
        message, files = await self._desk.message(drawn, self._photos.folder)
        try:
            return await self._dispatch.converse(message)
        finally:
            await in_file_thread(delete_quietly, files)

    async def _posts(self, name: str, posts: Sequence[Post], action: Action | None) -> Outcome:
        posts, late = await self._builder.album(name, posts)
        if not any(post.addressed for post in posts) or not self._builder.is_news(posts):
            return Outcome.DONE
        message = self._builder.message(name, posts, late=late)
        unusable = posts[0].unusable and not any(post.photos for post in posts)
        if unusable and posts[0].private:
            return await self._dispatch.say_word(message, "telegram.only_photos")
        if unusable and not message.text:
            return Outcome.DONE
        if posts[0].quoted_unusable and message.text and not is_command(message.text):
            return await self._dispatch.say_word(message, "telegram.only_photos")
        fetched: tuple[IncomingPhoto, ...] = ()
        if any(post.photos or post.quoted for post in posts):
            self._soon(self._speaker.act(message.chat))
            await self._foreground.wait()  # for the first sign of everybody who writes now
        try:
            if await self._store.turn_of(message.key) is None:
                message, fetched = await self._builder.with_photos(message, posts)
            return await self._dispatch.converse(message, action=action)
        except TooLarge:
            return await self._dispatch.say_word(message, "error.photo_too_large_file", max_mb=LARGEST_DOWNLOAD >> 20)
        except Lost:
            return await self._dispatch.say_word(message, "telegram.photo_lost")
        finally:
            await in_file_thread(self._photos.discard, fetched)

    async def _tap(self, name: str, tap: Tap, action: Action | None) -> Outcome:
        message = self._builder.tapped(name, tap)
        if tap.ephemeral is not None:
            message = replace(message, ref=await self._index.asked(message.chat, tap.ephemeral))
        if (message.choice or "").startswith("file:"):
            return await self._dispatch.send_files(message)
        return await self._dispatch.converse(message, tap=tap, action=action)
