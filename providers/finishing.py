"""What is done to pictures on this machine after a service made them, before they are labelled and shown.

An ID photo is checked against its rule, mended where nothing has to be invented, brought to its size, and laid on its
print sheet; what is still wrong goes with it as remarks. Portraits of a photo are compared with it: how alike the face
is goes with them. Nothing here can fail a picture that is paid for: what cannot be told is not told.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from providers.base import PictureFile, Request
from providers.catalog import STYLES
from providers.errors import LikenessError
from providers.media.files import delete_quietly
from providers.media.preview import dimensions
from providers.media.threads import in_thread
from providers.offers import Tier
from providers.people.inspector import Inspector
from providers.task import Operation, Task

log = logging.getLogger(__name__)


MOST_COMPARED = 4
"""Requests whose pictures are compared or wait to be. One process compares, a fifth of a second for each: beyond these,
pictures are delivered without a comparison rather than late."""


class Finisher:
    """`inspector` holds the networks, in a process of its own."""

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector
        self._comparing = 0

    async def finished(self, pictures: Sequence[PictureFile], request: Request, tier: Tier) -> tuple[PictureFile, ...]:
        """The pictures of a request as they are to be shown; the same again from the same files."""
        if tier is Tier.LOCAL or request.task.operation is not Operation.PORTRAIT:
            return tuple(pictures)
        if is_id_photo(request.task):
            return tuple([await self._id_photo(picture, request.task) for picture in pictures])
        return await self._compared(pictures, request)

    async def _id_photo(self, picture: PictureFile, task: Task) -> PictureFile:
        wanted = asdict(task.parameters.id_photo) if task.parameters.id_photo else None
        found = await self._inspector.run(
            "providers.embedded.id_finish", "finish", str(picture.path), task.style, wanted
        )
        if found is None:
            return picture
        remarks = tuple(found["remarks"])
        if found["name"] is None:
            return replace(picture, remarks=remarks)
        try:
            made = await in_thread(partial(_as_file, picture, picture.path.with_name(found["name"])))
        except (LikenessError, OSError) as error:
            log.warning("a finished ID photo is gone: %s", type(error).__name__)
            return picture
        return replace(made, remarks=remarks)

    async def _compared(self, pictures: Sequence[PictureFile], request: Request) -> tuple[PictureFile, ...]:
        style = STYLES.get(request.task.style or "")
        if not request.photos or (style is not None and (style.several or not style.likeness)):
            return tuple(pictures)
        if self._comparing >= MOST_COMPARED:
            return tuple(pictures)
        self._comparing += 1
        try:
            found = await self._inspector.compare(request.photos, [picture.path for picture in pictures])
        finally:
            self._comparing -= 1
        if found is None:
            return tuple(pictures)
        return tuple(
            replace(picture, likeness=one.likeness, distance=one.distance)
            for picture, one in zip(pictures, found, strict=True)
        )

    async def aclose(self) -> None:
        await self._inspector.aclose()


def is_id_photo(task: Task) -> bool:
    return task.style is not None and task.style in STYLES and STYLES[task.style].exact


def likest_first(pictures: Sequence[PictureFile]) -> tuple[PictureFile, ...]:
    """Ranked by likeness; those of which it is not known stay where they are, after the others."""
    return tuple(sorted(pictures, key=lambda one: (one.distance is None, one.distance or 0.0)))


def _as_file(picture: PictureFile, path: Path) -> PictureFile:
    width, height = dimensions(path)
    mime = "image/png" if path.suffix == ".png" else "image/jpeg"
    if path != picture.path:
        delete_quietly([picture.path])
    return replace(picture, path=path, width=width, height=height, size_bytes=path.stat().st_size, mime=mime)
