"""The journal of `providers.submission` in our store: one part per attempt at a step, or per piece of one."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TypedDict

from handlers.jobs.outage import written
from handlers.jobs.worker_leases import Confirmed
from handlers.store.base import Part, PartState, Store
from providers.attempts import Attempt
from providers.base import Charge, PictureFile, Request, Submission
from providers.errors import AskPerson, MaybePaid
from providers.journal import Record, Stage


def record_of(part: Part) -> Record:
    """A part as the engine's journal sees it."""
    return Record(
        key=part.key,
        provider=part.provider,
        stage=part.state,
        submission=part.submission,
        pictures=part.pictures,
        charge=part.charge,
        error_code=part.error_code,
        tried=part.tried,
    )


class _Facts(TypedDict):
    model: str
    count: int
    tried: tuple[Attempt, ...]


class StoreJournal:
    """The engine's journal in our store: one part per piece. A part that another process has begun meanwhile is not
    posted.

    `fresh`: nothing of the job was begun before, so no rows are looked up. (If that is wrong, an existing row is not
    overwritten: beginning is one conditional write.)
    """

    def __init__(self, store: Store, job_id: str, confirmed: Confirmed, *, fresh: bool = False) -> None:
        self._store = store
        self._job = job_id
        self._confirmed = confirmed
        self._found: dict[str, Part | None] = {}
        """The rows as last read, valid until they are overwritten."""
        self._fresh = fresh
        self._begun: dict[str, Part] = {}
        """The rows as this journal has begun them."""
        self._accepted: dict[str, Part] = {}
        """Those whose answer it has just written: they need not be read."""

    async def find(self, key: str) -> Record | None:
        if (accepted := self._accepted.pop(key, None)) is not None:
            return record_of(accepted)
        new = self._fresh and key not in self._found and key not in self._begun
        part = self._found[key] = None if new else await self._store.part(key)
        return None if part is None else record_of(part)

    async def begin(self, request: Request, provider: str, *, tried: Sequence[Attempt] = ()) -> None:
        key = request.key
        after = self._found.pop(key) if key in self._found else await self._refused(key)
        task = request.task
        await self._confirmed()
        facts: _Facts = {"model": task.model, "count": task.count, "tried": tuple(tried)}
        if not await self._store.begin_part(key, self._job, provider, after=after, **facts):
            raise MaybePaid("another process has begun this request")
        self._begun[key] = Part(key=key, job=self._job, provider=provider, state=PartState.SUBMITTING, **facts)
        # A process that was frozen here, and whose jobs another took over meanwhile, goes no further.
        await self._confirmed()

    async def note(self, request: Request, tried: Sequence[Attempt]) -> None:
        key, task = request.key, request.task
        self._found.pop(key, None)
        if await self._refused(key) is not None:
            await written(lambda: self._store.end_part(key, PartState.REFUSED, error_code=tried[0].code, tried=tried))
            return
        facts: _Facts = {"model": task.model, "count": task.count, "tried": tuple(tried)}
        await self._store.begin_part(key, self._job, tried[-1].provider, state=PartState.REFUSED, **facts)

    async def ready(self, request: Request) -> None:
        media = self._store.media
        if media is None:
            return
        try:
            for file in (*request.photos, *((request.mask,) if request.mask else ())):
                await media.local(file)
        except FileNotFoundError:
            raise AskPerson("a photo of the order is gone", code="file_not_found") from None

    async def _refused(self, key: str) -> Part | None:
        """The row as the refusal of the provider before left it."""
        part = await self._store.part(key)
        if part is not None and part.state is not PartState.REFUSED:
            raise MaybePaid("another process has begun this request")
        return part

    async def accept(self, key: str, submission: Submission) -> None:
        await written(lambda: self._store.accept_part(key, submission))
        if (part := self._begun.get(key)) is not None:
            accepted = PartState.ACCEPTED
            self._accepted[key] = replace(part, state=accepted, submission=submission, charge=submission.charge)

    async def end(
        self,
        key: str,
        stage: Stage,
        *,
        pictures: Sequence[PictureFile] = (),
        charge: Charge | None = None,
        error_code: str | None = None,
        tried: Sequence[Attempt] | None = None,
    ) -> None:
        self._accepted.pop(key, None)
        if self._store.media is not None:
            for picture in pictures:
                await written(partial(self._store.media.put, picture.path))
        await written(
            lambda: self._store.end_part(
                key, stage, pictures=pictures, charge=charge, error_code=error_code, tried=tried
            )
        )
        self._found.pop(key, None)
