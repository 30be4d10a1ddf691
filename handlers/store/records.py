"""The values the store keeps: jobs, their parts and deliveries, turns, lines of a conversation, inbox rows."""

from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from handlers.message import Chat, Outgoing
from handlers.order import Order
from handlers.plan import Plan
from handlers.session import PHOTOS_KEPT, Session
from providers.attempts import Attempt, Outcome
from providers.base import Charge, PictureFile, Submission
from providers.journal import Stage
from providers.money import Money

NOTHING = Money.zero()


class JobState(StrEnum):
    """new → running → (late) → delivering → done, or failed, uncertain, cancelled."""

    NEW = "new"
    RUNNING = "running"
    LATE = "late"
    """Waits for longer than ten minutes; the person was told; it continues."""
    DELIVERING = "delivering"
    DONE = "done"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    """A submit or a delivery whose outcome nobody knows; the person was offered another try."""
    CANCELLED = "cancelled"


ENDED = frozenset({JobState.DONE, JobState.FAILED, JobState.UNCERTAIN, JobState.CANCELLED})


@dataclass(frozen=True, kw_only=True)
class Job:
    """One order of one person, made from one message. `id` is derived from the message's key."""

    id: str
    chat: Chat
    order: Order
    created: datetime
    ref: str | None = None
    state: JobState = JobState.NEW
    error_code: str | None = None
    estimate: Money = NOTHING
    """The cost that was quoted, in US dollars: reserved in the budgets of its day when it was committed."""
    cost: Money | None = None
    provider: str | None = None
    finished: datetime | None = None
    pictures: tuple[PictureFile, ...] = ()
    cancel_asked: bool = False
    plan: Plan | None = None
    """Its steps: fixed before the first request, so that a later start with other providers continues with the same
    ones."""
    pieces: tuple[int, ...] = ()
    """What jobs of the first version have instead: for each shot, the most pictures one request may ask for."""
    deadline: datetime | None = None
    """When it must be done: fixed when its turn first comes, and again when it is resumed by hand."""
    run: int = 0
    """Which run of the job this is: one more for each time it was taken up again after it had ended or broken."""
    delivery: int = 0
    """Which delivery of its result this is: one more for each time it was requested again."""
    by_hand: bool = False
    """Taken up again after it had ended: what was paid for is finished, but no first request is posted."""
    forgotten: bool = False
    """The person asked to be forgotten while it ran: nothing more is shown of it, and it is deleted when it ends."""
    address: str | None = None
    """The counter of the network address it was requested from, if the channel knows one."""

    @property
    def trains(self) -> bool:
        """It ends with a face, not with pictures, and takes minutes to hours."""
        return self.order.operation == "train_face"


JOB_FIELDS = frozenset(f.name for f in fields(Job))


PartState = Stage
"""A part is one request to one provider, the write-ahead row around a paid POST: its stage is the journal's."""


@dataclass(frozen=True, kw_only=True)
class OpenJobs:
    """How many jobs are in a state that is not final, and when the oldest of them was created."""

    state: JobState
    count: int
    oldest: datetime


@dataclass(frozen=True, kw_only=True)
class Part:
    """`key` is `Request.key`; `model` and `count` are the quality asked for and the number of pictures."""

    key: str
    job: str
    provider: str
    state: PartState
    model: str = ""
    count: int = 1
    submission: Submission | None = None
    pictures: tuple[PictureFile, ...] = ()
    charge: Charge | None = None
    error_code: str | None = None
    tried: tuple[Attempt, ...] = ()
    """Which providers were asked or skipped, in order, and how each ended; `provider` itself is included once it has
    ended."""
    updated: datetime | None = None


UNSENT = "provider_unavailable"
"""The code of an attempt that ended before anything was sent: refused connection, unknown host name, TLS."""


def makers_sent_to(part: Part) -> frozenset[str]:
    """Where the request of a part was sent: including those that refused it, but none that could not be reached."""
    own = {part.provider} if part.state is not PartState.REFUSED or not part.tried else set()
    sent = {one.provider for one in part.tried if one.outcome is not Outcome.SKIPPED and one.code != UNSENT}
    return frozenset(own | sent)


