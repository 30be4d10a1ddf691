"""`Values` of `MemoryStore`: small texts by space and key, each for as long as it is wanted."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from handlers.store.base import Change


@dataclass(frozen=True, kw_only=True)
class Value:
    value: str
    owner: str | None
    expires: datetime | None
    updated: datetime

    def over(self, now: datetime) -> bool:
        return self.expires is not None and self.expires <= now


class MemoryValues:
    def __init__(self, *, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._values: dict[tuple[str, str], Value] = {}

    async def value(self, space: str, key: str) -> str | None:
        return self._live_value(space, key)

    def _live_value(self, space: str, key: str) -> str | None:
        found = self._values.get((space, key))
        return None if found is None or found.over(self._clock()) else found.value

    def _set(self, space: str, key: str, value: str, owner: str | None, expires: datetime | None) -> None:
        self._values[space, key] = Value(value=value, owner=owner, expires=expires, updated=self._clock())

    async def change(
        self, space: str, key: str, change: Change, *, owner: str | None = None, expires: datetime | None = None
    ) -> str | None:
        before = self._live_value(space, key)
        after = change(before)
        if after is None:
            self._values.pop((space, key), None)
        elif after != before:
            self._set(space, key, after, owner, expires)
        return after

    async def set_value(
        self, space: str, key: str, value: str, *, owner: str | None = None, expires: datetime | None = None
    ) -> None:
        self._set(space, key, value, owner, expires)

    async def add_value(
        self, space: str, key: str, value: str, *, owner: str | None = None, expires: datetime | None = None
    ) -> bool:
        if self._live_value(space, key) is not None:
            return False
        self._set(space, key, value, owner, expires)
        return True

    async def drop_value(self, space: str, key: str) -> None:
        self._values.pop((space, key), None)

    async def drop_expired(self) -> None:
        now = self._clock()
        self._values = {at: value for at, value in self._values.items() if not value.over(now)}

    async def space(self, space: str) -> tuple[tuple[str, str], ...]:
        now = self._clock()
        found = ((key, value) for (name, key), value in self._values.items() if name == space and not value.over(now))
        return tuple(sorted((key, value.value) for key, value in found))
