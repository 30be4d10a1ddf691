"""A mapping that keeps only its newest entries: memory that does not grow with the number of people."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class BoundedMap(Generic[K, V]):
    def __init__(self, most: int) -> None:
        self._most = most
        self._items: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        return self._items.get(key)

    def put(self, key: K, value: V) -> None:
        self._items[key] = value
        self._items.move_to_end(key)
        while len(self._items) > self._most:
            self._items.popitem(last=False)

    def drop(self, key: K) -> None:
        self._items.pop(key, None)

    def drop_where(self, unwanted: Callable[[V], bool]) -> None:
        for key in [key for key, value in self._items.items() if unwanted(value)]:
            del self._items[key]

    def __contains__(self, key: object) -> bool:
        return key in self._items
