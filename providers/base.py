"""The `Provider` seam: the values that cross it and what an implementer must and must not do.

A provider turns a `Request` into picture files. It knows nothing of chats, people or jobs.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol, Self, runtime_checkable

from providers.media.ref import StoredNotes, StoredPath
from providers.money import Money
from providers.offers import Offers, Tier
from providers.task import Task


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request to one provider: a task, and what its sending needs. Only `submit` and `find` see it.

    `key` names this request for ever: the journal, the idempotency header and file names come from it.
    `prompt` is the finished English instruction for a model (built in `providers/prompts.py`).
    `text` is what the person asked for in their own words, for who has no use for the prompt.
    `negative_prompt` and `seed` are for services that take them; the others leave them out.
    `photos` are prepared local files (upright, sRGB, no metadata, at most 10 MB each), main photo first.
    `mask`: 8-bit grey PNG of the first photo's size, white = change.
    `face`: the service's name of the trained face that the task is of.
    `deadline`: when the whole wish must be done, in UTC; a service that can be told is told.
    `onlooker`: told how the making goes where that happens inside `submit`, with previews where the service has them;
    None: nobody looks on, and no preview is asked for.

    Raises ValueError where the files are not those the task speaks of.
    """

    key: str
    task: Task
    prompt: str
    negative_prompt: str = ""
    seed: int | None = None
    text: str = ""
    photos: tuple[Path, ...] = ()
    mask: Path | None = None
    face: str | None = None
    deadline: datetime | None = None
    onlooker: "Callable[[Progress], None] | None" = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if len(self.photos) != self.task.photos or (self.mask is not None) != self.task.mask:
            raise ValueError("a request with other files than its task")
        if (self.face is not None) != self.task.face:
            raise ValueError("a request of another face than its task")

    @property
    def count(self) -> int:
        """Pictures asked for."""
        return self.task.count

    def part(self, number: int, count: int) -> Self:
        """The request for `count` of its pictures, as the piece `number` of it, under a key of its own."""
        return replace(self, key=f"{self.key}#{number}", task=replace(self.task, count=count))


class CostSource(StrEnum):
    """How a cost is known."""

    ANSWER = "answer"
    """The service told it, in a header or a body."""
    TOKENS = "tokens"
    """From the usage that the service told, at the price list's rates."""
    TABLE = "table"
    """From our price list."""
    FREE = "free"


@dataclass(frozen=True, kw_only=True)
class Charge:
    """What a request really cost, and how that is known."""

    money: Money
    source: CostSource


FREE_OF_CHARGE = Charge(money=Money.zero(), source=CostSource.FREE)


@dataclass(frozen=True, kw_only=True)
class Submission:
    """An accepted job upstream. Everything needed to resume it in another process, JSON-serialisable.

    `request_id` is the provider's id (or the request's key for providers without ids).
    `handle` is the provider's own notes (status URL, cancel URL, …); never shown to anyone.
    `model` is the service's own name of the model that makes it.
    `charge` is the real cost where it is known at submit already. `face`: of a training, the name of the face.
    """

    provider: str
    request_id: str
    count: int = 1
    model: str = ""
    handle: StoredNotes = field(default_factory=dict)
    charge: Charge | None = None
    face: str | None = None


class Phase(StrEnum):
    """Where an upstream job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FETCHING = "fetching"
    """It is made, and paid for; its pictures are being fetched, which may take a while."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """One report of an upstream job. `position`: jobs before ours in the queue; `fraction`: 0 to 1 where known.

    `preview`: an unfinished picture, as the service sent it: unchecked, never a result, and never kept as one.
    """

    phase: Phase
    position: int | None = None
    fraction: float | None = None
    preview: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class PictureFile:
    """A picture that was decoded after it was saved: a local file, its pixel size and its bytes.

    `model`: the service's own name of the model that made it. `produce_id`: the picture's number in its label, once
    it has one. `remarks`: what is wrong with a finished ID photo, as names of `id_check.Fault`. `likeness` and
    `distance`: how alike its face is to the photos' (`people/likeness.py`), where that could be told.
    """

    path: StoredPath
    width: int
    height: int
    size_bytes: int
    mime: str
    provider: str
    request_id: str
    model: str = ""
    produce_id: str = ""
    remarks: tuple[str, ...] = ()
    likeness: str | None = None
    distance: float | None = None


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a finished submission gave. `charge` as in `Submission`, where only the result tells it. `face`: of a
    training, the service's name of the face it learnt."""

    pictures: tuple[PictureFile, ...] = ()
    face: str | None = None
    charge: Charge | None = None


