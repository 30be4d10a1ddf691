"""The provider that needs no key, no network and no server: picture work on this machine, free, and labelled so.

A submission is its request as data; the work is done in a worker process when somebody follows or fetches it, and
lies in a spool folder until it is fetched. Whatever was lost on the way (the process, the spool) is simply made again:
the same request gives the same picture.
"""

import asyncio
import hashlib
import json
import os
import shutil
from collections.abc import AsyncIterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from providers.base import (
    FREE_OF_CHARGE,
    Cancelled,
    Phase,
    PictureFile,
    Progress,
    ProviderDefaults,
    Request,
    Result,
    Submission,
)
from providers.codes import known_code
from providers.embedded.offers import ADJUSTMENTS, KEY, offers
from providers.errors import AskPerson, MadeNothing, TellOperator
from providers.media.save import save_picture
from providers.media.threads import in_thread, in_thread_to_its_end
from providers.offers import Offers, Tier
from providers.people.worker import Worker
from providers.task import Parameters, Task

PARAMETERS = TypeAdapter(Parameters)
_LOOK_EVERY = 0.2


@dataclass(kw_only=True)
class _Running:
    """A job of this process."""

    task: "asyncio.Task[dict[str, Any]]"
    began: bool = False
    stopped: bool = False
    worker: Worker | None = None


