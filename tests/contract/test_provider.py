"""What every provider keeps, whatever service stands behind it. A new provider adds its `Stage` to `stages.py`."""

from pathlib import Path

import pytest
from PIL import Image

from providers.base import Cancelled, Phase, Provider, Submission
from providers.errors import LikenessError, MadeNothing
from tests.contract.stages import STAGES, on_stage, through_json
from tests.providers.wanted import changed

every_provider = pytest.mark.parametrize("name", STAGES)


@every_provider
async def test_it_is_a_provider_and_can_do_the_request(name: str) -> None:
    async with on_stage(name) as stage:
        assert isinstance(stage.provider, Provider)
        assert await stage.provider.discover()
        assert stage.provider.offers.reason_not(stage.request.task) is None
        assert stage.provider.name.isidentifier()


@every_provider
async def test_an_estimate_is_no_less_for_more_pictures_and_always_the_same(name: str) -> None:
    async with on_stage(name) as stage:
        await stage.provider.discover()
        offer = stage.provider.offers.find(stage.request.task)
        assert offer is not None
        one, two = (offer.estimate(changed(stage.request, count=count).task) for count in (1, 2))
        assert two.cost == 2 * one.cost
        assert two.seconds >= one.seconds > 0


@every_provider
async def test_a_request_becomes_as_many_decodable_pictures_as_asked_for(name: str, tmp_path: Path) -> None:
    async with on_stage(name) as stage:
        submission = await stage.provider.submit(stage.request)
        assert (submission.provider, submission.count) == (stage.provider.name, stage.request.count)
        assert submission.model in stage.provider.offers.models
        reports = [report async for report in stage.provider.follow(submission)]
        assert reports[-1].phase is Phase.DONE
        assert Phase.DONE not in [report.phase for report in reports[:-1]]
        result = await stage.provider.fetch(submission, tmp_path / "made")
        assert len(result.pictures) == stage.request.count
        for picture in result.pictures:
            assert picture.path.parent == tmp_path / "made"
            assert (picture.provider, picture.model) == (stage.provider.name, submission.model)
            with Image.open(picture.path) as image:
                image.load()
                assert image.size == (picture.width, picture.height)


@every_provider
async def test_following_and_fetching_go_on_in_another_process_and_cost_nothing(name: str, tmp_path: Path) -> None:
    async with on_stage(name) as stage:
        submission = through_json(await stage.provider.submit(stage.request))
        for provider in (stage.after_restart, stage.after_restart, stage.provider):
            assert [report async for report in provider.follow(submission)][-1].phase is Phase.DONE
            assert len((await provider.fetch(submission, tmp_path)).pictures) == stage.request.count
        assert stage.charged() == (0 if stage.free else stage.request.count)


@every_provider
async def test_a_job_nobody_knows_ends_with_an_error_of_the_tree_soon(name: str) -> None:
    async with on_stage(name) as stage:
        lost = Submission(provider=stage.provider.name, request_id="00000000-0000-4000-8000-000000000000")
        with pytest.raises(MadeNothing):
            [report async for report in stage.provider.follow(lost)]


@every_provider
async def test_a_cancel_may_be_repeated_and_answers_each_time(name: str) -> None:
    async with on_stage(name) as stage:
        submission = await stage.provider.submit(stage.request)
        for provider in (stage.provider, stage.after_restart):
            try:
                assert isinstance(await provider.cancel(submission), Cancelled)
            except LikenessError as error:
                pytest.fail(f"cancel raised {error.code}")


@every_provider
async def test_a_check_passes_and_costs_nothing(name: str) -> None:
    async with on_stage(name) as stage:
        await stage.provider.check()
        assert stage.charged() == 0
