"""The looks of the embedded provider: shapes, determinism, likeness kept as a number, odd inputs, filters by words.

Whether a look is beautiful no test can say: `bench/contact_sheet.py` makes the sheets they were judged by.
"""

from functools import cache
from importlib.resources import files
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from providers.embedded.looks import FILTERS, LOOKS, Look
from providers.embedded.looks.canvas import DRAFT_SIDE, blocks_of, calm, expose, noise_of, prepare
from providers.embedded.looks.film import bend
from providers.embedded.looks.flow import flow_of
from providers.embedded.work import _as_large
from providers.people.face import Face

Picture = npt.NDArray[np.uint8]

ALL: dict[str, Look] = {**FILTERS, **LOOKS}
UNIQUE = sorted({id(look): name for name, look in ALL.items() if name not in ("hongkong", "vintage", "oil")}.values())
DRAWN = ("anime", "artistic", "comic", "oil_painting", "sketch", "watercolor")
EYES = ((52.5, 70.5), (96.5, 72.5))
FACE = Face(x=26, y=37, w=97, h=97, eyes=EYES)
"""The face in `portrait`, eyes included, in its pixels."""


@cache
def portrait() -> Picture:
    """A real face, 120 pixels square, as scikit-image ships it."""
    bgr = cv2.imread(str(files("skimage") / "data" / "astronaut.png"))
    assert bgr is not None
    return np.ascontiguousarray(bgr[28:148, 150:270, ::-1], dtype=np.uint8)


@cache
def looked(name: str) -> Picture:
    return ALL[name](portrait(), [FACE])


def one_colour(value: int, height: int = 32, width: int = 32) -> Picture:
    return np.full((height, width, 3), value, np.uint8)


def noise(height: int, width: int) -> Picture:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)


def grey(picture: npt.NDArray[Any], size: tuple[int, int]) -> npt.NDArray[np.float64]:
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.float64)


@pytest.mark.parametrize("name", UNIQUE)
def test_a_look_gives_a_picture_of_the_photos_proportions_and_a_bounded_size(name: str) -> None:
    result = looked(name)
    assert result.dtype == np.uint8
    assert result.shape[2] == 3
    assert max(result.shape[:2]) <= 1600
    if name != "polaroid":
        assert result.shape[:2] == (480, 480)  # 120 pixels, enlarged fourfold and no further


