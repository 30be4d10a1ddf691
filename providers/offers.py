"""`Offer`: what a service can do, within which limits and at which price, as data: one row per operation and model.

The one table that router, prices, menus, `likeness providers`, `likeness doctor` and the sentence "who could" read.

The first row that fits a task is the one that makes it, so the rows of an operation stand in the order in which a
service would use its models: the special before the general.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from providers.money import Money
from providers.task import Consistency, Operation, Task


class Tier(StrEnum):
    """Where the pictures are made, which decides who sees them and which provider is asked last."""

    LOCAL = "local"
    """This machine, without a model: free, and the last resort."""
    OWN = "own"
    """A server of the operator's own: free, and photos stay with the operator."""
    SERVICE = "service"
    """Another company's: photos leave the operator's machines, and most of it is paid."""


class Support(StrEnum):
    NATIVE = "native"
    """An endpoint or a field of the service's own."""
    EMULATED = "emulated"
    """Built from another ability of the service; `Offer.how` says how."""


class Reason(StrEnum):
    """Why a task is out of an offer's reach, in the order in which it is looked at."""

    OPERATION = "operation"
    MODEL = "model"
    FACE = "face"
    """A trained face where none is used, or none where one is needed."""
    TEMPLATE = "template"
    PROMPT = "prompt"
    """A portrait by own words where only styles are known."""
    STYLE = "style"
    ACTION = "action"
    GENDER = "gender"
    """A preset that is there for the other gender only, or one for each where none was said."""
    PHOTOS = "photos"
    MASK = "mask"
    RATIO = "ratio"
    SCALE = "scale"
    CONSISTENCY = "consistency"
    SCENE = "scene"
    """A background that cannot be made there."""
    CHANGE = "change"
    """Text that asks for something unknown there."""


READS_SEVERAL = ("reference photos", "reference photos, read closely")
"""`Offer.identity` of models that look at several pictures as words tell them to, and not only for a face."""
_ORDER = {reason: place for place, reason in enumerate(Reason)}


@dataclass(frozen=True, kw_only=True)
class Price:
    """What a service asks for: `request` once, `picture` for each, `megapixel` for each one of each picture (the first
    at `first_megapixel` where that differs). `megapixels`: what a picture usually has.

    `source` and `as_of` say where the figures are from, and when they were looked at; free work has none. `estimate`:
    nobody published the figure, it was taken from like models.
    """

    request: Money = field(default_factory=Money.zero)
    picture: Money = field(default_factory=Money.zero)
    megapixel: Money = field(default_factory=Money.zero)
    first_megapixel: Money | None = None
    megapixels: Decimal = Decimal(1)
    source: str = ""
    as_of: date | None = None
    estimate: bool = False

    def of(self, count: int) -> Money:
        """For one request of so many pictures, in the price list's currency."""
        first = self.megapixel if self.first_megapixel is None else self.first_megapixel
        size = first * min(self.megapixels, Decimal(1)) + self.megapixel * max(self.megapixels - 1, Decimal(0))
        return (self.request + (self.picture + size) * count).rounded(6)

    @cached_property
    def one(self) -> Money:
        """For one request of one picture."""
        return self.of(1)

    @property
    def free(self) -> bool:
        return not self.one


FREE = Price()
PRICES = Path(__file__).parent / "prices"


@cache
def prices(service: str) -> Mapping[str, Price]:
    """The price list `providers/prices/<service>.toml`: one table for each model (or model and quality or size)."""
    rows: Mapping[str, Mapping[str, Any]] = tomllib.loads((PRICES / f"{service}.toml").read_text("utf-8"))["prices"]
    return {name: _price(row) for name, row in rows.items()}


