"""Strokes of a marker are found on a copy of a photo, whatever the copy went through, and on nothing else.

What holds: JPEG of quality 60, half the size, a crop with two thirds of the photo, a slight change of brightness; vivid
colours, white and black, a highlighter; lines from about a seventieth of the width on. What does not: a third of the
size at quality 50, a black marker on black.
"""

import io
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from providers.media.pixels import Picture
from providers.media.strokes import Strokes, compared_pixels
from tests.providers.photos import shipped

RED, YELLOW, BLUE, WHITE, BLACK = (255, 40, 30), (255, 214, 10), (10, 132, 255), (255, 255, 255), (0, 0, 0)
NAMES = ("astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg")


def photo(name: str, side: int = 960) -> Image.Image:
    image = Image.fromarray(shipped(name))
    factor = side / max(image.size)
    return image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.LANCZOS)


def as_compared(image: Image.Image) -> Picture:
    small = image.convert("RGB")
    small.thumbnail((640, 640))
    return np.asarray(small)


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    out = io.BytesIO()
    image.convert("RGB").save(out, "JPEG", quality=quality)
    return Image.open(out).convert("RGB")


def half(image: Image.Image) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)


def scribbled(image: Image.Image, colour: tuple[int, int, int] = RED, *, alpha: int = 255) -> Image.Image:
    """A line that bends, from the left to the middle, as a finger draws it."""
    wide, high = image.size
    over = Image.new("RGBA", image.size)
    width = wide // 14 if alpha < 255 else wide // 70
    points = [(0.3, 0.3), (0.5, 0.36), (0.4, 0.45), (0.62, 0.5)]
    line = [(x * wide, y * high) for x, y in points]
    ImageDraw.Draw(over).line(line, fill=(*colour, alpha), width=width, joint="curve")
    return Image.alpha_composite(image.convert("RGBA"), over).convert("RGB")


