"""Real photographs that development packages ship, small enough to be quick."""

from pathlib import Path

import cv2
import matplotlib
import numpy as np
import pytest
import skimage

from providers.media.pixels import Picture, pixels
from providers.people.face import Face
from providers.people.find import find_faces
from providers.people.model_files import CUTTING, are_there


def shipped(name: str) -> Picture:
    picture = cv2.imread(str(Path(skimage.__file__).parent / "data" / name))
    assert picture is not None
    return pixels(picture)[..., ::-1].copy()


@pytest.fixture(scope="session")
def astronaut() -> Picture:
    """Eileen Collins, 380 x 420: hair against a mottled wall, a dark collar, an orange suit."""
    return shipped("astronaut.png")[:420, 20:400].copy()


@pytest.fixture(scope="session")
def officer() -> Picture:
    """Grace Hopper, 358 x 420: cap and glasses, a flag and a blue wall behind her."""
    path = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    whole = cv2.imread(str(path))
    assert whole is not None
    return pixels(cv2.resize(whole, (358, 420), interpolation=cv2.INTER_AREA))[..., ::-1].copy()


@pytest.fixture(scope="session")
def coffee() -> Picture:
    """A cup on a table, 300 x 200: nobody there."""
    return pixels(cv2.resize(shipped("coffee.png"), (300, 200), interpolation=cv2.INTER_AREA))


@pytest.fixture(scope="session")
def faces(astronaut: Picture) -> tuple[Face, ...]:
    return find_faces(astronaut)


needs_models = pytest.mark.skipif(
    not are_there(CUTTING), reason="the networks' files are not there: `likeness models fetch` brings them"
)
"""For what only the networks can: a clean clone without them passes as well, on the floor."""


def turned(picture: Picture, degrees: float) -> Picture:
    """Turned clockwise about its middle, the border continued."""
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1.0)
    return pixels(cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT))


def difference(one: Picture, other: Picture) -> float:
    """Mean difference in grey levels."""
    return float(np.abs(one.astype(np.int16) - other.astype(np.int16)).mean())
