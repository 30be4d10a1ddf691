"""The `Store` seam: everything Likeness must not forget, as small protocols. A user of it asks for those it uses.

One suite (`tests/contract/test_store.py`) holds for every implementation: SQLite, PostgreSQL, and the one in memory.
Every method that changes something has committed, to disk, when it returns. Times are UTC.

StoreError
├── StoreUnavailable   the database is away, locked or full: nothing was changed, worth another try later
└── StoreRejected      the database will not take this value: trying again would not help

Whose a row is: every row that a person's message led to has an *owner*, `Chat.owner`, a name that tells nothing about
them. `Housekeeping.forget` deletes by owner, `Housekeeping.expire` by age; nothing else needs to know what there is.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from handlers.message import Chat, Outgoing
from handlers.session import LastResult, Session
from handlers.store.records import (
    ENDED,
    UNLIMITED,
    Budgets,
    Ceilings,
    CostRow,
    Delivery,
    DeliveryState,
    Entry,
    InboxRow,
    Job,
    JobState,
    Lease,
    Limit,
    LimitReached,
    OpenJobs,
    Part,
    PartState,
    Period,
    Turn,
    TurnContext,
    Usage,
)
from providers.attempts import Attempt
from providers.base import Charge, PictureFile, Submission
from providers.ledger import LedgerEntry
from providers.media.store import MediaStore

__all__ = [
    "ENDED",
    "UNLIMITED",
    "Budgets",
    "Ceilings",
    "Change",
    "CostKey",
    "CostRow",
    "Deliveries",
    "Delivery",
    "DeliveryState",
    "Entries",
    "Entry",
    "Housekeeping",
    "Inbox",
    "InboxRow",
    "Job",
    "JobState",
    "Jobs",
    "Lease",
    "Ledger",
    "LedgerEntry",
    "Limit",
    "LimitReached",
    "LineFull",
    "OpenJobs",
    "Part",
    "PartState",
    "Parts",
    "Period",
    "RunSuperseded",
    "Store",
    "StoreCrowded",
    "StoreError",
    "StoreRejected",
    "StoreUnavailable",
    "Turn",
    "TurnContext",
    "Turns",
    "Usage",
    "Values",
]


class StoreError(Exception):
    """The store could not do what was asked. Its text is a class name: no row contents, no address."""


class StoreUnavailable(StoreError):
    """The database is away, locked by another process for too long, or out of room. Nothing was changed."""


class StoreCrowded(StoreUnavailable):
    """The server has no connection left for this process."""


class StoreRejected(StoreError):
    """The database does not accept this value, or the program asked for something wrong. Nothing was changed."""


class LineFull(Exception):
    """As many of this line as may wait are waiting: nothing was kept."""


class RunSuperseded(Exception):
    """Another process has begun a newer run of the job: this one may no longer change anything."""


class Turns(Protocol):
    """A message, and what it led to."""

    async def turn_of(self, message_key: str) -> tuple[Outgoing, ...] | None:
        """The reply to a message already handled, or None."""

    async def opening(self, message_key: str, chat: Chat) -> TurnContext:
        """`turn_of`, `session` and the jobs that are running, in one read."""

    async def session(self, chat: Chat) -> Session:
        """The session of this person here; an empty one for a stranger."""

    async def commit_turn(self, turn: Turn) -> bool:
        """Session, reply, jobs and cancellations in one transaction. False (and nothing changed) if handled before.

        The jobs' estimates are reserved in the budgets of the day, and limits are counted, in the same transaction.
        Photos that another turn put into the session since `turn.before` was read stay in it.
        Raises LimitReached, and commits nothing, if a budget or a limit would be exceeded.
        """

    async def save_session(self, chat: Chat, session: Session) -> None: ...


class Parts(Protocol):
    """The write-ahead rows around paid POSTs."""

    async def begin_part(
        self,
        key: str,
        job: str,
        provider: str,
        *,
        model: str = "",
        count: int = 1,
        after: Part | None = None,
        tried: Sequence[Attempt] = (),
        state: PartState = PartState.SUBMITTING,
    ) -> bool:
        """Row `submitting`, committed before the POST; `refused` if it is posted to no provider at all.

        `after` is the row as the caller found it (None: none existed). False, and nothing changed, if the row has
        changed since: another process is at this part, and posting too would pay twice.
        """

    async def accept_part(self, key: str, submission: Submission) -> None:
        """Raises KeyError for an unknown part."""

    async def end_part(
        self,
        key: str,
        state: PartState,
        *,
        pictures: Sequence[PictureFile] = (),
        charge: Charge | None = None,
        error_code: str | None = None,
        tried: Sequence[Attempt] | None = None,
    ) -> None:
        """Raises KeyError for an unknown part. `tried`: None leaves it as it was.

        In the same transaction the ledger books what it cost: `charge`, or that of the submission; for a part that was
        made and has neither, and for one whose outcome is unknown, its share of the job's estimate.
        """

    async def part(self, key: str) -> Part | None: ...

    async def parts(self, job_id: str) -> tuple[Part, ...]:
        """In order of their keys."""


class Jobs(Parts, Protocol):
    async def job(self, job_id: str) -> Job | None: ...

    async def in_line(self, job_id: str) -> tuple[Job, int] | None:
        """A job, and how many of the same person here have not ended and were placed before it; of several placed at
        once, those with smaller ids."""

    async def jobs(
        self, *, chat: Chat | None = None, states: Sequence[JobState] = (), limit: int = 50
    ) -> tuple[Job, ...]:
        """Newest first."""

    async def open_jobs(self) -> tuple[OpenJobs, ...]:
        """Of the whole installation; states that no job is in are left out."""

    async def cancel_asked(self) -> tuple[str, ...]:
        """Ids of jobs not yet ended whose cancellation was asked for."""

    async def add_job(self, job: Job) -> bool:
        """False if a job of this id exists. For jobs that come from no chat (the command line)."""

    async def update_job(self, job_id: str, **changes: Any) -> Job:
        """Change the named fields of a job; raises KeyError for an unknown one."""

    async def begin_run(self, job_id: str, *, after: int, ended: bool = False, **changes: Any) -> Job | None:
        """Count one run more and make the changes, if `after` is still the newest run; otherwise None.

        `ended` False: only for a job that has not ended; True: only for one that has. One conditional write: of several
        processes that want to take up the same run, one succeeds.
        """

    async def finish_job(self, job: Job, last_result: LastResult | None) -> bool:
        """Save an ended job, give back what was reserved for it and not charged, and put its result in the person's
        session, in one transaction. A part that a service has accepted and not ended yet counts as spent.

        False, and nothing saved, if the person was forgotten in the meantime: then it is to be dropped. Raises
        RunSuperseded, and saves nothing, if a newer run of the job was begun. The stored session is changed in place,
        so a turn committed meanwhile is not undone; likewise `commit_turn` and `save_session` keep the newer of the
        stored and the given `last_result`.
        """

    async def drop_job(self, job_id: str) -> tuple[Path, ...]:
        """Delete a job with its parts and deliveries; returns the pictures made for it, to be deleted."""


class Deliveries(Protocol):
    """The write-ahead rows around sends."""

    async def delivery(self, key: str) -> Delivery | None: ...

    async def save_delivery(self, delivery: Delivery) -> None: ...


class Entries(Protocol):
    """The conversation of a channel that stores none itself."""

    async def add_entry(self, chat: Chat, outgoing: Outgoing, *, from_person: bool = False) -> Entry:
        """Append, or replace the entry of the same `outgoing.id` (a status): a replaced entry gets a new `seq`.
        What the person said stays where it is if it comes again: two processes may have a hand in it."""

    async def drop_entry(self, chat: Chat, entry_id: str) -> None: ...

    async def entries(self, chat: Chat, *, after: int = 0, limit: int = 200) -> tuple[Entry, ...]:
        """Oldest first."""


class Inbox(Protocol):
    """Updates acknowledged before they are handled. A payload that names files is JSON with `media` as its context."""

    media: MediaStore | None

    async def put_inbox(self, channel: str, key: str, payload: str, *, lease: Lease | None = None) -> bool:
        """False if this update was seen before. With a `lease` it is its owner's from the start, otherwise nobody's."""

    async def put_in_line(
        self, channel: str, key: str, payload: str, *, line: str, lease: Lease | None = None, most: int | None = None
    ) -> str | None:
        """As `put_inbox`, in a line, whose rows one process works on: who that is now, or None for one seen before.

        It is the owner of an open row of this line whose lease has not ended (`passed_on` tells it), else that of
        `lease`, else "" for nobody. Of processes that begin one line at once, one owns it.

        Raises LineFull where `most` rows of the line are open already, whoever puts them there at once; never for one
        seen before.
        """

    async def passed_on(self, channel: str, lease: Lease) -> tuple[InboxRow, ...]:
        """What others put into lines of this owner, oldest first; each row once, under its lease from then on."""

    async def done_inbox(self, channel: str, key: str, *, failed: bool = False) -> None:
        """Drop payload and key; that it was seen stays, against repeats. `failed`: it will not be handled."""

    async def claim_inbox(
        self, channel: str, lease: Lease, *, dead: Sequence[str] = (), limit: int = 100
    ) -> tuple[InboxRow, ...]:
        """Take up rows without an owner, oldest first: never leased, or their lease has ended, or their owner is known
        to be `dead`. Of processes that claim at once, each row goes to one, and of a line none while another process
        works on the rest of it."""

    async def renew_inbox(self, channel: str, lease: Lease) -> None:
        """Extend the lease of every open row of this owner by `seconds`."""

    async def release_inbox(self, channel: str, owner: str, *, key: str | None = None, seconds: float = 0.0) -> None:
        """Release this owner's open rows (or the one with that key), `seconds` from now; their claims are counted
        anew."""

    async def failed_inbox(self, channel: str) -> int:
        """How many updates could not be handled, among those still remembered."""

    async def inbox(self, channel: str, *, limit: int = 1000) -> tuple[tuple[str, str], ...]:
        """(key, payload) not yet done, oldest first."""


CostKey = Literal["person", "provider", "model", "day"]
"""What `Ledger.costs` groups by."""
Change = Callable[[str | None], str | None]
"""From the stored value (None: nothing) to the value to store (None: nothing). Pure and quick: it may run more than
once, and on the store's own thread."""


