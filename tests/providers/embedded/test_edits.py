"""Light, enlarging, retouching, repair, toning, more picture, letters, two pictures in one."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.embedded.changes import graded, side_by_side_edit
from providers.embedded.enlarge import LONGEST_SIDE, _in_strips, _twice, enlarged, largest_scale
from providers.embedded.extend import extended, margins_for
from providers.embedded.fill import filled
from providers.embedded.geometry import crop_window, cropped
from providers.embedded.lettering import _wrapped, lettered
from providers.embedded.light import enhanced, evened
from providers.embedded.repair import damage, noise_of, restored
from providers.embedded.side_by_side import side_by_side
from providers.embedded.skin import retouched, skin_mask
from providers.embedded.toning import own_colours, toned
from providers.errors import AskPerson
from providers.media.fonts import font_for
from providers.media.pixels import Picture, floats, grey_of, lab_of, pixels
from providers.people.face import Face
from providers.people.find import find_faces, upright
from providers.task import Lettering, Outpaint
from tests.providers.photos import difference, shipped

FLAT = np.full((120, 160, 3), 90, np.uint8)


def test_a_dark_face_is_brought_to_where_it_reads_well(astronaut: Picture, faces: tuple[Face, ...]) -> None:
    dark = pixels(astronaut * 0.35)
    made = enhanced(dark, faces)
    assert float(lab_of(made)[90:130, 185:225, 0].mean()) > 55


def test_a_good_photo_is_changed_gently(coffee: Picture) -> None:
    assert 0.5 < difference(enhanced(coffee), coffee) < 18


def test_a_grey_photo_stays_grey_when_enhanced(astronaut: Picture, faces: tuple[Face, ...]) -> None:
    grey = pixels(np.repeat(grey_of(astronaut)[..., None], 3, 2))
    assert int(np.ptp(enhanced(grey, faces).astype(int), axis=-1).max()) <= 4


def test_side_light_is_evened_across_the_face(astronaut: Picture, faces: tuple[Face, ...]) -> None:
    slope = np.linspace(0.55, 1.2, astronaut.shape[1])[None, :, None]
    sided = pixels(np.clip(astronaut * slope, 0, 255))

    def unevenness(picture: Picture) -> float:
        light = lab_of(picture)[..., 0]
        return abs(float(light[105:125, 165:180].mean() - light[105:125, 222:237].mean()))

    assert unevenness(evened(sided, faces[0], 0.8)) < unevenness(sided)


@pytest.mark.parametrize("scale", [2, 4])
def test_enlarging_multiplies_the_size_and_keeps_the_picture(coffee: Picture, scale: int) -> None:
    made = enlarged(coffee, scale)
    assert made.shape == (200 * scale, 300 * scale, 3)
    back = pixels(cv2.resize(made, (300, 200), interpolation=cv2.INTER_AREA))
    assert difference(back, coffee) < 4


def test_enlarging_does_not_ring_beside_a_hard_edge() -> None:
    step = np.full((40, 40, 3), 60, np.uint8)
    step[:, 20:] = 200
    made = enlarged(step, 2)
    assert made.min() >= 55
    assert made.max() <= 205


def test_edges_of_an_enlargement_are_steeper_than_a_cubic_one(astronaut: Picture) -> None:
    half = pixels(cv2.resize(astronaut, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    plain = pixels(cv2.resize(half, (380, 420), interpolation=cv2.INTER_CUBIC))

    def steepness(picture: Picture) -> float:
        return float(np.percentile(np.abs(np.diff(floats(grey_of(picture)), axis=1)), 98))

    assert steepness(enlarged(half, 2)) > steepness(plain)


def test_an_enlargement_made_in_strips_shows_no_seams(coffee: Picture) -> None:
    tall = np.concatenate([coffee] * 2)
    in_strips = _in_strips(tall, 1.0, pixels=90 * tall.shape[1])
    assert tall.shape[0] > 4 * 90
    assert np.abs(in_strips.astype(int) - _twice(tall, 1.0)).max() <= 1


@given(st.integers(1, 12000), st.integers(1, 12000), st.sampled_from([2, 4]))
def test_no_enlargement_goes_beyond_the_longest_side(width: int, height: int, scale: int) -> None:
    factor = largest_scale(width, height, scale)
    assert factor <= scale
    assert max(width, height) * factor <= LONGEST_SIDE + 1e-6


def test_retouching_smooths_skin_and_leaves_the_rest_alone(astronaut: Picture, faces: tuple[Face, ...]) -> None:
    made = retouched(astronaut, faces)
    mask = skin_mask(astronaut, faces[0])
    assert difference(made[mask > 0.8], astronaut[mask > 0.8]) > 0.8
    assert (made[300:] == astronaut[300:]).all()
    assert (made[:, :20] == astronaut[:, :20]).all()


def test_a_spot_on_the_cheek_is_healed(astronaut: Picture, faces: tuple[Face, ...]) -> None:
    spotted = astronaut.copy()
    x, y = (round(v) for v in faces[0].along(0.55, 0.75))
    cv2.circle(spotted, (x, y), 2, (170, 90, 80), -1, cv2.LINE_AA)
    before, after = lab_of(spotted)[y, x], lab_of(retouched(spotted, faces))[y, x]
    assert after[0] - before[0] > 8


def test_eyes_and_mouth_are_no_skin(astronaut: Picture, faces: tuple[Face, ...]) -> None:
    mask = skin_mask(astronaut, faces[0])
    assert faces[0].eyes is not None
    for x, y in faces[0].eyes:
        assert mask[round(y), round(x)] < 0.3
    x, y = faces[0].along(0, 1.15)
    assert mask[round(y), round(x)] < 0.3


def test_scratches_are_found_and_painted_over(coffee: Picture) -> None:
    old = pixels(cv2.resize(coffee, (600, 400)))
    scratched = old.copy()
    cv2.line(scratched, (40, 20), (90, 380), (250, 250, 250), 2, cv2.LINE_AA)
    found = damage(scratched) > 0
    line = np.abs(scratched.astype(int) - old).max(-1) > 60
    assert found[line].mean() > 0.8
    assert found.mean() < 0.06
    made = restored(scratched)
    assert difference(made[line], restored(old)[line]) < 18


def test_a_pole_is_no_scratch() -> None:
    """The photographer's tripod: thin, straight and shining, with its own dark edges."""
    grey = shipped("camera.png")
    assert (damage(grey)[330:, 300:420] > 0).sum() == 0
    assert np.abs(restored(grey)[330:500, 320:410].astype(int) - grey[330:500, 320:410]).mean() < 25


