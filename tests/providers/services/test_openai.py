"""OpenAI: the body of every operation, what each answer means, and what was made put back into the photo."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops
from pydantic import SecretStr

from providers.base import CostSource, Phase, Request, Submission
from providers.errors import AskPerson, LikenessError, MadeNothing, MaybePaid, TellOperator, WaitAndRetry
from providers.net.outcome import Answer
from providers.services.openai.answers import charge_of
from providers.services.openai.bodies import CUT_OUT
from providers.services.openai.provider import OpenAIProvider
from providers.services.openai.sizes import like, nearest_fixed, whole
from providers.spool import Spool
from providers.task import Consistency, Operation, Outpaint
from tests.providers.services.wishes import PROMPT, wish
from tests.servers.openai import FakeOpenAI
from tests.servers.service import image_of

RED = (220, 20, 20)


@pytest.fixture
def fake() -> Iterator[FakeOpenAI]:
    with FakeOpenAI.serving() as serving:
        yield serving


def provider_of(
    fake: FakeOpenAI, folder: Path, *, key: str = "", model: str = "", url: str = "", steps: int = 3
) -> OpenAIProvider:
    spool = Spool(folder / "spool")
    return OpenAIProvider(
        key=SecretStr(key or fake.key), base_url=url or fake.url, model=model, spool=spool, steps=steps
    )


@pytest.fixture
async def provider(fake: FakeOpenAI, tmp_path: Path) -> AsyncIterator[OpenAIProvider]:
    one = provider_of(fake, tmp_path)
    yield one
    await one.aclose()


async def fetched(provider: OpenAIProvider, submission: Submission, into: Path) -> list[Image.Image]:
    async with aclosing(provider.follow(submission)) as reports:
        assert [report.phase async for report in reports] == [Phase.DONE]
    result = await provider.fetch(submission, into)
    return [image_of(picture.path.read_bytes()) for picture in result.pictures]


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def made(provider: OpenAIProvider, request: Request, into: Path) -> list[Image.Image]:
    return await fetched(provider, await provider.submit(request), into)


def fields(**more: str) -> dict[str, str]:
    return {"prompt": PROMPT, "n": "1", "model": "gpt-image-2", "quality": "medium", "output_format": "png"} | more


BODIES: list[tuple[Operation, dict[str, Any], dict[str, str], list[str], tuple[int, int]]] = [
    (Operation.CREATE, {}, fields(size="1024x1024"), [], (1024, 1024)),
    (Operation.CREATE, {"model": "gpt", "aspect_ratio": "3:4", "count": 2},
     fields(size="1152x1536", quality="high", n="2"), [], (1152, 1536)),
    (Operation.CREATE, {"model": "openai/gpt-image-1.5", "aspect_ratio": "9:16"},
     fields(size="1024x1536", model="gpt-image-1.5"), [], (1024, 1536)),
    (Operation.CREATE, {"model": "openai/gpt-image-2.5-flare"},
     fields(size="1024x1024", model="gpt-image-2.5-flare"), [], (1024, 1024)),
    (Operation.PORTRAIT, {"photos": 0}, fields(size="1024x1024"), [], (1024, 1024)),
    (Operation.PORTRAIT, {"photos": 3, "aspect_ratio": "3:4", "model": "nano2"},
     fields(size="1152x1536", quality="low"), ["image[]"] * 3, (1152, 1536)),
    (Operation.PORTRAIT, {"photos": 1, "model": "openai/gpt-image-1.5", "consistency": Consistency.STRICT},
     fields(size="1536x1024", model="gpt-image-1.5", input_fidelity="high"), ["image"], (1536, 1024)),
    (Operation.PORTRAIT, {"photos": 1, "model": "openai/gpt-image-1.5", "consistency": Consistency.LOOSE},
     fields(size="1536x1024", model="gpt-image-1.5"), ["image"], (1536, 1024)),
    (Operation.EDIT, {}, fields(size="1536x1152"), ["image"], (1536, 1152)),
    (Operation.EDIT, {"size": (500, 500)}, fields(size="1024x1024"), ["image"], (1024, 1024)),
    (Operation.EDIT, {"aspect_ratio": "16:9"}, fields(size="1536x864"), ["image"], (1536, 864)),
    (Operation.INPAINT, {}, fields(size="944x704"), ["image", "mask"], (640, 480)),
    (Operation.OUTPAINT, {"sides": Outpaint(left=160, bottom=100)}, fields(size="960x704"), ["image", "mask"],
     (800, 580)),
    (Operation.VARIATIONS, {"count": 3}, fields(size="1536x1152", n="3"), ["image"], (1536, 1152)),
    (Operation.STYLE_TRANSFER, {}, fields(size="1536x1152"), ["image[]"] * 2, (1536, 1152)),
    (Operation.REMOVE_BACKGROUND, {},
     fields(size="1536x1024", model="gpt-image-1.5", background="transparent", input_fidelity="high",
            prompt=f"{CUT_OUT} Asked for: a red hat"),
     ["image"],
     (1536, 1024)),
    (Operation.REPLACE_BACKGROUND, {}, fields(size="1536x1152"), ["image"], (1536, 1152)),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "wanted", "expected", "files", "size"), BODIES)
async def test_every_operation_has_its_body_and_becomes_pictures(
    fake: FakeOpenAI, provider: OpenAIProvider, tmp_path: Path, operation: Operation, wanted: dict[str, Any],
    expected: dict[str, str], files: list[str], size: tuple[int, int],
) -> None:  # fmt: skip
    request = wish(operation, tmp_path, **wanted)
    pictures = await made(provider, request, tmp_path / "made")
    (sent,) = fake.sent
    assert sent.path == ("/v1/images/edits" if files else "/v1/images/generations")
    assert {name: str(value) for name, value in sent.fields.items()} == expected
    assert sorted(name for name, parts in sent.files.items() for _ in parts) == sorted(files)
    assert len(pictures) == request.count
    for picture in pictures:
        assert picture.size == size
    assert sent.multipart == bool(files)


async def test_a_removed_background_is_transparent(provider: OpenAIProvider, tmp_path: Path) -> None:
    (picture,) = await made(provider, wish(Operation.REMOVE_BACKGROUND, tmp_path), tmp_path / "made")
    assert picture.mode == "RGBA"


async def test_of_two_pictures_each_is_sent_under_no_name_of_the_persons(
    fake: FakeOpenAI, provider: OpenAIProvider, tmp_path: Path
) -> None:
    await provider.submit(wish(Operation.STYLE_TRANSFER, tmp_path))
    parts = fake.sent[0].files["image[]"]
    assert [(part.filename, part.type, part.image().size) for part in parts] == [
        ("image-0.png", "image/png", (640, 480)),
        ("image-1.png", "image/png", (512, 384)),
    ]


async def test_the_mask_is_transparent_where_it_was_white(
    fake: FakeOpenAI, provider: OpenAIProvider, tmp_path: Path
) -> None:
    await provider.submit(wish(Operation.INPAINT, tmp_path))
    mask, photo = (fake.sent[0].files[name][0].image() for name in ("mask", "image"))
    assert (mask.mode, mask.size) == ("RGBA", photo.size)
    alpha = mask.getchannel("A")
    assert (alpha.getpixel((472, 352)), alpha.getpixel((10, 10))) == (0, 255)


async def test_outside_the_mask_the_photos_own_pixels_remain_though_the_model_repaints_softly(
    provider: OpenAIProvider, tmp_path: Path
) -> None:
    request = wish(Operation.INPAINT, tmp_path)
    (picture,) = await made(provider, request, tmp_path / "made")
    with Image.open(request.photos[0]) as photo:
        changed = ImageChops.difference(picture.convert("RGB"), photo.convert("RGB")).convert("L").getbbox()
    assert changed is not None
    assert changed[0] >= 160
    assert changed[1] >= 120
    assert changed[2] <= 480
    assert changed[3] <= 360
    assert picture.getpixel((320, 240)) == RED


async def test_a_widened_photo_lies_on_a_transparent_canvas_and_is_whole_in_the_result(
    fake: FakeOpenAI, provider: OpenAIProvider, tmp_path: Path
) -> None:
    request = wish(Operation.OUTPAINT, tmp_path, sides=Outpaint(left=160))
    (picture,) = await made(provider, request, tmp_path / "made")
    canvas, mask = (fake.sent[0].files[name][0].image() for name in ("image", "mask"))
    for image in (canvas, mask):
        assert image.getchannel("A").getpixel((50, 100)) == 0
        assert image.getchannel("A").getpixel((image.width - 50, 100)) == 255
    with Image.open(request.photos[0]) as photo:
        assert picture.crop((176, 0, 800, 480)).tobytes() == photo.convert("RGB").crop((16, 0, 640, 480)).tobytes()
    assert picture.getpixel((50, 100)) == RED


async def test_a_panorama_beyond_three_to_one_is_made_on_a_higher_canvas(
    provider: OpenAIProvider, tmp_path: Path
) -> None:
    request = wish(Operation.OUTPAINT, tmp_path, size=(640, 160), sides=Outpaint(left=160, right=160))
    (picture,) = await made(provider, request, tmp_path / "made")
    assert picture.size == (960, 160)


async def test_the_cost_is_reckoned_from_the_tokens(provider: OpenAIProvider, tmp_path: Path) -> None:
    charge = (await provider.submit(wish(Operation.CREATE, tmp_path, model="gpt", count=2))).charge
    assert charge is not None
    text = len(PROMPT) // 4 + 1
    assert float(charge.money.amount) == pytest.approx((text * 5 + 2 * 4160 * 30) / 1e6)
    assert charge.source is CostSource.TOKENS


@pytest.mark.parametrize(
    ("usage", "cents"),
    [
        ({"input_tokens": 50, "output_tokens": 4160, "input_tokens_details": {"text_tokens": 10, "image_tokens": 40}},
         "0.133490"),
        ({"input_tokens": 50, "output_tokens": 4160}, "0.133520"),
        ({"input_tokens": 50}, None),
        (None, None),
        ({"output_tokens": "many"}, None),
        ({"output_tokens": -1}, None),
    ],
)  # fmt: skip
def test_usage_may_lack_what_it_likes(usage: Any, cents: str | None) -> None:
    charge = charge_of(Answer.of(httpx.Response(200, json={"usage": usage})), "gpt-image-1.5-2025-12-16")
    assert (f"{charge.money.amount:.6f}" if charge else None) == cents


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        ("policy", AskPerson, "refused_content"),
        ("policy_old", AskPerson, "refused_content"),
        ("policy_after", AskPerson, "refused_content"),
        ("no_credit", TellOperator, "provider_credit"),
        ("hard_limit", TellOperator, "provider_credit"),
        ("busy", WaitAndRetry, "provider_busy"),
        ("forbidden", TellOperator, "provider_forbidden"),
        ("rejected", AskPerson, "provider_rejected"),
        ("not_found", AskPerson, "provider_rejected"),
        ("500", MaybePaid, "outcome_unknown"),
        ("junk", MaybePaid, "outcome_unknown"),
        ("empty", MaybePaid, "outcome_unknown"),
        ("reset_after", MaybePaid, "outcome_unknown"),
    ],
)
async def test_an_answer_is_told_by_its_code(
    fake: FakeOpenAI, provider: OpenAIProvider, tmp_path: Path, fault: str, kind: type[LikenessError], code: str
) -> None:
    fake.plan(fault)
    with pytest.raises(kind) as raised:
        await provider.submit(wish(Operation.EDIT, tmp_path))
    assert raised.value.code == code
    assert fake.key[:2] + "**" not in str(raised.value)


@pytest.mark.parametrize(
    ("fault", "code"), [("nothing", "made_nothing"), ("bad_picture", "bad_picture"), ("truncated", "bad_picture")]
)
@pytest.mark.parametrize("operation", [Operation.CREATE, Operation.INPAINT])
async def test_an_answer_without_a_picture_was_taken_and_made_nothing(
    fake: FakeOpenAI, provider: OpenAIProvider, tmp_path: Path, fault: str, code: str, operation: Operation
) -> None:
    fake.plan(fault)
    submission = await provider.submit(wish(operation, tmp_path))
    assert submission.charge is not None
    with pytest.raises(MadeNothing) as raised:
        await provider.fetch(submission, tmp_path / "made")
    assert raised.value.code == code


async def test_fewer_pictures_than_asked_for_are_a_result(
    fake: FakeOpenAI, provider: OpenAIProvider, tmp_path: Path
) -> None:
    fake.plan("fewer")
    assert len(await made(provider, wish(Operation.CREATE, tmp_path, count=3), tmp_path / "made")) == 1


async def test_pictures_that_were_kept_are_found_by_the_requests_key(
    fake: FakeOpenAI, provider: OpenAIProvider, tmp_path: Path
) -> None:
    request = wish(Operation.CREATE, tmp_path, count=2)
    submission = await provider.submit(request)
    other = provider_of(fake, tmp_path)
    assert await other.find(request) == submission
    assert await other.find(replace(request, key="another")) is None
    for _ in range(2):
        assert len(await fetched(other, submission, tmp_path / "made")) == 2
    assert len(names_in(tmp_path / "made")) == 2
    await other.aclose()
    assert fake.submits == 1


async def test_the_operators_model_serves_every_level_unless_it_was_retired(fake: FakeOpenAI, tmp_path: Path) -> None:
    for own, used in (("gpt-image-1.5", "gpt-image-1.5"), ("dall-e-3", "gpt-image-2")):
        one = provider_of(fake, tmp_path, model=own)
        await one.submit(wish(Operation.EDIT, tmp_path, key=own, model="gpt"))
        assert (fake.sent[-1].fields["model"], fake.sent[-1].fields["quality"]) == (used, "high")
        await one.aclose()


async def test_the_check_finds_a_wrong_key_a_wrong_address_and_a_retired_model(
    fake: FakeOpenAI, provider: OpenAIProvider, tmp_path: Path
) -> None:
    await provider.check()
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"key": "another"}, "provider_key"),
        ({"model": "dall-e-3"}, "provider_endpoint"),
        ({"url": f"{fake.url}/nowhere"}, "provider_endpoint"),
    )
    for wrong, code in cases:
        one = provider_of(fake, tmp_path, **wrong)
        with pytest.raises(TellOperator) as raised:
            await one.check()
        assert raised.value.code == code
        await one.aclose()
    assert fake.submits == 0


@given(st.tuples(st.integers(32, 9000), st.integers(32, 9000)))
def test_a_size_is_one_that_the_models_take(size: tuple[int, int]) -> None:
    for wide, high in (like(size, free=True), whole(size, free=True)):
        assert wide % 16 == 0
        assert high % 16 == 0
        assert 655_360 <= wide * high <= 8_294_400
        assert max(wide, high) <= min(3840, 3 * min(wide, high))
    assert nearest_fixed(size) in ((1024, 1024), (1024, 1536), (1536, 1024))