class Cancelled(StrEnum):
    """What a cancel achieved."""

    NOT_STARTED = "not_started"
    """Removed before it ran: not charged."""
    ASKED = "asked"
    """It was running; it may or may not stop, and may be charged."""
    TOO_LATE = "too_late"
    """It had already finished: charged."""
    UNSUPPORTED = "unsupported"
    """This provider cannot cancel."""


@runtime_checkable
class Provider(Protocol):
    """A maker of pictures. `ProviderDefaults` has the members that few services need.

    Must: raise only errors of `providers.errors`; raise `NotTaken` (or a subclass) from `submit` only when the job
    was certainly not accepted, and `MaybePaid` when nobody can know; make `follow`, `fetch` and `cancel` safe to
    repeat from another process with nothing but the `Submission`; write pictures only through
    `providers.media` (decoded, atomic, safe names).
    Must not: retry a submit whose outcome is unknown; block the event loop; log words, pictures, keys or addresses.
    """

    @property
    def name(self) -> str:
        """The service's key: `fal`, `openai`, `embedded`, …"""

    @property
    def tier(self) -> Tier: ...

    @property
    def repeatable(self) -> bool:
        """True where a submit may be repeated blindly because it costs nothing (embedded, a local server)."""

    @property
    def moderates(self) -> bool:
        """Whether it looks at what it makes itself, or makes nothing anew; else its results are looked at here."""

    @property
    def side_by_side(self) -> int | None:
        """How many requests it makes side by side; more wait for their turn. None: as many as come."""

    @property
    def offers(self) -> Offers:
        """What it can do and what that costs. No I/O."""

    async def discover(self) -> bool:
        """Find out what is offered where that is not known beforehand (a server of one's own); free, remembered.

        False where another service answers at the address. Raises WaitAndRetry or TellOperator.
        """

    async def prepare(self, request: Request) -> None:
        """Whatever a submit of this request needs first and that costs nothing (uploads, looking at faces), so that a
        process that dies at it leaves nothing in doubt. A submit that was not prepared does it itself.

        Raises AskPerson or NotTaken.
        """

    async def submit(self, request: Request) -> Submission:
        """Hand the request over. Raises AskPerson, NotTaken (WaitAndRetry, TellOperator) or MaybePaid."""

    async def find(self, request: Request) -> Submission | None:
        """The job of an earlier submit of this request whose outcome is unknown, where the service can be asked.

        None where it cannot, or knows nothing of it, which proves nothing. Free. Raises WaitAndRetry.
        """

    def follow(self, submission: Submission) -> AsyncIterator[Progress]:
        """Report until the job is done; the last report is `Phase.DONE`.

        Rides out network faults by itself, for as long as the caller listens. Raises MadeNothing or AskPerson
        where the job ended without a picture.
        """

    async def fetch(self, submission: Submission, into: Path) -> Result:
        """Download and check every picture of a finished job, saved under `into`. Raises MadeNothing, WaitAndRetry."""

    async def cancel(self, submission: Submission) -> Cancelled: ...

    async def notified(self, headers: Mapping[str, str], body: bytes) -> bool:
        """A message of the service about one of its jobs came in at our door: whoever follows that job looks at once.

        False where it is not signed as the service signs, or cannot be read. `headers` have names in lower case;
        `body` is as it came, unread. Nothing in it is believed: the job is only looked at sooner.
        """

    async def check(self) -> None:
        """Ask the service, at no cost, whether the settings work. Raises TellOperator or WaitAndRetry."""

    async def release(self, submission: Submission) -> None:
        """Its pictures are saved and written down: what is kept of them here besides can go. Raises nothing."""

    async def aclose(self) -> None:
        """Give back connections and processes."""


class ProviderDefaults:
    """What most providers answer to what few can do. A provider derives from it and overrides what it knows better."""

    tier: Tier = Tier.SERVICE
    repeatable: bool = False
    moderates: bool = True
    side_by_side: int | None = None

    async def discover(self) -> bool:
        return True

    async def prepare(self, request: Request) -> None:
        """Nothing is needed."""

    async def find(self, request: Request) -> Submission | None:
        return None

    async def cancel(self, submission: Submission) -> Cancelled:
        return Cancelled.UNSUPPORTED

    async def notified(self, headers: Mapping[str, str], body: bytes) -> bool:
        return False

    async def release(self, submission: Submission) -> None:
        """Nothing is kept besides."""

    async def aclose(self) -> None:
        """Nothing to give back."""
