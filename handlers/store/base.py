"""The `Store` seam: everything Likeness must not forget.

One suite (`tests/contract/test_store.py`) holds for every implementation: SQLite, PostgreSQL, and the one in memory.
Every method that changes something has committed, to disk, when it returns. Times are UTC; money is in `currency`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from handlers.message import Chat, Outgoing
from handlers.order import Order
from handlers.session import LastResult, Session
from providers.base import PictureFile, Submission


class JobState(StrEnum):
    """new → running → (late) → delivering → done, or failed, uncertain, cancelled."""

    NEW = "new"
    RUNNING = "running"
    LATE = "late"
    """Waits longer than ten minutes; the person was told; it goes on."""
    DELIVERING = "delivering"
    DONE = "done"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    """A submit or a delivery whose outcome nobody knows; the person was offered to try again."""
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
    estimate_usd: float = 0.0
    cost: float | None = None
    currency: str = "USD"
    provider: str | None = None
    finished: datetime | None = None
    pictures: tuple[PictureFile, ...] = ()
    cancel_asked: bool = False
    pieces: tuple[int, ...] = ()
    """For each shot, the most pictures one request may ask for: fixed before the first request, so that a later start
    with other providers splits the job into the same parts."""
    run: int = 0
    """Which run of the job this is: one more for each time it was taken up again after it had ended or broken."""
    delivery: int = 0
    """Which delivery of its result this is: one more for each time it was asked for again."""
    by_hand: bool = False
    """Taken up again after it had ended: what was paid for is finished, but no first request is posted anew."""
    forgotten: bool = False
    """The person asked to be forgotten while it ran: nothing more is shown of it, and it goes when it ends."""


class PartState(StrEnum):
    """A part is one request to one provider: the write-ahead row around a paid POST."""

    SUBMITTING = "submitting"
    """Committed before the POST. Found after a crash without `submission`, its outcome is unknown."""
    ACCEPTED = "accepted"
    REFUSED = "refused"
    """Certainly not taken by that provider."""
    UNCERTAIN = "uncertain"
    MADE = "made"
    """Pictures are saved here."""
    FAILED = "failed"
    """Taken, but ended without a picture."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """`key` is `Request.key`."""

    key: str
    job: str
    provider: str
    state: PartState
    submission: Submission | None = None
    pictures: tuple[PictureFile, ...] = ()
    cost: float | None = None
    currency: str = "USD"
    error_code: str | None = None
    updated: datetime | None = None


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
    """Who works on inbox rows, and how many seconds they stay theirs without being renewed.

    `owner` names one life of one process. A row whose lease has ended belongs to nobody, and any living process may
    claim it.
    """

    owner: str
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class InboxRow:
    """An update that was acknowledged and is not handled yet. `claims`: how often it was taken up from a process that
    did not finish it, this time included; 0 for the process that put it there."""

    key: str
    payload: str
    claims: int = 0


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What a person used since a day: pictures made and money by currency."""

    pictures: int
    cost: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What one message led to; committed as one. `reply` is kept, so that a repeated message gets the same answer."""

    message_key: str
    chat: Chat
    session: Session
    reply: tuple[Outgoing, ...] = ()
    jobs: tuple[Job, ...] = ()
    cancel: tuple[str, ...] = ()
    """Jobs whose cancellation was asked for."""


@dataclass(frozen=True, kw_only=True)
class TurnContext:
    """What has to be known when a message comes in. `reply`: it was handled before (then nothing else is looked up)."""

    reply: tuple[Outgoing, ...] | None = None
    session: Session = field(default_factory=Session)
    running: tuple[Job, ...] = ()
    """This person's jobs that have not ended, newest first."""


