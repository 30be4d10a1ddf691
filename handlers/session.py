"""The session of a person in a chat: what is remembered between messages.

Stored as JSON (`Session.model_dump_json`) by the store; every change makes a new value.
"""

from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from handlers.order import Order
from providers.media.ref import StoredPath

PHOTOS_KEPT = 8
PHOTO_LIFE = timedelta(minutes=30)
QUESTION_LIFE = timedelta(hours=2)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PhotoAdvice(_Frozen):
    """What pre-flight says of a photo (`providers/people/preflight.py`). `findings`: what is wrong, the worst first.
    `width` of the largest face in pixels, `wanted` what is good. `score`, `fingerprint`: how good a reference it is,
    and what near-duplicates share. `upright`: the photo set upright, where it lies on its side, with its size."""

    findings: tuple[str, ...] = ()
    faces: int = 0
    width: int = 0
    wanted: int = 0
    score: float = 0.0
    fingerprint: int = 0
    upright: StoredPath | None = None
    size: tuple[int, int] | None = None


class SessionPhoto(_Frozen):
    """An accepted photo in the session. `key` as in `IncomingPhoto`; `at` in UTC."""

    key: str
    path: StoredPath
    width: int
    height: int
    at: datetime
    used: bool = False
    """True once an order was made from it: new text then refers to it again only if no newer photo came."""
    refused: bool = False
    """True once a request for it could not be done: other text still refers to it, but the next photo does not join
    it."""
    asked: bool = False
    """True once something was asked about a wish for it: likewise. What was asked about and left is let go."""
    advice: PhotoAdvice | None = None
    """Once it was looked at."""
    reduced_from: tuple[int, int] | None = None
    """Width and height of what came in, where it was larger than what is kept."""
    as_is: bool = False
    """True once the person said that it is to be used in spite of the advice."""


class LastResult(_Frozen):
    """The newest finished job of this person here: text after it edits its pictures."""

    job: str
    order: Order
    pictures: tuple[StoredPath, ...]
    sizes: tuple[tuple[int, int], ...] = ()
    """Width and height of each picture."""
    at: datetime


class Question(_Frozen):
    """An open question. `kind`:

    `style`: pick a style for `order` · `photo`: `order` waits for a photo · `second_photo`, `text`: likewise ·
    `confirm`: `order` costs more than the limit · `anyway`: `photos` of `order` could be better ·
    `consent`: `order` would go to `company`, which is not accepted ·
    `gender`: which preset of a trained face `order` is made with · `reading`: which of `orders` was meant ·
    `forget`: whether to delete everything · `browse`: a menu was shown.
    `options` are the ids of the choices offered, in order, so that a number answers too.
    """

    kind: Literal[
        "style",
        "photo",
        "second_photo",
        "text",
        "confirm",
        "anyway",
        "consent",
        "gender",
        "reading",
        "forget",
        "browse",
    ]
    options: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    """The names of the options, so that text answers too."""
    order: Order | None = None
    orders: tuple[Order, ...] = ()
    company: str | None = None
    about: str | None = None
    """Of `reading`: the name of the message whose reading was asked about."""
    companies: tuple[str, ...] = ()
    photos: tuple[StoredPath, ...] = ()
    """Of `anyway`: the photos that are advised against."""
    faces: bool = False
    """It asks for the consent of the people in the photos; a yes accepts the `companies` it names, too."""
    at: datetime


class Menu(_Frozen):
    """What was offered last, whatever it was: while it is visible, its numbers and names are understood."""

    options: tuple[str, ...]
    labels: tuple[str, ...]
    at: datetime


class Session(_Frozen):
    """Everything remembered about a person in a chat between two messages."""

    language: Literal["zh", "en"] | None = None
    language_hint: Literal["zh", "en"] | None = None
    """The language the page or client last reported: when it changes, so do the answers."""
    language_fixed: bool = False
    """True once set by /settings: then text no longer changes it."""
    photos: tuple[SessionPhoto, ...] = ()
    gender: Literal["female", "male"] | None = None
    """Which presets of a trained face are theirs; asked once, and set by /settings."""
    trained_from: tuple[StoredPath, ...] = ()
    """Photos that a face was trained from: they do not prevent using the trained face."""
    child: bool = False
    """Something said that the photos in the session show a child."""
    last_order: Order | None = None
    last_result: LastResult | None = None
    begun: datetime | None = None
    """When a new chat was begun: new text does not refer to results from before."""
    question: Question | None = None
    menu: Menu | None = None

    def fresh_photos(self, now: datetime) -> tuple[SessionPhoto, ...]:
        """The photos that still count: at most 8, at most 30 minutes old."""
        return tuple(p for p in self.photos if now - p.at <= PHOTO_LIFE)[-PHOTOS_KEPT:]
