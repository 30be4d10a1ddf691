"""The record of a person on this account: what they allow us to send, what waits for them, what is in flight.

Source of the budget: customer messages, 5 in 48 hours after the person's message; 3 in one minute after a tap on a
menu, a follow or a scan. The person's last action decides: in the minute after a tap no more than its 3 are sent. The
documentation does not say that a tap also ends what a message before it allowed, so that is used once the minute is
over; if the platform counts differently, its refusal corrects the record.
"""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from handlers.message import Language

Action = Literal["message", "brief"]

ALLOWED: dict[Action, int] = {"message": 5, "brief": 3}
SECONDS: dict[Action, float] = {"message": 48 * 3600.0, "brief": 60.0}
MARGIN: dict[Action, float] = {"message": 60.0, "brief": 3.0}
"""Seconds we stop before the platform does: a message must arrive within the window."""
FRESH_SECONDS = 600.0
"""A full budget younger than this is not written again for each further message: at worst we end it a little early."""
ACTIVE_SECONDS = 30.0
"""The typing state is shown only this long after something the person did."""
ANSWERED_KEPT = 6
COMING_SECONDS = 40.0
"""How long text waits for a photo that another process downloads; it may have died."""
RECEIPT = "receipt"
"""The message of a result that comes last."""
UNDERWAY_KEPT = 8
UNDERWAY_SECONDS = 3600.0
"""The progress of a result is kept this long after its last message: until its delivery is certainly recorded."""


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Window(Frozen):
    """What one action of the person opened: when (seconds since 1970), and how much of it is used."""

    at: float
    used: int = 0


class Pending(Frozen):
    """Something that waits for the person to write: text (with `choices`: id, label), or the result on a page.

    `claimed`: when somebody began to send it, seconds since 1970. Two messages of the person reach two senders.
    """

    id: str
    text: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    page: str | None = None
    claimed: float = 0.0


class DeliveryProgress(Frozen):
    """Which messages of one result (`id`: its delivery) have been sent, so that a process that dies between two of them
    leaves at most one in doubt.

    `open` is committed with the count, before that message is sent: if it is found after a crash, nobody knows whether
    it arrived. Picture numbers, `all` for the collage, `card` or `receipt`.
    """

    id: str
    at: float = 0.0
    open: str = ""
    done: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()

    @property
    def tried(self) -> tuple[str, ...]:
        """What is not sent again."""
        return (*self.done, *self.unsure, self.open) if self.open else (*self.done, *self.unsure)

    def closed(self, *, sure: bool) -> "DeliveryProgress":
        """What was open has arrived, or (not `sure`) may have."""
        if not self.open:
            return self
        where = "done" if sure else "unsure"
        return self.model_copy(update={"open": "", where: (*getattr(self, where), self.open)})


class Step(Frozen):
    """The message of a result that is about to be sent. `sure`: whether the one before it has certainly arrived."""

    id: str
    which: str
    sure: bool = True


class Answered(Frozen):
    """A push whose answer carried something held: the same answer for each attempt of the platform."""

    key: str
    answer: str


