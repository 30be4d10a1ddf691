"""What this account may do, queried from the platform at the start and corrected by what it refuses later.

The list in the platform's console decides, not the kind of account: each right is queried with a call that does
nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime

from bot.customer_messages.api import UNAUTHORISED, NotReached, Unclear, WeChatApi, WeChatError
from bot.customer_messages.rights import Right, Rights
from handlers.store.base import Values

log = logging.getLogger(__name__)

SPACE = "wechat.rights"
AGAIN_SECONDS = 3600.0
"""How often the rights are queried again: the account may have been verified, and a right that was refused once may be
back."""
KNOWN_SECONDS = 5.0
PAUSES = (2.0, 5.0, 15.0, 60.0)
NOBODY = "o-nobody-asks-for-rights"
"""An id no follower has: the call is refused for it, after the right to make it was checked."""


class AccountRights:
    """The account's rights, shared by all processes through the store."""

    def __init__(
        self,
        *,
        store: Values,
        app_id: str,
        api: WeChatApi,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._key = app_id
        self._api = api
        self._clock = clock
        self._sleep = sleep
        self._known: tuple[Rights, float] | None = None
        self._tried = asyncio.Event()

    @property
    def known(self) -> Rights:
        """As last seen by this process, without asking the store."""
        return self._known[0] if self._known else Rights()

    async def now(self) -> Rights:
        """At most `KNOWN_SECONDS` old; a right that another process lost is noticed at its next refusal."""
        at = self._clock().timestamp()
        if self._known is None or not 0 <= at - self._known[1] < KNOWN_SECONDS:
            raw = await self._store.value(SPACE, self._key)
            self._known = (Rights() if raw is None else Rights.model_validate_json(raw)), at
        return self._known[0]

    async def lost(self, right: Right) -> None:
        """The platform has just refused it."""
        rights = await self.now()
        if getattr(rights, right):
            log.warning("the account may not use %s messages: using another way from now on", right)
            await self._save(rights.model_copy(update={right: False, "asked": self._clock().timestamp()}))

    async def only_permanent(self) -> None:
        await self._save((await self.now()).model_copy(update={"permanent": True}))

    async def _save(self, rights: Rights) -> None:
        self._known = rights, self._clock().timestamp()
        await self._store.set_value(SPACE, self._key, rights.model_dump_json())

    async def ask(self) -> Rights:
        """Ask the platform. Raises WeChatError if it cannot be asked (wrong secret, white-list, unreachable)."""
        before = await self.now()
        await self._api.known_to_platform()  # an error about id, secret or white-list says nothing about rights
        customer = await self._may(self._api.typing(NOBODY), unclear=before.customer)
        media = await self._may(self._api.media("no-such-media"), unclear=before.media)
        permanent = False
        if not media:
            media = permanent = await self._may(self._api.delete_material("no-such-media"), unclear=False)
        rights = Rights(
            customer=customer,
            media=media,
            permanent=permanent,
            menus=before.menus,
            asked=self._clock().timestamp(),
        )
        await self._save(rights)
        log.info("the account may use: %s", rights.told())
        return rights

    async def _may(self, call: Awaitable[object], *, unclear: bool) -> bool:
        """Whether the account has the right to a call; `unclear`: the result if the platform does not tell."""
        try:
            await call
        except NotReached:
            raise
        except Unclear:
            return unclear
        except WeChatError as error:
            if error.errcode is None:  # an answer that says nothing about rights
                return unclear
            if error.errcode in (40001, 40013, 40125, 40164, 40243):
                raise
            return error.errcode != UNAUTHORISED
        return True

    async def keep_asking(self) -> None:
        """At the start until it is known; then now and then."""
        tries = 0
        while True:
            try:
                await self.ask()
                tries = 0
                pause = AGAIN_SECONDS
            except Exception as error:
                pause = PAUSES[min(tries, len(PAUSES) - 1)]
                tries += 1
                hint = error.hint if isinstance(error, WeChatError) else type(error).__name__
                log.warning("the account's rights could not be queried, keeping the last ones: %s", hint)
            self._tried.set()
            await self._sleep(pause)

    async def settled(self, seconds: float) -> None:
        """Wait until they are known from before, or the platform was asked once, or so many seconds are over: the first
        people should be told the right thing."""
        if await self._store.value(SPACE, self._key) is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._tried.wait()
