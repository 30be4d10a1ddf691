"""Painterly and graded looks, made on this machine without a model.

A look takes a photo and gives a picture: `look(picture, faces, take)`.

`picture` is uint8 RGB, height × width × 3, upright, of any size; `faces` are the faces found in it, or their boxes
(x, y, width, height), in any order, none is fine: eyes and mouths are painted with a finer brush, light falls on
them. `take` counts "again": each gives another picture, the same take always the same one. A `draft` is small and
quick, to choose by.

Comes back: uint8 RGB of the photo's proportions (`polaroid` adds its card). Painted and drawn looks have a long side
of 900..1100 pixels, photographic ones the photo's own size within 640..1600; a photo smaller than that is enlarged,
at most fourfold.
Nothing here uses the network, threads, or state. Raises ValueError for anything but uint8 H×W×3.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from providers.embedded.looks.anime import anime
from providers.embedded.looks.artistic import artistic
from providers.embedded.looks.canvas import Box, Picture
from providers.embedded.looks.cyberpunk import cyberpunk
from providers.embedded.looks.drawing import comic, sketch
from providers.embedded.looks.grades import OnFilm, hongkong_vintage, polaroid
from providers.embedded.looks.oil import oil_painting
from providers.embedded.looks.watercolor import watercolor
from providers.people.face import Face


class Look(Protocol):
    """One look, see the module's docstring."""

    def __call__(
        self, picture: Picture, faces: Sequence[Box | Face] = (), take: int = 0, *, draft: bool = False
    ) -> Picture: ...


LOOKS: Mapping[str, Look] = MappingProxyType(
    {
        "artistic": artistic,
        "anime": anime,
        "cyberpunk": cyberpunk,
        "oil_painting": oil_painting,
        "watercolor": watercolor,
        "vintage": OnFilm("vintage"),
        "hongkong_vintage": hongkong_vintage,
    }
)
"""By style key of the catalog."""

FILTERS: Mapping[str, Look] = MappingProxyType(
    {
        "vintage": OnFilm("vintage"),
        "film": OnFilm("film"),
        "hongkong": hongkong_vintage,
        "mono": OnFilm("mono"),
        "sepia": OnFilm("sepia"),
        "warm": OnFilm("warm"),
        "cool": OnFilm("cool"),
        "dreamy": OnFilm("dreamy"),
        "polaroid": polaroid,
        "sketch": sketch,
        "comic": comic,
        "anime": anime,
        "oil": oil_painting,
        "watercolor": watercolor,
        "cyberpunk": cyberpunk,
        "artistic": artistic,
    }
)
"""For the action `filter`, by the keys of `Parameters.filter`."""

__all__ = ["FILTERS", "LOOKS", "Box", "Look", "Picture"]
