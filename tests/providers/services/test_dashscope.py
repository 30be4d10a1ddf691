"""DashScope: the body of every operation, uploads, what each answer means, tasks from the submit to the picture."""

import base64
import io
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydantic import SecretStr

from providers.base import Cancelled, CostSource, Phase, Request, Result, Submission
from providers.errors import AskPerson, LikenessError, MadeNothing, MaybePaid, TellOperator, WaitAndRetry
from providers.media.download import Downloader
from providers.money import Money
from providers.services.dashscope.offers import WANX, offers
from providers.services.dashscope.provider import DashScopeProvider
from providers.task import Consistency, Operation, Outpaint
from tests.providers.services.wishes import PROMPT, counted, wish
from tests.servers.dashscope import DAY, GENERATION, SYNTHESIS, WAN_ASYNC, FakeDashScope
from tests.servers.service import KEY, Sent


@pytest.fixture
def fake() -> Iterator[FakeDashScope]:
    with FakeDashScope.serving() as serving:
        yield serving


async def no_time(seconds: float) -> None:
    """A sleep that takes none."""


@asynccontextmanager
async def provider_of(fake: FakeDashScope, files: Path, *, key: str = KEY, **more: Any) -> AsyncIterator[Any]:
    origin = frozenset({("127.0.0.1", int(fake.origin.rpartition(":")[2]))})
    provider = DashScopeProvider(
        key=SecretStr(key), root=fake.url, downloader=Downloader(trusted_origins=origin), files=files / "files",
        sleep=no_time, clock=fake.clock.now, **more,
    )  # fmt: skip
    try:
        yield provider
    finally:
        await provider.aclose()


async def made(provider: DashScopeProvider, request: Request, into: Path) -> tuple[Submission, Result]:
    submission = await provider.submit(request)
    return submission, await ended(provider, submission, into)


async def ended(provider: DashScopeProvider, submission: Submission, into: Path) -> Result:
    async with aclosing(provider.follow(submission)) as reports:
        phases = [report.phase async for report in reports]
    assert phases[-1] is Phase.DONE
    return await provider.fetch(submission, into)


def posted(fake: FakeDashScope) -> Sent:
    """The submit: what came last that was no upload."""
    return next(sent for sent in reversed(fake.sent) if sent.path.startswith("/api/v1/services"))


# --- every operation


@pytest.mark.parametrize(
    ("operation", "task", "path", "model", "size"),
    [
        (Operation.CREATE, {}, GENERATION, "qwen-image-2.0-pro", (1328, 1328)),
        (Operation.CREATE, {"model": "nano2", "aspect_ratio": "9:16"}, GENERATION, "qwen-image-2.0", (928, 1664)),
        (Operation.CREATE, {"model": "dashscope/wan2.7-image"}, WAN_ASYNC, "wan2.7-image", (1328, 1328)),
        (Operation.CREATE, {"model": "dashscope/qwen-image-plus", "aspect_ratio": "16:9"}, GENERATION,
         "qwen-image-plus", (1664, 928)),
        (Operation.PORTRAIT, {"photos": 3, "aspect_ratio": "3:4"}, GENERATION, "qwen-image-edit-max", (1104, 1472)),
        (Operation.PORTRAIT, {"photos": 0, "style": "professional"}, GENERATION, "qwen-image-2.0-pro", (1328, 1328)),
        (Operation.EDIT, {"model": "nano2"}, GENERATION, "qwen-image-edit-plus", (640, 480)),
        (Operation.EDIT, {"model": "dashscope/wan2.5-i2i-preview"}, SYNTHESIS, "wan2.5-i2i-preview", (640, 480)),
        (Operation.VARIATIONS, {}, GENERATION, "qwen-image-edit-max", (640, 480)),
        (Operation.STYLE_TRANSFER, {}, GENERATION, "qwen-image-edit-max", (512, 384)),
        (Operation.REPLACE_BACKGROUND, {}, GENERATION, "qwen-image-edit-max", (640, 480)),
        (Operation.INPAINT, {}, SYNTHESIS, WANX, (682, 512)),
        (Operation.OUTPAINT, {"sides": Outpaint(left=160, top=120)}, SYNTHESIS, WANX, (852, 640)),
        (Operation.UPSCALE, {"scale": 2}, SYNTHESIS, WANX, (1280, 960)),
        (Operation.UPSCALE, {"scale": 4}, SYNTHESIS, WANX, (2560, 1920)),
    ],
)  # fmt: skip
async def test_an_operation_goes_to_its_model_and_gives_a_picture_of_the_right_size(
    fake: FakeDashScope, tmp_path: Path, operation: Operation, task: dict[str, Any], path: str, model: str,
    size: tuple[int, int],
) -> None:  # fmt: skip
    async with provider_of(fake, tmp_path) as provider:
        submission, result = await made(provider, wish(operation, tmp_path, **task), tmp_path / "made")
    sent = posted(fake)
    assert (sent.path, sent.fields["model"], submission.model) == (f"/api/v1{path}", model, model)
    assert PROMPT in str(sent.fields["input"])
    (picture,) = result.pictures
    assert (picture.width, picture.height) == size
    assert (picture.provider, picture.model) == ("dashscope", model)
    assert (fake.submits, fake.billed, fake.leaked) == (1, 1, 0)


