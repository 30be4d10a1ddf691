"""How many connections to PostgreSQL a process may have, and how they are divided.

A server has a fixed number (`max_connections`, 100 by default) for everybody together, which limits how many processes
can be started. SQLite's connections need no limit.
"""

from dataclasses import dataclass

LEAST, USUAL = 8, 24
_KEPT = 2
"""The lease's, and the one on which dbos listens."""


@dataclass(frozen=True, kw_only=True)
class Connections:
    """The maximum that each part opens; their sum is what the process may have."""

    store: int
    engine: int
    client: int

    @classmethod
    def of(cls, most: int) -> "Connections":
        """`most` of the whole process, at least `LEAST`."""
        spare = max(most, LEAST) - _KEPT
        client = max(2, spare * 4 // 22)
        store = max(2, spare * 8 // 22 // 2 * 2)  # half for writers and half for readers
        return cls(store=store, client=client, engine=spare - store - client)

    @property
    def most(self) -> int:
        return self.store + self.engine + self.client + _KEPT


def is_crowded(error: BaseException) -> bool:
    """Whether the server refused a connection because it has none left."""
    original = getattr(error, "orig", None) or error
    if getattr(original, "sqlstate", None) == "53300":
        return True
    # A refusal while connecting has no code in psycopg, only the server's message.
    text = str(original)
    return "too many clients" in text or "remaining connection slots" in text or "too many connections" in text
