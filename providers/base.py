"""The `Provider` seam: the values that cross it and what an implementer must and must not do.

A provider turns a `Request` into picture files. It knows nothing of chats, people or jobs.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, runtime_checkable


class Operation(StrEnum):
    """What kind of picture work a request is."""

    PORTRAIT = "portrait"
    EDIT = "edit"
    CREATE = "create"


MODELS: tuple[str, ...] = ("nanopro", "nano2", "gpt")
ASPECT_RATIOS: tuple[str, ...] = ("1:1", "3:4", "4:3", "9:16", "16:9")
MAX_COUNT = 8


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request to one provider.

    `key` names this request for ever: the journal, the idempotency header and file names come from it.
    `prompt` is the finished English instruction for a model (built in `providers/prompts.py`);
    `text` is what the person asked for in their own words (text to render, the new background, a description),
    which the embedded provider reads instead of `prompt`.
    `photos` are prepared local files (upright, sRGB, no metadata, at most 10 MB each), main photo first.
    `mask`: 8-bit grey PNG of the first photo's size, white = change.
    `scale` is 2 or 4, for `upscale`.
    """

    key: str
    operation: Operation
    prompt: str
    text: str = ""
    style: str | None = None
    action: str | None = None
    model: str = "nanopro"
    count: int = 1
    aspect_ratio: str | None = None
    scale: int | None = None
    photos: tuple[Path, ...] = ()
    mask: Path | None = None
    take: int = 0
    """How often the same was made before ("again", variations): a deterministic provider varies its picture by
    `take` plus the picture's number, so that nobody gets the same picture twice."""


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a provider can do at all. `None` for styles or actions means every key of the catalog."""

    operations: frozenset[Operation]
    models: frozenset[str]
    styles: frozenset[str] | None = None
    actions: frozenset[str] | None = None
    max_photos: int = 8
    max_count: int = 1
    masks: bool = False
    mask_models: frozenset[str] | None = None
    """Where `masks`: the models that take one; None for all of `models`."""
    free_prompts: bool = True
    """Whether a portrait by own prompt, or a create, works (the embedded provider cannot)."""

    def reason_not(self, request: Request) -> str | None:
        """Why this request is out of reach, as a short stable word, or None where it can be done.

        The count is not looked at: a count above `max_count` is split into several requests.
        """
        if request.operation not in self.operations:
            return "operation"
        if request.model not in self.models:
            return "model"
        if request.operation is Operation.PORTRAIT:
            if request.style is None:
                if not self.free_prompts:
                    return "prompt"
            elif self.styles is not None and request.style not in self.styles:
                return "style"
        if request.operation is Operation.EDIT and self.actions is not None and request.action not in self.actions:
            return "action"
        if len(request.photos) > self.max_photos:
            return "photos"
        if request.mask is not None and not self._takes_mask(request.model):
            return "mask"
        return None

    def _takes_mask(self, model: str) -> bool:
        return self.masks and (self.mask_models is None or model in self.mask_models)


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a request would take: `usd` in US dollars for all its pictures, `seconds` until they are there."""

    usd: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Submission:
    """An accepted job upstream. Everything needed to resume it in another process, JSON-serialisable.

    `request_id` is the provider's id (or the request's key for providers without ids).
    `handle` is the provider's own notes (status URL, cancel URL, …); never shown to anyone.
    `cost` is the real charge where the provider told it at submit, in `currency` ("USD" or "credits").
    """

    provider: str
    request_id: str
    count: int = 1
    handle: Mapping[str, Any] = field(default_factory=dict)
    cost: float | None = None
    currency: str = "USD"


class Phase(StrEnum):
    """Where an upstream job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """One report of an upstream job. `position`: jobs before ours in the queue; `fraction`: 0 to 1 where known."""

    phase: Phase
    position: int | None = None
    fraction: float | None = None


@dataclass(frozen=True, kw_only=True)
class PictureFile:
    """A picture that was decoded after it was saved: a local file, its pixel size and its bytes."""

    path: Path
    width: int
    height: int
    size_bytes: int
    mime: str
    provider: str
    request_id: str


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a finished submission gave. `cost` as in `Submission`, where only the result tells it."""

    pictures: tuple[PictureFile, ...]
    cost: float | None = None
    currency: str = "USD"


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
    """A maker of pictures.

    Must: raise only errors of `providers.errors`; raise `NotTaken` (or a subclass) from `submit` only when the job
    was certainly not accepted, and `MaybePaid` when nobody can know; make `follow`, `fetch` and `cancel` safe to
    repeat from another process with nothing but the `Submission`; write pictures only through
    `providers.media` (decoded, atomic, safe names).
    Must not: retry a submit whose outcome is unknown; block the event loop; log words, pictures, keys or addresses.
    """

    @property
    def name(self) -> str:
        """Stable key: `fal`, `openai`, `embedded`, …"""

    @property
    def repeatable(self) -> bool:
        """True where a submit may be repeated blindly because it costs nothing (embedded, a local server)."""

    @property
    def capabilities(self) -> Capabilities: ...

    def estimate(self, request: Request) -> Estimate:
        """Price and time of `request`; pure, no I/O."""

    async def submit(self, request: Request) -> Submission:
        """Hand the request over. Raises AskPerson, NotTaken (WaitAndRetry, TellOperator) or MaybePaid."""

    def follow(self, submission: Submission) -> AsyncIterator[Progress]:
        """Report until the job is done; the last report is `Phase.DONE`.

        Rides out network faults by itself, for as long as the caller listens. Raises MadeNothing or AskPerson
        where the job ended without a picture.
        """

    async def fetch(self, submission: Submission, into: Path) -> Result:
        """Download and check every picture of a finished job, saved under `into`. Raises MadeNothing, WaitAndRetry."""

    async def cancel(self, submission: Submission) -> Cancelled: ...

    async def check(self) -> None:
        """Ask the service, at no cost, whether the settings work. Raises TellOperator or WaitAndRetry."""

    async def aclose(self) -> None:
        """Give back connections and processes."""