class DeliveryState(StrEnum):
    RESERVED = "reserved"
    """The place is made and its name is saved."""
    SENDING = "sending"
    """Committed before the pictures are sent."""
    SENT = "sent"
    REFUSED = "refused"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """The write-ahead row around the sending of one result message. `key` is `job:number`."""

    key: str
    job: str
    state: DeliveryState
    place: str = ""
    refs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of a conversation that the channel itself must show again (the web page). `seq` grows."""

    seq: int
    id: str
    from_person: bool
    at: datetime
    outgoing: Outgoing


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """Who works on inbox rows, and for how many seconds the rows stay theirs without being renewed.

    `owner` names one run of one process. A row whose lease has ended has no owner, and any living process may claim it.
    """

    owner: str
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class InboxRow:
    """An update that was acknowledged and is not handled yet. `claims`: how often it was taken over from a process that
    did not finish it, this time included; 0 for the process that put it there."""

    key: str
    payload: str
    claims: int = 0


@dataclass(frozen=True, kw_only=True)
class Usage:
    """A person's usage since a day: pictures made, and money by currency."""

    pictures: int
    cost: tuple[Money, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Ceilings:
    """The maximum of something: for everybody, in one chat, for one person, from one address. None: no limit."""

    bot: Decimal | None = None
    chat: Decimal | None = None
    person: Decimal | None = None
    address: Decimal | None = None

    def __bool__(self) -> bool:
        return any(most is not None for most in (self.bot, self.chat, self.person, self.address))


NO_CEILINGS = Ceilings()


@dataclass(frozen=True, kw_only=True)
class Budgets(Ceilings):
    """The most that may be spent in US dollars: in a day (UTC), and in a month."""

    monthly: Ceilings = NO_CEILINGS

    def __bool__(self) -> bool:
        return super().__bool__() or bool(self.monthly)


UNLIMITED = Budgets()


Period = Literal["minute", "day", "month", "ever"]
"""The period of a counter, in UTC."""


@dataclass(frozen=True, kw_only=True)
class Limit:
    """So much of something in a period. `scope` names what is counted, and does not say whom.

    Counting is one conditional write: of any number of concurrent requests, no more get through than fit. `pictures`:
    it counts the pictures of the turn's jobs, and those that a job does not make are given back.
    """

    scope: str
    amount: Decimal
    most: Decimal
    code: str = "limit_reached"
    period: Period = "day"
    pictures: bool = False

    @property
    def whose(self) -> str:
        """`bot`, `chat`, `person` or `address`, of a scope that names one: `usd:bot`, `pictures:person:…`."""
        return self.scope.split(":")[1] if ":" in self.scope else ""


class LimitReached(Exception):
    """A limit would have been exceeded: nothing was counted, and nothing committed."""

    def __init__(self, limit: Limit) -> None:
        super().__init__(limit.code)
        self.limit = limit


@dataclass(frozen=True, kw_only=True)
class CostRow:
    """Charges of one person, provider, model or day: `usd`, pictures and requests."""

    key: str | None
    usd: Decimal
    pictures: int
    requests: int


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What one message led to; committed at once. `reply` is kept, so that a repeated message gets the same answer."""

    message_key: str
    chat: Chat
    session: Session
    before: Session | None = None
    """The session that this one was made from: photos that another process put into it meanwhile are not lost."""
    reply: tuple[Outgoing, ...] = ()
    jobs: tuple[Job, ...] = ()
    cancel: tuple[str, ...] = ()
    """Jobs whose cancellation was requested."""
    limits: tuple[Limit, ...] = ()
    """What the jobs are counted against besides the budgets."""
    budgets: Budgets = UNLIMITED


@dataclass(frozen=True, kw_only=True)
class TurnContext:
    """What must be known when a message comes in. `reply`: it was handled before (then nothing else is looked up)."""

    reply: tuple[Outgoing, ...] | None = None
    session: Session = field(default_factory=Session)
    running: tuple[Job, ...] = ()
    """This person's jobs that have not ended, newest first."""


def to_store(stored: Session | None, before: Session | None, coming: Session) -> Session:
    """`coming`, made from `before` while the store came to hold `stored`: with the newer of the two last results, and
    with the photos that came in meanwhile.

    Where the pushes of a platform come to several processes, photos sent one after another are accepted side by side.
    """
    coming = newer_result(stored, coming)
    if stored is None or before is None or stored.photos == before.photos:
        return coming
    known = {photo.key for photo in (*before.photos, *coming.photos)}
    more = [photo for photo in stored.photos if photo.key not in known]
    if not more:
        return coming
    photos = sorted([*coming.photos, *more], key=lambda photo: photo.at)
    return coming.model_copy(update={"photos": tuple(photos[-PHOTOS_KEPT:])})


def newer_result(stored: Session | None, coming: Session) -> Session:
    """`coming`, with the newer of the two last results.

    A job may finish after a session is read and before it is saved; its result must not be lost by that.
    """
    if stored is None or stored.last_result is None:
        return coming
    if coming.last_result is not None and coming.last_result.at >= stored.last_result.at:
        return coming
    return coming.model_copy(update={"last_result": stored.last_result})
