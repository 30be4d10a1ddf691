"""The photographic looks: vintage, Hong Kong film, cyberpunk, and the smaller filters."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from providers.embedded.looks.canvas import Box, Canvas, Image, Picture, clamp, finish, luma, prepare, smoothstep
from providers.embedded.looks.film import LEAST, MOST, Film, develop, expose_film
from providers.embedded.looks.heads import presence
from providers.people.face import Face

FILMS: dict[str, Film] = {
    "vintage": Film(
        curve=((0, 0.075), (0.22, 0.235), (0.5, 0.535), (0.8, 0.83), (1, 0.955)),
        red=((0, 0.02), (0.5, 0.535), (1, 1)),
        blue=((0, 0.045), (0.5, 0.465), (1, 0.87)),
        saturation=0.82,
        shadows=(-2.0, -3.0),
        lights=(1.5, 7.0),
        skin=(3.0, 3.0),
        halation=0.34,
        mist=0.10,
        soft=0.7,
        grain=0.034,
        grain_size=1.9,
        vignette=0.34,
    ),
    "hongkong": Film(
        curve=((0, 0.015), (0.2, 0.155), (0.5, 0.5), (0.8, 0.83), (1, 0.975)),
        red=((0, 0.0), (0.4, 0.405), (0.75, 0.79), (1, 1)),
        blue=((0, 0.03), (0.5, 0.475), (1, 0.92)),
        saturation=1.14,
        shadows=(-13.0, -9.0),
        lights=(4.0, 11.0),
        skin=(7.5, 7.0),
        halation=0.55,
        mist=0.30,
        soft=0.8,
        grain=0.036,
        grain_size=1.7,
        vignette=0.42,
        middle=0.38,
    ),
    "film": Film(
        curve=((0, 0.035), (0.25, 0.24), (0.5, 0.535), (0.75, 0.79), (1, 0.985)),
        saturation=0.94,
        shadows=(-5.0, -2.5),
        lights=(1.0, 5.5),
        skin=(2.5, 3.0),
        halation=0.25,
        mist=0.06,
        grain=0.022,
        grain_size=1.4,
        vignette=0.12,
    ),
    "mono": Film(
        curve=((0, 0), (0.22, 0.16), (0.5, 0.52), (0.78, 0.86), (1, 1)),
        monochrome=True,
        mist=0.05,
        grain=0.026,
        grain_size=1.4,
        vignette=0.22,
    ),
    "sepia": Film(
        curve=((0, 0.06), (0.25, 0.24), (0.5, 0.53), (0.8, 0.84), (1, 0.965)),
        monochrome=True,
        tone=(8.0, 19.0),
        shadows=(3.0, 0.0),
        lights=(-2.0, 5.0),
        mist=0.12,
        soft=0.6,
        grain=0.026,
        grain_size=1.7,
        vignette=0.36,
    ),
    "warm": Film(
        curve=((0, 0.01), (0.5, 0.53), (1, 1)),
        red=((0, 0), (0.5, 0.53), (1, 1)),
        blue=((0, 0), (0.5, 0.45), (1, 0.93)),
        saturation=1.08,
        lights=(2.0, 8.0),
        skin=(1.5, 2.0),
        mist=0.10,
    ),
    "cool": Film(
        curve=((0, 0.015), (0.5, 0.515), (1, 1)),
        red=((0, 0), (0.5, 0.465), (1, 0.97)),
        blue=((0, 0.03), (0.5, 0.54), (1, 1)),
        saturation=0.92,
        shadows=(-3.0, -8.0),
        lights=(-2.0, -4.0),
        skin=(1.0, 1.0),
    ),
    "dreamy": Film(
        curve=((0, 0.07), (0.3, 0.36), (0.6, 0.68), (1, 1)),
        saturation=0.96,
        shadows=(5.0, -6.0),
        lights=(5.0, 2.0),
        skin=(2.0, 1.0),
        mist=0.55,
        soft=2.2,
        middle=0.5,
    ),
    "polaroid": Film(
        curve=((0, 0.09), (0.25, 0.25), (0.5, 0.54), (0.8, 0.85), (1, 0.97)),
        red=((0, 0.0), (0.5, 0.52), (1, 1)),
        blue=((0, 0.07), (0.5, 0.49), (1, 0.88)),
        saturation=0.9,
        shadows=(-5.0, -7.0),
        lights=(0.0, 8.0),
        skin=(3.0, 3.0),
        mist=0.14,
        soft=1.0,
        grain=0.014,
        vignette=0.26,
    ),
}


@dataclass(frozen=True)
class OnFilm:
    """The look of one of `FILMS`."""

    name: str

    def __call__(
        self, picture: Picture, faces: Sequence[Box | Face] = (), take: int = 0, *, draft: bool = False
    ) -> Picture:
        return develop(picture, faces, take, FILMS[self.name], draft=draft)


def hongkong_vintage(
    picture: Picture, faces: Sequence[Box | Face] = (), take: int = 0, *, draft: bool = False
) -> Picture:
    """A Hong Kong film of the late eighties: a red shop sign's light from one side, tungsten, green-cyan shadows."""
    canvas = prepare(picture, faces, take, least=LEAST, most=MOST, draft=draft)
    image = _by_night(canvas, expose_film(canvas, FILMS["hongkong"]))
    side = -1.0 if take % 2 else 1.0
    columns = np.linspace(-1, 1, canvas.width, dtype=np.float32)[None, :] * np.float32(side)
    rows = np.linspace(0, 1, canvas.height, dtype=np.float32)[:, None]
    neon = smoothstep(0.35, 1.5, columns + 0.35 * (1 - rows))
    teal = smoothstep(0.35, 1.4, -columns + 0.25 * rows)
    # Black velvet takes less of the sign's light than a wall does.
    neon = neon * (0.35 + 0.65 * smoothstep(0.0, 0.3, luma(image)))
    image = 1 - (1 - image) * (1 - neon[..., None] * np.array([0.36, 0.07, 0.03], np.float32))
    image = 1 - (1 - image) * (1 - teal[..., None] * np.array([0.0, 0.10, 0.10], np.float32))
    return finish(clamp(image))