def test_teeth_are_no_scratch(astronaut: Picture, faces: tuple[Face, ...]) -> None:
    x, y = (round(v) for v in faces[0].along(0, 1.1))
    assert not damage(astronaut, faces)[y - 6 : y + 6, x - 14 : x + 14].any()


def test_noise_is_measured_and_taken_out(astronaut: Picture) -> None:
    rng = np.random.default_rng(2)
    noisy = pixels(np.clip(astronaut + rng.normal(0, 18, astronaut.shape), 0, 255))
    assert noise_of(noisy) > 6 > noise_of(astronaut)
    assert noise_of(restored(noisy)) < 0.5 * noise_of(noisy)


def test_fading_is_undone(astronaut: Picture) -> None:
    faded = pixels(astronaut * 0.4 + 110)
    assert float(np.ptp(np.percentile(grey_of(restored(faded)), (2, 98)))) > 190


def test_toning_gives_a_grey_photo_warm_skin_and_keeps_its_light(astronaut: Picture, faces: tuple[Face, ...]) -> None:
    grey = pixels(np.repeat(grey_of(astronaut)[..., None], 3, 2))
    made, before = lab_of(toned(grey, faces)), lab_of(grey)
    cheek = made[112:122, 180:192].mean((0, 1))
    assert cheek[1] > 5
    assert cheek[2] > 8
    assert float(np.abs(made[..., 0] - before[..., 0]).mean()) < 3