class EmbeddedProvider(ProviderDefaults):
    """See the module. `spool`: a folder of its own, kept across restarts."""

    name = KEY
    tier = Tier.LOCAL
    repeatable = True

    def __init__(self, spool: Path, *, workers: int | None = None) -> None:
        """`workers`: processes at most, by default one a core and two in all; the second starts when it is needed."""
        self._spool = spool
        self.side_by_side: int = workers or max(1, min(2, os.cpu_count() or 1))
        self._workers: list[Worker] = []
        self._idle: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()
        self._jobs: dict[str, _Running] = {}

    @property
    def offers(self) -> Offers:
        return offers()

    async def submit(self, request: Request) -> Submission:
        """Nothing is handed to anybody: the request itself is the handle. Raises AskPerson."""
        if not request.photos:
            raise AskPerson("nothing to work on", code="need_photo", text_key="say.need_photo_bare")
        task = request.task
        if task.action == "comparison" and task.photos < 2:
            raise AskPerson("one photo", code="need_second_photo", text_key="say.need_second_photo")
        if task.action == "text_render" and task.parameters.lettering is None:
            raise AskPerson("no letters to write", code="need_text", text_key="say.need_text")
        offer = self.offers.find(task)
        if offer is None:
            reason = str(self.offers.reason_not(task))
            raise AskPerson(reason, code="needs_other_provider", params={"reason": reason})
        handle: dict[str, Any] = {
            "operation": "edit" if task.action else task.operation.value,
            "parameters": PARAMETERS.dump_python(task.parameters, mode="json"),
            "language": _language(request.text),
            "style": task.style,
            "action": task.action,
            "count": task.count,
            "aspect_ratio": task.aspect_ratio,
            "photos": [str(path.absolute()) for path in request.photos],
            "take": task.variant,
            "draft": task.draft,
            "adjustments": _steps(task),
            "mask": str(request.mask.absolute()) if request.mask else None,
        }
        return Submission(
            provider=KEY,
            request_id=request.key,
            count=request.count,
            model=offer.model,
            handle=handle,
            charge=FREE_OF_CHARGE,
        )

    async def follow(self, submission: Submission) -> AsyncIterator[Progress]:
        """Does the work, or joins it. Raises AskPerson (`no_face`, `background_unclear`, …) or MadeNothing."""
        last: Progress | None = None
        job = await self._job(submission)
        while not job.task.done():
            progress = self._progress(submission.request_id, job)
            if progress != last:
                last = progress
                yield progress
            await asyncio.wait({job.task}, timeout=_LOOK_EVERY)
        await self._outcome(submission, job)
        yield Progress(phase=Phase.DONE, fraction=1.0)

    async def fetch(self, submission: Submission, into: Path) -> Result:
        """Saves the pictures; makes them first where they are not there. Raises AskPerson or MadeNothing."""
        files = (await self._outcome(submission, await self._job(submission)))["files"]
        folder = self._folder(submission.request_id)
        pictures: list[PictureFile] = []
        for file in files:
            data = await in_thread((folder / file["name"]).read_bytes)
            what = submission.handle.get("style") or submission.handle.get("action") or KEY
            saved = await in_thread_to_its_end(
                save_picture,
                data,
                into=into,
                stem=f"{what}-{KEY}",
                provider=KEY,
                request_id=submission.request_id,
                model=submission.model,
                keep_density=True,
            )
            pictures.append(replace(saved, remarks=tuple(file["remarks"])))
        self._jobs.pop(submission.request_id, None)
        await in_thread(shutil.rmtree, folder, ignore_errors=True)
        return Result(pictures=tuple(pictures), charge=FREE_OF_CHARGE)

    async def cancel(self, submission: Submission) -> Cancelled:
        """A waiting job is taken out; a running one is stopped by ending its worker."""
        job = self._jobs.get(submission.request_id)
        if job is None:
            done = await in_thread((self._folder(submission.request_id) / "done.json").is_file)
            return Cancelled.TOO_LATE if done else Cancelled.NOT_STARTED
        if job.task.done():
            return Cancelled.TOO_LATE
        job.stopped = True
        if not job.began:
            job.task.cancel()
            return Cancelled.NOT_STARTED
        if job.worker is not None:
            job.worker.kill()
        return Cancelled.ASKED

    async def check(self) -> None:
        """Starts the worker. Raises TellOperator where OpenCV cannot be loaded there."""
        try:
            async with self._one_worker() as worker:
                await worker.check()
        except (BrokenProcessPool, ImportError, OSError):
            raise TellOperator("the worker process cannot load OpenCV", code="embedded_broken") from None

    async def aclose(self) -> None:
        for job in self._jobs.values():
            job.task.cancel()
        await asyncio.gather(*(worker.close() for worker in self._workers))
        await asyncio.gather(*(job.task for job in self._jobs.values()), return_exceptions=True)
        self._jobs.clear()
        self._workers.clear()
        self._idle = asyncio.LifoQueue()

    @property
    def worker_pid(self) -> int | None:
        """The first worker's process id, where there is one: for operators and kill tests."""
        return self._workers[0].pid if self._workers else None

    @asynccontextmanager
    async def _one_worker(self) -> AsyncIterator[Worker]:
        """A worker that has nothing to do, the one used last first; waits for one in the order asked."""
        if self._idle.empty() and len(self._workers) < self.side_by_side:
            self._workers.append(Worker("providers.embedded.work"))
            self._idle.put_nowait(self._workers[-1])
        worker = await self._idle.get()
        try:
            yield worker
        finally:
            self._idle.put_nowait(worker)

    def _folder(self, key: str) -> Path:
        """Of this request, whatever its key is made of."""
        return self._spool / hashlib.sha256(key.encode()).hexdigest()[:32]

    async def _job(self, submission: Submission) -> _Running:
        """The job of this submission, begun if nobody has."""
        key = submission.request_id
        if key not in self._jobs:
            task = asyncio.get_running_loop().create_task(self._work(submission))
            self._jobs[key] = _Running(task=task)
        return self._jobs[key]

    async def _work(self, submission: Submission) -> dict[str, Any]:
        folder = self._folder(submission.request_id)
        spooled = await in_thread(_spooled, folder)
        if spooled is not None:
            return {"files": spooled}
        job = self._jobs[submission.request_id]

        def began() -> None:
            job.began = True

        async with self._one_worker() as worker:
            job.worker = worker
            made: dict[str, Any] = await worker.call(
                "make", dict(submission.handle), str(folder), began=began, stopped=lambda: job.stopped
            )
        return made

    def _progress(self, key: str, job: _Running) -> Progress:
        if job.began and job.worker is not None:
            return Progress(phase=Phase.RUNNING, fraction=round(job.worker.fraction, 2))
        waiting = [k for k, j in self._jobs.items() if not j.task.done()]
        return Progress(phase=Phase.QUEUED, position=waiting.index(key))

    async def _outcome(self, submission: Submission, job: _Running) -> dict[str, Any]:
        """What the worker answered; its errors as errors. A failed job is forgotten, so that it may be tried anew."""
        try:
            outcome = await asyncio.shield(job.task)
        except asyncio.CancelledError:
            if not job.stopped:
                raise
            self._jobs.pop(submission.request_id, None)
            raise MadeNothing("cancelled before it began", code="cancelled", retryable=False) from None
        except MadeNothing:
            self._jobs.pop(submission.request_id, None)
            raise
        except Exception as error:  # a fault in the picture work itself: nothing of it reaches the person
            self._jobs.pop(submission.request_id, None)
            raise MadeNothing(f"the work broke with {type(error).__name__}") from None
        if "files" not in outcome:
            self._jobs.pop(submission.request_id, None)
            raise AskPerson(
                outcome["hint"],
                code=known_code(outcome["code"]),
                text_key=outcome["text_key"],
                params=outcome["params"],
            )
        return outcome


def _language(text: str) -> str | None:
    """What the labels on a before and after are written in: the script of the person's words, which are not read."""
    if any("㐀" <= c <= "鿿" for c in text):
        return "zh"
    return "en" if any(c.isalpha() for c in text) else None


def _steps(task: Task) -> list[dict[str, Any]]:
    """The simple changes to be made. A crop to a ratio is the ratio's; other actions have their own way."""
    if task.action not in ("edit", "enhance"):
        return []
    return [
        asdict(step)
        for step in task.parameters.adjustments
        if step.kind in ADJUSTMENTS and not (step.kind == "crop" and task.aspect_ratio)
    ]


def _spooled(folder: Path) -> list[dict[str, Any]] | None:
    """The pictures of a finished job, or None where any is missing."""
    try:
        found = json.loads((folder / "done.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(found, list) or not found:
        return None
    # An earlier version kept the names alone.
    files = [{"name": one, "remarks": ()} if isinstance(one, str) else one for one in found]
    return files if all((folder / str(one["name"])).is_file() for one in files) else None
