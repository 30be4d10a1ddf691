"""What every function of the Python API takes besides its own arguments, checked: who is asked, what is kept, what is
only estimated. Lists and mappings may also come as the command line writes them: `A,B` and `A=0.7,B=0.3`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TypedDict

from providers.catalog.keys import shown
from providers.errors import AskPerson
from providers.preferences import Preferences, Priority
from providers.registry import known_names
from providers.settings import ProviderSettings
from providers.submission import OnProgress
from providers.task import MAX_OUTPAINT, Consistency, Outpaint

Source = str | Path
Names = Sequence[str] | str | None
Weights = Mapping[str, float] | str | None
Sides = Mapping[str, int] | str | None
_SIDES = frozenset({"left", "right", "top", "bottom"})


class CallOptions(TypedDict, total=False):
    """Keywords of every function.

    `provider`: this one and no other. `prefer`: tried first, in this order. `block`: never, whatever else is said.
    `weights`: the rest by lot, weighted so. `priority`: quality, speed, cost or privacy. These five win over the
    settings. `estimate`: submit nothing, and tell what it would cost; no photo is read. `out`: folder for the pictures,
    default OUTPUT_DIR. `on_progress`: awaited with the piece's key and a `Progress`. `key`: a name of your own for the
    call: the same key again resumes it instead of paying twice. `settings`: default from the environment.
    """

    provider: str | None
    prefer: Names
    block: Names
    weights: Weights
    priority: str | None
    estimate: bool
    out: Source | None
    on_progress: OnProgress | None
    key: str | None
    settings: ProviderSettings | None


@dataclass(frozen=True, kw_only=True)
class Options:
    """The same as a value. A keyword of another name is a TypeError, as with any function."""

    provider: str | None = None
    prefer: Names = None
    block: Names = None
    weights: Weights = None
    priority: str | None = None
    estimate: bool = False
    out: Source | None = None
    on_progress: OnProgress | None = None
    key: str | None = None
    settings: ProviderSettings | None = None

    @property
    def preferences(self) -> Preferences:
        """Raises AskPerson `unknown_provider`, `bad_weights` or `bad_priority`."""
        return Preferences(
            provider=self.provider or None,
            prefer=_names(self.prefer),
            block=frozenset(_names(self.block)),
            weights=_weights(self.weights),
            priority=_priority(self.priority),
        )


def check_consistency(given: str | None) -> Consistency | None:
    """Raises AskPerson `bad_consistency`."""
    if given is None:
        return None
    try:
        return Consistency(given)
    except ValueError:
        raise AskPerson("no such consistency", code="bad_consistency", params={"given": shown(given)}) from None


def check_outpaint(given: Sides) -> Outpaint | None:
    """`{"left": 200}` or `left=200,top=80`: 0 to 2000 pixels a side. Raises AskPerson `bad_outpaint`."""
    if given is None:
        return None
    sides = _whole_numbers(given) if isinstance(given, str) else dict(given)
    fits = all(isinstance(n, int) and not isinstance(n, bool) and 0 <= n <= MAX_OUTPAINT for n in sides.values())
    if not fits or not set(sides) <= _SIDES or not any(sides.values()):
        raise AskPerson("no such sides", code="bad_outpaint")
    return Outpaint(**sides)


def _whole_numbers(text: str) -> dict[str, int]:
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    names = [name.strip() for name, _, _ in pairs]
    try:
        numbers = [int(number) for _, _, number in pairs]
    except ValueError:
        raise AskPerson("not a number of pixels", code="bad_outpaint") from None
    if len(set(names)) < len(names):
        raise AskPerson("one side twice", code="bad_outpaint")
    return dict(zip(names, numbers, strict=True))


def _names(given: Names) -> tuple[str, ...]:
    names = given.split(",") if isinstance(given, str) else given or ()
    return tuple(_known(name.strip()) for name in names if name.strip())


def _known(name: str) -> str:
    known = known_names()
    if name in known:
        return name
    near = get_close_matches(name.lower(), known, n=3, cutoff=0.5) or known
    params = {"given": shown(name), "nearest": ", ".join(near)}
    raise AskPerson("no such provider", code="unknown_provider", params=params)


def _weights(given: Weights) -> dict[str, float] | None:
    if given is None:
        return None
    pairs = [part.partition("=")[::2] for part in given.split(",") if part.strip()] if isinstance(given, str) else None
    try:
        weights = {name.strip(): float(weight) for name, weight in (pairs or dict(given).items())}  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise AskPerson("not a number", code="bad_weights") from None
    if not all(math.isfinite(weight) and weight >= 0 for weight in weights.values()):
        raise AskPerson("below nought, or endless", code="bad_weights")
    return {_known(name): weight for name, weight in weights.items()}


def _priority(given: str | None) -> Priority | None:
    if given is None:
        return None
    try:
        return Priority(given)
    except ValueError:
        raise AskPerson("no such priority", code="bad_priority", params={"given": shown(given)}) from None