async def test_photos_go_in_the_message_in_their_order_before_the_words(fake: FakeDashScope, tmp_path: Path) -> None:
    async with provider_of(fake, tmp_path) as provider:
        await provider.submit(wish(Operation.STYLE_TRANSFER, tmp_path, seed=7))
    body = posted(fake).fields
    content = body["input"]["messages"][0]["content"]
    sizes = [
        Image.open(io.BytesIO(base64.b64decode(part["image"].partition(",")[2]))).size for part in content[:-1]
    ]  # fmt: skip
    assert sizes == [(640, 480), (512, 384)]
    assert content[-1] == {"text": PROMPT}
    assert body["parameters"] == {"n": 1, "watermark": False, "prompt_extend": False, "seed": 7}
    assert "x-dashscope-ossresourceresolve" not in posted(fake).headers


async def test_a_mask_is_white_where_it_changes_and_of_its_photos_size(fake: FakeDashScope, tmp_path: Path) -> None:
    request = wish(Operation.INPAINT, tmp_path)
    async with provider_of(fake, tmp_path) as provider:
        _, result = await made(provider, request, tmp_path / "made")
    given = posted(fake).fields["input"]
    base, mask = (Image.open(io.BytesIO(fake.uploads[given[n]].data)) for n in ("base_image_url", "mask_image_url"))
    assert base.size == mask.size == (682, 512)
    assert [mask.convert("L").getpixel(at) for at in ((5, 5), (341, 256))] == [0, 255]
    with Image.open(result.pictures[0].path) as after:
        assert after.getpixel((5, 5)) == base.getpixel((5, 5))
        assert after.getpixel((341, 256)) != base.getpixel((341, 256))


async def test_an_outpaint_says_how_many_times_each_side_grows(fake: FakeDashScope, tmp_path: Path) -> None:
    async with provider_of(fake, tmp_path) as provider:
        await provider.submit(wish(Operation.OUTPAINT, tmp_path, sides=Outpaint(right=320, bottom=120)))
        scales = {k: v for k, v in posted(fake).fields["parameters"].items() if k.endswith("_scale")}
        assert scales == {"left_scale": 1, "right_scale": 1.5, "top_scale": 1, "bottom_scale": 1.25}
        with pytest.raises(AskPerson) as raised:
            await provider.submit(wish(Operation.OUTPAINT, tmp_path, sides=Outpaint(right=700)))
        assert raised.value.code == "provider_rejected"


async def test_photos_are_made_to_fit_and_words_cut_at_what_the_model_takes(
    fake: FakeDashScope, tmp_path: Path
) -> None:
    request = wish(Operation.EDIT, tmp_path, size=(300, 200), prompt="A sentence of words. " * 100)
    async with provider_of(fake, tmp_path) as provider:
        await provider.submit(request)
        await provider.submit(wish(Operation.EDIT, tmp_path, size=(4000, 3000)))
    first, second = (sent.fields["input"]["messages"][0]["content"] for sent in fake.sent)
    assert 640 <= len(first[-1]["text"]) <= 800
    assert first[-1]["text"].endswith("words.")
    sizes = [Image.open(io.BytesIO(base64.b64decode(c[0]["image"].partition(",")[2]))).size for c in (first, second)]
    assert sizes == [(576, 384), (3072, 2304)]


async def test_a_model_that_bills_what_it_does_not_make_is_asked_for_one(tmp_path: Path) -> None:
    for offer in offers():
        assert offer.max_count == 1 or offer.model != "qwen-image-edit"


async def test_a_face_is_held_by_reference(tmp_path: Path) -> None:
    task = wish(Operation.PORTRAIT, tmp_path, style="professional", consistency=Consistency.STRICT).task
    offer = offers().find(task)
    assert offer is not None
    assert offer.identity == "reference photos"


