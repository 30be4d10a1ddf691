"""Where a job stands that waits for its turn here: told while it waits, by one of the processes.

The line is that of the service that will most likely make it. How long the work takes is what such requests really took
(`durations.py`). Nothing of it is needed for a job to be made: what cannot be told is left out.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from handlers.channel import Channel
from handlers.jobs.delivery import Courier
from handlers.jobs.notices import JobNotices
from handlers.jobs.plan import first_candidate
from handlers.store.base import Job, JobState, Store
from handlers.words import Words
from providers.submission import Routes

SPACE = "jobs.place"
EVERY = 4.0
"""Seconds between two looks at who waits."""
WAITS = timedelta(seconds=4)
"""Who has waited for less is about to be served."""
AGAIN = timedelta(seconds=12)
"""How often one person is told at most."""
AT_ONCE = 12
"""Told in one look: platforms count messages, and pictures come first."""
LOOKED_AT = 1000


@dataclass(kw_only=True)
class WaitingLine:
    """`expected`: the seconds that making a job takes."""

    store: Store
    channels: Mapping[str, Channel]
    courier: Courier
    words: Words
    clock: Callable[[], datetime]
    router: Routes
    expected: Callable[[Job], float]
    _told: dict[str, tuple[int, datetime]] = field(default_factory=dict, init=False)
    """Place and moment that each waiting person was last told here."""

    async def tell(self) -> None:
        """Whoever waits, and stands elsewhere than he was told, is told."""
        now = self.clock()
        oldest = [row.oldest for row in await self.store.open_jobs() if row.state is JobState.NEW]
        if not oldest or now - oldest[0] < WAITS:  # nearly always: nobody waits so long, and no order has to be read
            self._told.clear()
            return
        waiting = await self.store.jobs(states=(JobState.NEW,), limit=LOOKED_AT)
        self._told = {job.id: self._told[job.id] for job in waiting if job.id in self._told}
        left = AT_ONCE
        for job, ahead in self._places(waiting):
            if left and self._is_due(job, ahead, now) and await self._claimed(job, ahead, now):
                self._told[job.id] = ahead, now
                left -= await self._say(job, ahead, now)

    def _places(self, waiting: Sequence[Job]) -> Iterator[tuple[Job, int]]:
        """Each with how many stand before it; whoever came first stands first."""
        before: Counter[str] = Counter()
        for job in sorted(waiting, key=lambda job: (job.created, job.id)):
            first = first_candidate(job.order, self.router, job_id=job.id)
            service = first.name if first else ""
            yield job, before[service]
            before[service] += 1

    def _is_due(self, job: Job, ahead: int, now: datetime) -> bool:
        place, at = self._told.get(job.id, (-1, now - AGAIN))
        return now - job.created >= WAITS and place != ahead and now - at >= AGAIN and job.chat.channel in self.channels

    async def _claimed(self, job: Job, ahead: int, now: datetime) -> bool:
        """Whether this process is the one that tells it."""
        owner = job.chat.owner
        return await self.store.add_value(SPACE, f"{job.id}:{ahead}", "", owner=owner, expires=now + 10 * AGAIN)

    async def _say(self, job: Job, ahead: int, now: datetime) -> int:
        still = await self.store.job(job.id)
        if still is None or still.state is not JobState.NEW or still.cancel_asked:
            return 0
        status = JobNotices(job=job, words=self.words).in_line(ahead, now=now, expected=self.expected(job))
        await self.courier.show(self.channels[job.chat.channel], job.chat, status)
        return 1