def test_a_colour_photo_is_told_from_a_grey_a_toned_and_a_yellowed_one(
    astronaut: Picture, coffee: Picture, faces: tuple[Face, ...]
) -> None:
    assert own_colours(astronaut)
    assert own_colours(coffee)
    grey = pixels(np.repeat(grey_of(astronaut)[..., None], 3, 2))
    yellowed = pixels(np.clip(grey * [1.0, 0.93, 0.75] + np.random.default_rng(0).normal(0, 6, grey.shape), 0, 255))
    for print_ in (grey, yellowed, toned(grey, faces), toned(grey, faces, "sepia")):
        assert not own_colours(print_)


def test_tones_differ(coffee: Picture) -> None:
    assert difference(toned(coffee, (), "sepia"), toned(coffee, (), "cool")) > 8


@settings(max_examples=60)
@given(st.integers(40, 900), st.integers(40, 900), st.sampled_from([1.0, 0.75, 4 / 3, 9 / 16, 16 / 9]))
def test_a_crop_window_lies_inside_and_has_the_ratio(width: int, height: int, ratio: float) -> None:
    face = Face(x=0.4 * width, y=0.1 * height, w=0.2 * min(width, height), h=0.2 * min(width, height))
    for faces in ((), (face,)):
        window = crop_window(width, height, ratio, faces)
        assert window.width / window.height == pytest.approx(ratio)
        assert window.x >= -1e-6
        assert window.y >= -1e-6
        assert window.x + window.width <= width + 1e-6
        assert window.y + window.height <= height + 1e-6


def test_a_crop_keeps_the_face(astronaut: Picture, faces: tuple[Face, ...]) -> None:
    made, _ = cropped(astronaut, "16:9", faces)
    assert made.shape[1] / made.shape[0] == pytest.approx(16 / 9, abs=0.02)
    top = crop_window(380, 420, 16 / 9, faces).y
    assert top < faces[0].along(0, -2.0)[1]


def test_more_picture_keeps_the_old_one_untouched_in_its_place(coffee: Picture) -> None:
    margins = margins_for(300, 200, aspect_ratio="1:1", wanted=Outpaint())
    made = extended(coffee, margins)
    assert made.shape == (300, 300, 3)
    assert (made[margins[1] : margins[1] + 200, :300] == coffee).all()


def test_more_picture_on_one_side_grows_that_side_only() -> None:
    assert margins_for(400, 300, aspect_ratio=None, wanted=Outpaint(left=120)) == (120, 0, 0, 0)
    assert margins_for(400, 300, aspect_ratio=None, wanted=Outpaint(top=30, bottom=75)) == (0, 30, 0, 75)
    assert margins_for(400, 300, aspect_ratio=None, wanted=Outpaint()) == (100, 75, 100, 75)
    assert margins_for(400, 300, aspect_ratio="16:9", wanted=Outpaint(left=1)) == (133, 0, 0, 0)


def test_a_plain_wall_goes_on_without_a_seam() -> None:
    wall = pixels(np.clip(np.random.default_rng(3).normal(180, 2, (160, 120, 3)), 0, 255))
    made = floats(extended(wall, (60, 0, 60, 0)))
    assert abs(float(made[:, 50:60].mean() - made[:, 60:70].mean())) < 2
    assert abs(float(made[:, :20].mean()) - 180) < 3


def test_letters_appear_where_they_are_asked_for() -> None:
    made = lettered(FLAT, (), Lettering(text="Hi", position="top_left"))
    changed = np.abs(made.astype(int) - FLAT).max(-1) > 20
    assert changed[:60, :80].any()
    assert not changed[80:, :].any()
    assert not changed[:, 120:].any()


