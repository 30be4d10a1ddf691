"""Stability AI: the form of every operation, what each answer means, results that come later."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydantic import SecretStr

from providers.base import Phase, Request, Submission
from providers.errors import AskPerson, LikenessError, MadeNothing, MaybePaid, NotTaken, TellOperator, WaitAndRetry
from providers.offers import Support
from providers.services.stability.offers import offers
from providers.services.stability.provider import StabilityProvider
from providers.spool import Spool
from providers.task import Operation, Outpaint
from tests.providers.services.wishes import PROMPT, wish
from tests.servers.service import image_of
from tests.servers.stability import FakeStability

RELIGHT = "edit/replace-background-and-relight"


@pytest.fixture
def fake() -> Iterator[FakeStability]:
    with FakeStability.serving() as serving:
        yield serving


def provider_of(fake: FakeStability, folder: Path, *, key: str = "", model: str = "") -> StabilityProvider:
    async def turn_the_clock(seconds: float) -> None:
        fake.clock.turn(seconds)

    spool = Spool(folder / "spool")
    return StabilityProvider(
        key=SecretStr(key or fake.key), base_url=fake.url, model=model, spool=spool, sleep=turn_the_clock
    )


@pytest.fixture
async def provider(fake: FakeStability, tmp_path: Path) -> AsyncIterator[StabilityProvider]:
    one = provider_of(fake, tmp_path)
    yield one
    await one.aclose()


async def phases(provider: StabilityProvider, submission: Submission) -> list[Phase]:
    async with aclosing(provider.follow(submission)) as reports:
        return [report.phase async for report in reports]


async def made(
    provider: StabilityProvider, fake: FakeStability, request: Request, into: Path
) -> tuple[Submission, Image.Image]:
    submission = await provider.submit(request)
    assert (await phases(provider, submission))[-1] is Phase.DONE
    fake.clock.turn(10)
    (picture,) = (await provider.fetch(submission, into)).pictures
    assert picture.model == submission.model
    return submission, image_of(picture.path.read_bytes())


PNG = {"output_format": "png"}
WORDS = {"prompt": "a red hat"}
BODIES: list[tuple[Operation, dict[str, Any], str, dict[str, str], set[str], tuple[int, int]]] = [
    (Operation.CREATE, {"model": "nano2", "aspect_ratio": "3:4"}, "generate/core",
     {"prompt": PROMPT, "aspect_ratio": "4:5"}, set(), (916, 1145)),
    (Operation.CREATE, {"seed": 7}, "generate/sd3",
     {"prompt": PROMPT, "aspect_ratio": "1:1", "model": "sd3.5-large", "mode": "text-to-image", "seed": "7"}, set(),
     (1024, 1024)),
    (Operation.CREATE, {"model": "gpt", "aspect_ratio": "16:9"}, "generate/ultra",
     {"prompt": PROMPT, "aspect_ratio": "16:9"}, set(), (1365, 768)),
    (Operation.CREATE, {"model": "stability/sd3.5-flash"}, "generate/sd3",
     {"prompt": PROMPT, "aspect_ratio": "1:1", "model": "sd3.5-flash", "mode": "text-to-image"}, set(), (1024, 1024)),
    (Operation.INPAINT, {}, "edit/inpaint", WORDS, {"image", "mask"}, (640, 480)),
    (Operation.OUTPAINT, {"sides": Outpaint(left=100, top=20)}, "edit/outpaint",
     WORDS | {"left": "100", "up": "20"}, {"image"}, (740, 500)),
    (Operation.OUTPAINT, {"aspect_ratio": "16:9", "text": ""}, "edit/outpaint", {"left": "106", "right": "107"},
     {"image"}, (853, 480)),
    (Operation.UPSCALE, {"scale": 4}, "upscale/fast", {}, {"image"}, (2560, 1920)),
    (Operation.UPSCALE, {"scale": 2}, "upscale/fast", {}, {"image"}, (1280, 960)),
    (Operation.VARIATIONS, {"text": "", "seed": 3}, "generate/ultra",
     {"prompt": PROMPT, "strength": "0.5", "seed": "3"}, {"image"}, (1182, 887)),
    (Operation.STYLE_TRANSFER, {"text": ""}, "control/style-transfer", {}, {"init_image", "style_image"}, (1182, 887)),
    (Operation.REMOVE_BACKGROUND, {}, "edit/remove-background", {}, {"image"}, (640, 480)),
    (Operation.REPLACE_BACKGROUND, {}, RELIGHT,
     {"background_prompt": "a red hat", "preserve_original_subject": "1"}, {"subject_image"}, (640, 480)),
    (Operation.REPLACE_BACKGROUND, {"photos": 2, "text": ""}, RELIGHT, {"preserve_original_subject": "1"},
     {"subject_image", "background_reference"}, (640, 480)),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "wanted", "path", "fields", "files", "size"), BODIES)
async def test_every_operation_has_the_form_of_its_endpoint_and_becomes_a_picture(
    fake: FakeStability, provider: StabilityProvider, tmp_path: Path, operation: Operation, wanted: dict[str, Any],
    path: str, fields: dict[str, str], files: set[str], size: tuple[int, int],
) -> None:  # fmt: skip
    _, picture = await made(provider, fake, wish(operation, tmp_path, **wanted), tmp_path / "made")
    sent = fake.sent[0]
    assert sent.path == f"/v2beta/stable-image/{path}"
    assert sent.multipart
    assert dict(sent.fields) == fields | PNG
    assert set(sent.files) == files
    assert abs(picture.width - size[0]) <= 1
    assert abs(picture.height - size[1]) <= 1
    if operation is Operation.REMOVE_BACKGROUND:
        assert picture.mode == "RGBA"


async def test_what_is_only_to_go_is_erased_without_words(
    fake: FakeStability, provider: StabilityProvider, tmp_path: Path
) -> None:
    request = wish(Operation.INPAINT, tmp_path, action="remove_person")
    await made(provider, fake, request, tmp_path / "made")
    assert (fake.sent[0].path.rpartition("/")[2], dict(fake.sent[0].fields)) == ("erase", PNG)


async def test_the_mask_is_white_where_it_changes(
    fake: FakeStability, provider: StabilityProvider, tmp_path: Path
) -> None:
    _, picture = await made(provider, fake, wish(Operation.INPAINT, tmp_path), tmp_path / "made")
    mask = fake.sent[0].files["mask"][0].image()
    assert (mask.mode, mask.size, mask.getpixel((320, 240)), mask.getpixel((5, 5))) == ("L", (640, 480), 255, 0)
    assert picture.getpixel((320, 240)) == (220, 20, 20)


async def test_both_pictures_of_a_style_transfer_have_their_field(
    fake: FakeStability, provider: StabilityProvider, tmp_path: Path
) -> None:
    await provider.submit(wish(Operation.STYLE_TRANSFER, tmp_path))
    files = fake.sent[0].files
    sizes = {name: parts[0].image().size for name, parts in files.items()}
    assert sizes == {"init_image": (640, 480), "style_image": (512, 384)}


@pytest.mark.parametrize("size", [(1600, 400), (1200, 1000), (4000, 3000)])
async def test_a_photo_the_upscaler_does_not_take_is_left_to_others_not_made_smaller(
    fake: FakeStability, provider: StabilityProvider, tmp_path: Path, size: tuple[int, int]
) -> None:
    with pytest.raises(NotTaken) as raised:
        await provider.submit(wish(Operation.UPSCALE, tmp_path, size=size))
    assert (raised.value.code, fake.submits) == ("provider_cannot", 0)


async def test_a_photo_of_many_megapixels_is_made_to_fit_for_the_others(
    fake: FakeStability, provider: StabilityProvider, tmp_path: Path
) -> None:
    await provider.submit(wish(Operation.OUTPAINT, tmp_path, size=(6000, 3000), sides=Outpaint(left=600)))
    photo = fake.sent[0].files["image"][0].image()
    assert photo.width * photo.height <= 9_437_184
    assert fake.sent[0].fields["left"] == str(round(600 * photo.width / 6000))


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        ("policy", AskPerson, "refused_content"),
        ("public_figure", AskPerson, "refused_content"),
        ("withheld", AskPerson, "refused_content"),
        ("forbidden", TellOperator, "provider_forbidden"),
        ("no_credit", TellOperator, "provider_credit"),
        ("language", AskPerson, "provider_rejected"),
        ("rejected", AskPerson, "provider_rejected"),
        ("too_large", AskPerson, "provider_rejected"),
        ("500", MaybePaid, "outcome_unknown"),
        ("junk", MaybePaid, "outcome_unknown"),
        ("empty", MaybePaid, "outcome_unknown"),
        ("reset_after", MaybePaid, "outcome_unknown"),
    ],
)
async def test_an_answer_is_told_by_its_name(
    fake: FakeStability, provider: StabilityProvider, tmp_path: Path, fault: str, kind: type[LikenessError], code: str
) -> None:
    fake.plan(fault)
    with pytest.raises(kind) as raised:
        await provider.submit(wish(Operation.CREATE, tmp_path))
    assert raised.value.code == code


async def test_who_is_blocked_waits_a_minute(fake: FakeStability, provider: StabilityProvider, tmp_path: Path) -> None:
    for fault, seconds in (("busy", 60), ("busy_soon", 2)):
        fake.plan(fault)
        with pytest.raises(WaitAndRetry) as raised:
            await provider.submit(wish(Operation.CREATE, tmp_path))
        assert raised.value.retry_after == seconds


async def test_a_later_result_is_waited_for_not_more_often_than_allowed(
    fake: FakeStability, provider: StabilityProvider, tmp_path: Path
) -> None:
    fake.plan(polls=2, poll_faults=(502, "reset"))
    submission, _ = await made(provider, fake, wish(Operation.REPLACE_BACKGROUND, tmp_path), tmp_path / "made")
    assert submission.handle == {"later": True}
    assert (fake.counts["looks"], fake.counts["too_often"], fake.submits) == (6, 0, 1)


@pytest.mark.parametrize(
    ("end", "kind", "code"),
    [("withheld", AskPerson, "refused_content"), ("policy", AskPerson, "refused_content"),
     ("failed", MadeNothing, "provider_failed")],
)  # fmt: skip
async def test_what_a_later_result_ended_with_is_told(
    fake: FakeStability, provider: StabilityProvider, tmp_path: Path, end: str, kind: type[LikenessError], code: str
) -> None:
    fake.plan(end=end)
    submission = await provider.submit(wish(Operation.REPLACE_BACKGROUND, tmp_path))
    with pytest.raises(kind) as raised:
        await phases(provider, submission)
    assert raised.value.code == code


async def test_after_a_day_a_later_result_is_gone(
    fake: FakeStability, provider: StabilityProvider, tmp_path: Path
) -> None:
    submission = await provider.submit(wish(Operation.REPLACE_BACKGROUND, tmp_path))
    fake.clock.turn(24 * 3600 + 1)
    with pytest.raises(MadeNothing) as raised:
        await provider.fetch(submission, tmp_path)
    assert raised.value.code == "result_gone"


@pytest.mark.parametrize(("fault", "code"), [("nothing", "made_nothing"), ("bad_picture", "bad_picture")])
@pytest.mark.parametrize("operation", [Operation.CREATE, Operation.UPSCALE])
async def test_an_answer_without_a_picture_was_taken_and_made_nothing(
    fake: FakeStability, provider: StabilityProvider, tmp_path: Path, fault: str, code: str, operation: Operation
) -> None:
    fake.plan(fault)
    submission = await provider.submit(wish(operation, tmp_path, scale=2 if operation is Operation.UPSCALE else None))
    with pytest.raises(MadeNothing) as raised:
        await provider.fetch(submission, tmp_path / "made")
    assert raised.value.code == code


async def test_the_check_finds_a_wrong_key_and_an_empty_balance(
    fake: FakeStability, provider: StabilityProvider, tmp_path: Path
) -> None:
    await provider.check()
    fake.credits = 0
    wrong = provider_of(fake, tmp_path, key="another")
    for one, code in ((provider, "provider_credit"), (wrong, "provider_key")):
        with pytest.raises(TellOperator) as raised:
            await one.check()
        assert raised.value.code == code
    await wrong.aclose()
    assert fake.submits == 0


def test_it_offers_no_portraits_and_no_edits_by_words_and_says_what_it_emulates() -> None:
    rows = {(row.operation, row.scales): row.support for row in offers()}
    assert not {Operation.PORTRAIT, Operation.EDIT} & {operation for operation, _ in rows}
    assert rows[Operation.UPSCALE, frozenset({4})] is Support.NATIVE
    assert rows[Operation.UPSCALE, frozenset({2})] is Support.EMULATED
    assert offers("sd3.5-flash").rows[0].model == "sd3.5-flash"
    assert offers("sd3.5-flash").rows[0].levels is None
