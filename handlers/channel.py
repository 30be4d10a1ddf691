"""The `Channel` seam: how what we say reaches a person.

LikenessError
└── DeliveryError
    ├── DeliveryLater      certainly not delivered; worth another try after `retry_after` seconds
    ├── DeliveryRefused    certainly not delivered and never will be (blocked, left, deleted)
    └── DeliveryUnknown    may have been delivered: repeated only where the channel says it may be
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from handlers.message import Chat, Outgoing
from providers.errors import LikenessError


class DeliveryError(LikenessError):
    """A message could not be handed to its platform."""

    code = "delivery"
    text_key = "error.delivery"


class DeliveryLater(DeliveryError):
    code = "delivery_later"

    def __init__(self, hint: str = "", *, retry_after: float = 1.0) -> None:
        super().__init__(hint)
        self.retry_after = retry_after


class DeliveryRefused(DeliveryError):
    code = "delivery_refused"


class DeliveryUnknown(DeliveryError):
    code = "delivery_unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivered:
    """The platform took it. `refs`: the platform's ids of the messages, for replies to them.

    `held`: taken into the channel's own keeping, to be handed over when the person next writes (WeChat's window).
    """

    refs: tuple[str, ...] = ()
    held: bool = False


@runtime_checkable
class Channel(Protocol):
    """One platform.

    Must: be safe to call for different people at once; obey the platform's rates by itself; raise only
    `DeliveryError`s. Must not: decide what a message means, or show an exception's text.

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

    async def say(self, chat: Chat, outgoing: Outgoing) -> None:
        """Say words or choices, or show a status (best effort, replacing the one of the same id)."""

    async def reserve(self, chat: Chat, outgoing: Outgoing) -> str:
        """Make the place for `outgoing`'s pictures and return its name; cheap, and harmless if done twice."""

    async def deliver(self, chat: Chat, outgoing: Outgoing, place: str) -> Delivered:
        """Put the pictures (local files) into the reserved place."""