def test_other_letters_look_different() -> None:
    one, other = (lettered(FLAT, (), Lettering(text=letters, position="centre")) for letters in ("AB", "CD"))
    assert difference(one, other) > 0.5


def test_letters_have_the_colour_asked_for() -> None:
    made = lettered(FLAT, (), Lettering(text="HHH", position="centre", colour=(219, 28, 36)))
    assert (np.abs(made.astype(int) - (219, 28, 36)).max(-1) < 6).sum() > 30


def test_text_without_a_place_stays_off_the_face(astronaut: Picture, faces: tuple[Face, ...]) -> None:
    made = lettered(astronaut, faces, Lettering(text="Hello there"))
    x, y, w, h = faces[0].box
    assert (made[y : y + h, x : x + w] == astronaut[y : y + h, x : x + w]).all()


@settings(max_examples=40, deadline=None)
@given(st.text(alphabet="长河落日圆大漠孤烟直，。！abc DEF", min_size=1, max_size=120), st.integers(120, 600))
def test_wrapping_loses_no_letter_and_fits(letters: str, across: int) -> None:
    font = font_for("Hello").at(24)
    lines = _wrapped(letters, font, across)
    assert "".join("".join(lines).split()) == "".join(letters.split())
    for line in lines:
        assert len(line) <= 2 or font.getlength(line) <= across + 26


def test_chinese_lines_never_begin_with_a_closing_mark(astronaut: Picture) -> None:
    font = font_for("a").at(20)
    for across in range(60, 300, 7):
        lines = _wrapped("春江潮水连海平，海上明月共潮生。滟滟随波千万里，何处春江无月明！", font, across)
        assert all(line[0] not in "，。！" for line in lines[1:] if len(line) > 1)


def test_a_novel_is_too_long_for_a_picture() -> None:
    with pytest.raises(AskPerson) as refused:
        lettered(FLAT, (), Lettering(text="All happy families are alike. " * 60))
    assert refused.value.code == "text_too_long"


def test_letters_no_font_has_are_said_so() -> None:
    with pytest.raises(AskPerson) as refused:
        font_for("\U00012000\U00012001\U00012002")
    assert refused.value.code == "font_missing"


def test_two_pictures_stand_side_by_side_at_one_height(astronaut: Picture, officer: Picture) -> None:
    made = side_by_side(astronaut, officer, language="en")
    assert made.shape[0] == 1200
    assert made.shape[1] > made.shape[0]


def test_wide_pictures_stand_one_above_the_other(coffee: Picture) -> None:
    made = side_by_side(coffee, coffee, language=None)
    assert made.shape[0] > made.shape[1]