@pytest.mark.parametrize("name", UNIQUE)
def test_a_look_changes_the_picture_and_does_not_lose_it(name: str) -> None:
    result = looked(name)
    before = cv2.resize(portrait(), (480, 480), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    if name == "polaroid":
        result = result[26:506, 26:506]
    changed = float(np.abs(result.astype(np.int16) - before).mean())
    assert 4 < changed < 125
    assert float(result.std()) > 25


@pytest.mark.parametrize("name", UNIQUE)
def test_the_same_photo_gives_the_same_picture_and_another_take_another(name: str) -> None:
    small = np.ascontiguousarray(portrait()[50:98, 40:88])
    first, second, again = (ALL[name](small, (), take) for take in (0, 0, 1))
    assert np.array_equal(first, second)
    assert float(np.abs(first.astype(np.int16) - again.astype(np.int16)).mean()) > 1.5


@pytest.mark.parametrize("name", [name for name in UNIQUE if name != "polaroid"])
def test_eyes_and_mouth_stay_where_they_were(name: str) -> None:
    """The edges of the face, slightly blurred, correlate with those of the photo."""
    inside = np.s_[50:119, 34:116]
    edges = []
    for picture in (portrait(), looked(name)):
        plane = cv2.GaussianBlur(grey(picture, (120, 120)), (0, 0), 1.2)
        slope = np.hypot(cv2.Sobel(plane, cv2.CV_64F, 1, 0), cv2.Sobel(plane, cv2.CV_64F, 0, 1))
        edges.append(cv2.GaussianBlur(slope, (0, 0), 1.5)[inside].ravel())
    assert float(np.corrcoef(edges[0], edges[1])[0, 1]) > 0.75


@pytest.mark.parametrize("name", [name for name in UNIQUE if name != "polaroid"])
def test_eyes_are_dark_spots_and_no_black_holes(name: str) -> None:
    """Both pupils are still the darkest place around, within a twelfth of the face, and eyes have light in them."""
    plane = cv2.GaussianBlur(grey(looked(name), (480, 480)), (0, 0), 5)
    for x, y in EYES:
        window = plane[round(y * 4) - 40 : round(y * 4) + 41, round(x * 4) - 40 : round(x * 4) + 41]
        row, column = np.unravel_index(int(window.argmin()), window.shape)
        assert np.hypot(float(row) - 40, float(column) - 40) < 4 * FACE.w / 12
        assert float((window < 40).mean()) < 0.35
        assert float(window.max() - window.min()) > 30


@pytest.mark.parametrize("name", UNIQUE)
@pytest.mark.parametrize(("height", "width"), [(1, 1), (12, 160), (64, 64)])
def test_odd_sizes_and_noise_are_pictures_too(name: str, height: int, width: int) -> None:
    result = ALL[name](noise(height, width), [(-5, -5, 30, 30), (900, 900, 20, 20)])
    assert result.dtype == np.uint8
    assert min(result.shape[:2]) >= 8


@pytest.mark.parametrize("name", UNIQUE)
def test_a_picture_of_one_colour_stays_about_as_light_as_it_was(name: str) -> None:
    dark, middle, light = (float(ALL[name](one_colour(value)).mean()) for value in (0, 128, 255))
    assert dark < (150 if name == "sketch" else 100)  # graphite is never quite black, and its edges are bare paper
    assert (60 if name == "cyberpunk" else 100) < middle < 240
    assert light > 160
    assert dark + 30 < middle < light - 10


@pytest.mark.parametrize("name", ["anime", "watercolor", "cyberpunk", "vintage"])
def test_a_wide_strip_is_brought_to_its_bounds(name: str) -> None:
    result = ALL[name](noise(200, 3000))
    most = 1100 if name in DRAWN else 1600
    assert result.shape == (round(200 * most / 3000), most, 3)


def test_a_black_and_white_photo_stays_free_of_blush() -> None:
    plain = cv2.cvtColor(cv2.cvtColor(portrait(), cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB).astype(np.uint8)
    face = LOOKS["anime"](plain, [FACE])[220:460, 150:450].astype(np.float32)
    assert float(np.abs(face[..., 0] - face[..., 1]).mean()) < 6


def test_a_face_gets_finer_strokes_than_the_rest_of_an_oil_painting() -> None:
    def missed(picture: Picture) -> float:
        before = grey(portrait(), (240, 240))[100:238, 68:232]
        return float(np.abs(grey(picture, (240, 240))[100:238, 68:232] - before).mean())

    without = ALL["oil_painting"](portrait())
    assert missed(looked("oil_painting")) < missed(without)


@pytest.mark.parametrize("wrong", [np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3)), np.zeros((0, 9, 3), np.uint8)])
def test_what_is_not_an_rgb_picture_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="uint8"):
        LOOKS["anime"](wrong)


def test_faces_are_scaled_with_the_photo_and_those_outside_are_dropped() -> None:
    canvas = prepare(noise(500, 2000), [(100, 50, 200, 200), (2500, 0, 50, 50)], 0, least=500, most=1000)
    assert (canvas.height, canvas.width) == (250, 1000)
    assert canvas.faces == ((50, 25, 100, 100),)


