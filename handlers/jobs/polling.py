"""How often dbos polls its queues: often while jobs arrive and for a little while after, rarely otherwise.

A poll costs one to two milliseconds of CPU, and dbos has no public way to be woken; a job's start may have to wait for
the next poll.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from dbos import DBOSClient, WorkflowStatusString

from handlers.jobs.queues import Queue

_WAITING = WorkflowStatusString.ENQUEUED.value
BUSY_POLL = 0.01
"""Seconds between two looks at a queue on which jobs came lately (else its `idle_poll`)."""
IDLE_AFTER = 2.0
"""Seconds without a new job after which a queue is looked at slowly again."""
KNOWN = 3.0
"""Seconds for which a process assumes that a queue is still polled as it last set it."""
EVERY_QUEUE = 30
"""Every so many rounds, queues that another process, perhaps dead now, had sped up are slowed down too."""


@dataclass(kw_only=True)
class Polling:
    """Sets it, for all processes, in dbos's own table. Blocks."""

    client: DBOSClient
    queues: Mapping[str, Queue]
    idle_after: float = IDLE_AFTER
    _quick: dict[str, float] = field(default_factory=dict, init=False)
    """The queues set to be polled quickly, and since when."""
    _rounds: "count[int]" = field(default_factory=lambda: count(1), init=False)

    def came(self, queue: str) -> None:
        """A job was put on this queue just now."""
        if time.monotonic() - self._quick.get(queue, -KNOWN) >= KNOWN:
            self._quick[queue] = time.monotonic()
            self._set(queue, BUSY_POLL)

    def stale(self) -> Sequence[str]:
        """The queues to be slowed down, unless jobs arrived from elsewhere. Does not block."""
        if next(self._rounds) % EVERY_QUEUE == 0:
            return list(self.queues)
        before = time.monotonic() - self.idle_after
        return [queue for queue, since in self._quick.items() if since < before]

    def slow_down(self, names: Sequence[str]) -> None:
        """Those of them that got no job for a while, from any process, and have none waiting."""
        since = (datetime.now(UTC) - timedelta(seconds=self.idle_after)).isoformat()
        for name in names:
            if not self._any(name, start_time=since) and not self._any(
                name, status=WorkflowStatusString.ENQUEUED.value
            ):
                self._quick.pop(name, None)
                self._set(name, self.queues[name].idle_poll)

    def _any(self, queue: str, *, start_time: str | None = None, status: str | None = None) -> bool:
        found = self.client.list_workflows(
            queue_name=queue, start_time=start_time, status=status, limit=1, load_input=False, load_output=False
        )
        return bool(found)

    def _set(self, name: str, seconds: float) -> None:
        queue = self.client.retrieve_queue(name)
        if queue is not None and queue.polling_interval_sec != seconds:
            queue.set_polling_interval_sec(seconds)
