"""The rows of `MemoryStore` that are not values of the seam."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Update:
    """A row of the inbox. `until`: when its lease ends, or ended. `line` and `passed`: as in `Inbox`."""

    payload: str
    at: datetime
    until: datetime
    owner: str = ""
    claims: int = 0
    done: bool = False
    failed: bool = False
    line: str = ""
    passed: bool = False


@dataclass(frozen=True, kw_only=True)
class Value:
    value: str
    owner: str | None
    expires: datetime | None
    updated: datetime

    def over(self, now: datetime) -> bool:
        return self.expires is not None and self.expires <= now
