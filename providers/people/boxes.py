"""Where the faces of a picture file are, found in a worker process of its own: for what must not cover them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from providers.media.visible_mark import Box
from providers.people.worker import Worker

_MODULE = "providers.people.boxes"


class FaceBoxes:
    """Belongs to one event loop. `worker`: one that is there already (`Inspector.worker`), else one of its own; it is
    started at first use."""

    def __init__(self, worker: Worker | None = None) -> None:
        self._worker = worker or Worker(_MODULE)

    async def __call__(self, path: Path) -> Sequence[Box]:
        """Every face of the picture, in its pixels. Raises MadeNothing where it cannot be read, or the worker died."""
        return [
            Box(x=x, y=y, width=w, height=h)
            for x, y, w, h in await self._worker.call("faces_in", str(path), module=_MODULE)
        ]

    async def aclose(self) -> None:
        await self._worker.close()


def start(progress: Any) -> None:
    """Called first in the worker."""


def faces_in(path: str) -> list[tuple[int, int, int, int]]:
    """Left, upper edge, width and height of each face, from the brows to the chin. In the worker: it loads OpenCV."""
    import numpy as np

    from providers.errors import MadeNothing
    from providers.media.decode import Undecodable, decode
    from providers.people.find import find_faces

    try:
        picture = decode(Path(path).read_bytes()).image.convert("RGB")
    except (OSError, Undecodable):
        raise MadeNothing("a picture that cannot be read", code="bad_picture") from None
    faces = find_faces(np.asarray(picture))
    return [(round(face.x), round(face.y), round(face.w), round(face.h)) for face in faces]