@pytest.mark.parametrize(
    ("default", "words", "photos"),
    [
        ("qwen-image-plus", "qwen-image-plus", "qwen-image-edit-max"),
        ("qwen-image-edit-plus", "qwen-image-2.0-pro", "qwen-image-edit-plus"),
        ("qwen-image-9", "qwen-image-9", "qwen-image-9"),
    ],
)
def test_the_operators_model_is_used_where_it_can(tmp_path: Path, default: str, words: str, photos: str) -> None:
    found = [offers(default).find(wish(op, tmp_path).task) for op in (Operation.CREATE, Operation.EDIT)]
    assert [offer.model for offer in found if offer is not None] == [words, photos]


# --- what it costs


@pytest.mark.parametrize(
    ("operation", "count", "amount"),
    [(Operation.CREATE, 2, "0.15"), (Operation.EDIT, 1, "0.075"), (Operation.INPAINT, 3, "0.06")],
)
async def test_the_pictures_charged_for_are_told_and_the_table_has_the_price(
    fake: FakeDashScope, tmp_path: Path, operation: Operation, count: int, amount: str
) -> None:
    async with provider_of(fake, tmp_path) as provider:
        _, result = await made(provider, counted(wish(operation, tmp_path), count), tmp_path / "made")
    assert len(result.pictures) == count
    assert result.charge is not None
    assert (result.charge.money, result.charge.source) == (Money.usd(amount), CostSource.TABLE)


async def test_fewer_pictures_cost_less(fake: FakeDashScope, tmp_path: Path) -> None:
    async with provider_of(fake, tmp_path) as provider:
        for operation, fault in ((Operation.CREATE, "fewer"), (Operation.INPAINT, "part")):
            fake.plan(fault)
            _, result = await made(provider, counted(wish(operation, tmp_path), 3), tmp_path / operation)
            assert len(result.pictures) == 1
            assert result.charge is not None
            assert result.charge.money == Money.usd("0.075" if operation is Operation.CREATE else "0.02")


# --- what each answer proves


@pytest.mark.parametrize("operation", [Operation.CREATE, Operation.INPAINT])
@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        ("busy", WaitAndRetry, "provider_busy"),
        ("quota", WaitAndRetry, "provider_busy"),
        ("503", WaitAndRetry, "provider_busy"),
        ("529", WaitAndRetry, "provider_busy"),
        ("no_credit", TellOperator, "provider_credit"),
        ("bad_key", TellOperator, "provider_key"),
        ("forbidden", TellOperator, "provider_forbidden"),
        ("model_denied", TellOperator, "provider_forbidden"),
        ("redirect", TellOperator, "provider_address"),
        ("policy", AskPerson, "refused_content"),
        ("rejected", AskPerson, "provider_rejected"),
        ("bad_url", AskPerson, "provider_rejected"),
        ("bad_size", AskPerson, "provider_rejected"),
        ("not_found", AskPerson, "provider_rejected"),
        ("too_large", AskPerson, "provider_rejected"),
        ("500", MaybePaid, "outcome_unknown"),
        ("system", MaybePaid, "outcome_unknown"),
        ("502", MaybePaid, "outcome_unknown"),
        ("504", MaybePaid, "outcome_unknown"),
        ("524", MaybePaid, "outcome_unknown"),
        ("junk", MaybePaid, "outcome_unknown"),
        ("empty", MaybePaid, "outcome_unknown"),
        ("reset_after", MaybePaid, "outcome_unknown"),
    ],
)
async def test_an_answer_to_a_submit_proves_what_the_table_says(
    fake: FakeDashScope, tmp_path: Path, operation: Operation, fault: str, error: type[LikenessError], code: str
) -> None:
    async with provider_of(fake, tmp_path) as provider:
        fake.plan(fault)
        with pytest.raises(error) as raised:
            await provider.submit(wish(operation, tmp_path))
    assert raised.value.code == code
    assert fake.submits == 1
    assert not any(secret in str(raised.value) for secret in (KEY, "127.0.0.1", "change"))


@pytest.mark.parametrize(("fault", "seconds"), [("busy", 5.0), ("quota", 7.0)])
async def test_a_throttled_account_waits_at_least_five_seconds(
    fake: FakeDashScope, tmp_path: Path, fault: str, seconds: float
) -> None:
    async with provider_of(fake, tmp_path) as provider:
        fake.plan(fault)
        with pytest.raises(WaitAndRetry) as raised:
            await provider.submit(wish(Operation.CREATE, tmp_path))
    assert raised.value.retry_after == seconds


async def test_a_wrong_key_and_a_server_that_is_away_take_no_job(fake: FakeDashScope, tmp_path: Path) -> None:
    async with provider_of(fake, tmp_path, key="another") as provider:
        for operation in (Operation.CREATE, Operation.UPSCALE):
            with pytest.raises(TellOperator) as raised:
                await provider.submit(wish(operation, tmp_path))
            assert raised.value.code == "provider_key"
    assert fake.submits == 0


