"""Quotes cached for a moment: a menu asks for dozens of them, the same for everybody who sends a photo now."""

import math
import time
from collections.abc import Callable

from handlers.order import Order
from handlers.quote import Quote
from providers.errors import LikenessError

SECONDS = 5.0
KEPT = 2000

_Key = tuple[object, ...]


def _sizes(order: Order) -> object:
    """As far as they matter: an edit may go by the very size, a portrait takes as long for one about as large."""
    if order.operation == "edit":
        return order.sizes
    return tuple(round(math.log2(max(1, width * height))) for width, height in order.sizes)


class RecentQuotes:
    """Wraps a `quote` function. A quote depends on the number of photos, not on which; a refusal is cached too. Kept
    for `SECONDS`, during which only the order of equal providers may change."""

    def __init__(self, quote: Callable[[Order], Quote], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._quote = quote
        self._clock = clock
        self._since = clock()
        self._known: dict[_Key, Quote | LikenessError] = {}

    def __call__(self, order: Order) -> Quote:
        """Raises what the quote raises."""
        if self._clock() - self._since > SECONDS or len(self._known) > KEPT:
            self._known.clear()
            self._since = self._clock()
        key = (
            order.operation,
            order.shots,
            order.model,
            order.aspect_ratio,
            len(order.photos),
            order.mask is not None,
            order.provider,
            order.block,
            order.priority,
            order.consistency,
            _sizes(order),
            order.take > 0,
        )
        if key not in self._known:
            self._known[key] = self._asked(order)
        known = self._known[key]
        if isinstance(known, LikenessError):
            raise known.with_traceback(None)
        return known

    def _asked(self, order: Order) -> Quote | LikenessError:
        try:
            return self._quote(order)
        except LikenessError as error:
            return error
