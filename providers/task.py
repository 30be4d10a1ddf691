"""`Task`: what is wanted, apart from how it is sent.

A task knows no key, no prompt, no file and no service, so it can be compared, priced and routed without preparing
anything. `providers.base.Request` adds what only the sending needs. `providers/task_builders.py` makes tasks from the
catalog's keys, and checks them.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

Colour = tuple[int, int, int]
"""sRGB, 0 to 255 each."""
Side = Literal["left", "right", "top", "bottom"]

LEVELS: tuple[str, ...] = ("nanopro", "nano2", "gpt")
"""Levels of quality, the default first: good and quick, draft, finest. Each service maps them to models of its own."""
ASPECT_RATIOS: tuple[str, ...] = ("1:1", "3:4", "4:3", "9:16", "16:9")
MAX_COUNT = 8
SCALES: tuple[int, ...] = (2, 4)
MAX_OUTPAINT = 2000
"""Pixels on one side."""


class Operation(StrEnum):
    """What kind of picture work a task is."""

    CREATE = "create"
    """From words alone."""
    PORTRAIT = "portrait"
    """A new picture of who is in the photos."""
    EDIT = "edit"
    """The first photo changed as words say; which kind of edit is the task's `action`."""
    INPAINT = "inpaint"
    """Only the area marked by the mask is changed."""
    OUTPAINT = "outpaint"
    """More surroundings, by side and amount or up to a ratio."""
    UPSCALE = "upscale"
    """The same picture with 2 or 4 times the pixels a side."""
    VARIATIONS = "variations"
    """Other versions of the photo."""
    STYLE_TRANSFER = "style_transfer"
    """The first photo in the look of the second."""
    REMOVE_BACKGROUND = "remove_background"
    """The person or thing alone, the rest transparent."""
    REPLACE_BACKGROUND = "replace_background"
    TRAIN_FACE = "train_face"
    """No picture: the service trains a face from the photos, for later portraits."""


PICTURES = frozenset(Operation) - {Operation.TRAIN_FACE}
"""The operations that end with pictures."""
Gender = Literal["female", "male"]


class Consistency(StrEnum):
    """How closely the face must be preserved."""

    STRICT = "strict"
    """Exactly the same person: held by reference photos, an adapter or a trained face, or not done at all."""
    BALANCED = "balanced"
    LOOSE = "loose"
    """Only inspired by the photo."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Background:
    """`transparent`: cut away. `colour`: one plain colour (none named: any plain one). `gradient`: first colour above,
    second below. `studio`: a lit backdrop, in the colour if one is named. `blurred`: the photo's own, out of focus.
    `place`: anything else, as the request's words say."""

    kind: Literal["transparent", "colour", "gradient", "studio", "blurred", "place"]
    colours: tuple[Colour, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Outpaint:
    """Pixels to add on each side, 0 to 2000. All 0: as much as the task's ratio needs, else as the service thinks."""

    left: int = 0
    right: int = 0
    top: int = 0
    bottom: int = 0

    def __bool__(self) -> bool:
        return any((self.left, self.right, self.top, self.bottom))


@dataclass(frozen=True, kw_only=True, slots=True)
class Lettering:
    """What to write, letter for letter. `replaces`: the letters in the picture that it stands in for.
    `position`: `top`, `bottom`, `left`, `right`, `centre`, `top_left` … or None."""

    text: str
    replaces: str | None = None
    position: str | None = None
    colour: Colour | None = None
    size: Literal["large", "small"] | None = None
    vertical: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Adjustment:
    """One simple change. `direction` is `up` or `down` for amounts, `horizontal` or `vertical` for flip, `left` or
    `right` (a quarter turn, or `degrees`) for rotate, and None for crop and straighten."""

    kind: str
    direction: str | None = None
    strength: Literal["slight", "strong"] | None = None
    degrees: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class IdPhoto:
    """`size`: a key of `providers/embedded/id_presets.toml`. `background`: where one is asked for; else the size's own,
    else the style's. `paper`: laid on a sheet of `6inch` or `a4`, so many `copies` (None: as many as fit)."""

    size: str
    background: Colour | None = None
    paper: str | None = None
    copies: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameters:
    """What an edit needs beyond its name. Only what was said is filled.

    `filter`, `change` (what a before and after shows) and `tone` (of a colouring) are keys.
    `scale`: 2 or 4, for an upscale.
    `complete`: these values say all that the words ask for; False where the words say more, so that who cannot read
    words cannot do it. Without words nothing more was asked for.
    """

    background: Background | None = None
    outpaint: Outpaint | None = None
    lettering: Lettering | None = None
    filter: str | None = None
    change: str | None = None
    tone: str | None = None
    colours: tuple[Colour, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    id_photo: IdPhoto | None = None
    scale: int | None = None
    complete: bool = True


NO_PARAMETERS = Parameters()


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One thing wanted. Hashable: the same task has the same price and the same candidates at one moment.

    `model`: a quality level (`LEVELS`) or `SERVICE/MODEL`, a service's own model by its name.
    `count`: pictures wanted, 1 to 8. `photos`: how many photos are given. `mask`: whether one is.
    `aspect_ratio`: None for that of the photo, or whatever the service does.
    `face`: the portrait is of a trained face, which the request names, and not of photos. `template`: the last of the
    photos is a finished picture, and the person takes the place of the one in it. `gender`: for presets of a service
    that are made for one. `retouch`: False where skin is to stay as it is.
    `variant`: how often the same was made before ("again"): who would repeat itself varies its picture by `variant`
    plus the picture's number, so that nobody gets the same picture twice.
    `draft`: small and quick, to choose a style by; only this machine makes such.
    """

    operation: Operation
    style: str | None = None
    action: str | None = None
    parameters: Parameters = field(default=NO_PARAMETERS)
    model: str = LEVELS[0]
    count: int = 1
    aspect_ratio: str | None = None
    photos: int = 0
    mask: bool = False
    consistency: Consistency | None = None
    variant: int = 0
    face: bool = False
    template: bool = False
    gender: Gender | None = None
    retouch: bool = True
    draft: bool = False

    @property
    def scale(self) -> int | None:
        return self.parameters.scale

    @property
    def service(self) -> str | None:
        """The service that `model` names, or None where it is a level of quality."""
        name, slash, _ = self.model.partition("/")
        return name if slash else None

    @property
    def own_model(self) -> str | None:
        """The service's own name of a model named so."""
        return self.model.partition("/")[2] or None