async def test_a_service_that_is_away_takes_no_job(tmp_path: Path) -> None:
    with FakeDashScope.serving() as gone:
        pass
    async with provider_of(gone, tmp_path) as provider:
        for operation in (Operation.CREATE, Operation.UPSCALE):
            with pytest.raises(WaitAndRetry) as raised:
                await provider.submit(wish(operation, tmp_path))
            assert raised.value.code == "provider_unavailable"


# --- tasks


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        ("failed", MadeNothing, "provider_failed"),
        ("policy_after", AskPerson, "refused_content"),
        ("withheld", AskPerson, "refused_content"),
        ("lost", MadeNothing, "job_lost"),
        ("nothing", MadeNothing, "made_nothing"),
    ],
)
async def test_a_task_ends_as_its_code_says(
    fake: FakeDashScope, tmp_path: Path, fault: str, error: type[LikenessError], code: str
) -> None:
    async with provider_of(fake, tmp_path) as provider:
        fake.plan(fault)
        submission = await provider.submit(wish(Operation.INPAINT, tmp_path))
        with pytest.raises(error) as raised:
            await ended(provider, submission, tmp_path / "made")
    assert raised.value.code == code


async def test_one_call_without_a_picture_is_a_failure(fake: FakeDashScope, tmp_path: Path) -> None:
    async with provider_of(fake, tmp_path) as provider:
        fake.plan("nothing")
        with pytest.raises(MadeNothing) as raised:
            await made(provider, wish(Operation.CREATE, tmp_path), tmp_path / "made")
    assert raised.value.code == "made_nothing"


async def test_a_task_is_reported_and_faults_on_the_way_are_ridden_out(fake: FakeDashScope, tmp_path: Path) -> None:
    async with provider_of(fake, tmp_path) as provider:
        fake.plan(polls=6, poll_faults=("reset", 502, "junk", 429))
        submission = await provider.submit(wish(Operation.UPSCALE, tmp_path))
        reports = [report.phase async for report in provider.follow(submission)]
    assert reports == [Phase.RUNNING, Phase.DONE]


@pytest.mark.parametrize("operation", [Operation.CREATE, Operation.UPSCALE])
async def test_a_result_is_gone_after_a_day(fake: FakeDashScope, tmp_path: Path, operation: Operation) -> None:
    async with provider_of(fake, tmp_path) as provider:
        submission, _ = await made(provider, wish(operation, tmp_path), tmp_path / "made")
        fake.clock.turn(DAY + 60)
        with pytest.raises(MadeNothing) as raised:
            await ended(provider, submission, tmp_path / "later")
    assert raised.value.code == "result_gone"


async def test_a_task_is_taken_up_in_another_process(fake: FakeDashScope, tmp_path: Path) -> None:
    async with provider_of(fake, tmp_path) as provider, provider_of(fake, tmp_path) as restarted:
        submission = await provider.submit(wish(Operation.OUTPAINT, tmp_path))
        for one in (restarted, restarted, provider):
            assert [report.phase async for report in one.follow(submission)][-1] is Phase.DONE
            assert len((await one.fetch(submission, tmp_path / "made")).pictures) == 1
    assert fake.submits == 1


async def test_only_a_waiting_task_is_cancelled(fake: FakeDashScope, tmp_path: Path) -> None:
    async with provider_of(fake, tmp_path) as provider:
        fake.plan(polls=4)
        waiting = await provider.submit(wish(Operation.UPSCALE, tmp_path))
        assert await provider.cancel(waiting) is Cancelled.NOT_STARTED
        with pytest.raises(MadeNothing) as raised:
            [report async for report in provider.follow(waiting)]
        assert raised.value.code == "provider_failed"
        for operation in (Operation.UPSCALE, Operation.CREATE):
            done, _ = await made(provider, wish(operation, tmp_path), tmp_path / operation)
            assert await provider.cancel(done) is Cancelled.TOO_LATE
    assert fake.billed == 2


# --- the settings


async def test_a_check_costs_nothing_and_finds_a_wrong_key(fake: FakeDashScope, tmp_path: Path) -> None:
    async with provider_of(fake, tmp_path) as provider:
        await provider.check()
    async with provider_of(fake, tmp_path, key="another") as provider:
        with pytest.raises(TellOperator) as raised:
            await provider.check()
        assert raised.value.code == "provider_key"
        assert "another" not in repr(provider)
    assert fake.submits == 0
