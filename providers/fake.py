"""A provider in memory, for tests, demonstrations and benchmarks: follows a script, on a clock of its own.

    fake = FakeProvider(script=[Script(queue=2, seconds=3.0), Script(fault="busy"), …])

Each submit takes the next `Script`; when they are used up, the standing one. It makes real picture files, counts what
was submitted and what a real service would have charged, and survives `Submission`s from another instance's journal
as long as it is the same object (it has no disk).
"""

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from providers.base import (
    Cancelled,
    Charge,
    CostSource,
    Phase,
    Progress,
    ProviderDefaults,
    Request,
    Result,
    Submission,
)
from providers.errors import AskPerson, LikenessError, MadeNothing, MaybePaid, NotTaken, TellOperator, WaitAndRetry
from providers.media.save import save_picture
from providers.media.threads import in_thread_to_its_end
from providers.money import CREDITS, Money
from providers.offers import Offer, Offers, Price, Tier
from providers.task import MAX_COUNT, PICTURES, Consistency, Operation

Sleep = Callable[[float], Awaitable[None]]

SIZES = {"1:1": (512, 512), "3:4": (384, 512), "4:3": (512, 384), "9:16": (288, 512), "16:9": (512, 288)}

SUBMIT_FAULTS: dict[str, Callable[[], LikenessError]] = {
    "refused": lambda: AskPerson("as told", code="refused_content"),
    "busy": lambda: WaitAndRetry("as told"),
    "busy_briefly": lambda: WaitAndRetry("as told", retry_after=2.0),
    "busy_long": lambda: WaitAndRetry("as told", retry_after=600.0),
    "unavailable": lambda: NotTaken("as told"),
    "account": lambda: TellOperator("as told"),
    "unknown_before": lambda: MaybePaid("as told"),
    "unknown_after": lambda: MaybePaid("as told"),
}
"""What `submit` may do instead of accepting. `unknown_after` accepts the job all the same."""
JOB_FAULTS: dict[str, Callable[[], LikenessError]] = {
    "ends_without": lambda: MadeNothing("as told"),
    "refused_later": lambda: AskPerson("as told", code="refused_content"),
    "lost": lambda: MadeNothing("as told", code="picture_lost"),
    "away": lambda: WaitAndRetry("as told", code="result_unreachable"),
}
"""What `follow` (the first two) or `fetch` (the others) may do with an accepted job."""


def offer(operation: Operation, *, usd: float | str = "0.1", seconds: float = 5.0, **more: Any) -> Offer:
    """An offer without limits, but for what `more` says of it."""
    values: dict[str, Any] = {
        "model": "fake-model",
        "max_count": 4,
        "max_photos": MAX_COUNT,
        "mask": True,
        "consistency": frozenset(Consistency),
    }
    price = Price(picture=Money.usd(usd))
    return Offer(operation=operation, price=price, seconds=seconds, **{**values, **more})


@dataclass(frozen=True, kw_only=True)
class Script:
    """How one submit goes. `seconds`: from start to DONE, on the provider's sleep; `pictures`: None for all."""

    fault: str | None = None
    queue: int = 0
    seconds: float = 0.0
    steps: int = 1
    pictures: int | None = None
    cancel: Cancelled = Cancelled.NOT_STARTED
    heals: bool = False
    """A fault of `fetch` happens only once."""


@dataclass
class FakeJob:
    """A job it took."""

    request: Request
    script: Script
    cancelled: bool = False
    fetches: int = 0


