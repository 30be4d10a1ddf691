"""What styles look like on somebody's own photo: small quick pictures, made for free on this machine, one by one.

The one seam for whoever shows them: the numbered sheet of a chat (`handlers/dialogue/previews.py`), the gallery of a
page. A preview is a pleasure and no job: nothing is committed, nothing is charged.
"""

import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from functools import partial
from pathlib import Path

from providers.base import PictureFile, Provider, Request
from providers.catalog import STYLES
from providers.errors import LikenessError
from providers.labelling import with_labels
from providers.media.files import write_file
from providers.media.preview import thumbnail
from providers.media.threads import in_thread
from providers.offers import Offers
from providers.task import Operation, Task

log = logging.getLogger(__name__)

SMALL_SIDE = 384
"""Pixels of the photo a preview is made from: less than a second's work for each style."""


class StylePreviews:
    """`provider` is the free one. `producer`: what previews are labelled with, as every picture made is."""

    def __init__(self, *, provider: Provider, producer: str) -> None:
        self._provider = provider
        self._producer = producer
        self._offers: Offers | None = None
        self._found: dict[str, bool] = {}
        """Whether `_offers` make a style: every message asks for all of them, which took longer than answering it."""

    @property
    def maker(self) -> str:
        return self._provider.name

    def possible(self, styles: Iterable[str] = STYLES) -> tuple[str, ...]:
        """Those of the styles that there can be previews of, in their order; ID photos, which look like the photo,
        last."""
        if (offers := self._provider.offers) is not self._offers:
            self._offers, self._found = offers, {}
        found = [key for key in styles if self._is_made(key, offers)]
        return tuple(sorted(found, key=lambda key: STYLES[key].exact))

    def _is_made(self, style: str, offers: Offers) -> bool:
        if style not in self._found:
            self._found[style] = offers.find(_portrait(style)) is not None
        return self._found[style]

    async def of(self, photo: Path, styles: Sequence[str], into: Path) -> AsyncIterator[tuple[str, PictureFile]]:
        """Each style with its picture, a labelled JPEG or PNG of a few hundred pixels under `into`, as soon as it is
        made; a style that this photo does not allow is left out. Raises MadeNothing where the photo cannot be read."""
        small = await in_thread(_small, photo, into)
        for style in styles:
            try:
                made = await self._made(small, style, into)
            except LikenessError as error:
                log.info("no preview: style=%s %s", style, error.code)
            else:
                yield style, made

    async def _made(self, photo: Path, style: str, into: Path) -> PictureFile:
        key = f"{into.name}-{style}"
        request = Request(key=key, task=_portrait(style), prompt=style, photos=(photo,))
        submission = await self._provider.submit(request)
        async for _ in self._provider.follow(submission):
            pass
        result = await self._provider.fetch(submission, into)
        label = partial(with_labels, key=key, task=request.task, tier=self._provider.tier, producer=self._producer)
        return (await in_thread(label, result.pictures[:1]))[0]


def _small(photo: Path, into: Path) -> Path:
    return write_file(thumbnail(photo, SMALL_SIDE), into=into, name="photo.jpg")


def _portrait(style: str) -> Task:
    """In the photo's own ratio."""
    return Task(operation=Operation.PORTRAIT, style=style, photos=1, draft=True)
