"""OpenRouter: the body of every operation, what it costs, what each answer means."""

import base64
import io
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydantic import SecretStr

from providers.base import CostSource, Phase, Request, Result, Submission
from providers.errors import AskPerson, LikenessError, MadeNothing, MaybePaid, TellOperator, WaitAndRetry
from providers.money import Money
from providers.services.openrouter.bodies import GREY
from providers.services.openrouter.offers import offers
from providers.services.openrouter.provider import OpenRouterProvider
from providers.spool import Spool
from providers.task import Consistency, Operation, Outpaint
from tests.providers.services.wishes import PROMPT, counted, wish
from tests.servers.openrouter import FakeOpenRouter
from tests.servers.service import KEY

PRO, FLASH, GPT = "google/gemini-3-pro-image-preview", "google/gemini-3.1-flash-image-preview", "openai/gpt-image-2"


@pytest.fixture
def fake() -> Iterator[FakeOpenRouter]:
    with FakeOpenRouter.serving() as serving:
        yield serving


@asynccontextmanager
async def provider_of(
    fake: FakeOpenRouter, folder: Path, *, key: str = KEY, **more: Any
) -> AsyncIterator[OpenRouterProvider]:
    provider = OpenRouterProvider(key=SecretStr(key), root=fake.url, spool=Spool(folder / "spool"), **more)
    try:
        yield provider
    finally:
        await provider.aclose()


async def made(provider: OpenRouterProvider, request: Request, into: Path) -> tuple[Submission, Result]:
    submission = await provider.submit(request)
    assert [report.phase async for report in provider.follow(submission)] == [Phase.DONE]
    return submission, await provider.fetch(submission, into)


def references(fake: FakeOpenRouter) -> list[Image.Image]:
    urls = [given["image_url"]["url"] for given in fake.sent[-1].fields.get("input_references", [])]
    return [Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) for url in urls]


@pytest.mark.parametrize(
    ("operation", "task", "body", "photos", "size"),
    [
        (Operation.CREATE, {}, {"model": PRO, "prompt": PROMPT, "n": 1}, [], (1024, 1024)),
        (Operation.CREATE, {"model": "nano2", "aspect_ratio": "9:16", "seed": 3},
         {"model": FLASH, "prompt": PROMPT, "n": 1, "aspect_ratio": "9:16", "seed": 3}, [], (576, 1024)),
        (Operation.CREATE, {"model": "gpt"}, {"model": GPT, "prompt": PROMPT, "n": 1, "quality": "high"}, [],
         (1024, 1024)),
        (Operation.CREATE, {"model": "openrouter/black-forest-labs/flux.2-pro"},
         {"model": "black-forest-labs/flux.2-pro", "prompt": PROMPT, "n": 1}, [], (1024, 1024)),
        (Operation.PORTRAIT, {"photos": 3, "aspect_ratio": "3:4"},
         {"model": PRO, "prompt": PROMPT, "n": 1, "aspect_ratio": "3:4"}, [(640, 480), (512, 384), (512, 384)],
         (768, 1024)),
        (Operation.EDIT, {}, {"model": PRO, "prompt": PROMPT, "n": 1}, [(640, 480)], (1024, 1024)),
        (Operation.VARIATIONS, {}, {"model": PRO, "prompt": PROMPT, "n": 1}, [(640, 480)], (1024, 1024)),
        (Operation.STYLE_TRANSFER, {}, {"model": PRO, "prompt": PROMPT, "n": 1}, [(640, 480), (512, 384)],
         (1024, 1024)),
        (Operation.REPLACE_BACKGROUND, {}, {"model": PRO, "prompt": PROMPT, "n": 1}, [(640, 480)], (1024, 1024)),
    ],
)  # fmt: skip
async def test_an_operation_sends_its_model_words_and_photos(
    fake: FakeOpenRouter, tmp_path: Path, operation: Operation, task: dict[str, Any], body: dict[str, Any],
    photos: list[tuple[int, int]], size: tuple[int, int],
) -> None:  # fmt: skip
    async with provider_of(fake, tmp_path) as provider:
        submission, result = await made(provider, wish(operation, tmp_path, **task), tmp_path / "made")
    sent = fake.sent[-1]
    assert sent.path == "/api/v1/images"
    assert {k: v for k, v in sent.fields.items() if k != "input_references"} == body
    assert [image.size for image in references(fake)] == photos
    (picture,) = result.pictures
    assert (picture.width, picture.height) == size
    assert (picture.provider, picture.model, submission.model) == ("openrouter", body["model"], body["model"])


