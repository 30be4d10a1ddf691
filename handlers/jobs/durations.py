"""How long requests really take: measured where they are made, kept in the store, told before the next one.

What a provider's table says (`Offer.seconds`) is a guess that holds until something was measured. The estimate of a
request is the median of the measurements that are most like it in the number of pictures and in the photo's size. It
is the time of making alone: what a request waits for its turn, here or at the service, is no part of it, and is told
by the queue.
"""

import json
import math
import statistics
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from handlers.order import Order
from handlers.store.base import Values
from providers.base import Phase, Progress, Provider
from providers.offers import Offer, Tier
from providers.router import Candidate
from providers.task import Task

SPACE = "durations"
KEPT = 24
"""Measurements of one kind of request; older ones go."""
LIKE_IT = 5
"""How many of the most similar ones an estimate is made of."""
AS_NEAR = 0.5
"""In doublings: a measurement that is farther from the nearest one than this has no say."""
FORGOTTEN_AFTER = timedelta(days=90)

Expected = Callable[[Candidate, Task, float | None], float]
"""Seconds that a candidate would need for a task; the last is the photo's size in megapixels, where it is known."""


def by_table(candidate: Candidate, task: Task, megapixels: float | None) -> float:
    """What the provider's own table says, where nothing is measured."""
    return candidate.estimate(task).seconds


@dataclass(frozen=True, kw_only=True)
class Measured:
    """`seconds` of one request for `count` pictures of a photo of so many megapixels (None: no photo, or unknown)."""

    seconds: float
    count: int
    megapixels: float | None = None

    def distance(self, count: int, megapixels: float | None) -> float:
        """From such a request, in doublings of the number or of the size."""
        apart = abs(math.log2(self.count / count))
        if self.megapixels and megapixels:
            apart += abs(math.log2(self.megapixels / megapixels))
        return apart


@dataclass(kw_only=True)
class Durations:
    """What was measured, in memory; `share` brings it to the store and brings back what other processes measured."""

    _known: dict[str, tuple[Measured, ...]] = field(default_factory=dict)
    _new: dict[str, list[Measured]] = field(default_factory=dict)

    def note(self, provider: Provider, task: Task, *, seconds: float, megapixels: float | None) -> None:
        """A request was made in so many seconds."""
        key = _key(provider, task)
        measured = Measured(seconds=round(seconds, 2), count=task.count, megapixels=megapixels)
        self._known[key] = _with(self._known.get(key, ()), [measured])
        self._new.setdefault(key, []).append(measured)

    def expected(self, candidate: Candidate, task: Task, megapixels: float | None) -> float:
        """`Expected`, by what was measured, and by the table where nothing was."""
        known = self._known.get(_key(candidate.provider, task), ())
        if not known:
            return by_table(candidate, task, megapixels)
        count = min(task.count, candidate.offer.max_count)
        distances = [one.distance(count, megapixels) for one in known]
        nearest = min(distances)
        like = [one for one, apart in zip(known, distances, strict=True) if apart <= nearest + AS_NEAR]
        return statistics.median(_scaled(one, candidate.offer, count) for one in like[-LIKE_IT:])

    async def share(self, store: Values, now: datetime) -> None:
        """Write down what is new, and read what all processes know."""
        for key in tuple(self._new):
            await self._write(store, key, self._new.pop(key), now)
        self._known = {key: _read(value) for key, value in await store.space(SPACE)}
        for key, measured in self._new.items():  # what was measured meanwhile
            self._known[key] = _with(self._known.get(key, ()), measured)

    async def _write(self, store: Values, key: str, new: list[Measured], now: datetime) -> None:
        try:
            await store.change(SPACE, key, lambda old: _dump(_with(_read(old), new)), expires=now + FORGOTTEN_AFTER)
        except BaseException:
            self._new[key] = [*new, *self._new.get(key, [])]
            raise


async def medians(store: Values) -> dict[tuple[str, str, str], float]:
    """What the last requests took, by provider, operation and model."""
    found: dict[tuple[str, str, str], list[float]] = {}
    for key, value in await store.space(SPACE):
        provider, operation, model, *_ = *key.split(":", 3), "", ""
        found.setdefault((provider, operation, model), []).extend(one.seconds for one in _read(value))
    return {kind: statistics.median(seconds) for kind, seconds in found.items() if seconds}


@dataclass(kw_only=True)
class Stopwatch:
    """The making of one request, without what it waited for its turn. `now`: a clock that nobody sets."""

    now: Callable[[], datetime]
    began: datetime
    _queued: bool = False

    def saw(self, progress: Progress) -> None:
        if progress.phase is Phase.QUEUED:
            self._queued = True
        elif self._queued:
            self._queued, self.began = False, self.now()

    @property
    def seconds(self) -> float:
        return max(0.0, (self.now() - self.began).total_seconds())


def megapixels_of(order: Order) -> float | None:
    """Of the largest photo, where sizes are known."""
    return max((width * height / 1e6 for width, height in order.sizes), default=None)


def _key(provider: Provider, task: Task) -> str:
    """The kinds of requests that take alike. A service's model takes the same time whatever it is to paint; here each
    style and edit is work of its own."""
    parts = [provider.name, task.operation.value, task.model]
    if provider.tier is Tier.LOCAL:
        parts += [task.style or task.action or "", task.parameters.filter or "", str(task.scale or "")]
    return ":".join(parts)


def _scaled(one: Measured, offer: Offer, count: int) -> float:
    return one.seconds * count / one.count if offer.one_by_one else one.seconds


def _with(old: Sequence[Measured], new: Sequence[Measured]) -> tuple[Measured, ...]:
    return (*old, *new)[-KEPT:]


def _dump(measured: Sequence[Measured]) -> str:
    return json.dumps([[one.seconds, one.count, one.megapixels] for one in measured])


def _read(value: str | None) -> tuple[Measured, ...]:
    """What cannot be read was written by another version: it is measured anew."""
    with suppress(ValueError, TypeError):
        rows = json.loads(value or "[]")
        return tuple(Measured(seconds=float(s), count=int(n), megapixels=mp) for s, n, mp in rows)
    return ()
