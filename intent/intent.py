"""`Intent`: what a message asks for, as data. The contract is `docs/intent.md`."""

from dataclasses import dataclass, fields
from typing import Any, Literal

from intent.parameters import NO_PARAMETERS, Consistency, EditParameters, Priority
from intent.policy import Decision

OperationName = Literal["portrait", "series", "edit", "create", "command", "none"]
Language = Literal["zh", "en"]

COMMANDS: tuple[str, ...] = (
    "help", "styles", "cancel", "status", "usage", "again", "forget", "privacy", "start", "settings",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesItem:
    """One picture of a series: a style, or an own prompt, with its own scene."""

    style: str | None = None
    scene: str | None = None
    prompt: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ThenEdit:
    """A further edit, done on the result of the one before."""

    action: str
    prompt: str | None = None
    scale: int | None = None
    parameters: EditParameters = NO_PARAMETERS


_BEYOND_THE_CONTRACT = frozenset(
    {"parameters", "consistency", "priority", "service", "not_services", "count_said", "photos_as"}
)
"""Fields that `as_dict` leaves out: they are for the program, `--explain` prints them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Intent:
    """One reading of one message. All fields are always present; `prompt`, `scene` are in the user's own words.

    `parameters`: what an `edit` needs, as values. `consistency`: how much the person must stay themselves, None where
    nothing is said. `priority`: what the words put first when a service is chosen; `service`: the one they name ("with
    OpenAI"), by its key; `not_services`: those they will not have ("anything but OpenAI"). `count_said`: how many
    pictures were asked for where that is more than 8. `photos_as`: of several photos, whether each is to become a
    picture of its own ("each of these") or all one picture ("together"); None where the words do not say.

    `provider` is "embedded" where the words ask for the free one on this machine, else None.
    `confidence`: the probability that this is what was meant. `alternatives`: the next readings, likeliest first.
    `decision`: what costs a person least on the average: to act on the reading, to ask which one is meant, or to stay
    silent (a friendly line at most).
    """

    operation: OperationName
    style: str | None = None
    action: str | None = None
    command: str | None = None
    model: str = "nanopro"
    count: int = 1
    aspect_ratio: str | None = None
    scale: int | None = None
    scene: str | None = None
    prompt: str | None = None
    items: tuple[SeriesItem, ...] = ()
    then: tuple[ThenEdit, ...] = ()
    ask: tuple[str, ...] = ()
    language: Language = "en"
    provider: str | None = None
    parameters: EditParameters = NO_PARAMETERS
    consistency: Consistency | None = None
    priority: Priority | None = None
    service: str | None = None
    not_services: tuple[str, ...] = ()
    count_said: int | None = None
    photos_as: Literal["each", "together"] | None = None
    confidence: float = 1.0
    alternatives: tuple["Intent", ...] = ()
    decision: Decision = "act"

    def as_dict(self) -> dict[str, Any]:
        """The JSON object of the contract: every field, lists for tuples."""
        out: dict[str, Any] = {}
        for f in fields(self):
            if f.name in _BEYOND_THE_CONTRACT:
                continue
            value = getattr(self, f.name)
            if f.name in ("items", "then"):
                value = [
                    {g.name: getattr(v, g.name) for g in fields(v) if g.name not in _BEYOND_THE_CONTRACT} for v in value
                ]
            elif f.name == "alternatives":
                value = [
                    {k: w for k, w in v.as_dict().items() if k not in ("confidence", "alternatives", "decision")}
                    for v in value
                ]
            elif isinstance(value, tuple):
                value = list(value)
            out[f.name] = value
        return out
