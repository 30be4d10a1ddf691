"""Messages are pulled: the platform only says that there are some. How far they were read is stored."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from bot.channels.wecom_kf.api import KfApi
from bot.channels.wecom_kf.events import Event, read_event
from bot.customer_messages.api import WeChatError
from handlers.store.base import Values

log = logging.getLogger(__name__)

CURSOR = "wecom_kf.cursor"
OLD_SECONDS = 600.0
"""Without a cursor the platform gives the last three days: what is older than this is not answered any more."""
PAUSES = (1.0, 5.0, 20.0, 60.0)


class Puller:
    """`put` stores an event before the cursor passes it."""

    def __init__(
        self,
        *,
        store: Values,
        api: KfApi,
        put: Callable[[Event], Awaitable[None]],
        now: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._store = store
        self._api = api
        self._put = put
        self._now = now
        self._sleep = sleep
        self._turns: dict[str, asyncio.Lock] = {}

    async def accounts(self) -> tuple[str, ...]:
        """The service accounts known so far."""
        return tuple(account for account, _ in await self._store.space(CURSOR))

    async def pull(self, account: str, token: str) -> None:
        """Pull everything there is, with patience if the platform is unreachable; what is left comes with its next
        notification."""
        async with self._turns.setdefault(account, asyncio.Lock()):
            for pause in (*PAUSES, None):
                try:
                    await self._everything(account, token)
                    return
                except WeChatError as error:
                    log.warning("messages could not be pulled: %s", error)
                except Exception as error:  # the store is away
                    log.warning("messages could not be stored and are pulled again: %s", type(error).__name__)
                if pause is not None:
                    await self._sleep(pause)

    async def _everything(self, account: str, token: str) -> None:
        cursor = await self._store.value(CURSOR, account)
        oldest = 0.0 if cursor else self._now() - OLD_SECONDS
        while True:
            said = await self._api.sync(account, cursor=cursor or "", token=token)
            rows = said.get("msg_list")
            for row in rows if isinstance(rows, list) else ():
                event = read_event(row)
                if event is not None and event.at >= oldest:
                    await self._put(event)
            following = said.get("next_cursor")
            if not isinstance(following, str) or not following or following == cursor:
                return
            cursor = following
            await self._store.set_value(CURSOR, account, cursor)
            if said.get("has_more") != 1:
                return
