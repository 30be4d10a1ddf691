"""What a person sees of a job in progress: a status that follows it, and a message if it waits long."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from handlers.channel import Channel, ShowsSteps
from handlers.jobs.delivery import Courier
from handlers.jobs.error_place import place_of
from handlers.jobs.notices import JobNotices
from handlers.plan import Plan
from handlers.store.base import Job, JobState, Store
from handlers.words import Words
from providers.base import Phase, Progress
from providers.labelling import unfinished
from providers.media.threads import in_thread
from providers.offers import shares

log = logging.getLogger(__name__)

LATE_AFTER = timedelta(minutes=10)
STATUS_SECONDS = 2.0
LATE_STATUS_SECONDS = 30.0


UNSERVED_AFTER = timedelta(minutes=1)
"""How long a job may wait for a worker that can do it before its person is told."""


@dataclass(kw_only=True)
class LiveJob:
    """A job in progress in this process. `now`: its own time of day, unaffected by setting the clock meanwhile."""

    job: Job
    expected: float
    now: Callable[[], datetime]
    cancel: asyncio.Event = field(default_factory=asyncio.Event)
    progress: dict[str, Progress] = field(default_factory=dict)
    previews: dict[str, bytes] = field(default_factory=dict)
    """The newest preview of each request that has had one."""
    plan: Plan | None = None
    begun: datetime | None = None
    """When the first of its requests was no longer waiting for its turn."""
    taken: datetime = field(init=False)
    """When this process took it up."""
    queued: bool = False
    """Whether a request of it had to wait for its turn where it is made."""

    def __post_init__(self) -> None:
        self.taken = self.now()

    @property
    def elapsed(self) -> float:
        """Seconds since the message."""
        return max(0.0, (self.now() - self.job.created).total_seconds())

    @property
    def waited(self) -> float:
        """Seconds from the message to the moment its turn had come."""
        began = self.begun if self.queued and self.begun is not None else self.taken
        return max(0.0, (began - self.job.created).total_seconds())

    async def on_progress(self, key: str, progress: Progress) -> None:
        self.saw(key, progress)

    def saw(self, key: str, progress: Progress) -> None:
        if progress.preview is not None:
            self.previews[key] = progress.preview
            progress = replace(progress, preview=None)
        self.progress[key] = progress
        self.queued = self.queued or (self.begun is None and progress.phase is Phase.QUEUED)
        if self.begun is None and progress.phase is not Phase.QUEUED:
            self.begun = self.now()

    def on_plan(self, plan: Plan) -> None:
        self.plan = plan

    @property
    def step(self) -> tuple[str, bytes] | None:
        """What there is of the first request that is still being made, with its key; else of the last that was."""
        going = [key for key in self.previews if self.progress[key].phase is not Phase.DONE]
        key = next(iter(going), next(reversed(self.previews), None))
        return None if key is None else (key, self.previews[key])

    @property
    def requests(self) -> int:
        """Of all steps together, each requested once."""
        steps = self.plan.steps if self.plan else ()
        return sum(len(shares(step.wanted, step.most)) for step in steps if step.task)

    @property
    def takes_hours(self) -> bool:
        return self.plan is not None and self.plan.takes_hours


@dataclass(frozen=True, kw_only=True)
class Statuses:
    """Shows them."""

    store: Store
    channels: Mapping[str, Channel]
    courier: Courier
    words: Words
    producer: str
    clock: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]

    async def tell(self, job: Job, live: LiveJob) -> None:
        """A status at once and whenever something changed; after ten minutes the person is told, once."""
        channel = self.channels.get(job.chat.channel)
        if channel is None:
            return
        teller = JobNotices(job=job, words=self.words)
        late = job.state is JobState.LATE or job.by_hand
        said: str | None = None
        shown: tuple[str, bytes] | None = None
        while True:
            now = live.now()
            try:
                if live.step != shown:
                    shown = live.step
                    await self._show_step(channel, job, shown)
                    said = None  # the channel shows it with the status
                if not late and not live.takes_hours and now - job.created >= LATE_AFTER:
                    late = True
                    await _to_its_end(self.store.update_job(job.id, state=JobState.LATE))
                    await self.courier.say(channel, job.chat, teller.late(now))
                status = teller.status(
                    live.progress,
                    now=now,
                    expected=live.expected,
                    late=late,
                    requests=live.requests,
                    begun=live.begun,
                )
                if status.text != said:
                    said = status.text
                    await self.courier.show(channel, job.chat, status)
            except Exception as error:
                # A notice that fails must not cost the pictures.
                log.warning("a notice failed: job=%s %s at %s", job.id, type(error).__name__, place_of(error))
            await self.sleep(LATE_STATUS_SECONDS if late else STATUS_SECONDS)

    async def _show_step(self, channel: Channel, job: Job, step: tuple[str, bytes] | None) -> None:
        if step is None or not isinstance(channel, ShowsSteps):
            return
        key, preview = step
        if (picture := await in_thread(unfinished, preview, key=key, producer=self.producer)) is not None:
            await channel.show_step(job.chat, job.id, picture)

    async def unserved(self, job: Job) -> None:
        """No living worker can do it. Said once for all processes, and not before a worker had time to be restarted."""
        channel = self.channels.get(job.chat.channel)
        if channel is None or self.clock() - job.created < UNSERVED_AFTER:
            return
        if await self.store.add_value("jobs.unserved", job.id, "", owner=job.chat.owner):
            log.error("a job waits for a worker that is not there: job=%s channel=%s", job.id, job.chat.channel)
            await self.courier.say(channel, job.chat, JobNotices(job=job, words=self.words).unserved())

    async def no_room(self, job: Job) -> None:
        """It is made, but there is no room to store it; it is fetched as soon as there is."""
        if (channel := self.channels.get(job.chat.channel)) is not None:
            await self.courier.show(channel, job.chat, JobNotices(job=job, words=self.words).no_room())

    async def asleep(self, job: Job, seconds: float, *, expected: float) -> None:
        """The job sleeps until a step of it is worth another look."""
        channel = self.channels.get(job.chat.channel)
        if channel is not None:
            teller = JobNotices(job=job, words=self.words)
            said = teller.sleeping(wakes_after=seconds, now=self.clock(), expected=expected)
            await self.courier.show(channel, job.chat, said)


async def _to_its_end(write: Coroutine[Any, Any, object]) -> None:
    """A write that has begun is awaited even if we are cancelled: later it would undo the states after it."""
    task = asyncio.ensure_future(write)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise
