"""What is special about jobs that train a face: one at a time over all processes, recorded so that nothing stays at a
service after its person is gone, and a face stored with the person at the end."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from handlers.faces import Faces
from handlers.jobs.outcome import JobOutcome
from handlers.store.base import ENDED, Job, Store
from providers.errors import LikenessError, NotTaken
from providers.faces import FaceService, TrainedFace
from providers.submission import Routes

log = logging.getLogger(__name__)

TURNS = "training_turn"
TURN_PAUSE = 30.0
"""Seconds after which a job that waits for another's training asks again."""
TURN_LIFE = timedelta(minutes=10)
"""How long a turn lasts if nobody renews it: a job renews it at each look."""


@dataclass(frozen=True, kw_only=True)
class Trainings:
    """`takes_turn`, `note` and `ended` in this order, each as often as the job is run."""

    store: Store
    router: Routes
    clock: Callable[[], datetime]

    @property
    def faces(self) -> Faces:
        return Faces(self.store)

    async def takes_turn(self, job: Job) -> bool:
        """Whether this job's training may be at its service now: one may, of all jobs of all processes."""
        until = self.clock() + TURN_LIFE

        def mine(holder: str | None) -> str:
            owner = (holder or "").partition(" ")[0]
            # The time makes it a new value, so it is written and the turn lasts longer.
            return f"{job.id} {until.isoformat()}" if owner in ("", job.id) else holder or ""

        held = await self.store.change(TURNS, "one", mine, expires=until)
        return (held or "").partition(" ")[0] == job.id

    async def note(self, job: Job) -> None:
        """Record what a service has accepted for this job."""
        for part in await self.store.parts(job.id):
            if part.submission is not None:
                owner = job.chat.owner
                await self.faces.note(part.provider, part.submission.request_id, owner=owner, job=job.id)

    async def ended(self, job: Job, made: JobOutcome) -> TrainedFace | None:
        """Store the face, if there is one, and give the turn back."""
        await self.store.change(TURNS, "one", lambda holder: None if (holder or "").startswith(job.id) else holder)
        parts = await self.store.parts(job.id)
        part = next((p for p in parts if p.submission is not None and p.submission.face == made.face), None)
        if made.face is None or part is None or part.submission is None:
            return None
        face = TrainedFace(
            id=made.face,
            service=part.provider,
            training=part.submission.request_id,
            gender=job.order.gender,
            created=self.clock(),
        )
        return await self.faces.keep(job.chat, face, at=self.clock())

    async def clear(self) -> None:
        """Delete at their services what no person owns any more. Failures are retried at the next call."""
        for service, training, owner, job_id in await self.faces.noted():
            if any(face.training == training for face in await self.faces.owned(owner)):
                continue
            job = await self.store.job(job_id)
            if job is not None and job.state not in ENDED:
                continue
            try:
                provider = self.router.provider(service)
                if isinstance(provider, FaceService):
                    await provider.delete_face(training)
            except LikenessError as error:
                if not isinstance(error, NotTaken):
                    log.warning("a trained face could not be deleted at its service: %s", error)
                continue
            await self.faces.gone(service, training)
            log.info("a trained face that nobody has any more was deleted at %s", service)