def test_a_before_and_after_keeps_the_before(coffee: Picture) -> None:
    made = side_by_side_edit((coffee,), (), lambda rgb, _: 255 - rgb, language=None, aspect_ratio=None, take=0)
    half = made[: (made.shape[0] - 8) // 2]
    small = pixels(cv2.resize(half, (300, 200), interpolation=cv2.INTER_AREA))
    assert difference(small, coffee) < 4


def test_every_grade_differs_from_every_other(astronaut: Picture) -> None:
    versions = [graded(astronaut, take) for take in range(8)]
    assert (versions[0] == astronaut).all()
    for n, one in enumerate(versions):
        for other in versions[n + 1 :]:
            assert difference(one, other) > 0.7


def test_grading_keeps_transparency() -> None:
    clear = np.zeros((10, 10, 4), np.uint8)
    assert graded(clear, 3).shape == (10, 10, 4)
    assert (graded(clear, 3)[..., 3] == 0).all()


def _wide_pair(astronaut: Picture, officer: Picture) -> Picture:
    """Two people far apart, 1138 x 420."""
    return np.concatenate([astronaut, np.full((420, 400, 3), 120, np.uint8), officer], 1)


@pytest.mark.parametrize("ratio", ["1:1", "3:4", "9:16"])
def test_a_crop_that_would_cut_somebody_keeps_the_photo_whole(astronaut: Picture, officer: Picture, ratio: str) -> None:
    pair = _wide_pair(astronaut, officer)
    made, moved_faces = cropped(pair, ratio, find_faces(pair))
    assert made.shape == pair.shape
    assert len(moved_faces) == 2


def test_two_people_side_by_side_are_both_in_the_crop_with_their_heads(astronaut: Picture, officer: Picture) -> None:
    pair = np.concatenate([astronaut, officer], 1)
    found = find_faces(pair)
    made, moved_faces = cropped(pair, "4:3", found)
    assert made.shape[1] / made.shape[0] == pytest.approx(4 / 3, abs=0.01)
    assert len(find_faces(made)) == 2
    for face in moved_faces:
        assert face.along(-1.2, 0)[0] > 0
        assert face.along(1.2, 0)[0] < made.shape[1]


def test_a_photo_on_its_side_is_turned_and_its_faces_with_it(astronaut: Picture) -> None:
    for quarters in (1, 2, 3):
        lying = np.rot90(astronaut, quarters).copy()
        angle = (-90.0 * quarters + 180) % 360 - 180
        (face,) = find_faces(astronaut)
        width, height = lying.shape[1], lying.shape[0]
        matrix = cv2.getRotationMatrix2D((0.0, 0.0), 90.0 * quarters, 1.0)
        matrix[:, 2] = {1: (0.0, height), 2: (width, height), 3: (width, 0.0)}[quarters]
        turned_face = face.placed(matrix)
        assert (turned_face.roll - face.roll - angle + 180) % 360 - 180 == pytest.approx(0, abs=0.1)
        made, (back,) = upright(lying, (turned_face,))
        assert (made == astronaut).all()
        assert back.centre == pytest.approx(face.centre, abs=1.5)


def _disc(picture: Picture, at: tuple[int, int], radius: int) -> Picture:
    mask = np.zeros(picture.shape[:2], np.uint8)
    cv2.circle(mask, at, radius, 255, -1)
    return mask


def test_what_stands_on_a_wall_goes_and_the_wall_goes_on(astronaut: Picture) -> None:
    mask = _disc(astronaut, (310, 45), 16)
    stained = astronaut.copy()
    stained[mask > 0] = (200, 20, 160)
    made = filled(stained, mask)
    near = mask > 0
    assert difference(made[near], astronaut[near]) < 6, "the wall as it was"
    far = cv2.dilate(mask, np.ones((15, 15), np.uint8)) == 0
    again = filled(stained, mask, take=1)
    assert np.array_equal(made[far], astronaut[far]), "nothing else was touched"
    assert np.array_equal(again[far], astronaut[far])
    assert difference(again[near], made[near]) > 0.1, "another filling"


def test_thin_marks_many_marks_and_marks_at_the_edge_are_filled(coffee: Picture) -> None:
    mask = np.zeros(coffee.shape[:2], np.uint8)
    cv2.line(mask, (0, 0), (299, 40), 255, 2)
    for x in range(10, 290, 12):
        cv2.circle(mask, (x, 190), 3, 255, -1)
    cv2.circle(mask, (299, 100), 14, 255, -1)
    stained = coffee.copy()
    stained[mask > 0] = (0, 255, 0)
    made = filled(stained, mask).astype(int)
    greenest = (made[..., 1] - np.maximum(made[..., 0], made[..., 2]))[mask > 0]
    assert int(greenest.max()) < 40


def test_too_much_and_nothing_marked_are_refused(coffee: Picture) -> None:
    for radius, code in ((50, "marked_too_large"), (-1, "bad_mask")):
        mask = _disc(coffee, (150, 100), radius) if radius > 0 else np.zeros(coffee.shape[:2], np.uint8)
        with pytest.raises(AskPerson) as refused:
            filled(coffee, mask)
        assert refused.value.code == code
