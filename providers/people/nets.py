"""The networks of this process, loaded once when first asked for; OpenCV runs them, on one thread.

A network is not thread-safe: all of this belongs in a worker process that does one thing at a time.
"""

from functools import cache

import cv2
import numpy as np

from providers.media.pixels import Floats
from providers.people.model_files import read


@cache
def net_of(name: str) -> cv2.dnn.Net:
    """The network `name` of `models.toml`. Raises FileNotFoundError where its file is not there or not whole."""
    return cv2.dnn.readNetFromTFLite(np.frombuffer(read(name), np.uint8))


def outputs(net: cv2.dnn.Net, blob: Floats) -> list[Floats]:
    """Every output for one NCHW input, copied; their order means nothing, tell them by their sizes."""
    net.setInput(blob)
    return [np.array(a, np.float32) for a in net.forward(net.getUnconnectedOutLayersNames())]
