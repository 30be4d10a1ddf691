"""What is going on with one person in one chat, as one durable value: their answers, and what is still to be shown.

Every message gets an *answer*: a stream in the chat, which holds all that is said about it and, at the end, its
pictures. What comes after the stream is over is an *item* that goes another way, or waits for the next stream. All of
it is in one value, so that each step (a stream that ends, a picture that is about to be sent, the one use of a
`response_url`) is a single conditional write, however many processes look at it.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from handlers.message import Choice, Kind, Language, Outgoing
from providers.media.ref import StoredPath

URL_SECONDS = 3600.0 - 60.0
"""How long a `response_url` can be used, with a margin."""
KEPT_ANSWERS, KEPT_ITEMS, KEPT_CARDS = 12, 20, 10
KEPT_SECONDS = 2 * 3600.0

Way = Literal["", "stream", "url", "line", "gone"]
"""How an item was shown. `stream`: with a stream's last answer; `url`: by a `response_url`; `line`: as messages over
the long connection; `gone`: it cannot be shown. Empty: not yet."""
Choices = tuple[tuple[str, str], ...]
"""Ids and labels."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Card(_Frozen):
    """A card of choices that was sent; the platform does not return its content when it is pressed."""

    task: str
    title: str
    choices: Choices


class Item(_Frozen):
    """Text or pictures that did not go into a running stream.

    `answer`: the stream it is to end with. `sending`: the message of it that is in flight over the long connection (0:
    its text, 1…: its pictures), committed before it is sent: if it is found after a crash, nobody knows whether it
    arrived.
    """

    id: str
    text: str
    language: Language = "zh"
    job: str = ""
    pictures: tuple[StoredPath, ...] = ()
    choices: Choices = ()
    made: float = 0.0
    answer: str = ""
    way: Way = ""
    sending: int | None = None
    done: tuple[int, ...] = ()
    unsure: tuple[int, ...] = ()
    held: bool = False
    """Every way was refused; it waits for the person to write."""

    def tried(self, number: int) -> bool:
        """Whether this message of it is not sent again."""
        return number in self.done or number in self.unsure or self.sending == number

    def settled_step(self, *, sure: bool) -> "Item":
        """What was in flight has arrived, or (not `sure`) may have."""
        if self.sending is None:
            return self
        where = "done" if sure else "unsure"
        return self.model_copy(update={"sending": None, where: (*getattr(self, where), self.sending)})


class Answer(_Frozen):
    """What is said about one message. `began`: when it came, seconds since 1970.

    `req`: the platform's handle of the message (long connection). `url`: its sealed `response_url`. `streamed`: whether
    it can have a stream (a press of a card has none). `begun`: jobs it waits for. `settled`: those that have ended, and
    until when their last text may come.
    """

    id: str
    began: float
    language: Language = "zh"
    req: str = ""
    url: str = ""
    url_used: bool = False
    streamed: bool = True
    said: Choices = ()
    """Ids and texts."""
    choices: Choices = ()
    carded: bool = False
    begun: tuple[str, ...] = ()
    settled: tuple[tuple[str, float], ...] = ()
    status: str = ""
    status_at: float = 0.0
    replied: float = 0.0
    ended: float = 0.0

    @property
    def open(self) -> bool:
        """Whether something can still be put into its stream."""
        return self.streamed and not self.ended

    def running(self, now: float) -> tuple[str, ...]:
        """Jobs that something is still expected from."""
        over = {job for job, until in self.settled if now >= until}
        return tuple(job for job in self.begun if job not in over)

    def url_usable(self, now: float) -> bool:
        return bool(self.url) and not self.url_used and now - self.began < URL_SECONDS

    def says(self, outgoing: Outgoing) -> "Answer":
        """With this text; the same id twice is the same text."""
        said = (*(s for s in self.said if s[0] != outgoing.id), (outgoing.id, outgoing.text))
        choices = listed(outgoing.choices) or self.choices
        return self.model_copy(
            update={"said": said, "choices": choices, "carded": self.carded and not outgoing.choices}
        )

    def about(self, job: str | None, ref: str | None) -> bool:
        """Whether this job is its own. Text of a job may come before it is known that the message began it."""
        return bool(job) and (job in self.begun or self.id == ref)

    def settles(self, job: str, until: float) -> "Answer":
        others = tuple(s for s in self.settled if s[0] != job)
        return self.model_copy(update={"settled": (*others, (job, until))})


