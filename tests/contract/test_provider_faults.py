"""What every provider makes of its service's faults, of odd pictures, and of a caller that goes away."""

import asyncio
import io
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from PIL import Image

from providers.base import Phase, Request, Submission
from providers.errors import AskPerson, LikenessError, MadeNothing, MaybePaid, NotTaken, TellOperator, WaitAndRetry
from tests.contract.stages import SERVED, STAGES, WITH_JOBS, Stage, on_stage
from tests.waiting import LONG

FAULTS: dict[str, tuple[type[LikenessError], str]] = {
    "busy": (WaitAndRetry, "provider_busy"),
    "busy_soon": (WaitAndRetry, "provider_busy"),
    "503": (WaitAndRetry, "provider_busy"),
    "529": (WaitAndRetry, "provider_busy"),
    "bad_key": (TellOperator, "provider_key"),
    "no_credit": (TellOperator, "provider_credit"),
    "forbidden": (TellOperator, "provider_forbidden"),
    "redirect": (TellOperator, "provider_address"),
    "rejected": (AskPerson, "provider_rejected"),
    "too_large": (AskPerson, "provider_rejected"),
    "not_found": (AskPerson, "provider_rejected"),
    "500": (MaybePaid, "outcome_unknown"),
    "502": (MaybePaid, "outcome_unknown"),
    "504": (MaybePaid, "outcome_unknown"),
    "524": (MaybePaid, "outcome_unknown"),
    "reset_before": (MaybePaid, "outcome_unknown"),
    "reset_after": (MaybePaid, "outcome_unknown"),
    "junk": (MaybePaid, "outcome_unknown"),
    "empty": (MaybePaid, "outcome_unknown"),
    "policy": (AskPerson, "refused_content"),
    "policy_after": (AskPerson, "refused_content"),
    "withheld": (AskPerson, "refused_content"),
    "failed": (MadeNothing, "provider_failed"),
    "nothing": (MadeNothing, "made_nothing"),
    "bad_picture": (MadeNothing, "bad_picture"),
    "truncated": (MadeNothing, "bad_picture"),
    "gone": (MadeNothing, "result_gone"),
    "expired": (MadeNothing, "result_gone"),
}


async def _followed(stage: Stage, submission: Submission) -> None:
    async for _ in stage.provider.follow(submission):
        pass


async def made(stage: Stage, request: Request, into: Path) -> int:
    """The whole way; how many pictures came of it."""
    submission = await stage.provider.submit(request)
    await _followed(stage, submission)
    return len((await stage.provider.fetch(submission, into)).pictures)


every_service = pytest.mark.parametrize("name", SERVED)
CASES = [(name, fault) for name, never in SERVED.items() for fault in FAULTS if fault not in never]


@pytest.mark.parametrize(("name", "fault"), CASES)
async def test_each_fault_is_told_by_its_code_and_nothing_is_posted_twice(
    name: str, fault: str, tmp_path: Path
) -> None:
    async with on_stage(name) as stage:
        kind, code = FAULTS[fault]
        stage.service.plan(fault)
        with pytest.raises(kind) as raised:
            await made(stage, stage.request, tmp_path)
        assert raised.value.code == code
        assert stage.submits() <= 1
        assert stage.service.key not in str(raised.value)
        assert stage.service.origin not in str(raised.value)


@every_service
async def test_a_busy_service_says_for_how_long(name: str, tmp_path: Path) -> None:
    async with on_stage(name) as stage:
        stage.service.plan("busy_soon")
        with pytest.raises(WaitAndRetry) as raised:
            await stage.provider.submit(stage.request)
        assert raised.value.retry_after == 2
        assert await made(stage, stage.request, tmp_path) == stage.request.count


@every_service
async def test_what_was_not_taken_was_not_charged(name: str) -> None:
    async with on_stage(name) as stage:
        for fault in ("busy", "no_credit", "bad_key", "rejected", "503"):
            stage.service.plan(fault)
            with pytest.raises((NotTaken, AskPerson)):
                await stage.provider.submit(stage.request)
        assert stage.charged() == 0