@runtime_checkable
class Store(Protocol):
    # --- a message and what it led to
    async def turn_of(self, message_key: str) -> tuple[Outgoing, ...] | None:
        """The reply to a message already handled, or None."""

    async def opening(self, message_key: str, chat: Chat) -> TurnContext:
        """`turn_of`, `session` and the jobs that are running, in one read."""

    async def session(self, chat: Chat) -> Session:
        """The session of this person here; an empty one for a stranger."""

    async def commit_turn(self, turn: Turn) -> bool:
        """Session, reply, jobs and cancellations in one transaction. False (and nothing changed) if handled before."""

    async def save_session(self, chat: Chat, session: Session) -> None: ...

    # --- jobs
    async def job(self, job_id: str) -> Job | None: ...

    async def jobs(
        self, *, chat: Chat | None = None, states: Sequence[JobState] = (), limit: int = 50
    ) -> tuple[Job, ...]:
        """Newest first."""

    async def cancel_asked(self) -> tuple[str, ...]:
        """Ids of jobs not yet ended whose cancellation was asked for."""

    async def add_job(self, job: Job) -> bool:
        """False if a job of this id exists. For jobs that come from no chat (the command line)."""

    async def update_job(self, job_id: str, **changes: Any) -> Job:
        """Change the named fields of a job; raises KeyError for an unknown one."""

    async def finish_job(self, job: Job, last_result: LastResult | None) -> bool:
        """Save an ended job and, in the same transaction, lay its result on the person's session.

        False, and nothing saved, where the person was forgotten in the meantime: then it is to be dropped.
        The session is changed where it lies, so a turn committed meanwhile is not undone; likewise `commit_turn` and
        `save_session` keep the newer of the stored and the given `last_result`.
        """

    async def drop_job(self, job_id: str) -> tuple[Path, ...]:
        """Delete a job with its parts and deliveries; the files to delete."""

    # --- parts: the write-ahead rows around paid POSTs
    async def begin_part(self, key: str, job: str, provider: str, *, after: Part | None = None) -> bool:
        """Row `submitting`, committed before the POST.

        `after` is the row as the caller found it (None: none was there). False, and nothing changed, where it is
        another by now: somebody else is at this part, and posting too would pay twice.
        """

    async def accept_part(self, key: str, submission: Submission) -> None: ...

    async def end_part(
        self,
        key: str,
        state: PartState,
        *,
        pictures: Sequence[PictureFile] = (),
        cost: float | None = None,
        currency: str = "USD",
        error_code: str | None = None,
    ) -> None: ...

    async def part(self, key: str) -> Part | None: ...

    async def parts(self, job_id: str) -> tuple[Part, ...]: ...

    # --- deliveries: the write-ahead rows around sends
    async def delivery(self, key: str) -> Delivery | None: ...

    async def save_delivery(self, delivery: Delivery) -> None: ...

    # --- the conversation of a channel that keeps none itself
    async def add_entry(self, chat: Chat, outgoing: Outgoing, *, from_person: bool = False) -> Entry:
        """Append, or replace the entry of the same `outgoing.id` (a status): a replaced entry gets a new `seq`."""

    async def drop_entry(self, chat: Chat, entry_id: str) -> None: ...

    async def entries(self, chat: Chat, *, after: int = 0, limit: int = 200) -> tuple[Entry, ...]:
        """Oldest first."""

    # --- an inbox for updates acknowledged before they are handled
    async def put_inbox(self, channel: str, key: str, payload: str, *, lease: Lease | None = None) -> bool:
        """False if this update was seen before. With a `lease` it is its owner's from the start, else nobody's."""

    async def done_inbox(self, channel: str, key: str, *, failed: bool = False) -> None:
        """The payload goes, the key stays against repeats. `failed`: it could not be handled, and will not be."""

    async def claim_inbox(
        self, channel: str, lease: Lease, *, dead: Sequence[str] = (), limit: int = 100
    ) -> tuple[InboxRow, ...]:
        """Take up rows that are nobody's, oldest first: never leased, or their lease has ended, or their owner is
        known to be `dead`. Of processes that claim at once, each row goes to one."""

    async def renew_inbox(self, channel: str, lease: Lease) -> None:
        """Every open row of this owner is theirs for another `seconds`."""

    async def release_inbox(self, channel: str, owner: str, *, key: str | None = None, seconds: float = 0.0) -> None:
        """This owner's open rows (or the one of that key) are nobody's, `seconds` from now on; their claims are
        counted anew."""

    async def failed_inbox(self, channel: str) -> int:
        """How many updates could not be handled, among those still remembered."""

    async def inbox(self, channel: str, *, limit: int = 1000) -> tuple[tuple[str, str], ...]:
        """(key, payload) not yet done, oldest first."""

    # --- small values of a channel (ledger, settings, tokens)
    async def value(self, space: str, key: str) -> str | None: ...

    async def set_value(self, space: str, key: str, value: str | None, *, expected: str | None = None) -> bool:
        """Set (or with None delete). With `expected`, only if the present value is that (compare and set)."""

    async def add_value(self, space: str, key: str, value: str) -> bool:
        """Set where nothing is there yet; False, and nothing changed, where something is."""

    async def drop_values(self, space: str, *, before: str) -> None:
        """Delete the values of a space whose keys sort before that: for keys that begin with a time of fixed width."""

    # --- people
    async def usage(self, chat: Chat, *, since: datetime) -> Usage: ...

    async def forget(self, chat: Chat) -> tuple[Path, ...]:
        """Delete session, replies, ended jobs, entries and pictures' rows of this person; the files to delete.

        Jobs that run are marked `forgotten` and their cancellation is asked for.
        """

    # --- house-keeping
    async def expire(self, *, before: datetime) -> tuple[Path, ...]:
        """Delete ended jobs, replies, inbox rows and entries older than `before`, and every ended job that was to be
        forgotten; the files to delete."""

    async def ping(self) -> None:
        """Raise if the database does not answer."""

    async def aclose(self) -> None: ...
