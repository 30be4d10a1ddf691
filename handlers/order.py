"""`Order`: a complete request, ready to be made. An intent that has found its photos.

It crosses process boundaries (it is stored with its job), so it is a frozen pydantic model: `model_dump_json` and back.
"""

import hmac
from typing import Literal

from pydantic import BaseModel, ConfigDict

from providers.media.ref import StoredPath


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Sides(_Frozen):
    """Pixels to add on each side of the photo, 0 to 2000."""

    left: int = 0
    right: int = 0
    top: int = 0
    bottom: int = 0


class Edit(_Frozen):
    """One edit in a chain. `prompt` in the person's own words. `sides`: of an `extend` that was drawn, not said."""

    action: str
    prompt: str | None = None
    scale: int | None = None
    sides: Sides | None = None


class IdPhoto(_Frozen):
    """The size of an ID photo and its sheet, as `intent.parameters.IdPhoto` has them."""

    size: str
    background: tuple[int, int, int] | None = None
    paper: str | None = None
    copies: int | None = None


class Shot(_Frozen):
    """One picture (or `count` of a kind) to make from the order's photos.

    For a portrait: `style`, `scene`, `prompt`. For a create: `prompt`. For an edit: `edits`, each applied to the result
    of the one before; `count` applies to the last.
    """

    style: str | None = None
    scene: str | None = None
    prompt: str | None = None
    edits: tuple[Edit, ...] = ()
    id_photo: IdPhoto | None = None
    count: int = 1
    photo: int | None = None
    """Which of the order's photos this shot works on (an index); None: all of them."""


class Order(_Frozen):
    """What to make. A series is several shots; everything else is one.

    `provider` names one provider at the person's or operator's request; None lets the router choose. `block`: never
    these. `priority`: what the text puts first when a provider is chosen. `consistency`: how closely a face must be
    preserved. `accepted`: the companies that the person lets it be sent to; None if people are not asked. `photos`:
    accepted photos (upright, sRGB, stripped), main photo first.
    """

    operation: Literal["portrait", "series", "edit", "create", "train_face"]
    shots: tuple[Shot, ...]
    model: str = "nanopro"
    aspect_ratio: str | None = None
    photos: tuple[StoredPath, ...] = ()
    sizes: tuple[tuple[int, int], ...] = ()
    """Width and height of each photo, if all are known."""
    photos_as: Literal["each", "together"] | None = None
    """Of several photos: a picture of each, or one of all of them. None: not said."""
    mask: StoredPath | None = None
    template: StoredPath | None = None
    """A finished picture that the person is to be placed in."""
    face: str | None = None
    """The service's name for the person's trained face, in place of photos."""
    gender: Literal["female", "male"] | None = None
    """Which preset of a trained face."""
    retouch: bool = True
    as_is: bool = False
    """The person wants its photos used as they are, in spite of the advice."""
    sheet: tuple[str, ...] = ()
    """Of a character or an expression sheet: its views, each a picture of its own."""
    provider: str | None = None
    block: tuple[str, ...] = ()
    priority: Literal["quality", "speed", "cost", "privacy"] | None = None
    consistency: Literal["strict", "balanced", "loose"] | None = None
    accepted: tuple[str, ...] | None = None
    language: Literal["zh", "en"] = "en"
    free_try_of: str | None = None
    """The job whose picture came out with another face: this try is on the operator, and counts against nobody."""
    take: int = 0
    """How often this order was made before ("again"): a provider that would repeat itself varies by it."""

    @property
    def keys(self) -> str:
        """The request by catalog keys alone, `edit:restore+colorize`, for a log: none of the person's words."""
        named = ((shot.style, *(edit.action for edit in shot.edits)) for shot in self.shots)
        shots = dict.fromkeys("+".join(key for key in keys if key) for keys in named)
        return ":".join((self.operation, ",".join(filter(None, shots)))).rstrip(":")

    @property
    def expressions(self) -> bool:
        """Whether it is an expression sheet."""
        return bool(self.sheet) and self.shots[0].edits[0].action == "expression_sheet"

    @property
    def count(self) -> int:
        """Pictures promised in all; a sheet counts as one beside its views."""
        return len(self.sheet) + 1 if self.sheet else sum(shot.count for shot in self.shots)


def job_id(message_key: str, number: int = 0, *, secret: bytes = b"") -> str:
    """The identity of the job a message leads to: the same message, the same job.

    `secret`: the installation's. Job ids stand in logs, and the ids of people and chats in a message's key are few
    enough to be tried one after another.
    """
    return hmac.digest(secret, f"{message_key}#{number}".encode(), "sha256").hex()[:20]
