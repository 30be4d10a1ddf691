"""Links to single pictures for people who are not in this browser: kept for a while, taken back at any time.

Two values for a link: under its id, which picture of whose conversation it shows; and in the person's list, so that
they see and end what works. Both belong to the person: a /forget takes them, and both expire by themselves.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict

from bot.channels.web.cookies import chat_of
from bot.channels.web.uploads import Refused
from handlers.message import Chat
from handlers.store.base import Values

MOST = 30
"""Links of one person that work at once."""
DAYS = (1, 7, 30)
"""How long one may be wished to work."""
ID_BYTES = 18
"""144 bits: nobody finds a link by trying."""

_LINK = "web.share"
_LIST = "web.shares"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Link(_Frozen):
    """A link that works. `picture`: the last part of the picture's address in its person's conversation."""

    id: str
    person: str
    picture: str
    expires: datetime

    @property
    def chat(self) -> Chat:
        return chat_of(self.person)


class _Links(_Frozen):
    links: tuple[Link, ...] = ()

    def working(self, now: datetime) -> tuple[Link, ...]:
        return tuple(link for link in self.links if link.expires > now)


@dataclass(frozen=True, kw_only=True)
class Shares:
    """`clock`: UTC."""

    store: Values
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def make(self, chat: Chat, picture: str, days: int, *, kept_until: datetime) -> Link:
        """`kept_until`: when the picture itself goes. Raises Refused where so many links work already."""
        now = self.clock()
        expires = min(now + timedelta(days=days), kept_until)
        link = Link(id=secrets.token_urlsafe(ID_BYTES), person=chat.person, picture=picture, expires=expires)

        def with_it(kept: str | None) -> str:
            links = _read(kept).working(now)
            if len(links) >= MOST:
                raise Refused(429, "too_many_shares", n=MOST)
            return _Links(links=(*links, link)).model_dump_json()

        await self._change(chat, with_it)
        await self.store.set_value(_LINK, link.id, link.model_dump_json(), owner=chat.owner, expires=link.expires)
        return link

    async def of(self, chat: Chat) -> tuple[Link, ...]:
        """What works, newest first."""
        return _read(await self.store.value(_LIST, chat.owner)).working(self.clock())[::-1]

    async def revoke(self, chat: Chat, share: str) -> None:
        """From now on it leads nowhere; of one that is not this person's, or of none, nothing happens."""
        if share not in {link.id for link in await self.of(chat)}:
            return
        await self.store.drop_value(_LINK, share)

        def without_it(kept: str | None) -> str:
            return _Links(links=tuple(link for link in _read(kept).links if link.id != share)).model_dump_json()

        await self._change(chat, without_it)

    async def find(self, share: str) -> Link | None:
        """What a link shows, as long as it works."""
        kept = await self.store.value(_LINK, share)
        link = Link.model_validate_json(kept) if kept else None
        return link if link is not None and link.expires > self.clock() else None

    async def _change(self, chat: Chat, change: Callable[[str | None], str]) -> None:
        expires = self.clock() + timedelta(days=max(DAYS))
        await self.store.change(_LIST, chat.owner, change, owner=chat.owner, expires=expires)


def _read(kept: str | None) -> _Links:
    return _Links() if kept is None else _Links.model_validate_json(kept)
