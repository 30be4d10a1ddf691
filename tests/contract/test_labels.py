"""The label on every way a picture takes, looked at by a reader that is not ours (exiftool): each property once, in
JPEG, PNG and WebP."""

import json
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from handlers.clean_files import CleanFiles
from handlers.jobs.visible_marks import VisibleMarks
from handlers.marked_copies import marked_copy
from providers.base import PictureFile, Request
from providers.collection import collect
from providers.embedded.provider import EmbeddedProvider
from providers.labelling import with_labels
from providers.media.labels import VOCABULARY, SourceType
from providers.media.preview import collage, fit_jpeg, thumbnail
from providers.media.save import save_picture
from providers.media.sheet import Cell, composed
from providers.offers import Tier
from providers.router import Router
from providers.submission import submit
from providers.task_builders import portrait_task
from tests.contract.stages import STAGES, on_stage
from tests.handlers.jobs.test_clean_files import talk, tap
from tests.providers.media.pictures import encoded, scene
from tests.providers.test_submission import Notes
from tests.providers.wanted import embedded_edit
from tests.world import ANN, world

KINDS = ("JPEG", "PNG", "WEBP")


def read(files: Iterable[Path]) -> dict[str, Mapping[str, Any]]:
    """What exiftool finds in the XMP of each file, by its name; one process for all of them."""
    program = shutil.which("exiftool")
    if program is None:
        pytest.skip("exiftool is not installed: apt-get install libimage-exiftool-perl")
    command = [program, "-j", "-G1", "-a", "-XMP:all", "-FileType", *map(str, files)]
    done = subprocess.run(command, capture_output=True, check=True)
    return {row["SourceFile"]: row for row in json.loads(done.stdout)}


def label_of(found: Mapping[str, Any], source: SourceType) -> str:
    """The number in the label, which has to be a whole one of this source."""
    assert found["XMP-iptcExt:DigitalSourceType"] == VOCABULARY + source.value
    aigc = json.loads(found["XMP-TC260:Aigc"])
    assert (aigc["Label"], aigc["ContentProducer"]) == ("1", "Likeness")
    assert aigc["ProduceID"] == aigc["PropagateID"] == found["XMP-dc:Identifier"]
    assert found["XMP-xmp:CreatorTool"] == "Likeness"
    return str(aigc["ProduceID"])


async def made(provider: Any, request: Request, into: Path) -> tuple[PictureFile, ...]:
    router, notes = Router([provider]), Notes()
    await router.discover()
    submission = await submit(request, router, notes)
    return (await collect(request, submission, router, notes, into=into)).pictures


async def test_whatever_a_service_or_this_machine_makes_is_labelled(tmp_path: Path) -> None:
    wanted: dict[str, tuple[str, SourceType]] = {}
    for name in STAGES:
        async with on_stage(name) as stage:
            for picture in await made(stage.provider, replace(stage.request, key=f"job-of-{name}"), tmp_path / name):
                local = stage.provider.tier is Tier.LOCAL
                wanted[str(picture.path)] = (
                    picture.produce_id,
                    SourceType.ENHANCED if local else SourceType.GENERATED,
                )
    found = read(map(Path, wanted))
    for path, (number, source) in wanted.items():
        assert label_of(found[path], source) == number
    assert len({number for number, _ in wanted.values()}) == len(wanted) >= len(STAGES)


def saved(folder: Path, kind: str, key: str = "job") -> PictureFile:
    """A labelled picture in this format, as collected from a service."""
    data = encoded(scene(640, 480), kind)
    file = save_picture(data, into=folder, stem=f"{kind}-{key}", provider="fal", request_id="r")
    task = portrait_task(style="anime", photos=1)
    return with_labels([file], key=f"{key}-{kind}", task=task, tier=Tier.SERVICE, producer="Likeness")[0]


async def test_whatever_becomes_of_a_picture_keeps_a_label(tmp_path: Path) -> None:
    pictures = {kind: saved(tmp_path, kind) for kind in KINDS}
    files: dict[str, tuple[Path, str | None]] = {}

    def kept(name: str, data: bytes, number: str | None) -> None:
        path = tmp_path / name
        path.write_bytes(data)
        files[name] = (path, number)

    marks = VisibleMarks(policy="on")
    for kind, picture in pictures.items():
        files[f"{kind} itself"] = (picture.path, picture.produce_id)
        kept(f"{kind} as a thumbnail", thumbnail(picture.path, 200), picture.produce_id)
        kept(f"{kind} made to fit", fit_jpeg(picture.path, 90_000), picture.produce_id)
        (marked,) = await marks.delivered([picture], chat=ANN, language="zh")
        files[f"{kind} with the mark"] = (marked.path, picture.produce_id)
    paths = [picture.path for picture in pictures.values()]
    kept("a collage", collage(paths), None)
    kept("a sheet", composed([Cell(path=path, label="x") for path in paths], columns=3, ratio="3:4"), None)
    found = read(path for path, _ in files.values())
    for name, (path, number) in files.items():
        told = label_of(found[str(path)], SourceType.GENERATED)
        assert told == number or (number is None and told not in {p.produce_id for p in pictures.values()}), name
    kinds = {name: found[str(path)]["File:FileType"] for name, (path, _) in files.items()}
    assert [kinds[f"{kind} with the mark"] for kind in KINDS] == ["JPEG", "PNG", "Extended WEBP"]


@pytest.mark.parametrize("action", ["upscale", "before_after"])
async def test_an_edit_of_a_labelled_picture_has_one_label_of_its_own(tmp_path: Path, action: str) -> None:
    before = [saved(tmp_path, kind) for kind in KINDS]
    provider = EmbeddedProvider(tmp_path / "spool")
    try:
        after = [
            (await made(provider, embedded_edit(action, picture.path), tmp_path / str(n)))[0]
            for n, picture in enumerate(before)
        ]
    finally:
        await provider.aclose()
    found = read(picture.path for picture in after)
    numbers = {label_of(found[str(picture.path)], SourceType.ENHANCED) for picture in after}
    assert numbers == {picture.produce_id for picture in after}
    assert numbers.isdisjoint(picture.produce_id for picture in before)


async def test_the_clean_file_has_the_label_and_a_row_in_the_log(tmp_path: Path) -> None:
    async with world(tmp_path, marks=VisibleMarks(policy="on", clean_files=True)) as r:
        job = await r.do()
        await talk(r, clean=True).handle(tap(f"clean_yes:{job.id}", "m"))
        await r.ended(job.id)
        (sent,) = list(r.channel.places.values())[-1].pictures
        assert sent.path == job.pictures[0].path != marked_copy(sent.path)
        assert await CleanFiles(r.store).promised(job.id)
        assert label_of(read([sent.path])[str(sent.path)], SourceType.GENERATED) == sent.produce_id