class Values(Protocol):
    """Small values of channels and settings, each in a `space` under a `key`.

    `owner`: `Chat.owner` of the person it is about, or None if it is about nobody (a token, the rules of a group). A
    value with an owner is deleted when they are forgotten, and when it was not written for the retention time.
    `expires`: from then on it is treated as absent. A write replaces owner and expiry too. A value that names files is
    JSON with `media` as its context.
    """

    media: MediaStore | None

    async def value(self, space: str, key: str) -> str | None: ...

    async def change(
        self, space: str, key: str, change: Change, *, owner: str | None = None, expires: datetime | None = None
    ) -> str | None:
        """Replace a value by `change(stored value)` in one atomic step: of any number that change a value at once, each
        sees the result of the one before it. Returns the value afterwards. If `change` raises, nothing is changed.

        An unchanged value is not written, its owner and expiry included.
        """

    async def set_value(
        self, space: str, key: str, value: str, *, owner: str | None = None, expires: datetime | None = None
    ) -> None:
        """Whatever was there before. Not for a value that depends on the one before: that is `change`."""

    async def add_value(
        self, space: str, key: str, value: str, *, owner: str | None = None, expires: datetime | None = None
    ) -> bool:
        """Set if nothing is there; False, and nothing changed, if something is."""

    async def drop_value(self, space: str, key: str) -> None: ...

    async def drop_expired(self) -> None:
        """Delete what is past its expiry; it was treated as absent already."""

    async def space(self, space: str) -> tuple[tuple[str, str], ...]:
        """Every (key, value) of a space, in order of the keys: for spaces that are known to be small."""


