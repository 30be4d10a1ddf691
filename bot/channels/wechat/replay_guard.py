"""Which push each signature came with. The plain signature does not cover the body: an intercepted one must not carry
another push, to this process or to another one of the account. The platform's own repeats carry the same push and pass;
an encrypted push is covered by its own signature."""

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from handlers.store.base import Values

log = logging.getLogger(__name__)

SPACE = "wechat.nonce"
WINDOW_SECONDS = 600.0
"""How far the timestamp of a push may be from our clock; older signatures need not be remembered."""
MAX_NONCES = 200_000
MAX_NONCE = 64
"""Characters; the platform's have about ten digits."""


class ReplayGuard:
    """`seconds`: how long to ask the store; while it is slow, what this process remembers decides."""

    def __init__(self, store: Values, clock: Callable[[], datetime], *, seconds: float) -> None:
        self._store = store
        self._clock = clock
        self._seconds = seconds
        self._seen: OrderedDict[tuple[str, str], str] = OrderedDict()

    def first_here(self, timestamp: str, nonce: str, key: str) -> bool:
        """Whether this signature is new to this process, or belongs to the same push."""
        limit = self._clock().timestamp() - WINDOW_SECONDS
        while self._seen:
            oldest = next(iter(self._seen))
            if len(self._seen) <= MAX_NONCES and float(oldest[0]) >= limit:
                break
            del self._seen[oldest]
        return self._seen.setdefault((timestamp, nonce), key) == key

    async def first(self, timestamp: str, nonce: str, key: str) -> bool:
        """The same for all processes, as long as the store answers."""
        name = f"{int(timestamp):012d}.{nonce}"
        push = hashlib.sha256(key.encode()).hexdigest()[:32]
        until = datetime.fromtimestamp(int(timestamp), UTC) + timedelta(seconds=WINDOW_SECONDS + 1)
        try:
            async with asyncio.timeout(self._seconds):
                added = await self._store.add_value(SPACE, name, push, expires=until)
                first = added or await self._store.value(SPACE, name) == push
        except Exception as error:
            log.warning("a signature could not be compared with those of other processes: %s", type(error).__name__)
            return True
        if not first and self._seen.get((timestamp, nonce)) == key:
            del self._seen[timestamp, nonce]  # the push it belongs to may still come here
        return first

    async def sweep(self) -> None:
        """Forget what is outside the window: such a push is refused for its timestamp."""
        await self._store.drop_expired()
