"""The access token, by `stable_token`, shared by all processes through the store.

Requested before it expires, and once after the platform refused it; by one process at a time, whose lease the others
wait for. The plain call gives every caller the same token; only if it repeats a token that was refused again is a new
one forced (20 a day, 30 seconds apart).
"""

import asyncio
import base64
import hmac
import logging
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from pydantic import BaseModel, ConfigDict, ValidationError

from handlers.store.base import Values

log = logging.getLogger(__name__)

SPACE = "wechat.token"
EARLY_SECONDS = 300.0
"""Renewed this long before its end; from then on `stable_token` gives the next one, and both are valid."""
LEASE_SECONDS = 20.0
WAIT_SECONDS = 0.1
FORCE_APART = 30.0


def sealing(app_secret: str) -> Fernet:
    """What seals the token in the store. The key is derived from the account's own secret: every process of the account
    has it, and anybody who has it could request a token anyway; a reader of the database has neither."""
    key = hmac.digest(app_secret.encode(), b"likeness.wechat.token", "sha256")
    return Fernet(base64.urlsafe_b64encode(key))


Fetch = Callable[[bool], Awaitable[dict[str, Any]]]
"""Ask the platform, forcing a new token or not: `{"access_token", "expires_in"}`. Raises WeChatError."""


class Known(BaseModel):
    """`until`: when to ask again, seconds since 1970; `forced`: when a new one was last forced."""

    model_config = ConfigDict(frozen=True)

    token: str
    until: float
    forced: float = 0.0


class Tokens:
    """`fetch` asks the platform. `seal` encrypts what is stored. `sleep` is the pause while another process asks."""

    def __init__(
        self,
        *,
        store: Values,
        app_id: str,
        fetch: Fetch,
        seal: Fernet,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._key = app_id
        self._lease_key = f"{app_id}.lease"
        self._fetch = fetch
        self._seal = seal
        self._clock = clock
        self._sleep = sleep
        self._here = asyncio.Lock()
        self._known: Known | None = None
        self._asked = 0

    async def token(self) -> str:
        """The present token."""
        if self._good(self._known):
            return self._known.token  # type: ignore[union-attr]  # just checked
        return await self._renew(refused=None)

    async def renewed(self, refused: str, *, force: bool = False) -> str:
        """The platform's present token, after it has just refused one; `force` makes it another if possible."""
        return await self._renew(refused=refused, force=force)

    def _good(self, known: Known | None, refused: str | None = None) -> bool:
        return known is not None and known.token != refused and self._now() < known.until

    def _now(self) -> float:
        return self._clock().timestamp()

    async def _shared(self) -> Known | None:
        sealed = await self._store.value(SPACE, self._key)
        if sealed is None:
            return None
        try:
            return Known.model_validate_json(self._seal.decrypt(sealed))
        except (InvalidToken, ValidationError):
            return None  # sealed with another secret: it is requested again

    async def _renew(self, refused: str | None, *, force: bool = False) -> str:
        asked = self._asked
        async with self._here:
            if self._asked != asked and not force and self._known is not None:
                return self._known.token  # requested by another process while we waited
            while True:
                shared = await self._shared()
                if shared is not None and self._good(shared, refused):
                    self._known = shared
                    return shared.token
                lease = await self._take_lease()
                if lease is not None:
                    break
                await self._sleep(WAIT_SECONDS)
            try:
                # The holder of the lease before us may have saved a new one between our two looks.
                shared = await self._shared()
                if shared is None or not self._good(shared, refused):
                    shared = await self._ask(shared, force=force)
                    self._asked += 1
                    sealed = self._seal.encrypt(shared.model_dump_json().encode()).decode()
                    await self._store.set_value(SPACE, self._key, sealed)
                self._known = shared
                return shared.token
            finally:
                await self._store.change(SPACE, self._lease_key, lambda held: None if held == lease else held)

    async def _ask(self, before: Known | None, *, force: bool) -> Known:
        forced = before.forced if before else 0.0
        force = force and self._now() - forced >= FORCE_APART
        if force:
            log.warning("a token was refused twice although the platform still gives it out: a new one is forced")
            forced = self._now()
        said = await self._fetch(force)
        life = float(said["expires_in"])
        return Known(token=said["access_token"], until=self._now() + max(life - EARLY_SECONDS, life / 2), forced=forced)

    async def _take_lease(self) -> str | None:
        """Our lease, or None while another process has it. A dead process's lease ends by itself."""
        mine = secrets.token_hex(8)
        until = self._clock() + timedelta(seconds=LEASE_SECONDS)
        return mine if await self._store.add_value(SPACE, self._lease_key, mine, expires=until) else None
