"""Judges photos and compares results off the event loop, in a process of its own that holds the networks.

What the rest of the program calls. Loads no OpenCV here; a worker that dies twice, or a photo that cannot be read,
gives None: pre-flight and likeness are advice, and nothing waits or fails for want of it.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from providers.errors import LikenessError
from providers.media.threads import in_file_thread
from providers.people.model_files import LIKENESS, are_there
from providers.people.worker import Worker

log = logging.getLogger(__name__)

PATIENCE = 10.0
"""Seconds after which advice on a photo is done without: somebody waits for an answer."""
PATIENCE_WITH_RESULTS = 120.0
"""For a picture that was made: a busy machine is no reason to show it unfinished."""


@dataclass(frozen=True, kw_only=True)
class Advice:
    """On one photo. `finding` is the worst that was found, a name of `preflight.Finding`, None where the photo is good;
    its sentence is the text `say.photo_FINDING`, with `width` and `wanted` (pixels) to fill in. `faces`: how many.
    `quarters`: turns counter-clockwise that set it upright. `score`, `fingerprint`: for `references`."""

    finding: str | None
    findings: tuple[str, ...]
    faces: int
    width: int
    wanted: int
    quarters: int
    score: float
    fingerprint: int

    @property
    def text_key(self) -> str | None:
        return f"say.photo_{self.finding}" if self.finding else None


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """Of one result: `alike`, `doubtful`, `miss` or `no_face`, and its distance (0 the same; None without a face)."""

    likeness: str
    distance: float | None


def _likeness_is_known() -> bool:
    return are_there(LIKENESS)


class Inspector:
    """Started at its first question. Belongs to one event loop; close it.

    `patience`: seconds for advice on a photo; `patience_with_results`: for pictures that were made. `compares`: whether
    likeness can be told on this machine.
    """

    def __init__(
        self,
        *,
        patience: float = PATIENCE,
        patience_with_results: float = PATIENCE_WITH_RESULTS,
        compares: Callable[[], bool] = _likeness_is_known,
    ) -> None:
        self._compares = compares
        self._worker = Worker("providers.people.inspection")
        self._patience = patience
        self._patience_with_results = patience_with_results

    @property
    def worker(self) -> Worker:
        """The process, for whoever else looks at faces: the networks are loaded once."""
        return self._worker

    async def check(self, photo: Path) -> Advice | None:
        """The advice on a photo; None where there is none to be had."""
        found = await self._ask("check", str(photo), patience=self._patience)
        return _advice(found) if found else None

    async def check_all(self, photos: Sequence[Path]) -> tuple[Advice | None, ...]:
        return tuple([await self.check(photo) for photo in photos])

    async def compare(self, photos: Sequence[Path], results: Sequence[Path]) -> tuple[Likeness, ...] | None:
        """How alike each result is to the person's photos; None where that cannot be told on this machine."""
        if not await in_file_thread(self._compares):  # no process is started for that
            return None
        found = await self._ask("compare", [str(path) for path in photos], [str(path) for path in results])
        if not found:
            return None
        return tuple(Likeness(likeness=str(one["likeness"]), distance=one["distance"]) for one in found)

    async def run(self, module: str, name: str, *args: Any) -> Any:
        """A function of another module, in the same process; None where it did not come to an answer."""
        return await self._ask(name, *args, module=module)

    async def _ask(self, name: str, *args: Any, module: str | None = None, patience: float | None = None) -> Any:
        try:
            async with asyncio.timeout(self._patience_with_results if patience is None else patience):
                return await self._worker.call(name, *args, module=module)
        except (LikenessError, TimeoutError) as error:
            log.warning("nobody looked at a picture: %s came to no answer, %s", name, type(error).__name__)
            return None
        except Exception as error:  # a mistake of ours over there: what it was to tell is done without
            log.error("looking at a picture broke: %s %s", name, type(error).__name__)
            return None

    async def aclose(self) -> None:
        await self._worker.close()


def _advice(found: Mapping[str, Any]) -> Advice:
    findings = tuple(str(finding) for finding in found["findings"])
    return Advice(
        finding=findings[0] if findings else None,
        findings=findings,
        **{name: found[name] for name in ("faces", "width", "wanted", "quarters", "score", "fingerprint")},
    )


_TWINS = 8
"""Bits of the fingerprint in which near-duplicates differ at most."""


class Rated(Protocol):
    """What is known of a photo of an album, as in `Advice`."""

    @property
    def faces(self) -> int: ...
    @property
    def score(self) -> float: ...
    @property
    def fingerprint(self) -> int: ...


def references(album: Sequence[Rated | None], most: int = 4) -> tuple[int, ...]:
    """Which photos of an album show a person best, best first, as indices; near-duplicates and photos without a face
    are left out."""
    seen = {i: advice for i, advice in enumerate(album) if advice is not None and advice.faces}
    kept: list[int] = []
    for i in sorted(seen, key=lambda one: -seen[one].score):
        twin = any((seen[i].fingerprint ^ seen[k].fingerprint).bit_count() <= _TWINS for k in kept)
        if not twin and len(kept) < most:
            kept.append(i)
    return tuple(kept)