async def test_an_outpaint_sends_the_photo_on_the_wider_canvas(fake: FakeOpenRouter, tmp_path: Path) -> None:
    request = wish(Operation.OUTPAINT, tmp_path, sides=Outpaint(left=160, bottom=80))
    async with provider_of(fake, tmp_path) as provider:
        await provider.submit(request)
    (canvas,) = references(fake)
    assert canvas.size == (800, 560)
    near = [abs(a - b) for a, b in zip(canvas.convert("RGB").getpixel((20, 20)), GREY, strict=True)]  # type: ignore[arg-type]
    assert max(near) <= 2
    assert PROMPT in fake.sent[-1].fields["prompt"]
    assert "border" in fake.sent[-1].fields["prompt"]


@pytest.mark.parametrize("operation", [Operation.INPAINT, Operation.UPSCALE, Operation.REMOVE_BACKGROUND])
def test_what_no_model_there_can_do_is_not_offered(tmp_path: Path, operation: Operation) -> None:
    assert offers().find(wish(operation, tmp_path).task) is None


def test_one_call_makes_as_many_pictures_as_the_model_can(tmp_path: Path) -> None:
    counts = {offer.model: offer.max_count for offer in offers()}
    assert (counts[GPT], counts[PRO], counts[FLASH]) == (8, 1, 1)


def test_a_face_is_held_by_reference(tmp_path: Path) -> None:
    task = wish(Operation.PORTRAIT, tmp_path, style="professional", consistency=Consistency.STRICT).task
    offer = offers().find(task)
    assert offer is not None
    assert offer.identity == "reference photos"


@pytest.mark.parametrize("default", ["openai/gpt-image-2", "somebody/a-model-of-next-year"])
def test_the_operators_model_is_used_for_every_level(tmp_path: Path, default: str) -> None:
    for level in ("nano2", "nanopro", "gpt"):
        offer = offers(default).find(wish(Operation.EDIT, tmp_path, model=level).task)
        assert offer is not None
        assert offer.model == default
        assert offer.price.of(1)


# --- what it costs


async def test_the_real_cost_is_that_of_the_answer(fake: FakeOpenRouter, tmp_path: Path) -> None:
    request = counted(wish(Operation.CREATE, tmp_path, model="gpt"), 3)
    async with provider_of(fake, tmp_path) as provider:
        submission, result = await made(provider, request, tmp_path / "made")
    assert len(result.pictures) == 3
    assert submission.charge is not None
    assert (submission.charge.money, submission.charge.source) == (Money.usd("0.633"), CostSource.ANSWER)
    assert result.charge == submission.charge


async def test_an_answer_without_its_cost_or_media_type_is_a_result_all_the_same(
    fake: FakeOpenRouter, tmp_path: Path
) -> None:
    fake.cost_told = fake.typed = False
    async with provider_of(fake, tmp_path) as provider:
        _, result = await made(provider, wish(Operation.CREATE, tmp_path), tmp_path / "made")
    assert (len(result.pictures), result.charge) == (1, None)


async def test_fewer_pictures_than_asked_for_are_a_result(fake: FakeOpenRouter, tmp_path: Path) -> None:
    async with provider_of(fake, tmp_path) as provider:
        fake.plan("fewer")
        request = counted(wish(Operation.CREATE, tmp_path, model="gpt"), 3)
        _, result = await made(provider, request, tmp_path / "made")
    assert len(result.pictures) == 1