class Ledger(Protocol):
    """What was spent. Entries are written by `commit_turn`, `end_part` and `finish_job`."""

    async def usage(self, chat: Chat, *, since: datetime) -> Usage:
        """What this person was charged here since then."""

    async def sent_to(self, chat: Chat) -> tuple[str, ...]:
        """The providers, by key, that this person's photos or text were sent to here, including those that refused, as
        far back as jobs and charges are kept; in alphabetical order."""

    async def ledger(self, *, since: datetime | None = None) -> tuple[LedgerEntry, ...]:
        """Every entry, oldest first."""

    async def costs(self, by: CostKey, *, since: datetime | None = None) -> tuple[CostRow, ...]:
        """Charges, added up; the dearest first, days in their order."""

    async def count(self, limit: Limit) -> bool:
        """Count against a limit, for what no turn commits; False, and nothing counted, if it would be exceeded. A
        negative amount gives back."""

    async def counted(self, scope: str, *, period: Period = "day") -> Decimal:
        """How much was counted in the current period."""


class Housekeeping(Protocol):
    """What is deleted: by owner, and by age."""

    async def forget(self, chat: Chat) -> tuple[Path, ...]:
        """Delete session, replies, ended jobs, entries and values of this person; returns all their files, to be
        deleted.

        Running jobs are marked `forgotten` and their cancellation is requested.
        """

    async def expire(self, *, before: datetime) -> tuple[Path, ...]:
        """Delete ended jobs, replies, inbox rows, entries and people's values older than `before`, values past their
        expiry, and every ended job that was to be forgotten; returns the files, to be deleted, that no row written
        since then names, nor one of a job that has not ended."""

    async def unnamed(self, files: Sequence[Path]) -> tuple[Path, ...]:
        """Those of these files that no row names: left behind by a dead process."""

    async def moment(self) -> datetime:
        """The time of day, by the clock that everybody who uses this store shares. Raises StoreUnavailable."""

    async def ping(self) -> None:
        """Raises StoreUnavailable if the database does not answer."""

    async def aclose(self) -> None: ...


@runtime_checkable
class Store(Turns, Jobs, Deliveries, Entries, Inbox, Values, Ledger, Housekeeping, Protocol):
    """All of it: what the process opens once and hands out."""
