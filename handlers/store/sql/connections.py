"""How many connections to PostgreSQL a process may have, and what each part of it gets of them.

A server has a fixed number (`max_connections`, 100 by default) for everybody together: so many processes may be started
as this number is in it. SQLite's connections are nobody's concern.
"""

from dataclasses import dataclass

LEAST, USUAL = 8, 24
_KEPT = 2
"""The lease's, and the one on which dbos listens."""


@dataclass(frozen=True, kw_only=True)
class Connections:
    """The most that each part opens; all together are what the process may have."""

    store: int
    engine: int
    client: int

    @classmethod
    def of(cls, most: int) -> "Connections":
        """`most` of the whole process, at least `LEAST`."""
        spare = max(most, LEAST) - _KEPT
        client = max(2, spare * 4 // 22)
        store = max(2, spare * 8 // 22 // 2 * 2)  # half for those who write and half for those who read
        return cls(store=store, client=client, engine=spare - store - client)

    @property
    def most(self) -> int:
        return self.store + self.engine + self.client + _KEPT


def is_crowded(error: BaseException) -> bool:
    """Whether the server refused a connection because it has none left."""
    original = getattr(error, "orig", None) or error
    if getattr(original, "sqlstate", None) == "53300":
        return True
    # A refusal at the connecting itself has no code in psycopg, only the server's words.
    text = str(original)
    return "too many clients" in text or "remaining connection slots" in text or "too many connections" in text