def _by_night(canvas: Canvas, image: Image) -> Image:
    """Darker away from the people; bright walls turn into evening."""
    away = 1 - presence(canvas)
    teal = 1 - away[..., None] * np.array([0.34, 0.13, 0.15], np.float32)
    return np.asarray(image ** (1 + 0.55 * away)[..., None] * teal)


def polaroid(picture: Picture, faces: Sequence[Box | Face] = (), take: int = 0, *, draft: bool = False) -> Picture:
    """An instant picture in its white frame, wider below; comes back larger by the frame, long side at most 1600."""
    canvas = prepare(picture, faces, take, least=LEAST, most=round(MOST / 1.25), draft=draft)
    image = expose_film(canvas, FILMS["polaroid"])
    side = max(6, round(0.055 * min(canvas.height, canvas.width)))
    below = max(16, round(0.19 * min(canvas.height, canvas.width)))
    card = np.full((canvas.height + side + below, canvas.width + 2 * side, 3), 0.0, np.float32)
    card += np.array([0.965, 0.955, 0.93], np.float32)
    card += canvas.dice().normal(0, 0.006, card.shape[:2]).astype(np.float32)[..., None]
    # The window is punched into the card: a thin shade on its upper and left lip, a light one opposite.
    lip = max(1, round(1.2 * canvas.unit))
    top, left = side, side
    card[top - lip : top, left - lip : left + canvas.width + lip] *= np.float32(0.86)
    card[top - lip : top + canvas.height + lip, left - lip : left] *= np.float32(0.89)
    card[top : top + canvas.height, left : left + canvas.width] = image
    return finish(card)