def test_noise_and_jpeg_blocks_are_calmed_and_a_clean_picture_is_left_alone() -> None:
    smooth = np.repeat(np.linspace(40, 200, 256, dtype=np.float32)[None, :, None], 256, axis=0).repeat(3, axis=2)
    clean = smooth.astype(np.uint8)
    noisy = np.clip(smooth + np.random.default_rng(0).normal(0, 9, smooth.shape), 0, 255).astype(np.uint8)
    assert calm(clean, blocks=0.0) is clean
    assert 5 < noise_of(noisy) < 13
    assert noise_of(calm(noisy, blocks=0.0)) < noise_of(noisy) / 3
    done, squeezed = cv2.imencode(".jpg", cv2.resize(portrait(), (256, 256)), [cv2.IMWRITE_JPEG_QUALITY, 10])
    assert done
    blocky = np.asarray(cv2.imdecode(squeezed, cv2.IMREAD_COLOR), np.uint8)
    assert blocks_of(blocky) > 2 > blocks_of(clean)
    assert blocks_of(calm(blocky, blocks=blocks_of(blocky))) < blocks_of(blocky)


def test_a_dark_photo_is_lifted_a_flat_one_stretched_and_a_good_one_kept() -> None:
    good = portrait().astype(np.float32) / 255
    assert float(np.abs(expose(good) - good).mean()) < 0.06
    dark = good**2 * np.float32(0.4)
    assert float(np.median(expose(dark))) > 2 * float(np.median(dark))
    flat = good * np.float32(0.2) + np.float32(0.4)
    assert float(expose(flat).std()) > 2.5 * float(flat.std())


def test_the_flow_runs_along_an_edge() -> None:
    columns = np.arange(64, dtype=np.float32)[None, :]
    rows = np.arange(64, dtype=np.float32)[:, None]
    slanted = (((columns + rows) > 64).astype(np.float32))[..., None].repeat(3, axis=2)
    flow = flow_of(slanted, sigma=2, reach=10)
    # The edge rises to the right: as much across as up.
    assert abs(float(flow.across[32, 32])) == pytest.approx(0.707, abs=0.02)
    assert float(flow.across[32, 32] * flow.down[32, 32]) < 0
    assert float(flow.anisotropy[32, 32]) > 0.9


@pytest.mark.parametrize("step", [0.0, 1e-4, 0.2])
def test_how_one_directional_a_picture_is_lies_between_nothing_and_one(step: float) -> None:
    image = np.full((120, 160, 3), 0.37, np.float32)
    image[:, 80:] += np.float32(step)
    flow = flow_of(image, sigma=1.0, reach=8.0)
    assert float(flow.anisotropy.min()) >= 0
    assert float(flow.anisotropy.max()) <= 1


def test_a_tone_curve_goes_through_its_points_and_never_turns_round() -> None:
    curve = ((0.0, 0.05), (0.2, 0.1), (0.25, 0.6), (1.0, 0.95))
    tones = bend(np.linspace(0, 1, 1024, dtype=np.float32), curve)
    assert np.all(np.diff(tones) >= -1e-6)
    for place, value in curve:
        assert float(tones[round(place * 1023)]) == pytest.approx(value, abs=0.02)


def test_every_look_is_a_style_of_the_catalog() -> None:
    from providers.catalog import STYLES

    assert set(LOOKS) <= {style.key for style in STYLES.values()}


@pytest.mark.parametrize("name", LOOKS)
def test_a_draft_is_the_same_look_and_small(name: str) -> None:
    large = cv2.resize(portrait(), (900, 900), interpolation=cv2.INTER_CUBIC)
    draft = LOOKS[name](np.asarray(large, np.uint8), (), draft=True)
    assert draft.shape[:2] == (DRAFT_SIDE, DRAFT_SIDE)


@pytest.mark.parametrize(
    ("photo", "painted", "wanted"),
    [
        ((900, 600), (1100, 733), (1100, 733)),  # nothing is made smaller, and what is as large stays
        ((1500, 1000), (1100, 733), (1500, 1000)),
        ((4096, 2731), (1100, 733), (2200, 1466)),  # the limit
    ],
)
def test_what_is_painted_small_comes_out_as_large_as_the_photo_up_to_a_limit(
    photo: tuple[int, int], painted: tuple[int, int], wanted: tuple[int, int]
) -> None:
    made = _as_large(np.zeros((*painted[::-1], 3), np.uint8), np.zeros((*photo[::-1], 3), np.uint8))
    assert made.shape[1::-1] == wanted
