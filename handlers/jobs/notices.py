"""What a job tells its person: the status while it is made, the receipt under its pictures, why some are missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from handlers.describe import describe
from handlers.jobs.outcome import Failure, JobOutcome
from handlers.jobs.receipt import NO_FACTS, WAYS, Held, ReceiptFacts
from handlers.message import Choice, Kind, Language, Outgoing
from handlers.store.base import Job
from handlers.words import Words, estimated, for_guests, money, seconds, size_in_words, texts
from providers.base import Phase, Progress
from providers.catalog import MODELS, STYLES
from providers.errors import ConsentNeeded
from providers.faces import TrainedFace
from providers.money import Money
from providers.registry import is_local, label_of

WAIT_TOLD = 5.0
"""Seconds before its turn from which a receipt tells them apart from the making."""
AFTERWARDS = ("again", "variations", "upscale", "edit")
"""The choices under every result; each id is `name:job`."""


@dataclass(frozen=True, kw_only=True)
class JobNotices:
    """Builds the notices of one job."""

    job: Job
    words: Words

    @property
    def language(self) -> Language:
        return self.job.order.language

    def say(self, key: str, **params: str | int | float) -> str:
        return self.words(self.language, key, **params)

    def _time(self, since: datetime, now: datetime) -> str:
        return seconds((now - since).total_seconds(), self.language)

    def _outgoing(self, kind: str, form: Kind, text: str, choices: tuple[Choice, ...] = ()) -> Outgoing:
        return Outgoing(
            id=f"{kind}:{self.job.id}",
            kind=form,
            text=text,
            choices=choices,
            ref=self.job.ref,
            job=self.job.id,
            language=self.language,
        )

    def _choice(self, name: str) -> Choice:
        return Choice(id=f"{name}:{self.job.id}", label=self.say(f"choice.{name}"))

    def clean_file(self) -> Choice:
        """Under pictures with the visible mark."""
        return self._choice("clean")

    # --- in progress

    def status(
        self,
        progress: Mapping[str, Progress],
        *,
        now: datetime,
        expected: float,
        late: bool,
        requests: int = 0,
        begun: datetime | None = None,
    ) -> Outgoing:
        """What is happening, how long it has taken so far, and how long it usually takes. `requests`: of all steps.

        `begun`: when making began, excluding time in a queue; None while unknown.
        """
        time = self._time(begun or self.job.created, now)
        if late:
            text = self.say("job.waiting", time=time)
        else:
            text = self._happening(progress, now, time, expected, max(requests, len(progress)), begun)
        said = self._outgoing("status", Kind.STATUS, text, (self._choice("cancel"),))
        if late or expected <= 0 or begun is None:
            return said  # while it waits for its turn, its end does not come nearer
        return replace(said, expected=expected, begun=begun, done=_done(progress, max(requests, len(progress))))

    def _happening(
        self,
        progress: Mapping[str, Progress],
        now: datetime,
        time: str,
        expected: float,
        requests: int,
        begun: datetime | None,
    ) -> str:
        if self.job.trains:
            return self._learning(time, expected)
        going = [p for p in progress.values() if p.phase is not Phase.DONE]
        ready = len(progress) - len(going)
        if not going and not ready:
            return self.say("job.starting", time=time)
        queued = [p for p in going if p.phase is Phase.QUEUED]
        if queued and len(queued) == len(progress):
            ahead = max((p.position for p in queued if p.position is not None), default=None)
            usual = seconds(expected, self.language)
            key = "job.queued" if ahead is None else "job.queued_at"
            return self.say(key, n=ahead or 0, time=time, expected=usual)
        if going and all(p.phase is Phase.FETCHING for p in going):
            return self.say("job.fetching", time=time)
        if expected > 0 and (now - (begun or self.job.created)).total_seconds() > expected * 1.5:
            return self.say("job.overdue", time=time)
        usual = seconds(expected, self.language)
        if ready and (going or ready < requests):
            return self.say("job.working_some", ready=ready, n=requests, time=time, expected=usual)
        if requests == 1 and (done := _done(progress, requests)) is not None:
            return self.say("job.working_percent", percent=round(100 * done), time=time, expected=usual)
        return self.say("job.working", time=time, expected=usual)

    def in_line(self, ahead: int, *, now: datetime, expected: float) -> Outgoing:
        """It waits for its turn, with so many before it."""
        usual, time = seconds(expected, self.language), self._time(self.job.created, now)
        text = self.say("job.queued_at", n=ahead, time=time, expected=usual)
        if not ahead:
            text = self.say("job.queued", time=time, expected=usual)
        return self._outgoing("status", Kind.STATUS, text, (self._choice("cancel"),))

    def _learning(self, time: str, expected: float) -> str:
        return self.say("job.learning", time=time, expected=seconds(expected, self.language))

    def sleeping(self, *, wakes_after: float, now: datetime, expected: float) -> Outgoing:
        """A step takes hours: when it is looked at again, and that it can be stopped meanwhile."""
        text = self.say("job.sleeping", time=seconds(wakes_after, self.language))
        if self.job.trains:
            text = self._learning(self._time(self.job.created, now), expected)
        return self._outgoing("status", Kind.STATUS, text, (self._choice("cancel"),))

    def trained(self, face: TrainedFace, *, took: float) -> Outgoing:
        """A face is ready: what it cost, and what can be made with it."""
        cost = estimated(self.job.cost or Money.zero(), self.language)
        text = self.say("job.trained", name=face.name, time=seconds(took, self.language), cost=cost)
        styles = tuple(key for key in STYLES if face.service in STYLES[key].presets)
        choices = tuple(Choice(id=f"face:{key}", label=STYLES[key].name(self.language)) for key in styles)
        return self._outgoing("trained", Kind.CHOICES, text, choices)

    def as_stickers(self) -> Choice:
        """Under an expression sheet, if the channel makes sticker packs."""
        return self._choice("stickers")

    def no_room(self) -> Outgoing:
        return self._outgoing("status", Kind.STATUS, self.say("job.no_room"), (self._choice("cancel"),))

    def unserved(self) -> Outgoing:
        """No running process can make it: the job is kept."""
        return self._outgoing("unserved", Kind.CHOICES, self.say("job.unserved"), (self._choice("cancel"),))

    def late(self, now: datetime) -> Outgoing:
        """Said once, when the job has waited for ten minutes."""
        text = self.say("job.late", time=self._time(self.job.created, now))
        return self._outgoing("late", Kind.CHOICES, text, (self._choice("cancel"),))

    # --- at the end

    def settled(self, key: str, *, now: datetime) -> Outgoing:
        """The last status, `job.settled…`; without choices."""
        text = self.say(key, time=self._time(self.job.created, now))
        return self._outgoing("status", Kind.STATUS, text)

    def result(self, made: JobOutcome, *, took: float, number: int, receipt: ReceiptFacts = NO_FACTS) -> Outgoing:
        """The pictures with their receipt. `took`: seconds; `number`: of the delivery, 0 for the first."""
        lines = [
            self._receipt(made, took, by_list=receipt.by_list),
            *([self._not_by(receipt.not_by)] if receipt.not_by else []),
            *(self._sizes("job.enlarged", before, after) for before, after in receipt.enlarged),
            *(self._sizes("job.reduced", before, after) for before, after in receipt.reduced),
            *(self._held(held) for held in receipt.held),
            *self._items(made),
            *self._looked_at(made),
            *self._missing(made),
        ]
        if made.cancelled:
            lines.append(self.say("job.stopped_some"))
        offers = (*(("retry",) if any(f.unknown for f in made.faults) else ()), *AFTERWARDS)
        company = made.left_to if len(made.steps) == len(self.job.order.shots) else None
        rest = () if company is None else (self._rest(company),)
        return Outgoing(
            id=f"result:{self.job.id}" + (f":{number}" if number else ""),
            kind=Kind.PICTURES,
            text="\n".join(lines),
            pictures=made.pictures,
            choices=(*rest, *(self._choice(name) for name in offers)),
            ref=self.job.ref,
            job=self.job.id,
            language=self.language,
            prompt=self._own_words(),
        )

    def _own_words(self) -> str | None:
        """What the person wrote for the picture, where it is one wish in words of their own."""
        if len(self.job.order.shots) != 1:
            return None
        (shot,) = self.job.order.shots
        return shot.prompt or shot.scene or next((edit.prompt for edit in shot.edits if edit.prompt), None)

    def _receipt(self, made: JobOutcome, took: float, *, by_list: bool) -> str:
        pictures = made.pictures
        makers = dict.fromkeys(self._provider(p.provider) for p in pictures)
        count = self.say("say.many", n=len(pictures)) if len(pictures) > 1 else self.say("say.one")
        facts = {
            "what": describe(self.job.order, self.language),
            "count": count,
            "provider": ", ".join(makers),
            "time": self._took(took, made.waited),
        }
        if all(is_local(p.provider) for p in pictures):
            return self.say("job.receipt_basic", **facts)
        cost = (estimated if by_list else money)(self.job.cost or Money.zero(), self.language)
        cost = self.say("unit.free") if self.job.order.free_try_of else cost
        return self.say("job.receipt", model=MODELS[self.job.order.model].name(self.language), cost=cost, **facts)

    def _took(self, took: float, waited: float) -> str:
        """From the message to the picture, and how much of it was no making."""
        time = seconds(took, self.language)
        if waited < WAIT_TOLD:
            return time
        return self.say("job.time_waited", time=time, waited=seconds(waited, self.language))

    def _provider(self, name: str) -> str:
        """A service by its own name, unless people here know it by another."""
        key = f"job.provider_{name}"
        return self.say(key) if key in texts(self.language) else label_of(name)

    def _not_by(self, services: Sequence[str]) -> str:
        """Why a provider other than the preferred one made it."""
        return self.say("job.not_by", services=self.say("unit.comma").join(map(self._provider, services)))

    def _sizes(self, key: str, before: tuple[int, int], after: tuple[int, int]) -> str:
        sizes = {"from": size_in_words(before), "to": size_in_words(after)}
        return self.say(key, **sizes)

    def _held(self, held: Held) -> str:
        """How the face was preserved: what was asked for, and if that was not available, what was used."""
        # A workflow graph of the operator's describes it in its own words.
        how = self.say(WAYS[held.how]) if held.how in WAYS else held.how
        asked, given = (self.say(f"consistency.{level.value}") for level in (held.asked, held.given))
        text = self.say("job.held" if held.asked is held.given else "job.held_less", asked=asked, given=given)
        return text + self.say("job.held_by", how=how) if how else text

    def _items(self, made: JobOutcome) -> list[str]:
        """Which picture is which, if its steps have labels."""
        labels = [step.label for step in made.steps for _ in step.pictures]
        return [self.say("job.item", n=n, what=label) for n, label in enumerate(labels, 1) if label]

    def _looked_at(self, made: JobOutcome) -> list[str]:
        """What this machine saw in the finished pictures: what is wrong with an ID photo, and whose face it is not."""
        pictures = made.pictures
        lines = []
        for n, picture in enumerate(pictures, 1):
            for remark in picture.remarks:
                said = self.say(f"say.id_{remark}")
                lines.append(self.say("job.item", n=n, what=said) if len(pictures) > 1 else said)
        missed = [n for n, picture in enumerate(pictures, 1) if picture.likeness == "miss"]
        if made.missed:
            return [*lines, self.say("job.miss" if len(pictures) == 1 else "job.all_missed")]
        if len(made.steps) == 1 and sum(picture.likeness is not None for picture in pictures) > 1:
            lines.append(self.say("job.ranked"))
        if missed:
            lines.append(self.say("job.some_missed", numbers=self.say("unit.comma").join(map(str, missed))))
        return lines

    def free_retry(self) -> Choice:
        """Under a clear miss, where the operator pays for another try."""
        return self._choice("free")

    def _missing(self, made: JobOutcome) -> list[str]:
        total = made.wanted or self.job.order.count
        missing = total - len(made.pictures)
        if missing <= 0 or made.cancelled:
            return []
        lost, photos = self._lost(made)
        if sum(lost.values()) != missing:  # as an earlier version kept it
            lost = dict.fromkeys(map(self._why_missing, made.faults), missing) or {self.say("job.fewer"): missing}
        return [
            self.say("job.missing_photos", n=n, total=total, why=why, which=self.say("unit.comma").join(photos[why]))
            if why in photos
            else self.say("job.missing", n=n, total=total, why=why)
            for why, n in lost.items()
        ]

    def _lost(self, made: JobOutcome) -> tuple[dict[str, int], dict[str, list[str]]]:
        """How many pictures are missing for each reason; and of which photos, where each shot has one of its own."""
        lost: dict[str, int] = {}
        photos: dict[str, list[str]] = {}
        shots = self.job.order.shots if len(self.job.order.shots) == len(made.steps) else ()
        for n, step in enumerate(made.steps):
            gone = step.wanted - len(step.pictures)
            if gone <= 0:
                continue
            why = self._why_missing(step.fault) if step.fault else self.say("job.fewer")
            lost[why] = lost.get(why, 0) + gone
            if shots and (photo := shots[n].photo) is not None:
                photos.setdefault(why, []).append(str(photo + 1))
        return lost, photos

    def _why_missing(self, fault: Failure) -> str:
        """If there are pictures, a button asks rather than a sentence: a bare yes may be about the pictures."""
        return self.say("job.not_accepted", **fault.params) if fault.code == ConsentNeeded.code else self.why(fault)

    def _rest(self, company: str) -> Choice:
        """What the company that was not yet accepted did not make."""
        return Choice(id=f"agree:{self.job.id}", label=self.say("choice.consent_rest", company=label_of(company)))

    def why(self, fault: Failure) -> str:
        """An error as one sentence; the settings in it are no matter of the person's."""
        return self.say(for_guests(fault.text_key), **fault.params)

    def failure(self, fault: Failure, *, number: int) -> Outgoing:
        """No picture at all: why, and what can be done."""
        # What is made and paid for is fetched, not made and paid for again.
        again = "fetch" if fault.fetchable else "retry"
        choices: tuple[Choice, ...] = (self._choice(again),) if fault.retryable else ()
        if fault.code == ConsentNeeded.code:
            yes = Choice(id=f"agree:{self.job.id}", label=self.say("choice.consent_yes"))
            choices = (yes, Choice(id=f"refuse:{self.job.id}", label=self.say("choice.no")))
        kind = f"error{number}" if number else "error"
        return self._outgoing(kind, Kind.CHOICES if choices else Kind.TEXT, self.why(fault), choices)

    def stopped(self, *, maybe_charged: bool) -> Outgoing:
        """After a cancel that left no picture."""
        return self._outgoing("stopped", Kind.TEXT, self.say("job.stopped_maybe" if maybe_charged else "job.stopped"))

    def unsure_delivery(self, *, number: int) -> Outgoing:
        """It is unknown whether the pictures arrived: the person decides."""
        kind = f"unsure{number}" if number else "unsure"
        return self._outgoing(kind, Kind.CHOICES, self.say("job.unsure_delivery"), (self._choice("resend"),))


def _done(progress: Mapping[str, Progress], requests: int) -> float | None:
    """The fraction that is done: what the service reports for a single request, how many are ready for several."""
    if requests == 1:
        return next((p.fraction for p in progress.values() if p.phase is not Phase.DONE), None)
    ready = sum(p.phase is Phase.DONE for p in progress.values())
    return ready / requests if ready else None
