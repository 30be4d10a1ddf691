"""What is made is labelled as what it is, by whichever provider, in a file whose pixels stay as they were served."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from providers.base import PictureFile
from providers.collection import collect
from providers.fake import FakeProvider
from providers.journal import Stage
from providers.labelling import source_type, with_labels
from providers.media.labels import SourceType, read_label
from providers.media.preview import collage, fit_jpeg, thumbnail
from providers.media.save import save_picture
from providers.media.xmp import read_packet, with_packet
from providers.offers import Tier
from providers.router import Router
from providers.submission import submit
from providers.task import Background, Operation, Parameters, Task
from providers.task_builders import create_task, edit_task, portrait_task
from tests.providers.media.pictures import encoded, noise, scene
from tests.providers.media.test_labels import FOREIGN
from tests.providers.test_submission import Notes
from tests.providers.wanted import portrait

ENHANCED = ["upscale", "enhance", "restore", "retouch", "slim", "colorize", "filter"]
COMPOSITE = ["local_edit", "replace_bg", "blend", "extend", "remove_person", "text_render", "car_color", "car_wrap"]
COMPOSITE += ["before_after", "comparison"]
GENERATED = ["edit", "transfer_style", "variations", "character_sheet", "expression_sheet", "multi_angle"]


def edit(action: str, **changes: object) -> Task:
    return edit_task(action=action, words="words", photos=2, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("actions", "source"),
    [(ENHANCED, SourceType.ENHANCED), (COMPOSITE, SourceType.COMPOSITE), (GENERATED, SourceType.GENERATED)],
)
def test_an_edit_is_called_what_it_is(actions: list[str], source: SourceType) -> None:
    for action in actions:
        assert source_type(edit(action), Tier.SERVICE) is source, action


def test_portraits_and_pictures_from_words_are_generated() -> None:
    for task in (portrait_task(style="anime", photos=1), create_task(words="a fox")):
        assert source_type(task, Tier.SERVICE) is SourceType.GENERATED
        assert source_type(task, Tier.OWN) is SourceType.GENERATED


def test_whatever_has_a_mask_is_a_composite() -> None:
    assert source_type(edit("edit", mask=True), Tier.SERVICE) is SourceType.COMPOSITE


def test_a_background_taken_away_is_a_composite() -> None:
    task = edit("replace_bg", parameters=Parameters(background=Background(kind="transparent")))
    assert task.operation is Operation.REMOVE_BACKGROUND
    assert source_type(task, Tier.SERVICE) is SourceType.COMPOSITE


def test_nothing_made_on_this_machine_is_called_generated() -> None:
    for task in (portrait_task(style="anime", photos=1), edit("transfer_style"), edit("replace_bg")):
        assert source_type(task, Tier.LOCAL) is SourceType.ENHANCED


@pytest.mark.parametrize("tier", [Tier.SERVICE, Tier.LOCAL])
async def test_what_is_collected_carries_its_label_and_the_pixels_that_were_served(tmp_path: Path, tier: Tier) -> None:
    provider = FakeProvider(name="fal", tier=tier)
    router, notes = Router([provider], producer="Studio"), Notes()
    request = portrait(count=2)
    submission = await submit(request, router, notes)
    served = await provider.fetch(submission, tmp_path / "served")
    result = await collect(request, submission, router, notes, into=tmp_path / "made")
    assert notes.records[request.key].stage is Stage.MADE
    numbers = set()
    for before, picture in zip(served.pictures, result.pictures, strict=True):
        label = read_label(picture.path.read_bytes())
        assert label is not None
        assert (label.producer, label.produce_id) == ("Studio", picture.produce_id)
        assert picture.size_bytes == picture.path.stat().st_size
        assert np.array_equal(np.asarray(Image.open(before.path)), np.asarray(Image.open(picture.path)))
        numbers.add(label.produce_id)
    assert len(numbers) == 2


async def test_collected_again_it_has_the_same_number(tmp_path: Path) -> None:
    router, notes = Router([FakeProvider(name="fal")]), Notes()
    request = portrait()
    submission = await submit(request, router, notes)
    first = await collect(request, submission, router, notes, into=tmp_path)
    first.pictures[0].path.unlink()
    again = await collect(request, submission, router, notes, into=tmp_path)
    assert first.pictures[0].produce_id == again.pictures[0].produce_id != ""


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_xmp_of_the_service_stays_its_label_does_not(tmp_path: Path, kind: str) -> None:
    data = with_packet(encoded(noise(60, 40), kind), FOREIGN.encode())
    saved = save_picture(data, into=tmp_path, stem="x", provider="fal", request_id="r")
    packet = (read_packet(saved.path.read_bytes()) or b"").decode()
    assert 'Credit="Made by &lt;X&gt;"' in packet
    assert "theirs" not in packet
    done = _label(saved)
    found = read_label(done.path.read_bytes())
    assert found is not None
    assert found.produce_id == done.produce_id
    assert "Credit" in (read_packet(done.path.read_bytes()) or b"").decode()


def _label(picture: PictureFile, key: str = "job", task: Task | None = None) -> PictureFile:
    task = task or portrait_task(style="anime", photos=1)
    return with_labels([picture], key=key, task=task, tier=Tier.SERVICE, producer="Likeness")[0]


def test_what_is_made_smaller_for_a_chat_keeps_its_label(tmp_path: Path) -> None:
    saved = save_picture(encoded(noise(900, 700), "PNG"), into=tmp_path, stem="x", provider="fal", request_id="r")
    made = _label(saved)
    for data in (thumbnail(made.path, 200), fit_jpeg(made.path, 300_000)):
        label = read_label(data)
        assert label is not None
        assert label.produce_id == made.produce_id
        assert len(data) <= 300_000


def test_a_collage_has_a_label_and_a_number_of_its_own(tmp_path: Path) -> None:
    saved = [
        save_picture(encoded(scene(300, 200), "PNG"), into=tmp_path, stem=f"x{n}", provider="fal", request_id="r")
        for n in range(3)
    ]
    made = [_label(saved[0]), _label(saved[1], "job-2", edit("enhance")), saved[2]]
    label = read_label(collage([picture.path for picture in made]))
    assert label is not None
    assert label.source is SourceType.GENERATED
    assert label.produce_id not in {picture.produce_id for picture in made}


def test_a_photo_without_a_label_gets_none_by_being_made_smaller(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(scene(300, 200), "JPEG"))
    assert read_label(thumbnail(path, 100)) is None
    assert Image.open(io.BytesIO(thumbnail(path, 100))).info.get("xmp") is None
