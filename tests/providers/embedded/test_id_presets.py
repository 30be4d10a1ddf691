"""ID photos by country: framed as the rule says, of the very size, with their dots an inch; sheets to print."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from providers.embedded.id_check import id_report
from providers.embedded.id_photo import COLOURS, head_of, id_photo, portrait_cut
from providers.embedded.id_presets import presets
from providers.embedded.print_sheet import PAPERS, print_sheet
from providers.embedded.work import make
from providers.media.pixels import Picture
from providers.media.save import save_picture
from providers.people.face import Face
from providers.people.find import find_faces
from tests.providers.photos import needs_models

WHITE = (255, 255, 255)
CHECKED = ("cn_1inch", "cn_2inch", "us", "schengen", "jp", "ca")
"""One of each kind of rule: what is made after these is looked at by the check as well."""


def test_every_preset_is_possible_and_says_who_sets_it() -> None:
    assert len(presets()) >= 15
    for key, preset in presets().items():
        low, high = preset.head
        assert 0.3 < low < high < 0.9, key
        assert preset.size_mm[0] / preset.size_mm[1] == pytest.approx(preset.ratio, abs=0.015), key
        assert 200 <= preset.dpi <= 500, key
        assert set(preset.name) == {"en", "zh"}, key
        assert len(preset.source) > 40, key
        if preset.eyes:
            assert preset.eyes[0] < preset.eyes[1] < 1, key


@pytest.fixture(scope="module")
def his(officer: Picture) -> tuple[Face, ...]:
    return find_faces(officer)


@needs_models
@pytest.mark.parametrize("key", presets())
def test_head_and_eyes_are_where_the_rule_wants_them_and_the_check_finds_no_fault(
    officer: Picture, his: tuple[Face, ...], key: str
) -> None:
    preset = presets()[key]
    ground = preset.background or (67, 142, 219)
    made = id_photo(officer, his, ground, preset=preset)
    if key in CHECKED:
        report = id_report(made, preset, ground)
        assert report.faults == ()
        assert report.uneven is not None
        assert report.uneven < 1
    assert (made.shape[1], made.shape[0]) == preset.pixels
    cut, face = portrait_cut(made, find_faces(made))
    head = head_of(cut.alpha, face)
    height = made.shape[0]
    assert preset.head[0] - 0.015 <= head.height / height <= preset.head[1] + 0.015
    if preset.eyes:
        assert preset.eyes[0] - 0.01 <= 1 - face.between_eyes[1] / height <= preset.eyes[1] + 0.01
    if preset.above:
        assert preset.above[0] - 0.015 <= head.crown / height <= preset.above[1] + 0.015
    assert abs(face.roll) < 2.5
    assert abs(face.between_eyes[0] / made.shape[1] - 0.5) < 0.05


def test_the_ground_is_one_colour_up_to_the_edge_of_the_head(officer: Picture, faces: tuple[Face, ...]) -> None:
    made = id_photo(officer, find_faces(officer), WHITE, preset=presets()["cn_1inch"])
    assert (made[: made.shape[0] // 3, :12] == 255).all()
    assert (made[: made.shape[0] // 3, -12:] == 255).all()


def job(photo: Path, **more: object) -> dict[str, object]:
    return {"operation": "portrait", "style": "id_photo_white", "photos": [str(photo)], **more}


@pytest.fixture
def portrait(tmp_path: Path, officer: Picture) -> Path:
    path = tmp_path / "portrait.png"
    Image.fromarray(officer).save(path)
    return path


@pytest.mark.parametrize(("key", "kind"), [("cn_1inch", "PNG"), ("us", "JPEG")])
def test_the_file_names_its_dots_an_inch_and_keeps_to_the_limit(
    tmp_path: Path, portrait: Path, key: str, kind: str
) -> None:
    preset = presets()[key]
    (made,) = make(job(portrait, parameters={"id_photo": {"size": key}}), str(tmp_path / "spool"))["files"]
    assert made["remarks"] == ()
    data = (tmp_path / "spool" / made["name"]).read_bytes()
    saved = save_picture(data, into=tmp_path, stem="id", provider="embedded", request_id="1", keep_density=True)
    with Image.open(saved.path) as image:
        assert image.format == kind
        assert image.size == preset.pixels
        assert image.info["dpi"] == pytest.approx((preset.dpi, preset.dpi), abs=1)
    assert preset.most_kb is None or saved.size_bytes <= 1000 * preset.most_kb


def test_another_colour_than_the_rule_is_made_where_the_words_name_it(tmp_path: Path, portrait: Path) -> None:
    wanted = {"id_photo": {"size": "cn_2inch", "background": list(COLOURS["id_photo_red"])}}
    made = make(job(portrait, parameters=wanted), str(tmp_path / "spool"))
    with Image.open(tmp_path / "spool" / made["files"][0]["name"]) as image:
        assert image.getpixel((3, 3)) == COLOURS["id_photo_red"]


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("key", ["cn_1inch", "cn_2inch", "us", "schengen"])
def test_a_sheet_holds_as_many_as_fit_none_over_another(key: str, paper: str) -> None:
    preset = presets()[key]
    photo = np.full((preset.pixels[1], preset.pixels[0], 3), (10, 120, 60), np.uint8)
    sheet = print_sheet(photo, preset, paper)
    long, short = (round(side * 300 / 25.4) for side in PAPERS[paper])
    assert sorted(sheet.shape[:2]) == sorted((long, short))
    area = round(preset.size_mm[0] * 300 / 25.4) * round(preset.size_mm[1] * 300 / 25.4)
    count = float((sheet == (10, 120, 60)).all(-1).sum()) / area
    assert count == pytest.approx(round(count), abs=0.02)
    assert count >= {"6inch": 2, "a4": 12}[paper]
    assert (sheet[0] == 255).all()


def test_six_two_inch_photos_fit_on_a_six_inch_sheet_and_no_more_are_laid_than_asked_for() -> None:
    preset = presets()["cn_2inch"]
    photo = np.full((preset.pixels[1], preset.pixels[0], 3), (10, 120, 60), np.uint8)
    for most in (1, 2, 5, 6):
        sheet = print_sheet(photo, preset, "6inch", most)
        assert (sheet == (10, 120, 60)).all(-1).sum() == most * preset.pixels[0] * preset.pixels[1]


def test_a_sheet_is_a_picture_of_its_paper_at_300_dots_an_inch(tmp_path: Path, portrait: Path) -> None:
    # As a version kept it that had no typed parameters in the handle: such orders are still carried out.
    made = make(job(portrait, id_preset="cn_1inch", sheet="6inch", per_sheet=8), str(tmp_path / "spool"))
    with Image.open(tmp_path / "spool" / made["files"][0]["name"]) as image:
        assert sorted(image.size) == [1200, 1800]
        assert image.info["dpi"] == pytest.approx((300, 300), abs=1)


def test_an_order_of_a_version_that_kept_words_is_told_to_be_lost_and_not_guessed_at(
    tmp_path: Path, portrait: Path
) -> None:
    old = {"operation": "edit", "action": "replace_bg", "text": "white", "photos": [str(portrait)]}
    assert make(old, str(tmp_path / "spool"))["code"] == "job_lost"