def _price(row: Mapping[str, Any]) -> Price:
    """Amounts stand in the file as text, so that they are read exactly."""
    amounts: dict[str, Any] = {
        name: Money.usd(str(value))
        for name, value in row.items()
        if name in ("request", "picture", "megapixel", "first_megapixel")
    }
    more: dict[str, Any] = {k: v for k, v in row.items() if k in ("source", "as_of", "estimate")}
    if "megapixels" in row:
        more["megapixels"] = Decimal(str(row["megapixels"]))
    if unknown := row.keys() - amounts.keys() - more.keys():
        raise TypeError(f"a price has no {', '.join(sorted(unknown))}")
    return Price(**amounts, **more)


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a task would take there: `cost` of all its pictures, `seconds` until they are there."""

    cost: Money
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Lane:
    """A limit of a service's for some of its models. `at_once`: jobs that may be there at a time, `per_second`: how
    many may be begun in one. `name` is unique within the service."""

    name: str
    at_once: int
    per_second: int


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One row.

    `model`: the service's own name of it, as it stands in results.
    `levels`: the quality levels it serves; None for all of them, where one model does the work whatever is asked.
    `max_count`: pictures that one request may ask for; more are split into several requests.
    `ratios`, `styles`, `actions`, `scales`: None means every one there is.
    `mask`: whether one may be given. An inpaint needs one, so all its offers take it.
    `template`: whether the last photo may be a picture to put the person in; True where it must be. None: where the
    model reads several pictures by words. `trained_face`: made of a trained face, which a request then names.
    `lane`: its requests share a limit of the service's, see `Lane`.
    `consistency`: how closely a face is held, and `identity` by what, for the result.
    `refuses`: what the table cannot say, as the reason why this task is out of reach after all, else None.
    `quality`: 1 to 5, against the other services' offers of the same operation; decides where quality is put first.
    `seconds`: what one request of one picture usually takes.
    """

    operation: Operation
    model: str
    price: Price
    seconds: float
    levels: frozenset[str] | None = None
    support: Support = Support.NATIVE
    how: str = ""
    quality: int = 3
    max_count: int = 1
    min_photos: int = 0
    max_photos: int = 1
    one_by_one: bool = False
    """Whether the pictures of one request are made one after the other, and `seconds` is what each takes."""
    mask: bool = False
    ratios: frozenset[str] | None = None
    styles: frozenset[str] | None = None
    actions: frozenset[str] | None = None
    free_prompt: bool = True
    """Whether a portrait by own words can be had."""
    scales: frozenset[int] | None = None
    consistency: frozenset[Consistency] = frozenset({Consistency.BALANCED, Consistency.LOOSE})
    identity: str = ""
    template: bool | None = None
    trained_face: bool = False
    lane: Lane | None = None
    refuses: Callable[[Task], Reason | None] | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)
    """The service's own, e.g. which shape of body the model takes."""

    def reason_not(self, task: Task, service: str = "") -> Reason | None:
        """Why this row is out of the task's reach, or None where it fits. `count` is not looked at: see `max_count`."""
        if task.operation is not self.operation:
            return Reason.OPERATION
        if not self._serves(task, service):  # most rows end here, and a menu asks hundreds of them
            return Reason.MODEL
        checks: tuple[tuple[Reason, Callable[[], bool]], ...] = (
            (Reason.FACE, lambda: task.face is not self.trained_face),
            (Reason.TEMPLATE, lambda: not self._takes_template(task)),
            (Reason.PROMPT, lambda: self._needs_style(task)),
            (Reason.STYLE, lambda: not _among(task.style, self.styles)),
            (Reason.ACTION, lambda: not _among(task.action, self.actions)),
            (Reason.PHOTOS, lambda: not self.min_photos <= task.photos <= self.max_photos),
            (Reason.MASK, lambda: task.mask and not (self.mask or self.operation is Operation.INPAINT)),
            (Reason.RATIO, lambda: not _among(task.aspect_ratio, self.ratios)),
            (Reason.SCALE, lambda: not _among(task.scale, self.scales)),
            (Reason.CONSISTENCY, lambda: task.consistency is Consistency.STRICT and not self._holds(task.consistency)),
        )
        if wrong := next((reason for reason, is_wrong in checks if is_wrong()), None):
            return wrong
        return self.refuses(task) if self.refuses is not None else None

    def given(self, asked: Consistency) -> Consistency:
        """The consistency a picture made so really has, where `asked` is wished for: never more than there is."""
        below = [level for level in Consistency if list(Consistency).index(level) >= list(Consistency).index(asked)]
        return next((level for level in below if self._holds(level)), Consistency.LOOSE)

    def estimate(self, task: Task) -> Estimate:
        """For all pictures of the task, in requests of at most `max_count` that run side by side."""
        if task.count == 1:
            return Estimate(cost=self.price.one, seconds=self.seconds)
        cost = Money.zero(self.price.one.currency)
        for count in shares(task.count, self.max_count):
            cost += self.price.of(count)
        most = min(task.count, self.max_count) if self.one_by_one else 1
        return Estimate(cost=cost, seconds=self.seconds * most)

    def _serves(self, task: Task, service: str) -> bool:
        if task.service is not None:
            return task.service == service and task.own_model == self.model
        return self.levels is None or task.model in self.levels

    def _needs_style(self, task: Task) -> bool:
        return self.operation is Operation.PORTRAIT and task.style is None and not self.free_prompt

    def _takes_template(self, task: Task) -> bool:
        if not task.template:
            return self.template is not True
        if self.template is None:
            return self.max_photos > 1 and self.free_prompt and self.identity in READS_SEVERAL
        return self.template

    def _holds(self, level: Consistency) -> bool:
        return self.operation is Operation.CREATE or level in self.consistency


@dataclass(frozen=True, kw_only=True)
class Offers:
    """Every row of one service, by its key."""

    service: str
    rows: tuple[Offer, ...] = ()

    def __iter__(self) -> Iterator[Offer]:
        return iter(self.rows)

    def find(self, task: Task) -> Offer | None:
        """The row that makes this task: the first that fits."""
        rows = self._by_operation.get(task.operation, ())
        return next((row for row in rows if row.reason_not(task, self.service) is None), None)

    def reason_not(self, task: Task) -> Reason | None:
        """Why no row fits: the reason of the one that comes nearest. None where one does."""
        reasons = [row.reason_not(task, self.service) for row in self.rows]
        if not reasons:
            return Reason.OPERATION
        return None if None in reasons else max((r for r in reasons if r), key=_ORDER.__getitem__)

    def of(self, operation: Operation) -> tuple[Offer, ...]:
        return self._by_operation.get(operation, ())

    @cached_property
    def _by_operation(self) -> Mapping[Operation, tuple[Offer, ...]]:
        there = dict.fromkeys(row.operation for row in self.rows)
        return {operation: tuple(row for row in self.rows if row.operation is operation) for operation in there}

    @property
    def operations(self) -> tuple[Operation, ...]:
        """In the order of `Operation`."""
        return tuple(operation for operation in Operation if operation in self._by_operation)

    @property
    def models(self) -> tuple[str, ...]:
        """The service's own names, each once."""
        return tuple(dict.fromkeys(row.model for row in self.rows))


def shares(count: int, most: int) -> tuple[int, ...]:
    """`count` pictures in requests of at most `most`: 6 by 4 is 4 and 2."""
    whole, rest = divmod(count, most)
    return (*([most] * whole), *([rest] if rest else []))


def _among(value: Any, allowed: frozenset[Any] | None) -> bool:
    return value is None or allowed is None or value in allowed
