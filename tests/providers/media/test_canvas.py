"""A photo on a canvas and back: sizes, places, masks, and the photo's own pixels where nothing was to change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops

from providers.media.canvas import Layout, Sides, as_alpha, bring_back, ground, lay_out, mask_on

PHOTO = Image.linear_gradient("L").resize((400, 300)).convert("RGB")
RED = (220, 20, 20)


def square(size: tuple[int, int]) -> tuple[int, int]:
    return 1024, 1024


def same(size: tuple[int, int]) -> tuple[int, int]:
    return size


sides = st.builds(
    Sides, left=st.integers(0, 2000), right=st.integers(0, 2000), top=st.integers(0, 2000), bottom=st.integers(0, 2000)
)
sizes = st.tuples(st.integers(32, 6000), st.integers(32, 6000))
canvases = st.tuples(st.integers(256, 6000), st.integers(256, 6000))
"""No model makes anything smaller; on fewer pixels a narrow picture would be less than one wide."""


@given(photo=sizes, sides=sides, canvas=canvases)
def test_everything_lies_within_the_canvas_and_the_photo_keeps_its_shape(
    photo: tuple[int, int], sides: Sides, canvas: tuple[int, int]
) -> None:
    layout = lay_out(photo, sides, lambda _: canvas)
    left, upper, right, lower = layout.frame
    assert 0 <= left < right <= canvas[0]
    assert 0 <= upper < lower <= canvas[1]
    box = layout.box
    assert left <= box[0] <= box[2] <= right
    assert upper <= box[1] <= box[3] <= lower
    assert layout.target == (photo[0] + sides.left + sides.right, photo[1] + sides.top + sides.bottom)
    across, down = (right - left) / layout.target[0], (lower - upper) / layout.target[1]
    least = min(right - left, lower - upper)
    assert abs(across / down - 1) <= 0.021 + 1 / least


def test_a_wider_photo_is_sent_with_its_new_side_empty_and_marked() -> None:
    layout = lay_out(PHOTO.size, Sides(left=200), same)
    sent, mask = ground(PHOTO, layout), mask_on(layout)
    assert sent.size == mask.size == (600, 300)
    assert sent.mode == "RGBA"
    assert (sent.getpixel((199, 10)), mask.getpixel((199, 10))) == ((0, 0, 0, 0), 255)
    assert (sent.getpixel((200, 150)), mask.getpixel((200, 150))) == ((*PHOTO.getpixel((0, 150)), 255), 0)  # type: ignore[misc]


def test_what_is_white_becomes_transparent() -> None:
    mask = Image.new("L", (2, 1))
    mask.putpixel((1, 0), 255)
    assert as_alpha(mask).getchannel("A").tobytes() == bytes([255, 0])


def test_a_canvas_of_another_shape_holds_everything_and_is_cut_off_again() -> None:
    layout = lay_out(PHOTO.size, Sides(), square)
    assert layout.frame == (0, 128, 1024, 896)
    mask = Image.new("L", PHOTO.size, 0)
    assert mask_on(layout, mask).getpixel((500, 100)) == 255
    assert mask_on(layout, mask).getpixel((500, 500)) == 0
    assert bring_back(Image.new("RGB", (1024, 1024), RED), PHOTO, layout, mask).tobytes() == PHOTO.tobytes()


def test_outside_the_mask_remain_the_very_pixels_and_inside_is_what_was_made() -> None:
    mask = Image.new("L", PHOTO.size, 0)
    mask.paste(255, (100, 100, 300, 200))
    layout = lay_out(PHOTO.size, Sides(), same)
    done = bring_back(Image.new("RGB", PHOTO.size, RED), PHOTO, layout, mask)
    changed = ImageChops.difference(done, PHOTO).convert("L").point([0] + [255] * 255).getbbox()
    assert changed is not None
    assert changed[0] >= 100
    assert changed[1] >= 100
    assert changed[2] <= 300
    assert changed[3] <= 200
    assert done.getpixel((200, 150)) == RED


def test_a_mask_of_the_photos_shape_in_another_size_is_stretched() -> None:
    mask = Image.new("L", (40, 30), 0)
    mask.paste(255, (0, 0, 40, 15))
    layout = lay_out(PHOTO.size, Sides(), same)
    done = bring_back(Image.new("RGB", PHOTO.size, RED), PHOTO, layout, mask)
    assert done.getpixel((200, 20)) == RED
    assert done.getpixel((200, 299)) == PHOTO.getpixel((200, 299))


@pytest.mark.parametrize("made", [(600, 300), (300, 150), (1200, 600)])
def test_a_widened_picture_has_the_target_size_and_the_photo_in_it(made: tuple[int, int]) -> None:
    layout = lay_out(PHOTO.size, Sides(left=200), same)
    done = bring_back(Image.new("RGB", made, RED), PHOTO, layout)
    assert done.size == (600, 300)
    assert done.getpixel((100, 150)) == RED
    assert done.crop((216, 0, 600, 300)).tobytes() == PHOTO.crop((16, 0, 400, 300)).tobytes()
    assert done.getpixel((201, 290)) not in (RED, PHOTO.getpixel((1, 290)))


def test_a_layout_is_a_plain_value() -> None:
    one = lay_out((400, 300), Sides(top=5), same)
    assert one == Layout(target=(400, 305), photo=(0, 5, 400, 305), canvas=(400, 305), frame=(0, 0, 400, 305))
