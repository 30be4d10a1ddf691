"""Result pages: a result under an address that cannot be guessed, for a week; and its media ids.

The page works in every chat that opens links: no login, the pictures at full size, "long-press to save". Channels whose
messages cannot carry the result link to it.
"""

import hashlib
import hmac
import logging
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict

from handlers.message import Chat, Choice, Language, Outgoing
from handlers.store.base import Values
from handlers.words import words
from providers.media.ref import StoredPath
from providers.media.store import at_hand

log = logging.getLogger(__name__)

SPACE = "wechat.page"
ADDRESS_SPACE = "wechat.address"
MATERIAL = "wechat.material"
LIFE_SECONDS = 7 * 24 * 3600.0
MEDIA_SECONDS = 3 * 24 * 3600.0 - 3600.0
"""Temporary media live for three days; an id is not used any more in its last hour."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Shown(_Frozen):
    """A picture of a result."""

    path: StoredPath
    width: int
    height: int
    mime: str


class Uploaded(_Frozen):
    media_id: str
    at: float
    permanent: bool = False


class Page(_Frozen):
    """`made`: seconds since 1970. `media`: by the picture's number from 1, or `all` for the collage.

    `owner`: its person, `Chat.owner`; a page of an older version has the follower's `openid` instead.
    """

    owner: str = ""
    openid: str = ""
    language: Language
    text: str
    pictures: tuple[Shown, ...]
    choices: tuple[tuple[str, str], ...] = ()
    made: float
    media: dict[str, Uploaded] = {}

    @property
    def whose(self) -> str:
        """`Chat.owner` of the person it was made for."""
        return self.owner or Chat(channel="wechat", chat=self.openid, person=self.openid).owner

    def offers(self) -> tuple[Choice, ...]:
        return tuple(Choice(id=i, label=label) for i, label in self.choices)

    def permanent(self) -> tuple[str, ...]:
        """Ids of permanent material."""
        return tuple(m.media_id for m in self.media.values() if m.permanent)

    def media_id(self, which: str, now: datetime) -> str | None:
        known = self.media.get(which)
        if known is None or (not known.permanent and now.timestamp() - known.at > MEDIA_SECONDS):
            return None
        return known.media_id


class Pages:
    """`public_url`: the address the world sees; without it the one the platform was last seen to use."""

    def __init__(
        self, *, store: Values, clock: Callable[[], datetime], secret: bytes, account: str, public_url: str | None
    ) -> None:
        self._store = store
        self.clock = clock
        self._key = hmac.digest(secret, b"likeness.wechat.pages", "sha256")
        self._account = account
        self._public = public_url.rstrip("/") if public_url else None
        self._seen: str | None = None

    # --- addresses

    async def base(self) -> str | None:
        if self._public:
            return self._public
        return self._seen or await self._store.value(ADDRESS_SPACE, self._account)

    def moved(self, base: str) -> bool:
        """A signed push came to this address: returns whether it is new."""
        if self._public is not None or base == self._seen:
            return False
        self._seen = base
        return True

    async def remember(self, base: str) -> None:
        """For the other processes, and the next start."""
        try:
            await self._store.set_value(ADDRESS_SPACE, self._account, base)
        except Exception as error:
            log.warning("the address for links could not be stored: %s", type(error).__name__)
            self._seen = None

    async def link(self, page_id: str) -> str | None:
        base = await self.base()
        return f"{base}/r/{page_id}" if base else None

    async def link_for(self, chat: Chat, name: str) -> str | None:
        """The address of the page of a result, by its job (or its own id, if it has none)."""
        return await self.link(self.id_for(chat, name))

    async def receipt(self, page_id: str, page: Page, *, together: bool, unsure: bool = False) -> str:
        """The text shown with a result. `together`: its pictures are in one; `unsure`: one may not have arrived."""
        lines = [page.text]
        if together:
            lines.append(words(page.language, "wechat.collage", n=len(page.pictures)))
        if link := await self.link(page_id):
            lines.append(words(page.language, "wechat.maybe_sent" if unsure else "wechat.full_size", url=link))
        return "\n".join(lines)

    # --- records

    def id_of(self, chat: Chat, outgoing: Outgoing) -> str:
        """The same result, the same page, however often it is delivered."""
        return self.id_for(chat, outgoing.job or outgoing.id)

    def id_for(self, chat: Chat, name: str) -> str:
        name = f"{chat.key}\x1f{name}"
        return urlsafe_b64encode(hmac.digest(self._key, name.encode(), hashlib.sha256)[:18]).decode()

    async def put(self, chat: Chat, outgoing: Outgoing) -> str:
        """Make the page of a result, or make it anew with the media ids it has."""
        page_id, now = self.id_of(chat, outgoing), self.clock()
        page = Page(
            owner=chat.owner,
            language=outgoing.language,
            text=outgoing.text,
            pictures=tuple(Shown(path=p.path, width=p.width, height=p.height, mime=p.mime) for p in outgoing.pictures),
            choices=tuple((c.id, c.label) for c in outgoing.choices),
            made=now.timestamp(),
        )

        def put(known: str | None) -> str:
            media = self._page(known).media if known else {}
            return page.model_copy(update={"media": media}).model_dump_json(context=self._store.media)

        await self._store.change(SPACE, page_id, put, owner=chat.owner, expires=now + timedelta(seconds=LIFE_SECONDS))
        return page_id

    async def get(self, page_id: str) -> Page | None:
        """None if it never existed, has expired, or was forgotten."""
        raw = await self._store.value(SPACE, page_id)
        page = None if raw is None else self._page(raw)
        return None if page is None or self.clock().timestamp() - page.made > LIFE_SECONDS else page

    async def at_hand(self, shown: Shown) -> bool:
        """Whether the picture's file is on this machine, downloaded if need be."""
        return await at_hand(self._store.media, shown.path)

    def _page(self, raw: str) -> Page:
        return Page.model_validate_json(raw, context=self._store.media)

    async def uploaded(self, page_id: str, which: str, media_id: str, *, permanent: bool) -> None:
        if permanent:
            # It stays on the account until somebody deletes it. Recorded apart from the page, which is deleted
            # silently: when its week is over, and when its person is forgotten.
            await self._store.set_value(MATERIAL, media_id, page_id)
        new = Uploaded(media_id=media_id, at=self.clock().timestamp(), permanent=permanent)

        def with_media(raw: str | None) -> str | None:
            if raw is None:
                return None
            page = self._page(raw)
            return page.model_copy(update={"media": {**page.media, which: new}}).model_dump_json(
                context=self._store.media
            )

        page = await self.get(page_id)
        if page is not None:
            until = datetime.fromtimestamp(page.made, UTC) + timedelta(seconds=LIFE_SECONDS)
            await self._store.change(SPACE, page_id, with_media, owner=page.whose, expires=until)

    # --- permanent material

    async def discarded(self) -> tuple[str, ...]:
        """Permanent material that no page shows any more."""
        noted = await self._store.space(MATERIAL)
        pages = {page_id: await self.get(page_id) for page_id in dict.fromkeys(page_id for _, page_id in noted)}
        return tuple(m for m, page_id in noted if (page := pages[page_id]) is None or m not in page.permanent())

    async def deleted(self, media_id: str) -> None:
        """The platform no longer has it."""
        await self._store.drop_value(MATERIAL, media_id)
