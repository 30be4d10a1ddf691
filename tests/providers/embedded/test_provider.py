"""The provider: what it takes, what it refuses, and what becomes of a job whose worker dies."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from PIL import Image

from providers.base import FREE_OF_CHARGE, Cancelled, Phase, Request, Submission
from providers.embedded.provider import EmbeddedProvider
from providers.embedded.toning import own_colours
from providers.errors import AskPerson, MadeNothing
from providers.media.pixels import Picture, pixels
from providers.task import Adjustment, IdPhoto, Operation, Parameters, Task
from tests.providers.photos import difference
from tests.providers.wanted import changed, wanted
from tests.providers.wanted import embedded_edit as edit

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedProvider]:
    """One for these tests: a worker takes seconds to start."""
    provider = EmbeddedProvider(tmp_path_factory.mktemp("embedded") / "spool", workers=1)
    yield provider
    await provider.aclose()


@pytest.fixture
def photo(tmp_path: Path, coffee: Picture) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(coffee).save(path)
    return path


@pytest.fixture
def portrait(tmp_path: Path, astronaut: Picture) -> Path:
    path = tmp_path / "portrait.png"
    Image.fromarray(astronaut).save(path)
    return path


async def made(provider: EmbeddedProvider, request: Request, into: Path) -> list[Image.Image]:
    submission = await provider.submit(request)
    assert [p async for p in provider.follow(submission)][-1].phase is Phase.DONE
    result = await provider.fetch(submission, into)
    assert result.charge == FREE_OF_CHARGE
    pictures = []
    for picture in result.pictures:
        with Image.open(picture.path) as image:
            copy = image.copy()
            copy.format = image.format
        pictures.append(copy)
    return pictures


async def test_a_scene_is_refused_at_submit_too(provider: EmbeddedProvider, photo: Path) -> None:
    with pytest.raises(AskPerson) as refused:
        await provider.submit(edit("replace_bg", photo, text="a forest"))
    assert refused.value.code == "needs_other_provider"


async def test_a_marked_place_is_filled_from_its_surroundings(
    provider: EmbeddedProvider, photo: Path, coffee: Picture, tmp_path: Path
) -> None:
    mask = tmp_path / "mask.png"
    marked = Image.new("L", (150, 100))
    marked.paste(255, (10, 70, 24, 84))
    marked.save(mask)
    request = wanted("gone", operation=Operation.INPAINT, action="remove_person", photos=(photo,), mask=mask)
    (made_,) = await made(provider, request, tmp_path)
    one = pixels(made_)
    assert difference(one[140:168, 20:48], coffee[140:168, 20:48]) > 1
    assert difference(one[:100], coffee[:100]) < 2


async def test_without_a_photo_one_is_asked_for(provider: EmbeddedProvider) -> None:
    with pytest.raises(AskPerson) as refused:
        await provider.submit(edit("enhance"))
    assert refused.value.code == "need_photo"


async def test_an_error_of_the_worker_arrives_with_its_code(
    provider: EmbeddedProvider, photo: Path, tmp_path: Path
) -> None:
    submission = await provider.submit(edit("replace_bg", photo, text="white"))
    with pytest.raises(AskPerson) as refused:
        async for _ in provider.follow(submission):
            pass
    assert refused.value.code == "no_face"
    assert refused.value.text_key == "error.no_face"


async def test_several_pictures_are_several_different_pictures(
    provider: EmbeddedProvider, photo: Path, tmp_path: Path
) -> None:
    pictures = await made(provider, edit("enhance", photo, count=4), tmp_path / "out")
    assert len({picture.tobytes() for picture in pictures}) == 4


async def test_again_gives_another_picture_and_the_same_request_the_same(
    provider: EmbeddedProvider, photo: Path, tmp_path: Path
) -> None:
    request = edit("colorize", photo)
    (one,) = await made(provider, request, tmp_path)
    (same,) = await made(provider, request, tmp_path)
    (other,) = await made(provider, replace(changed(request, variant=1), key="another"), tmp_path)
    assert one.tobytes() == same.tobytes() != other.tobytes()


async def test_colour_asked_for_a_colour_photo_does_not_take_its_colours_away(
    provider: EmbeddedProvider, portrait: Path, tmp_path: Path
) -> None:
    (picture,) = await made(provider, edit("colorize", portrait), tmp_path)
    assert difference(pixels(np.asarray(picture.convert("RGB"))), pixels(np.asarray(Image.open(portrait)))) < 12
    (sepia,) = await made(provider, edit("colorize", portrait, text="sepia"), tmp_path)
    assert not own_colours(pixels(np.asarray(sepia.convert("RGB"))))


async def test_a_cut_out_keeps_its_transparency(provider: EmbeddedProvider, portrait: Path, tmp_path: Path) -> None:
    (picture,) = await made(provider, edit("replace_bg", portrait, text="抠图"), tmp_path)
    assert (picture.format, picture.mode) == ("PNG", "RGBA")
    assert picture.getpixel((60, 30))[3] == 0  # type: ignore[index]


@pytest.mark.parametrize(("ratio", "size"), [("1:1", (200, 200)), ("16:9", (300, 169)), ("3:4", (150, 200))])
async def test_any_edit_comes_in_the_ratio_asked_for(
    provider: EmbeddedProvider, photo: Path, tmp_path: Path, ratio: str, size: tuple[int, int]
) -> None:
    (picture,) = await made(provider, changed(edit("enhance", photo), aspect_ratio=ratio), tmp_path)
    assert picture.size == size


async def test_a_worker_that_is_killed_does_its_job_once_more(
    provider: EmbeddedProvider, photo: Path, tmp_path: Path
) -> None:
    submission = await provider.submit(edit("enhance", photo, count=2))
    killed = 0
    async for _ in provider.follow(submission):
        pid = provider.worker_pid
        if pid and not killed:
            os.kill(pid, signal.SIGKILL)
            killed = pid
    assert killed
    assert provider.worker_pid not in (None, killed)
    assert len((await provider.fetch(submission, tmp_path)).pictures) == 2


async def test_a_worker_that_is_killed_twice_has_made_nothing(provider: EmbeddedProvider, portrait: Path) -> None:
    submission = await provider.submit(edit("restore", portrait, count=8))
    dead: set[int] = set()

    async def follow_and_kill() -> None:
        async for _ in provider.follow(submission):
            pid = provider.worker_pid
            if pid and pid not in dead:
                os.kill(pid, signal.SIGKILL)
                dead.add(pid)

    with pytest.raises(MadeNothing):
        await follow_and_kill()
    assert len(dead) == 2


async def test_a_waiting_job_is_cancelled_and_the_running_one_goes_on(
    provider: EmbeddedProvider, portrait: Path, tmp_path: Path
) -> None:
    first = await provider.submit(edit("restore", portrait, count=2))
    second = await provider.submit(edit("restore", portrait))
    ahead = provider.follow(first)
    await anext(ahead)
    reports = provider.follow(second)
    report = await anext(reports)
    assert (report.phase, report.position) == (Phase.QUEUED, 1)
    assert await provider.cancel(second) is Cancelled.NOT_STARTED
    with pytest.raises(MadeNothing) as ended:
        async for _ in reports:
            pass
    assert ended.value.code == "cancelled"
    assert len((await provider.fetch(first, tmp_path)).pictures) == 2
    assert await provider.cancel(first) is Cancelled.NOT_STARTED  # fetched and forgotten: there is nothing left to stop


async def test_a_running_job_is_stopped(provider: EmbeddedProvider, portrait: Path) -> None:
    submission = await provider.submit(edit("restore", portrait, count=8))

    async def follow_and_cancel() -> None:
        async for report in provider.follow(submission):
            if report.phase is Phase.RUNNING:
                assert await provider.cancel(submission) is Cancelled.ASKED

    with pytest.raises(MadeNothing) as ended:
        await follow_and_cancel()
    assert ended.value.code == "cancelled"


async def test_a_finished_job_is_not_done_again_by_the_next_process(
    provider: EmbeddedProvider, photo: Path, tmp_path: Path
) -> None:
    submission = await provider.submit(edit("enhance", photo))
    async for _ in provider.follow(submission):
        pass
    await asyncio.to_thread(photo.unlink)
    another = EmbeddedProvider(provider._spool)
    try:
        assert await another.cancel(submission) is Cancelled.TOO_LATE
        assert len((await another.fetch(submission, tmp_path)).pictures) == 1
        assert another.worker_pid is None
    finally:
        await another.aclose()


async def test_a_photo_that_is_gone_is_asked_for_again(provider: EmbeddedProvider, tmp_path: Path) -> None:
    submission = await provider.submit(edit("enhance", tmp_path / "gone.png"))
    with pytest.raises(AskPerson) as refused:
        await provider.fetch(submission, tmp_path)
    assert refused.value.code == "photo_gone"


async def test_closing_ends_the_worker_at_once(tmp_path: Path, portrait: Path) -> None:
    provider = EmbeddedProvider(tmp_path / "spool", workers=1)
    submission = await provider.submit(edit("restore", portrait, count=8))
    pid = None
    async for _ in provider.follow(submission):
        pid = provider.worker_pid
        if pid:
            break
    assert pid is not None
    await provider.aclose()
    assert not list((tmp_path / "spool").rglob("done.json")), "its eight pictures were not waited for"
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_simple_change_is_made_here_and_goes_its_way(
    provider: EmbeddedProvider, portrait: Path, tmp_path: Path
) -> None:
    before = pixels(np.asarray(Image.open(portrait)))
    for direction, sign in (("up", 1), ("down", -1)):
        step = Adjustment(kind="brightness", direction=direction)
        request = edit("enhance", portrait)
        request = replace(request, task=replace(request.task, parameters=Parameters(adjustments=(step,))))
        (picture,) = await made(provider, request, tmp_path)
        after = pixels(np.asarray(picture.convert("RGB")))
        assert sign * (float(after.mean()) - float(before.mean())) > 4


async def test_an_id_photo_by_its_country_has_its_size_and_names_its_dots_an_inch(
    provider: EmbeddedProvider, portrait: Path, tmp_path: Path
) -> None:
    task = Task(
        operation=Operation.PORTRAIT,
        style="id_photo_blue",
        parameters=Parameters(id_photo=IdPhoto(size="cn_1inch")),
        photos=1,
    )
    submission = await provider.submit(Request(key="id", task=task, prompt="-", photos=(portrait,)))
    result = await provider.fetch(submission, tmp_path)
    with Image.open(result.pictures[0].path) as image:
        assert image.size == (295, 413)
        assert image.info["dpi"] == pytest.approx((300, 300), abs=1)
        assert image.getpixel((2, 2)) == (67, 142, 219)


async def test_two_peoples_pictures_are_made_at_once_and_the_next_takes_the_first_free_worker(
    tmp_path: Path, portrait: Path
) -> None:
    pair = EmbeddedProvider(tmp_path / "spool", workers=2)
    try:
        handles = [await pair.submit(edit("restore", portrait, count=2)) for _ in range(3)]

        async def followed(handle: Submission) -> list[Phase]:
            return [report.phase async for report in pair.follow(handle)]

        ends = await asyncio.gather(*map(followed, handles))
        assert [phases[-1] for phases in ends] == [Phase.DONE] * 3
        used = {pair._jobs[handle.request_id].worker for handle in handles}
        assert used == set(pair._workers)
        assert len(used) == 2
    finally:
        await pair.aclose()


async def test_one_person_alone_starts_one_process(tmp_path: Path, photo: Path) -> None:
    pair = EmbeddedProvider(tmp_path / "spool", workers=2)
    try:
        for _ in range(3):
            submission = await pair.submit(edit("enhance", photo))
            await pair.fetch(submission, tmp_path)
        assert len(pair._workers) == 1
    finally:
        await pair.aclose()


async def test_a_large_photo_is_not_painted_small(provider: EmbeddedProvider, tmp_path: Path, officer: Picture) -> None:
    """24 megapixels became 825 x 1100."""
    path = tmp_path / "large.jpg"
    Image.fromarray(officer).resize((2046, 2400)).save(path)
    task = Task(operation=Operation.PORTRAIT, style="anime", photos=1)
    submission = await provider.submit(Request(key="large", task=task, prompt="-", photos=(path,)))
    (picture,) = (await provider.fetch(submission, tmp_path)).pictures
    assert picture.height > 1900
    assert picture.width / picture.height == pytest.approx(2046 / 2400, abs=0.01)
