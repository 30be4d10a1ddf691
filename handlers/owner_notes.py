"""Telling the owner: a sentence to every admin in their private chat, each subject once a day however often it occurs.

A note is committed before it is sent, so that only one of several processes sends it. An admin who cannot be reached is
logged and skipped: the log says the same.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from handlers.channel import Channel
from handlers.message import Chat, Kind, Outgoing
from handlers.store.base import Store
from handlers.words import words
from providers.errors import LikenessError

log = logging.getLogger(__name__)

_TOLD = "owner.told"


class OwnerNotes:
    """`admins`: `channel:id`, as ADMINS names them."""

    def __init__(
        self,
        store: Store,
        channels: Mapping[str, Channel],
        admins: Sequence[str],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._channels = channels
        self._admins = tuple(admins)
        self._now = now

    async def tell(self, key: str, text: str, **params: str | int) -> None:
        """`key`: the subject, once a day. `text`: the key of the sentence."""
        now = self._now()
        day = f"{now.astimezone(UTC):%Y-%m-%d}"
        if not await self._store.add_value(_TOLD, f"{key}:{day}", "1", expires=now + timedelta(days=2)):
            return
        log.warning("%s", words("en", text, **params))
        for admin in self._admins:
            channel, _, person = admin.partition(":")
            if channel in self._channels:
                await self._say(
                    self._channels[channel], Chat(channel=channel, chat=person, person=person), key, text, **params
                )

    async def _say(self, channel: Channel, chat: Chat, key: str, text: str, **params: str | int) -> None:
        try:
            language = (await self._store.session(chat)).language or "en"
            said = words(language, text, **params)
            day = f"{self._now().astimezone(UTC):%Y-%m-%d}"
            await channel.say(chat, Outgoing(id=f"owner:{key}:{day}", kind=Kind.TEXT, text=said, language=language))
        except LikenessError as error:
            log.warning("an admin could not be told: %s", error.code)
