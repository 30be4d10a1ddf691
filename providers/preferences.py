"""`Preferences`: one request's wishes about its provider. They take precedence over the settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Priority(StrEnum):
    """What decides if nothing else does."""

    QUALITY = "quality"
    SPEED = "speed"
    COST = "cost"
    PRIVACY = "privacy"
    """Photos stay with the operator where that can be; other companies come after all that is the operator's own."""


@dataclass(frozen=True, kw_only=True)
class Preferences:
    """Names are keys of services, or aliases.

    `provider`: this one and no other; no fallback. `prefer`: tried first, in this order. `block`: never, whatever else
    is said. `weights`: the rest by lot, weighted so; None for those of the settings. `priority`: None likewise.
    `wished`: what a person's words put first; what the operator prefers by name or by lot goes before it.
    `accepted`: the companies that the photos may be sent to; None where nobody has to be asked.
    """

    provider: str | None = None
    prefer: tuple[str, ...] = ()
    block: frozenset[str] = frozenset()
    weights: Mapping[str, float] | None = field(default=None, hash=False)
    priority: Priority | None = None
    wished: Priority | None = None
    accepted: frozenset[str] | None = None

    @property
    def private(self) -> bool:
        """Whether photos must not leave the operator's machines."""
        return Priority.PRIVACY in (self.priority, self.wished)


ANYONE = Preferences()


def only(provider: str | None) -> Preferences:
    """This provider and no other, if one is named."""
    return Preferences(provider=provider) if provider else ANYONE