@dataclass
class FakeProvider(ProviderDefaults):
    """See the module. `usd` and `seconds_each` are what it estimates for a picture."""

    name: str = "fake"
    repeatable: bool = False
    script: Iterable[Script] = ()
    standing: Script = field(default_factory=Script)
    tier: Tier = Tier.SERVICE
    able: Sequence[Offer] | None = None
    """Its offers; None for everything, four pictures at a time, at `usd` and `seconds_each`."""
    max_count: int = 4
    usd: float | str = "0.1"
    seconds_each: float = 5.0
    credits: float | str | None = None
    sleep: Sleep = asyncio.sleep

    def __post_init__(self) -> None:
        self._everything = tuple(
            offer(operation, usd=self.usd, seconds=self.seconds_each, max_count=self.max_count)
            for operation in Operation
            if operation in PICTURES
        )
        self._scripts = list(self.script)
        self.jobs: dict[str, FakeJob] = {}
        self.submitted: list[Request] = []
        self.closed = False

    @property
    def charged(self) -> int:
        """Pictures a real service would have charged for."""
        return sum(job.request.count for job in self.jobs.values() if not job.cancelled)

    @property
    def offers(self) -> Offers:
        return Offers(service=self.name, rows=self._everything if self.able is None else tuple(self.able))

    async def submit(self, request: Request) -> Submission:
        script = self._scripts.pop(0) if self._scripts else self.standing
        self.submitted.append(request)
        fault = SUBMIT_FAULTS.get(script.fault or "")
        request_id = f"{self.name}-{len(self.submitted)}"
        if fault is None or script.fault == "unknown_after":
            self.jobs[request_id] = FakeJob(request, script)
        if fault is not None:
            raise fault()
        told = None if self.credits is None else Money.of(self.credits, CREDITS)
        charge = None if told is None else Charge(money=told, source=CostSource.ANSWER)
        chosen = self.offers.find(request.task)
        model = chosen.model if chosen else ""
        return Submission(provider=self.name, request_id=request_id, count=request.count, model=model, charge=charge)

    async def follow(self, submission: Submission) -> AsyncIterator[Progress]:
        job = self._job(submission)
        for position in reversed(range(job.script.queue)):
            yield Progress(phase=Phase.QUEUED, position=position)
        for step in range(job.script.steps):
            yield Progress(phase=Phase.RUNNING, fraction=step / job.script.steps)
            await self.sleep(job.script.seconds / job.script.steps)
        if job.script.fault in ("ends_without", "refused_later"):
            raise JOB_FAULTS[job.script.fault]()
        yield Progress(phase=Phase.DONE)

    async def fetch(self, submission: Submission, into: Path) -> Result:
        job = self._job(submission)
        job.fetches += 1
        if job.script.fault in ("lost", "away") and not (job.script.heals and job.fetches > 1):
            raise JOB_FAULTS[job.script.fault]()
        count = job.request.count if job.script.pictures is None else job.script.pictures
        if count == 0:
            raise MadeNothing("as told")
        pictures = [
            await in_thread_to_its_end(
                save_picture,
                _painted(job.request, n),
                into=into,
                stem=f"{submission.request_id}-{n}",
                provider=self.name,
                request_id=submission.request_id,
                model=submission.model,
            )
            for n in range(count)
        ]
        return Result(pictures=tuple(pictures))

    async def cancel(self, submission: Submission) -> Cancelled:
        job = self._job(submission)
        job.cancelled = job.script.cancel is Cancelled.NOT_STARTED
        return job.script.cancel

    async def check(self) -> None:
        if self.standing.fault in ("account", "busy"):
            raise SUBMIT_FAULTS[self.standing.fault]()

    async def aclose(self) -> None:
        self.closed = True

    def _job(self, submission: Submission) -> FakeJob:
        try:
            return self.jobs[submission.request_id]
        except KeyError:
            raise MadeNothing("unknown here", code="job_lost") from None


def _painted(request: Request, number: int) -> bytes:
    """A picture that differs from request to request and from number to number."""
    shade = (sum(request.prompt.encode()) + request.task.variant * 61 + number * 47) % 200
    image = Image.new("RGB", SIZES.get(request.task.aspect_ratio or "1:1", (512, 512)), (shade + 40, 120, 220 - shade))
    image.paste((250, 240, 230), (100, 100, 180, 180))
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()
