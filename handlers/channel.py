"""The `Channel` seam: how messages reach us, and how replies and pictures reach people.

LikenessError
└── DeliveryError
    ├── DeliveryLater      certainly not delivered; worth another try after `retry_after` seconds
    ├── DeliveryRefused    certainly not delivered and never will be (blocked, left, deleted)
    └── DeliveryUnknown    may have been delivered: repeated only where the channel says it may be
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from handlers.message import Chat, IncomingPhoto, Language, Message, Outgoing
from providers.codes import Code
from providers.errors import LikenessError


class DeliveryError(LikenessError):
    """A message could not be handed to its platform."""

    code: Code = "delivery"
    text_key = "error.delivery"


class DeliveryLater(DeliveryError):
    code: Code = "delivery_later"

    def __init__(self, hint: str = "", *, retry_after: float = 1.0) -> None:
        super().__init__(hint)
        self.retry_after = retry_after


class DeliveryRefused(DeliveryError):
    code: Code = "delivery_refused"


class DeliveryUnknown(DeliveryError):
    code: Code = "delivery_unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivered:
    """The platform accepted it. `refs`: the platform's ids of the messages, for replies to them.

    `held`: the channel has queued it and hands it over when the person next writes (WeChat's window).
    """

    refs: tuple[str, ...] = ()
    held: bool = False


class Answerer(Protocol):
    """Decides what a message leads to: `Conversation`."""

    async def handle(self, message: Message) -> tuple[Outgoing, ...]:
        """Do everything the message leads to, and return what to answer at once. Idempotent: the same `message.key`
        gets the same answer and starts nothing new."""

    async def foresee(self, messages: Sequence[Message]) -> tuple[Outgoing, ...]:
        """What the last of these messages of one person will be answered, without committing anything: for platforms
        that must be answered sooner than a photo can be downloaded."""

    def picked(self, text: str, offered: Sequence[str]) -> str | None:
        """Which of the choices with these ids the text picks by number, for a channel that prints choices as a numbered
        list. Pure."""

    def language(self, text: str, known: Language | None) -> Language:
        """The language to answer this text in; `known`: the person's language so far. Pure."""


Verdict = Literal["ok", "warning", "broken"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One finding about a channel, as a sentence for the operator: its state and, where something is wrong, how to fix
    it.

    It names settings, never their values.
    """

    verdict: Verdict
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """The state of a channel. `listening`: it can take messages in this process now. `findings`: empty if all is
    well."""

    listening: bool
    findings: tuple[Finding, ...] = ()

    @property
    def works(self) -> bool:
        return not any(finding.verdict == "broken" for finding in self.findings)


@runtime_checkable
class Channel(Protocol):
    """One platform. `tests/contract/test_channel.py` checks every implementation against this.

    Must: be safe to call for different people at once; respect the platform's rate limits by itself; raise only
    `DeliveryError`s from say, reserve and deliver, whether it was started or not (a worker only delivers); give every
    message a permanent key, store it durably before acknowledging it, pass the messages of one person in a chat to the
    handlers one after another, and pick up what a dead process acknowledged (`bot/channels/intake.py` does all of
    that). Must not: decide what a message means, or show an exception's text.

    A result is delivered in two steps so that it arrives exactly once: `reserve` creates the place (a small status
    message, a row), whose name is committed; then `deliver` puts the pictures there. If `repeatable` is true, `deliver`
    with the same place may be repeated after an unknown outcome or a crash and still shows the pictures once. If it is
    false, the program never repeats an unknown outcome: the person is offered to have the pictures sent again.
    """

    @property
    def name(self) -> str:
        """`web`, `telegram`, `wechat`, `cli`; equals `Chat.channel` of its people."""

    @property
    def repeatable(self) -> bool: ...

    # --- lifecycle

    async def start(self, answerer: Answerer) -> None:
        """Start taking messages, beginning with those that were acknowledged but not handled. Needs no network: an
        unreachable platform is retried until it answers."""

    async def stop(self) -> None:
        """Take no more messages, and finish those in progress within three seconds; the rest is left to the next
        process that takes messages. Then release all resources; safe to call on a channel that was never started."""

    def routes(self) -> Sequence[Any]:
        """Its HTTP endpoints, as routes of the web framework; empty if it has none."""

    async def health(self, *, ask: bool = False) -> Health:
        """What this process knows without asking. `ask`: query the platform too, with a call or two that cost
        nothing."""

    async def forget(self, chat: Chat) -> None:
        """Delete everything the channel keeps about this person: files, ids of their photos, their conversation.
        Replies still to be sent to them, and what protects against handling a repeated message twice, stay."""

    # --- sending

    async def say(self, chat: Chat, outgoing: Outgoing) -> None:
        """Send text or choices, or show a status (best effort, replacing the one with the same id)."""

    async def reserve(self, chat: Chat, outgoing: Outgoing) -> str:
        """Make the place for `outgoing`'s pictures and return its name; cheap, and harmless if done twice."""

    async def deliver(self, chat: Chat, outgoing: Outgoing, place: str) -> Delivered:
        """Put the pictures (local files) into the reserved place."""


@runtime_checkable
class ShowsSteps(Protocol):
    """A channel that can show a picture while it is being made."""

    async def show_step(self, chat: Chat, job: str, picture: bytes) -> None:
        """Show what there is of a job's picture so far, as unfinished, beside the job's status: a small labelled JPEG.

        It takes the place of the one before, and goes with the status; it is no result, and nothing keeps it. Best
        effort: raises DeliveryError where it was not shown.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class Sticker:
    """A picture for a sticker pack, and the emoji it stands for."""

    path: Path
    emoji: str


@runtime_checkable
class MakesStickers(Protocol):
    """A channel that can make sticker packs for its people."""

    async def make_stickers(self, chat: Chat, *, key: str, title: str, stickers: Sequence[Sticker]) -> str:
        """The address of this person's own sticker pack; the same key gives the same pack. Raises DeliveryError."""


@runtime_checkable
class HasProfilePhotos(Protocol):
    """A channel that can see the photo people show of themselves."""

    async def profile_photo(self, chat: Chat, *, key: str) -> IncomingPhoto | None:
        """This person's own, as a local file that the caller deletes; None if there is none, or it is hidden from the
        bot. `key` names the request: the same again replaces the file. Raises DeliveryError."""