# --- what each answer proves


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        ("busy", WaitAndRetry, "provider_busy"),
        ("503", WaitAndRetry, "provider_busy"),
        ("529", WaitAndRetry, "provider_busy"),
        ("busy_in_200", WaitAndRetry, "provider_busy"),
        ("no_credit", TellOperator, "provider_credit"),
        ("credit_in_200", TellOperator, "provider_credit"),
        ("no_right", TellOperator, "provider_credit"),
        ("bad_key", TellOperator, "provider_key"),
        ("forbidden", TellOperator, "provider_forbidden"),
        ("redirect", TellOperator, "provider_address"),
        ("policy", AskPerson, "refused_content"),
        ("policy_in_200", AskPerson, "refused_content"),
        ("policy_after", AskPerson, "refused_content"),
        ("rejected", AskPerson, "provider_rejected"),
        ("not_found", AskPerson, "provider_rejected"),
        ("too_large", AskPerson, "provider_rejected"),
        ("408", MaybePaid, "outcome_unknown"),
        ("500", MaybePaid, "outcome_unknown"),
        ("502", MaybePaid, "outcome_unknown"),
        ("504", MaybePaid, "outcome_unknown"),
        ("524", MaybePaid, "outcome_unknown"),
        ("error_in_200", MaybePaid, "outcome_unknown"),
        ("junk", MaybePaid, "outcome_unknown"),
        ("empty", MaybePaid, "outcome_unknown"),
        ("reset_before", MaybePaid, "outcome_unknown"),
        ("reset_after", MaybePaid, "outcome_unknown"),
    ],
)
async def test_an_answer_to_a_submit_proves_what_the_table_says(
    fake: FakeOpenRouter, tmp_path: Path, fault: str, error: type[LikenessError], code: str
) -> None:
    async with provider_of(fake, tmp_path) as provider:
        fake.plan(fault)
        with pytest.raises(error) as raised:
            await provider.submit(wish(Operation.CREATE, tmp_path))
    assert raised.value.code == code
    assert not any(word in str(raised.value) for word in (KEY, "127.0.0.1", "change"))


@pytest.mark.parametrize(
    ("fault", "code"),
    [("truncated", "bad_picture"), ("bad_picture", "bad_picture"), ("nothing", "made_nothing"),
     ("withheld", "made_nothing")],
)  # fmt: skip
async def test_an_answer_without_a_picture_is_told_by_its_code(
    fake: FakeOpenRouter, tmp_path: Path, fault: str, code: str
) -> None:
    async with provider_of(fake, tmp_path) as provider:
        fake.plan(fault)
        with pytest.raises(MadeNothing) as raised:
            await made(provider, wish(Operation.CREATE, tmp_path), tmp_path / "made")
    assert raised.value.code == code


async def test_a_service_that_is_away_takes_no_job(tmp_path: Path) -> None:
    with FakeOpenRouter.serving() as gone:
        pass
    async with provider_of(gone, tmp_path) as provider:
        with pytest.raises(WaitAndRetry) as raised:
            await provider.submit(wish(Operation.CREATE, tmp_path))
    assert raised.value.code == "provider_unavailable"


async def test_what_was_paid_for_is_found_in_another_process(fake: FakeOpenRouter, tmp_path: Path) -> None:
    async with provider_of(fake, tmp_path) as provider, provider_of(fake, tmp_path) as restarted:
        request = wish(Operation.CREATE, tmp_path)
        submission = await provider.submit(request)
        assert await restarted.find(request) == submission
        for one in (restarted, restarted):
            assert len((await one.fetch(submission, tmp_path / "made")).pictures) == 1
    assert (fake.submits, fake.billed) == (1, 1)


async def test_a_check_costs_nothing_and_finds_what_is_wrong(fake: FakeOpenRouter, tmp_path: Path) -> None:
    async with provider_of(fake, tmp_path) as provider:
        await provider.check()
    async with provider_of(fake, tmp_path, key="another") as provider:
        with pytest.raises(TellOperator) as raised:
            await provider.check()
        assert raised.value.code == "provider_key"
        assert "another" not in repr(provider)
    fake.credit_left = 0.0
    async with provider_of(fake, tmp_path) as provider:
        with pytest.raises(TellOperator) as spent:
            await provider.check()
    assert spent.value.code == "provider_credit"
    assert fake.submits == 0
