"""How often dbos polls its queues: often while jobs arrive and for a little while after, rarely otherwise.

A poll costs one to two milliseconds of CPU, and dbos has no public way to be woken; a job's start may have to wait for
the next poll. In a crowd jobs wait longer for other things, and every poll takes processor time from them: fewer polls.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from dbos import DBOSClient, WorkflowStatusString

from handlers.jobs.queues import Queue

_WAITING = WorkflowStatusString.ENQUEUED.value
BUSY_POLL = 0.01
"""Seconds between two looks at a queue on which jobs came lately (else its `idle_poll`)."""
CROWDED_POLL = 0.05
"""The same in a crowd."""
CROWD = 20
"""Jobs that came on a queue in one second, or jobs in progress in this process."""
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
    clock: Callable[[], float] = time.monotonic
    _quick: dict[str, tuple[float, float]] = field(default_factory=dict, init=False)
    """The queues set to be polled quickly: since when, and how often."""
    _came: dict[str, deque[float]] = field(default_factory=dict, init=False)
    """When jobs came on them last."""
    _rounds: "count[int]" = field(default_factory=lambda: count(1), init=False)

    def came(self, queue: str, *, in_progress: int = 0) -> None:
        """A job was put on this queue just now. `in_progress`: how many are being made in this process."""
        now = self.clock()
        came = self._came.setdefault(queue, deque(maxlen=CROWD))
        came.append(now)
        crowded = in_progress >= CROWD or (len(came) == CROWD and now - came[0] <= 1.0)
        since, seconds = self._quick.get(queue, (-KNOWN, BUSY_POLL))
        if now - since >= KNOWN or (crowded and seconds == BUSY_POLL):
            seconds = CROWDED_POLL if crowded else BUSY_POLL
            self._quick[queue] = now, seconds
            self._set(queue, seconds)

    def stale(self) -> Sequence[str]:
        """The queues to be slowed down, unless jobs arrived from elsewhere. Does not block."""
        if next(self._rounds) % EVERY_QUEUE == 0:
            return list(self.queues)
        before = self.clock() - self.idle_after
        return [queue for queue in list(self._quick) if self._came[queue][-1] < before]

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
