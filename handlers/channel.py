"""The `Channel` seam: how what people say reaches us, and how what we say reaches them.

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

from handlers.message import Chat, Language, Message, Outgoing
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
    """The platform took it. `refs`: the platform's ids of the messages, for replies to them.

    `held`: taken into the channel's own keeping, to be handed over when the person next writes (WeChat's window).
    """

    refs: tuple[str, ...] = ()
    held: bool = False


class Answerer(Protocol):
    """Who decides what a message leads to: `Conversation`."""

    async def handle(self, message: Message) -> tuple[Outgoing, ...]:
        """Everything the message leads to, and what to answer at once. Idempotent: the same `message.key` gets the
        same answer and leads to nothing new."""

    async def foresee(self, messages: Sequence[Message]) -> tuple[Outgoing, ...]:
        """What the last of these messages of one person will be answered, without committing to anything: for
        platforms that must be answered sooner than a photo can be fetched."""

    def picked(self, text: str, offered: Sequence[str]) -> str | None:
        """Which of the choices with these ids the words pick by its number, for a channel that prints choices as a
        numbered list. Pure."""

    def language(self, text: str, known: Language | None) -> Language:
        """The language to answer these words in; `known`: the person's as last heard. Pure."""


Verdict = Literal["ok", "warning", "broken"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing about a channel, as a sentence for the operator: how it is, and where it is not well, how to mend it.

    It names settings, never their values.
    """

    verdict: Verdict
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """How a channel is. `listening`: it can take messages in this process now. `findings`: empty where all is well."""

    listening: bool
    findings: tuple[Finding, ...] = ()

    @property
    def works(self) -> bool:
        return not any(finding.verdict == "broken" for finding in self.findings)


@runtime_checkable
class Channel(Protocol):
    """One platform. `tests/contract/test_channel.py` holds every one of them to this.

    Must: be safe to call for different people at once; obey the platform's rates by itself; raise only
    `DeliveryError`s from say, reserve and deliver, whether it was started or not (a worker only delivers); give
    every message a key that names it for ever, keep it durably before it acknowledges it, hand the messages of one
    person in a chat to the handlers one after another, and take up what a dead process acknowledged
    (`bot/channels/intake.py` does all of that). Must not: decide what a message means, or show an exception's text.

    A result is delivered in two moves so that it arrives exactly once: `reserve` makes the place (a small ready
    message, a row), whose name is committed; then `deliver` puts the pictures there. Where `repeatable` is true,
    `deliver` with the same place may be repeated after an unknown outcome or a crash and still shows the pictures
    once. Where it is false, an unknown outcome is never repeated by the program: the person is offered to have the
    pictures sent again.
    """

    @property
    def name(self) -> str:
        """`web`, `telegram`, `wechat`, `cli`; the `Chat.channel` of its people."""

    @property
    def repeatable(self) -> bool: ...

    # --- life

    async def start(self, answerer: Answerer) -> None:
        """Take messages from now on, beginning with those that were acknowledged and not handled. Needs no network:
        a platform that is away is tried until it answers."""

    async def stop(self) -> None:
        """Take no more, and finish what has begun, within three seconds; the rest is left to the next process that
        takes messages. Then give everything back; also where it was never started."""

    def routes(self) -> Sequence[Any]:
        """What it serves over HTTP, as routes of the web framework; none where it serves nothing."""

    async def health(self, *, ask: bool = False) -> Health:
        """What this process knows by itself. `ask`: the platform is asked too, by a call or two that cost nothing."""

    async def forget(self, chat: Chat) -> None:
        """Delete whatever the channel keeps of this person: files, ids of their photos, their conversation. What may
        still be sent to them, and what keeps a repeated message from being handled again, stays."""

    # --- what we say

    async def say(self, chat: Chat, outgoing: Outgoing) -> None:
        """Say words or choices, or show a status (best effort, replacing the one of the same id)."""

    async def reserve(self, chat: Chat, outgoing: Outgoing) -> str:
        """Make the place for `outgoing`'s pictures and return its name; cheap, and harmless if done twice."""

    async def deliver(self, chat: Chat, outgoing: Outgoing, place: str) -> Delivered:
        """Put the pictures (local files) into the reserved place."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sticker:
    """A picture for a pack, and the emoji it stands for."""

    path: Path
    emoji: str


@runtime_checkable
class MakesStickers(Protocol):
    """A channel that makes packs of stickers for its people."""

    async def make_stickers(self, chat: Chat, *, key: str, title: str, stickers: Sequence[Sticker]) -> str:
        """The address of a pack of this person's own; with the same key the same one. Raises DeliveryError."""