class Talk(_Frozen):
    """Everything going on with one person in one chat. `offered`: what the numbers mean that we printed last."""

    chat: str
    person: str
    group: bool = False
    answers: tuple[Answer, ...] = ()
    items: tuple[Item, ...] = ()
    cards: tuple[Card, ...] = ()
    offered: tuple[str, ...] = ()

    # --- queries

    def answer(self, id: str | None) -> Answer | None:
        return next((a for a in self.answers if a.id == id), None)

    def item(self, id: str) -> Item | None:
        return next((i for i in self.items if i.id == id), None)

    def card(self, task: str) -> Card | None:
        return next((c for c in self.cards if c.task == task), None)

    def of(self, answer: Answer) -> tuple[Item, ...]:
        """What is to end with this stream, or did."""
        return tuple(i for i in self.items if i.answer == answer.id and i.way in ("", "stream"))

    def pending(self) -> tuple[Item, ...]:
        """What was not shown yet and no open stream will show."""
        open_ones = {a.id for a in self.answers if a.open}
        return tuple(i for i in self.items if not i.way and i.answer not in open_ones)

    def stream_for(self, ref: str | None, job: str | None) -> Answer | None:
        """The open stream that something about this message or job goes into."""
        if (named := self.answer(ref)) is not None and named.open:
            return named
        open_ones = [a for a in reversed(self.answers) if a.open]
        waiting = [a for a in open_ones if job and job in a.begun]
        return next(iter(waiting or open_ones), None)

    # --- changes

    def with_answer(self, answer: Answer) -> "Talk":
        return self.model_copy(update={"answers": tuple(answer if a.id == answer.id else a for a in self.answers)})

    def with_item(self, item: Item) -> "Talk":
        return self.model_copy(update={"items": tuple(item if i.id == item.id else i for i in self.items)})

    def opened(self, answer: Answer) -> "Talk":
        """With another message of theirs; what waited for it ends with its stream. Idempotent."""
        if self.answer(answer.id) is not None:
            return self
        waiting = {i.id for i in self.pending()} if answer.streamed else set()
        ends_here = {"answer": answer.id, "held": False}
        items = tuple(i.model_copy(update=ends_here) if i.id in waiting else i for i in self.items)
        return self.model_copy(update={"answers": (*self.answers, answer), "items": items}).pruned(answer.began)

    def pruned(self, now: float) -> "Talk":
        """Without what has long been over."""
        answers = [a for a in self.answers if now - a.began < KEPT_SECONDS][-KEPT_ANSWERS:]
        shown = [i.id for i in self.items if i.way and now - i.made < KEPT_SECONDS][-KEPT_ITEMS:]
        items = tuple(i for i in self.items if not i.way or i.id in shown)
        return self.model_copy(update={"answers": tuple(answers), "items": items, "cards": self.cards[-KEPT_CARDS:]})

    def replied(self, id: str, outgoing: Sequence[Outgoing], running: Iterable[str], now: float) -> "Talk":
        """With what the handlers answered. `running`: the jobs it is to wait for."""
        answer = self.answer(id)
        if answer is None:
            return self
        if not answer.open:
            talk = self
            for one in outgoing:
                talk = talk.waits_for(item_of(one, now, answer=id))
            return talk.with_answer(_waiting(answer, running, now))
        for one in outgoing:
            answer = answer.says(one)
        return self.with_answer(_waiting(answer, running, now))

    def heard(self, outgoing: Outgoing, now: float, *, grace: float) -> "Talk":
        """With text or a status of a job. `grace`: how long after a job's last status its last text may come."""
        goes_on = any(c.id.startswith("cancel:") for c in outgoing.choices)
        if outgoing.kind is Kind.STATUS:
            return self._status(outgoing, now, until=None if goes_on else now + grace)
        answer = self.stream_for(outgoing.ref, outgoing.job)
        talk = self.waits_for(item_of(outgoing, now, answer=outgoing.ref or "")) if answer is None else self
        if answer is not None:
            talk = talk.with_answer(answer.says(outgoing))
        return talk if goes_on else talk.settled(outgoing, now)

    def _status(self, outgoing: Outgoing, now: float, until: float | None) -> "Talk":
        talk = self
        for answer in self.answers:
            if not outgoing.job or not answer.about(outgoing.job, outgoing.ref):
                continue
            changed = answer.model_copy(update={"status": outgoing.text, "status_at": now}) if answer.open else answer
            talk = talk.with_answer(changed if until is None else changed.settles(outgoing.job, until))
        return talk

    def settled(self, outgoing: Outgoing, now: float) -> "Talk":
        """A job has said its last."""
        job = outgoing.job
        if not job:
            return self
        answers = tuple(a.settles(job, now) if a.about(job, outgoing.ref) else a for a in self.answers)
        return self.model_copy(update={"answers": answers})

    def waits_for(self, item: Item) -> "Talk":
        """With something to show; the same id twice is one."""
        return self if self.item(item.id) is not None else self.model_copy(update={"items": (*self.items, item)})

    def staged(self, outgoing: Outgoing, now: float) -> "Talk":
        """With a result; if an open stream waits for it, it ends with that."""
        stream = self.stream_for(outgoing.ref, outgoing.job)
        item = item_of(outgoing, now, answer=stream.id if stream else outgoing.ref or "")
        return self.waits_for(item).settled(outgoing, now)

    def over(self, id: str, shown: Iterable[str], now: float) -> "Talk":
        """The last answer of a stream is given, with these items."""
        answer = self.answer(id)
        if answer is None or not answer.open:
            return self
        talk = self.with_answer(answer.model_copy(update={"ended": now}))
        for name in shown:
            if (item := talk.item(name)) is not None and not item.way:
                talk = talk.with_item(item.model_copy(update={"way": "stream"}))
        return talk

    def carded(self, id: str, card: Card) -> "Talk":
        """A card was shown with a stream."""
        answer = self.answer(id)
        talk = self if answer is None else self.with_answer(answer.model_copy(update={"carded": True}))
        return talk.with_card(card)

    def with_card(self, card: Card) -> "Talk":
        cards = (*(c for c in self.cards if c.task != card.task), card)[-KEPT_CARDS:]
        return self.model_copy(update={"cards": cards})


def _waiting(answer: Answer, running: Iterable[str], now: float) -> Answer:
    begun = dict.fromkeys((*answer.begun, *running))
    return answer.model_copy(update={"replied": now, "begun": tuple(begun)})


def listed(choices: Sequence[Choice]) -> Choices:
    """Without "cancel": it would be pressed by mistake under every line of progress; typing the word stops a job."""
    return tuple((c.id, c.label) for c in choices if not c.id.startswith("cancel:"))


def item_of(outgoing: Outgoing, now: float, *, answer: str) -> Item:
    return Item(
        id=outgoing.id,
        text=outgoing.text,
        language=outgoing.language,
        job=outgoing.job or "",
        pictures=tuple(picture.path for picture in outgoing.pictures),
        choices=listed(outgoing.choices),
        made=now,
        answer=answer,
    )