@every_service
async def test_nobody_there_means_that_nothing_was_sent(name: str) -> None:
    with STAGES[name]() as stage:
        pass  # its service ends with it
    with pytest.raises(NotTaken) as raised:
        await stage.provider.submit(stage.request)
    assert raised.value.code == "provider_unavailable"
    with pytest.raises(WaitAndRetry):
        await stage.provider.check()
    await stage.provider.aclose()
    await stage.after_restart.aclose()


@every_service
async def test_a_job_is_waited_for_through_faults_of_the_network(name: str, tmp_path: Path) -> None:
    async with on_stage(name) as stage:
        stage.service.plan(polls=2, poll_faults=("reset", 500, 502, 503, 429, "junk"))
        assert await made(stage, stage.request, tmp_path) == stage.request.count
        assert stage.submits() == 1


@every_service
async def test_a_caller_that_goes_away_while_the_submit_is_held_leaves_a_usable_provider(
    name: str, tmp_path: Path
) -> None:
    async with on_stage(name) as stage:
        stage.service.plan("hold_after")
        task = asyncio.create_task(stage.provider.submit(stage.request))
        await asyncio.to_thread(stage.service.holding.wait, LONG)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        stage.service.release()
        assert stage.submits() == 1
        assert await made(stage, stage.request, tmp_path) == stage.request.count


@pytest.mark.parametrize("name", WITH_JOBS)
async def test_a_caller_that_goes_away_while_following_may_come_back_elsewhere(name: str, tmp_path: Path) -> None:
    async with on_stage(name) as stage:
        stage.service.plan(polls=4)
        submission = await stage.provider.submit(stage.request)
        reports = stage.provider.follow(submission)
        assert (await anext(reports)).phase is not Phase.DONE
        assert isinstance(reports, AsyncGenerator)
        await reports.aclose()
        assert [report.phase async for report in stage.after_restart.follow(submission)][-1] is Phase.DONE
        assert len((await stage.after_restart.fetch(submission, tmp_path)).pictures) == stage.request.count
        assert stage.submits() == 1


@pytest.mark.parametrize("name", WITH_JOBS)
async def test_a_time_out_of_the_caller_ends_the_following_at_once(name: str) -> None:
    async with on_stage(name) as stage:
        stage.service.plan("never")
        submission = await stage.provider.submit(stage.request)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(_followed(stage, submission), 0.2)
        assert stage.submits() == 1


@pytest.fixture(scope="session")
def odd_pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pictures as they come: long, tiny, huge, grey, with alpha, in every format that is prepared."""
    folder = tmp_path_factory.mktemp("odd")
    noise = Image.effect_noise((2000, 2000), 120)
    pictures: dict[str, Image.Image] = {
        "long.png": Image.linear_gradient("L").resize((2400, 40)).convert("RGB"),
        "tall.jpg": Image.linear_gradient("L").resize((40, 1600)).convert("RGB"),
        "tiny.png": Image.linear_gradient("L").resize((32, 32)).convert("RGB"),
        "large.jpg": Image.linear_gradient("L").resize((4800, 2000)).convert("RGB"),
        "heavy.png": Image.merge("RGB", (noise, noise.rotate(90), noise.rotate(180))),
        "grey.png": Image.linear_gradient("L").resize((320, 240)),
        "alpha.webp": Image.merge("RGBA", [Image.linear_gradient("L").resize((320, 240))] * 4),
    }
    for name, picture in pictures.items():
        out = io.BytesIO()
        picture.save(out, {"jpg": "JPEG"}.get(name[-3:], name.rpartition(".")[2].upper()))
        (folder / name).write_bytes(out.getvalue())
    return {name: folder / name for name in pictures}


@every_service
async def test_odd_and_huge_pictures_become_pictures_or_an_error_of_the_tree(
    name: str, tmp_path: Path, odd_pictures: dict[str, Path]
) -> None:
    async with on_stage(name) as stage:
        assert stage.photo_request is not None
        refused = set()
        for picture, path in odd_pictures.items():
            before = stage.submits()
            try:
                assert await made(stage, stage.photo_request(path), tmp_path / f"{name}-{picture}") == 1
            except (AskPerson, NotTaken):
                refused.add(picture)
            assert stage.submits() <= before + 1
        assert refused <= {"long.png", "tall.jpg", "tiny.png"}
