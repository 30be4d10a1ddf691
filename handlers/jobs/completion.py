"""How a job ends: its pictures delivered with a receipt, or a sentence why there are none; then its final row."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from handlers.channel import Channel, MakesStickers
from handlers.clean_files import CleanFiles
from handlers.consent import Asked, Consents
from handlers.free_retries import FreeRetries
from handlers.jobs.delivery import Courier
from handlers.jobs.files import JobFiles
from handlers.jobs.notices import JobNotices
from handlers.jobs.outage import written
from handlers.jobs.outcome import Failure, JobOutcome, failure_of, worst
from handlers.jobs.receipt import ReceiptFacts, receipt_of
from handlers.jobs.trainings import Trainings
from handlers.jobs.visible_marks import VisibleMarks
from handlers.marked_copies import with_copies
from handlers.message import Outgoing
from handlers.session import LastResult
from handlers.store.base import DeliveryState, Job, JobState, Part, PartState, Store
from handlers.words import Words
from providers.base import PictureFile
from providers.errors import ConsentNeeded, LikenessError
from providers.faces import TrainedFace
from providers.media.store import at_hand
from providers.money import USD, total
from providers.submission import Routes

log = logging.getLogger(__name__)


SETTLED = {
    JobState.DONE: "job.settled",
    JobState.CANCELLED: "job.settled_stopped",
    JobState.UNCERTAIN: "job.settled_unsure",
}
"""The last status of a job that ended in this state; for other states it is `job.settled_failed`."""


@dataclass(frozen=True, kw_only=True)
class Completion:
    """Ends jobs. Safe to run again from the start, in another process: deliveries have their own rows."""

    store: Store
    channels: Mapping[str, Channel]
    courier: Courier
    words: Words
    clock: Callable[[], datetime]
    files: JobFiles
    router: Routes
    trainings: Trainings
    marks: VisibleMarks = field(default_factory=VisibleMarks)
    free_retry: bool = False
    """Whether the operator pays for one more try where a face was plainly missed."""

    async def end(self, job: Job, made: JobOutcome, parts: Sequence[Part]) -> None:
        """Deliver the pictures, or say why there are none, and end the job."""
        face = await self.trainings.ended(job, made) if job.trains and not job.forgotten else None
        if job.forgotten:
            await self._drop(job)
            return
        named = {picture.path for part in parts for picture in part.pictures}
        named.update(picture.path for picture in made.pictures)
        await self.files.keep_only(job.id, with_copies(named))
        job = counted(replace(job, pictures=made.pictures), parts)
        channel = self.channels.get(job.chat.channel)
        if channel is None:
            log.error("no such channel here: job=%s channel=%s", job.id, job.chat.channel)
            await self._finish(job, JobState.FAILED, "channel_missing")
        elif face is not None:
            await self._tell_face(channel, job, face, took(job, parts))
        elif made.pictures:
            await self._bring(
                channel, job, made, took(job, parts, made.took), receipt_of(job, made, parts, self.router)
            )
        elif made.cancelled:
            await self._stopped(channel, job, made)
        else:
            await self._explain(channel, job, worst(made.faults) or failure_of(LikenessError()), made)

    async def give_up(self, job: Job) -> None:
        """After it broke too often: a bug of ours."""
        await self.end(job, JobOutcome(steps=()), await self.store.parts(job.id))

    async def _bring(self, channel: Channel, job: Job, made: JobOutcome, seconds: float, receipt: ReceiptFacts) -> None:
        await self.store.update_job(job.id, state=JobState.DELIVERING)
        if made.left_to is not None and len(made.steps) == len(job.order.shots):
            asked = Asked(job=job.id, company=made.left_to, missing=made.left_out)
            await Consents(self.store).ask(job.chat, asked, at=self.clock())
        teller = JobNotices(job=job, words=self.words)
        result = teller.result(made, took=seconds, number=job.delivery, receipt=receipt)
        if made.took is None:  # not all of it by this run: another worker may have made it
            for picture in result.pictures:
                await at_hand(self.store.media, picture.path)
        result = await self._marked(job, result, teller)
        if self.free_retry and made.missed and job.estimate and job.order.free_try_of is None:
            await FreeRetries(self.store).offer(job, at=self.clock())
            result = replace(result, choices=(teller.free_retry(), *result.choices))
        if isinstance(channel, MakesStickers) and job.order.expressions:
            result = replace(result, choices=(*result.choices, teller.as_stickers()))
        await self._shared(result.pictures)
        row = await self.courier.deliver(channel, job.chat, result, job_id=job.id, number=job.delivery)
        if row.state is DeliveryState.SENT:
            await self._settle(channel, teller, "job.settled_stopped" if made.cancelled else "job.settled", made)
            await self._finish(job, JobState.CANCELLED if made.cancelled else JobState.DONE, None, took=seconds)
        elif row.state is DeliveryState.UNCERTAIN:
            await self._settle(channel, teller, "job.settled_unsure", made)
            await self.courier.say(channel, job.chat, teller.unsure_delivery(number=job.delivery))
            await self._finish(job, JobState.UNCERTAIN, "delivery_unknown")
        elif row.state is DeliveryState.REFUSED:
            # The person left or blocked us: nothing is sent.
            await self._finish(job, JobState.FAILED, "delivery_refused")
        else:
            await self._finish(job, JobState.FAILED, "delivery_later")

    async def _tell_face(self, channel: Channel, job: Job, face: TrainedFace, seconds: float) -> None:
        """Sent before the final row, like a failure."""
        teller = JobNotices(job=job, words=self.words)
        await self._settle(channel, teller, "job.settled")
        await self.courier.say(channel, job.chat, teller.trained(face, took=seconds))
        await self._finish(job, JobState.DONE, None)

    async def _marked(self, job: Job, result: Outgoing, teller: JobNotices) -> Outgoing:
        """With the visible mark and, where offered, a button for the file without it; unmarked after a promise."""
        if not self.marks.wanted(job.chat, job.order.language):
            return result
        if self.marks.clean_files and await CleanFiles(self.store).promised(job.id):
            return result
        shown = await self.marks.delivered(result.pictures, chat=job.chat, language=job.order.language)
        more = (teller.clean_file(),) if self.marks.clean_files else ()
        return replace(result, pictures=shown, choices=(*result.choices, *more))

    async def _shared(self, pictures: Sequence[PictureFile]) -> None:
        """Any process may be asked for what is shown, marked copies included."""
        media = self.store.media
        if media is None:
            return
        for picture in pictures:
            await written(partial(media.put, picture.path))

    async def _stopped(self, channel: Channel, job: Job, made: JobOutcome) -> None:
        teller = JobNotices(job=job, words=self.words)
        await self._settle(channel, teller, "job.settled_stopped", made)
        await self.courier.say(channel, job.chat, teller.stopped(maybe_charged=made.maybe_charged))
        await self._finish(job, JobState.CANCELLED, None)

    async def _explain(self, channel: Channel, job: Job, fault: Failure, made: JobOutcome) -> None:
        """Sent before the final row, so that a crash in between repeats it rather than losing it."""
        teller = JobNotices(job=job, words=self.words)
        if fault.code == ConsentNeeded.code:
            asked = Asked(job=job.id, company=str(fault.params["provider"]))
            await Consents(self.store).ask(job.chat, asked, at=self.clock())
        await self._settle(channel, teller, "job.settled_unsure" if fault.unknown else "job.settled_failed", made)
        await self.courier.say(channel, job.chat, teller.failure(fault, number=job.run if job.by_hand else 0))
        await self._finish(job, JobState.UNCERTAIN if fault.unknown else JobState.FAILED, fault.code)

    async def _drop(self, job: Job) -> None:
        """The person was forgotten while it ran: the status says that it stopped, and nothing is kept."""
        channel = self.channels.get(job.chat.channel)
        if channel is not None:
            teller = JobNotices(job=job, words=self.words)
            await self._settle(channel, teller, "job.settled_stopped")
            await self.store.drop_entry(job.chat, teller.settled("job.settled_stopped", now=self.clock()).id)
        # The pictures first: after a crash in between, the row still says that they are to be deleted.
        await self.files.discard_job(job.id)
        await self.files.discard(await self.store.drop_job(job.id))
        log.info("dropped a job whose person was forgotten: job=%s", job.id)

    async def settle_again(self, channel: Channel, job: Job, *, forgotten: bool) -> None:
        """Show the last status of an ended job once more, because another may have been shown after it."""
        teller = JobNotices(job=job, words=self.words)
        key = "job.settled_stopped" if forgotten else SETTLED.get(job.state, "job.settled_failed")
        await self._settle(channel, teller, key)
        if forgotten:
            await self.store.drop_entry(job.chat, teller.settled(key, now=self.clock()).id)

    async def _settle(self, channel: Channel, teller: JobNotices, key: str, made: JobOutcome | None = None) -> None:
        """`made`: if one run made all of it, the time is what that took, whatever the wall clock says by now."""
        took = made.took if made is not None else None
        now = self.clock() if took is None else teller.job.created + timedelta(seconds=took)
        await self.courier.show(channel, teller.job.chat, teller.settled(key, now=now))

    async def _finish(self, job: Job, state: JobState, error_code: str | None, *, took: float | None = None) -> None:
        now = self.clock()
        last = None
        if job.pictures:
            paths = tuple(picture.path for picture in job.pictures)
            sizes = tuple((picture.width, picture.height) for picture in job.pictures)
            last = LastResult(job=job.id, order=job.order, pictures=paths, sizes=sizes, at=now)
        if not await self.store.finish_job(replace(job, state=state, error_code=error_code, finished=now), last):
            await self._drop(job)
            return
        seconds = max(0.0, (now - job.created).total_seconds()) if took is None else took
        log.info(
            "job ended: job=%s state=%s code=%s what=%s provider=%s pictures=%d seconds=%.1f",
            job.id,
            state.value,
            error_code or "-",
            job.order.keys,
            job.provider or "-",
            len(job.pictures),
            seconds,
        )


def counted(job: Job, parts: Sequence[Part]) -> Job:
    """The job with what its parts really cost and who made them.

    If they were charged in different currencies, those not in US dollars count with their share of the estimate.
    """
    charges = [part for part in parts if part.charge is not None]
    makers = {part.provider for part in parts if part.state is PartState.MADE}
    provider = min(makers) if len(makers) == 1 else job.provider
    amounts = [part.charge.money for part in charges if part.charge]
    currencies = {money.currency for money in amounts}
    if len(currencies) <= 1:
        return replace(job, cost=total(amounts) if amounts else None, provider=provider)
    usd = total([money for money in amounts if money.currency == USD])
    others = sum(len(part.pictures) for part in charges if part.charge and part.charge.money.currency != USD)
    share = job.estimate * (Decimal(others) / max(1, job.order.count))
    return replace(job, cost=usd + share, provider=provider)


SAME = 5.0
"""Seconds by which two clocks that measure the same may differ."""


def took(job: Job, parts: Sequence[Part], counted: float | None = None) -> float:
    """Seconds from the order to the last picture; the same however often it is asked.

    Rows are dated by the machine's wall clock, which may be set in between. `counted`: by a monotonic clock, if one
    process saw the whole job; it wins where the two contradict each other.
    """
    ends = [part.updated for part in parts if part.state is PartState.MADE and part.updated]
    dated = max(((end - job.created).total_seconds() for end in ends), default=0.0)
    return max(0.0, dated if counted is None or abs(dated - counted) <= SAME else counted)
