"""The mark people see: large enough, in a corner, over no face, and nothing else of the picture changes."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from providers.media.visible_mark import Box, mark_box, marked
from tests.providers.media.pictures import encoded, noise, scene

sizes = st.tuples(st.integers(120, 5000), st.integers(120, 5000)).filter(lambda s: max(s) < 8 * min(s))


@given(sizes)
def test_the_mark_has_its_size_and_lies_inside(size: tuple[int, int]) -> None:
    width, height = size
    box = mark_box(width, height)
    assert box.height >= 0.05 * min(size)
    assert box.width <= 0.40 * width
    assert box.x >= 0 and box.y >= 0 and box.x + box.width <= width and box.y + box.height <= height  # noqa: PT018


def test_it_stands_bottom_right_where_nothing_speaks_against_it() -> None:
    box = mark_box(1000, 800)
    assert box.x > 500
    assert box.y > 600


@pytest.mark.parametrize("corners", [1, 2, 3])
def test_a_face_is_not_covered_while_a_corner_is_free(corners: int) -> None:
    quarters = [Box(x=500, y=400, width=500, height=400), Box(x=0, y=400, width=500, height=400)]
    quarters.append(Box(x=500, y=0, width=500, height=400))
    box = mark_box(1000, 800, keep_free=quarters[:corners])
    assert not any(box.overlaps(face) for face in quarters[:corners])


def test_with_faces_everywhere_it_is_drawn_all_the_same() -> None:
    assert mark_box(1000, 800, keep_free=[Box(x=0, y=0, width=1000, height=800)]) == mark_box(1000, 800)


@pytest.mark.parametrize(("kind", "tolerance"), [("PNG", 0), ("JPEG", 3), ("WEBP", 40)])
def test_outside_the_plate_the_picture_stays_as_it_is(kind: str, tolerance: int) -> None:
    data = encoded(scene(640, 480), kind, quality=92)
    before, after = (np.asarray(Image.open(io.BytesIO(d)).convert("RGB"), np.int16) for d in (data, marked(data)))
    box = mark_box(640, 480)
    changed = np.abs(before - after).max(axis=2)
    # The lossy formats code blocks of 16 pixels: those that the plate touches change with it.
    y, x = max(0, box.y - 16), max(0, box.x - 16)
    assert changed[box.y : box.y + box.height, box.x : box.x + box.width].mean() > 20
    changed[y : box.y + box.height + 16, x : box.x + box.width + 16] = 0
    assert changed.max() <= tolerance


def test_the_letters_can_be_read_on_white_and_on_black() -> None:
    for shade in (0, 255):
        data = encoded(Image.new("RGB", (600, 600), (shade,) * 3), "PNG")
        box = mark_box(600, 600)
        done = Image.open(io.BytesIO(marked(data))).convert("L")
        inside = np.asarray(done.crop((box.x, box.y, box.x + box.width, box.y + box.height)))
        assert inside.max() > 240
        assert int(inside.max()) - int(np.percentile(inside, 20)) > 120


def test_transparency_and_format_are_kept() -> None:
    cut_out = Image.fromarray(np.dstack([np.asarray(noise(300, 300)), np.zeros((300, 300), np.uint8)]))
    done = Image.open(io.BytesIO(marked(encoded(cut_out, "PNG"))))
    assert (done.format, done.mode) == ("PNG", "RGBA")
    alpha = np.asarray(done)[..., 3]
    box = mark_box(300, 300)
    assert alpha[: box.y].max() == 0
    assert alpha[box.y : box.y + box.height, box.x : box.x + box.width].max() == 255


@pytest.mark.parametrize("mode", ["L", "P", "1", "LA"])
def test_other_kinds_of_pixels_are_marked_too(mode: str) -> None:
    data = encoded(scene(300, 200).convert(mode), "PNG")
    done = Image.open(io.BytesIO(marked(data)))
    assert done.size == (300, 200)
    assert done.format == "PNG"
