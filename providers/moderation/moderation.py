"""The seam: what looks at a request before anything is sent, and at its pictures before anybody gets them.

    words       always, on this machine (`words.py`, `children.py`)
    photos      where a look at pixels is set up here (`nudity.py`), or an endpoint is
    endpoint    where one is set up: words and photos, and results of whoever moderates none itself

Every way to a service goes through it, the command line's and Python's too: `providers.submission` asks before the
first POST, `providers.collection` before a result counts as made.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from providers.base import PictureFile, Request
from providers.moderation.children import unfit_for_a_child
from providers.moderation.offence import ContentRefused, Offence
from providers.moderation.words import offence_in

log = logging.getLogger(__name__)


class Judge(Protocol):
    """Looks at words or pictures, elsewhere or here."""

    async def judge(self, *, text: str = "", pictures: Sequence[Path] = ()) -> Offence | None:
        """What is wrong, or None. Raises WaitAndRetry or TellOperator where it cannot say: then nothing is sent."""

    async def aclose(self) -> None: ...


class Moderation:
    """`judges` are asked in their order, after the words."""

    def __init__(self, judges: Sequence[Judge] = ()) -> None:
        self._judges = tuple(judges)

    async def before(self, request: Request) -> None:
        """Raises ContentRefused; WaitAndRetry or TellOperator where a judge cannot say."""
        if (offence := offence_in(f"{request.text}\n{request.prompt}", photos=len(request.photos))) is not None:
            raise ContentRefused(offence)
        if unfit_for_a_child(request.text, request.task):
            raise ContentRefused(Offence.MINOR)
        await self.judged(request.text, request.photos)

    async def after(self, pictures: Sequence[PictureFile], *, moderated: bool) -> None:
        """`moderated`: their maker has looked at them already. Raises as `before` does."""
        if not moderated:
            await self.judged("", [picture.path for picture in pictures])

    def looks_after(self, *, moderated: bool) -> bool:
        """Whether `after` looks at the pictures of such a maker: then nobody may see any of them before it did."""
        return bool(self._judges) and not moderated

    async def judged(self, text: str, pictures: Sequence[Path]) -> None:
        """By everybody but the word policy. Raises as `before` does."""
        for judge in self._judges:
            if (offence := await judge.judge(text=text, pictures=pictures)) is not None:
                log.info("content refused: %s", offence.value)
                raise ContentRefused(offence)

    async def aclose(self) -> None:
        for judge in self._judges:
            await judge.aclose()


WORDS_ONLY = Moderation()
