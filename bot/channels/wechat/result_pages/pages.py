"""Result pages: what a result was, under an address that cannot be guessed, for a week; and its media ids.

The page works on every kind of account: no login, the pictures at full size, "long-press to save".
"""

import hashlib
import hmac
import logging
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from bot.channels.wechat.follower import Follower
from bot.channels.wechat.follower_store import FollowerStore
from handlers.message import Chat, Choice, Language, Outgoing
from handlers.store.base import Store
from handlers.words import words

log = logging.getLogger(__name__)

SPACE = "wechat.page"
ADDRESS_SPACE = "wechat.address"
DISCARDED = "wechat.discarded"
LIFE_SECONDS = 7 * 24 * 3600.0
MEDIA_SECONDS = 3 * 24 * 3600.0 - 3600.0
"""Temporary media live for three days; an id an hour before its end is not used any more."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Shown(_Frozen):
    """A picture of a result."""

    path: Path
    width: int
    height: int
    mime: str


class Uploaded(_Frozen):
    media_id: str
    at: float
    permanent: bool = False


class Page(_Frozen):
    """`made`: seconds since 1970. `media`: by the picture's number from 1, or `all` for the collage."""

    openid: str
    language: Language
    text: str
    pictures: tuple[Shown, ...]
    choices: tuple[tuple[str, str], ...] = ()
    made: float
    media: dict[str, Uploaded] = {}

    def offers(self) -> tuple[Choice, ...]:
        return tuple(Choice(id=i, label=label) for i, label in self.choices)

    def permanent(self, which: str | None = None) -> tuple[str, ...]:
        """Ids of permanent material: of one picture, or of all."""
        some = self.media.values() if which is None else [m for w, m in self.media.items() if w == which]
        return tuple(m.media_id for m in some if m.permanent)

    def media_id(self, which: str, now: datetime) -> str | None:
        known = self.media.get(which)
        if known is None or (not known.permanent and now.timestamp() - known.at > MEDIA_SECONDS):
            return None
        return known.media_id


class Pages:
    """`public_url`: the address the world sees; without it the one the platform was last seen to use."""

    def __init__(
        self, *, store: Store, people: FollowerStore, secret: bytes, account: str, public_url: str | None
    ) -> None:
        self._store = store
        self._people = people
        self._key = hmac.digest(secret, b"likeness.wechat.pages", "sha256")
        self._account = account
        self._public = public_url.rstrip("/") if public_url else None
        self._seen: str | None = None

    @property
    def clock(self) -> Callable[[], datetime]:
        return self._people.clock

    # --- addresses

    async def base(self) -> str | None:
        if self._public:
            return self._public
        return self._seen or await self._store.value(ADDRESS_SPACE, self._account)

    def moved(self, base: str) -> bool:
        """A signed push came to this address: whether that is news."""
        if self._public is not None or base == self._seen:
            return False
        self._seen = base
        return True

    async def remember(self, base: str) -> None:
        """For the other processes, and the next start."""
        try:
            await self._store.set_value(ADDRESS_SPACE, self._account, base)
        except Exception as error:
            log.warning("the address for links could not be written down: %s", type(error).__name__)
            self._seen = None

    async def link(self, page_id: str) -> str | None:
        base = await self.base()
        return f"{base}/r/{page_id}" if base else None

    async def receipt(self, page_id: str, page: Page, *, together: bool, unsure: bool = False) -> str:
        """What is said about a result. `together`: its pictures are in one; `unsure`: one may not have come."""
        lines = [page.text]
        if together:
            lines.append(words(page.language, "wechat.collage", n=len(page.pictures)))
        if link := await self.link(page_id):
            lines.append(words(page.language, "wechat.maybe_sent" if unsure else "wechat.full_size", url=link))
        return "\n".join(lines)

    # --- records

    def id_of(self, chat: Chat, outgoing: Outgoing) -> str:
        """The same result, the same page, however often it is delivered."""
        name = f"{chat.key}\x1f{outgoing.job or outgoing.id}".encode()
        return urlsafe_b64encode(hmac.digest(self._key, name, hashlib.sha256)[:18]).decode()

    async def put(self, chat: Chat, outgoing: Outgoing) -> str:
        """Make the page of a result; pages of this person that have expired are deleted."""
        page_id, now = self.id_of(chat, outgoing), self.clock().timestamp()
        known = await self._store.value(SPACE, page_id)
        if known is None:
            # A queue of pages, oldest first: those of people who never come back must go too.
            await self._store.put_inbox(SPACE, page_id, "")
        page = Page(
            openid=chat.person,
            language=outgoing.language,
            text=outgoing.text,
            pictures=tuple(Shown(path=p.path, width=p.width, height=p.height, mime=p.mime) for p in outgoing.pictures),
            choices=tuple((c.id, c.label) for c in outgoing.choices),
            made=now,
            media=Page.model_validate_json(known).media if known else {},
        )
        await self._store.set_value(SPACE, page_id, page.model_dump_json())
        expired: list[str] = []

        def listed(person: Follower) -> Follower:
            expired[:] = [i for i, at in person.pages if now - at > LIFE_SECONDS and i != page_id]
            others = tuple((i, at) for i, at in person.pages if i != page_id and i not in expired)
            return person.model_copy(update={"pages": (*others, (page_id, now))})

        await self._people.change(chat.person, listed)
        await self.delete(expired)
        return page_id

    async def get(self, page_id: str) -> Page | None:
        """None where it never was, has expired, or was forgotten."""
        raw = await self._store.value(SPACE, page_id)
        page = None if raw is None else Page.model_validate_json(raw)
        return None if page is None or self.clock().timestamp() - page.made > LIFE_SECONDS else page

    async def uploaded(self, page_id: str, which: str, media_id: str, *, permanent: bool) -> None:
        while True:
            raw = await self._store.value(SPACE, page_id)
            if raw is None:
                await self._discard(() if not permanent else (media_id,))
                return
            page = Page.model_validate_json(raw)
            new = Uploaded(media_id=media_id, at=self.clock().timestamp(), permanent=permanent)
            changed = page.model_copy(update={"media": {**page.media, which: new}})
            if await self._store.set_value(SPACE, page_id, changed.model_dump_json(), expected=raw):
                await self._discard(page.permanent(which))
                return

    # --- what goes

    async def forget(self, openid: str) -> None:
        await self.delete([page_id for page_id, _ in (await self._people.read(openid)).pages])

    async def delete(self, page_ids: Sequence[str]) -> None:
        for page_id in page_ids:
            raw = await self._store.value(SPACE, page_id)
            if raw is None:
                continue
            await self._discard(Page.model_validate_json(raw).permanent())
            await self._store.set_value(SPACE, page_id, None)

    async def _discard(self, media_ids: Sequence[str]) -> None:
        """Permanent material stays on the account until somebody deletes it: it is noted down for that."""
        for media_id in media_ids:
            await self._store.put_inbox(DISCARDED, media_id, "")

    async def discarded(self) -> tuple[str, ...]:
        """Permanent material of pages that are gone."""
        return tuple(media_id for media_id, _ in await self._store.inbox(DISCARDED))

    async def deleted(self, media_id: str) -> None:
        """The platform does not have it any more."""
        await self._store.done_inbox(DISCARDED, media_id)

    async def sweep(self) -> None:
        """Delete pages whose time is over, whether their people came back or not."""
        for page_id, _ in await self._store.inbox(SPACE):
            if await self.get(page_id) is None:
                await self.delete([page_id])
                await self._store.done_inbox(SPACE, page_id)
