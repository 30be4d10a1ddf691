"""The invisible watermark on real portraits: read after what chats do to pictures, and never where it is not."""

import io
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from PIL import Image

from providers.errors import AskPerson
from providers.media.labels import Label, SourceType, labelled, read_label
from providers.media.origin import origin_of
from providers.media.pixels import Picture
from providers.media.visible_mark import marked
from providers.media.watermark import marked_with, read_watermark, watermarked
from tests.providers.media.pictures import encoded, noise
from tests.providers.photos import astronaut, coffee, officer  # noqa: F401 - fixtures

NUMBER = "5f3f7d0e-6a0c-4c7e-9f2b-1d2b7a8c4e11"
CARRIED = "5f3f7d0e6"
PEOPLE = pytest.mark.parametrize("who", ["astronaut", "officer"])


@pytest.fixture
def portrait(request: pytest.FixtureRequest, who: str) -> Picture:
    """As large as results are."""
    picture: Picture = request.getfixturevalue(who)
    return cv2.resize(picture, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)  # type: ignore[return-value]


def jpeg(picture: Picture, quality: int) -> Picture:
    data = encoded(Image.fromarray(picture), "JPEG", quality=quality)
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def shrunk(picture: Picture, side: int) -> Picture:
    factor = side / max(picture.shape)
    return cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def with_the_visible_mark(picture: Picture) -> Picture:
    data = marked(encoded(Image.fromarray(picture), "JPEG", quality=92))
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


@PEOPLE
@pytest.mark.parametrize(
    "done",
    [
        lambda p: p,
        lambda p: jpeg(p, 80),
        lambda p: jpeg(p, 60),
        lambda p: jpeg(shrunk(p, 1280), 60),
        lambda p: jpeg(shrunk(p, 800), 60),
        lambda p: cv2.resize(p, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC),
        with_the_visible_mark,
        lambda p: jpeg(shrunk(with_the_visible_mark(p), 1080), 70),
    ],
    ids=["as it is", "JPEG 80", "JPEG 60", "1280 px", "800 px", "enlarged", "visible mark", "mark and chat"],
)
def test_it_is_read_after_what_chats_do(portrait: Picture, done: Callable[[Picture], Picture]) -> None:
    found = read_watermark(done(marked_with(portrait, NUMBER)))
    assert found is not None
    assert found.number == CARRIED


@PEOPLE
def test_nobody_sees_it(portrait: Picture) -> None:
    """40 dB is a mean difference of 2.5 levels of 255, spread over middle frequencies."""
    change = marked_with(portrait, NUMBER).astype(np.float32) - portrait
    assert 10 * np.log10(255**2 / float(np.mean(change**2))) > 39
    assert float(np.percentile(np.abs(change), 99)) < 10


@PEOPLE
def test_no_picture_without_it_is_taken_for_one(portrait: Picture) -> None:
    height, width = portrait.shape[:2]
    parts = [portrait[y : y + 400, x : x + 400] for y in range(0, height - 400, 97) for x in range(0, width - 400, 97)]
    assert len(parts) > 40
    assert [part for part in parts if read_watermark(part) is not None] == []


def test_flat_and_noisy_pictures_have_none_and_can_have_one() -> None:
    for plain in (np.full((300, 200, 3), 128, np.uint8), np.asarray(noise(256, 256))):
        assert read_watermark(plain) is None
        assert read_watermark(marked_with(plain, NUMBER)) is not None


def test_another_number_takes_the_place_of_the_first(astronaut: Picture) -> None:  # noqa: F811
    other = "0123456789abcdef0123456789abcdef"
    found = read_watermark(marked_with(marked_with(astronaut, NUMBER), other))
    assert found is not None
    assert found.number == other[:9]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_file_keeps_its_format_its_transparency_and_its_label(astronaut: Picture, kind: str) -> None:  # noqa: F811
    image = Image.fromarray(astronaut)
    if kind != "JPEG":
        image.putalpha(Image.new("L", image.size, 255))
        image.paste((0, 0, 0, 0), (0, 0, 40, 40))
    before = labelled(
        encoded(image, kind),
        Label(source=SourceType.GENERATED, produce_id=NUMBER, created=np.datetime64(0, "s").astype("O").astimezone()),
    )
    after = watermarked(before, NUMBER)
    shown = Image.open(io.BytesIO(after))
    assert shown.format == kind
    assert shown.size == image.size
    assert read_label(after) == read_label(before) is not None
    assert (kind == "JPEG") == ("A" not in shown.getbands())
    origin = origin_of(after, producer="Likeness")
    assert (origin.ours, origin.number) == (True, NUMBER)
    assert origin.watermark is not None


def test_what_was_not_made_here_is_not_said_to_be(coffee: Picture) -> None:  # noqa: F811
    plain = encoded(Image.fromarray(coffee), "JPEG")
    assert not origin_of(plain, producer="Likeness").made_here
    with pytest.raises(AskPerson):
        origin_of(b"no picture", producer="Likeness")