class Follower(Frozen):
    """`offered`: what the numbers mean that we printed last."""

    message: Window | None = None
    brief: Window | None = None
    gone: bool = False
    seen: tuple[str, ...] = ()
    """Keys of the newest actions: a repeated push opens nothing."""
    held: tuple[Pending, ...] = ()
    underway: tuple[DeliveryProgress, ...] = ()
    coming: tuple[tuple[str, float], ...] = ()
    """Photos still being downloaded, by whatever process: (key of the push, since when)."""
    answered: tuple[Answered, ...] = ()
    offered: tuple[str, ...] = ()
    language: Language = "zh"
    """Their last known language, for what this channel says by itself."""

    def _open(self, action: Action, now: datetime) -> bool:
        window = self.message if action == "message" else self.brief
        return window is not None and now.timestamp() - window.at <= SECONDS[action] - MARGIN[action]

    def _tapped_last(self) -> bool:
        return self.brief is not None and (self.message is None or self.brief.at >= self.message.at)

    def window(self, now: datetime) -> Action | None:
        """The window that decides now, used up or not: that of the last action, as long as it is open."""
        if self.gone:
            return None
        order: tuple[Action, ...] = ("brief", "message") if self._tapped_last() else ("message", "brief")
        return next((action for action in order if self._open(action, now)), None)

    def room(self, now: datetime) -> int:
        """Customer messages that may be sent now."""
        action = self.window(now)
        window = None if action is None else self.message if action == "message" else self.brief
        return 0 if action is None or window is None else max(0, ALLOWED[action] - window.used)

    def active(self, now: datetime) -> bool:
        newest = max((w.at for w in (self.message, self.brief) if w), default=0.0)
        return now.timestamp() - newest < ACTIVE_SECONDS

    def awaits(self, now: datetime) -> tuple[str, ...]:
        """The photos that are still being downloaded."""
        return tuple(key for key, since in self.coming if now.timestamp() - since < COMING_SECONDS)

    def sent(self, key: str, now: datetime) -> "Follower":
        """A photo is being downloaded."""
        if any(key == known for known, _ in self.coming):
            return self
        coming = tuple(c for c in self.coming if c[0] in self.awaits(now))
        return self.model_copy(update={"coming": (*coming, (key, now.timestamp()))})

    def arrived(self, key: str) -> "Follower":
        """A photo was handled, or is not available."""
        return self.model_copy(update={"coming": tuple(c for c in self.coming if c[0] != key)})

    def opened(self, action: Action, key: str, now: datetime, *, photo: bool = False) -> "Follower":
        """After an action of the person."""
        if photo and key not in self.seen:
            return self.sent(key, now).opened(action, key, now)
        if key in self.seen:
            return self
        window = self.message if action == "message" else self.brief
        at = now.timestamp()
        fresh = window is not None and not window.used and at - window.at < FRESH_SECONDS
        if action == "message" and fresh and not self._tapped_last() and not self.gone:
            return self
        seen = (*self.seen, key)[-ANSWERED_KEPT:]
        return self.model_copy(update={action: Window(at=at), "gone": False, "seen": seen})

    def answer_to(self, key: str) -> str | None:
        """The answer to a push that carried something held."""
        return next((answered.answer for answered in self.answered if answered.key == key), None)

    def counted(self, action: Action, change: int) -> "Follower":
        window = self.message if action == "message" else self.brief
        if window is None:
            return self
        used = min(max(window.used + change, 0), ALLOWED[action])
        return self.model_copy(update={action: window.model_copy(update={"used": used})})

    def way(self, delivery: str) -> DeliveryProgress:
        """How much of a result has been sent."""
        return next((u for u in self.underway if u.id == delivery), DeliveryProgress(id=delivery))

    def stepped(self, step: Step, now: datetime) -> "Follower":
        """With the next message of a result in flight."""
        at = now.timestamp()
        way = self.way(step.id).closed(sure=step.sure).model_copy(update={"open": step.which, "at": at})
        return self.with_way(way)

    def with_way(self, way: DeliveryProgress) -> "Follower":
        others = tuple(u for u in self.underway if u.id != way.id and way.at - u.at < UNDERWAY_SECONDS)
        return self.model_copy(update={"underway": (*others, way)[-UNDERWAY_KEPT:]})

    def rested(self, delivery: str, *, sure: bool) -> "Follower":
        """A result of which nothing is in flight any more."""
        way = self.way(delivery)
        return self.with_way(way.closed(sure=sure)) if way.open else self

    def missed(self, step: Step, page: str) -> "Follower":
        """With the rest of a result held of which this message did not arrive; as it is if that is not known any
        more."""
        way = next((u for u in self.underway if u.id == step.id), None)
        if way is None:
            return self
        again = {step.which, RECEIPT}
        kept = {where: tuple(n for n in getattr(way, where) if n not in again) for where in ("done", "unsure")}
        open_now = "" if way.open in again else way.open
        person = self.with_way(way.model_copy(update={**kept, "open": open_now}))
        if any(h.id == step.id for h in self.held):
            return person
        return person.model_copy(update={"held": (*self.held, Pending(id=step.id, page=page))})

    def exhausted(self) -> "Follower":
        """The platform says that nothing is left, whatever we counted."""
        return self.counted("message", ALLOWED["message"]).counted("brief", ALLOWED["brief"])