def encircled(image: Image.Image, colour: tuple[int, int, int] = RED) -> Image.Image:
    """A ring that does not quite close."""
    drawn = image.copy()
    wide, high = image.size
    box = (0.3 * wide, 0.3 * high, 0.6 * wide, 0.6 * high)
    ImageDraw.Draw(drawn).arc(box, 8, 352, fill=colour, width=wide // 70)
    return drawn


def found(before: Image.Image, after: Image.Image) -> Strokes | None:
    return compared_pixels(as_compared(before), as_compared(after), size=before.size).strokes


def white_at(strokes: Strokes, x: float, y: float) -> bool:
    return strokes.mask.getpixel((round(x * strokes.mask.width), round(y * strokes.mask.height))) == 255


@pytest.mark.parametrize("name", NAMES)
def test_a_red_line_is_found_after_every_way_a_chat_treats_photos(name: str) -> None:
    before = photo(name)
    drawn = scribbled(before)
    copies = {
        "quality 60": jpeg(drawn, 60),
        "half the size": jpeg(half(drawn), 60),
        "twice the size": jpeg(drawn.resize((before.width * 2, before.height * 2)), 80),
        "brighter": jpeg(ImageEnhance.Brightness(drawn).enhance(1.06), 75),
        "recompressed twice": jpeg(jpeg(drawn, 70), 60),
    }
    for how, copy in copies.items():
        strokes = found(before, copy)
        assert strokes is not None, how
        assert strokes.mask.size == before.size
        assert white_at(strokes, 0.4, 0.33), how
        assert not white_at(strokes, 0.8, 0.8), how
        assert 0.005 < strokes.share < 0.05, how
        assert np.abs(np.array(strokes.colour) - RED).max() < 60, how


@pytest.mark.parametrize(("colour", "alpha"), [(YELLOW, 255), (BLUE, 255), (WHITE, 255), (BLACK, 255), (YELLOW, 120)])
def test_any_marker_will_do(colour: tuple[int, int, int], alpha: int) -> None:
    before = photo("coffee.png")
    strokes = found(before, jpeg(half(scribbled(before, colour, alpha=alpha)), 60))
    assert strokes is not None
    assert white_at(strokes, 0.4, 0.33)


def test_what_a_ring_encloses_is_marked_though_it_does_not_quite_close() -> None:
    before = photo("chelsea.png")
    strokes = found(before, jpeg(encircled(before), 70))
    assert strokes is not None
    assert white_at(strokes, 0.45, 0.45)
    assert not white_at(strokes, 0.2, 0.2)
    assert strokes.share == pytest.approx(0.0707, abs=0.02)


@pytest.mark.parametrize("name", ["astronaut.png", "coffee.png", "rocket.jpg"])
def test_a_cropped_copy_is_laid_where_it_belongs(name: str) -> None:
    before = photo(name)
    wide, high = before.size
    part = (round(0.1 * wide), round(0.12 * high), round(0.85 * wide), round(0.8 * high))
    strokes = found(before, jpeg(scribbled(before).crop(part), 75))
    assert strokes is not None
    assert white_at(strokes, 0.4, 0.33)
    assert not white_at(strokes, 0.5, 0.42)


def warped(image: Image.Image, pixels: float, seed: int) -> Image.Image:
    """As the next photo of a burst: everything a little elsewhere, not all by the same."""
    pixels_of = np.asarray(image)
    high, wide = pixels_of.shape[:2]
    chance = np.random.default_rng(seed)
    shifts = []
    for _ in range(2):
        field = cv2.resize(chance.normal(0, 1, (8, 8)).astype(np.float32), (wide, high), interpolation=cv2.INTER_CUBIC)
        shifts.append(field * (pixels / np.abs(field).max()))
    y, x = np.mgrid[:high, :wide].astype(np.float32)
    return Image.fromarray(cv2.remap(pixels_of, x + shifts[0], y + shifts[1], cv2.INTER_LINEAR))


def without(image: Image.Image, box: tuple[float, float, float, float]) -> Image.Image:
    """As an eraser would: a place filled from what is around it."""
    mask = np.zeros((image.height, image.width), np.uint8)
    left, top, right, bottom = box
    rows = slice(round(top * image.height), round(bottom * image.height))
    mask[rows, round(left * image.width) : round(right * image.width)] = 255
    return Image.fromarray(cv2.inpaint(np.asarray(image), mask, 5, cv2.INPAINT_TELEA).astype(np.uint8))


def spot(image: Image.Image, change: Callable[[Image.Image], Image.Image], blur: int = 0) -> Image.Image:
    mask = Image.new("L", image.size, 0)
    wide, high = image.size
    ImageDraw.Draw(mask).ellipse((0.3 * wide, 0.3 * high, 0.6 * wide, 0.7 * high), fill=255)
    return Image.composite(change(image), image, mask.filter(ImageFilter.GaussianBlur(blur)))


def banner(image: Image.Image) -> Image.Image:
    drawn = image.copy()
    ImageDraw.Draw(drawn).rectangle((0, round(0.86 * image.height), *image.size), fill=WHITE)
    return drawn


def framed(image: Image.Image) -> Image.Image:
    drawn = image.copy()
    corner = (image.width - 1, image.height - 1)
    ImageDraw.Draw(drawn).rectangle((0, 0, *corner), outline=RED, width=image.width // 20)
    return drawn


SIMILAR: dict[str, Callable[[Image.Image], Image.Image]] = {
    "a burst, still": lambda im: warped(im, 2, 1),
    "a burst, moving": lambda im: warped(im, 9, 2),
    "shifted": lambda im: im.transform(im.size, Image.Transform.AFFINE, (1, 0, 9, 0, 1, 5)),
    "turned": lambda im: im.rotate(2),
    "mirrored": lambda im: im.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "nearer": lambda im: im.crop((10, 8, im.width - 14, im.height - 10)).resize(im.size),
    "something gone": lambda im: without(im, (0.3, 0.2, 0.5, 0.5)),
    "grey": lambda im: im.convert("L").convert("RGB"),
    "vivid": lambda im: ImageEnhance.Color(im).enhance(1.5),
    "dark": lambda im: ImageEnhance.Brightness(im).enhance(0.6),
    "blurred": lambda im: im.filter(ImageFilter.GaussianBlur(4)),
    "posterized": lambda im: im.quantize(8).convert("RGB"),
    "a light on it": lambda im: spot(im, lambda i: ImageEnhance.Brightness(i).enhance(1.5), 9),
    "a grey place": lambda im: spot(im, lambda i: i.convert("L").convert("RGB")),
    "a mosaic": lambda im: spot(im, lambda i: i.resize((i.width // 24, i.height // 24)).resize(i.size, 0)),
    "a banner": banner,
    "a frame": framed,
}


@pytest.mark.parametrize("name", NAMES)
def test_two_similar_photos_have_no_strokes(name: str) -> None:
    before = photo(name, 640)
    taken = [how for how, change in SIMILAR.items() if found(before, jpeg(change(before), 80)) is not None]
    assert taken == []


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_with_nothing_on_it_is_the_same(name: str) -> None:
    before = photo(name)
    for copy in (before, jpeg(before, 60), jpeg(half(before), 60)):
        assert compared_pixels(as_compared(before), as_compared(copy)).same


def test_two_different_photos_are_nothing_to_each_other() -> None:
    shape = (640, 480)
    photos = [photo(name).resize(shape) for name in NAMES]
    for before in photos:
        for after in photos:
            if after is not before:
                result = compared_pixels(as_compared(before), as_compared(after))
                assert not result.same
                assert result.strokes is None
