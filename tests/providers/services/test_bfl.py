"""Black Forest Labs: the bodies of every operation, what each answer means, jobs from the submit to the picture."""

import base64
import io
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydantic import SecretStr

from providers.base import CostSource, Phase, Request, Submission
from providers.errors import AskPerson, LikenessError, MadeNothing, TellOperator, WaitAndRetry
from providers.media.download import Downloader
from providers.services.bfl.provider import BflProvider, may_have_key
from providers.task import Operation, Outpaint
from tests.providers.services.wishes import PROMPT, wish
from tests.servers.bfl import FakeBfl
from tests.servers.letterbox import Letterbox


@pytest.fixture
def fake() -> Iterator[FakeBfl]:
    with FakeBfl.serving() as serving:
        yield serving


def provider_of(fake: FakeBfl, *, key: str = "", model: str = "", hook: str | None = None) -> BflProvider:
    async def no_time(seconds: float) -> None:
        """A sleep that takes none."""

    origin = frozenset({("127.0.0.1", int(fake.origin.rpartition(":")[2]))})
    return BflProvider(
        key=SecretStr(key or fake.key), base_url=fake.url, model=model, hook=hook, sleep=no_time,
        downloader=Downloader(trusted_origins=origin),
    )  # fmt: skip


@pytest.fixture
async def bfl(fake: FakeBfl) -> AsyncIterator[BflProvider]:
    provider = provider_of(fake)
    yield provider
    await provider.aclose()


async def made(provider: BflProvider, request: Request, into: Path) -> tuple[Submission, Image.Image]:
    submission = await provider.submit(request)
    async with aclosing(provider.follow(submission)) as reports:
        phases = [report.phase async for report in reports]
    assert phases[-1] is Phase.DONE
    result = await provider.fetch(submission, into)
    (picture,) = result.pictures
    with Image.open(picture.path) as image:
        image.load()
        assert image.size == (picture.width, picture.height)
        return submission, image


def sent_picture(fake: FakeBfl, name: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(fake.sent[0].fields[name])))


NO_PICTURES = {"output_format": "png"}
BODIES: list[tuple[Operation, dict[str, Any], str, dict[str, Any], set[str], tuple[int, int]]] = [
    (Operation.CREATE, {}, "flux-2-pro", {"prompt": PROMPT, "width": 1024, "height": 1024}, set(), (1024, 1024)),
    (Operation.CREATE, {"model": "nano2", "aspect_ratio": "9:16"}, "flux-2-klein-9b",
     {"prompt": PROMPT, "width": 864, "height": 1536}, set(), (864, 1536)),
    (Operation.CREATE, {"model": "bfl/flux-pro-1.1", "aspect_ratio": "16:9"}, "flux-pro-1.1",
     {"prompt": PROMPT, "width": 1344, "height": 768}, set(), (1344, 768)),
    (Operation.CREATE, {"model": "bfl/flux-pro-1.1-ultra", "aspect_ratio": "3:4"}, "flux-pro-1.1-ultra",
     {"prompt": PROMPT, "aspect_ratio": "3:4"}, set(), (887, 1182)),
    (Operation.CREATE, {"seed": 5}, "flux-2-pro", {"prompt": PROMPT, "width": 1024, "height": 1024, "seed": 5}, set(),
     (1024, 1024)),
    (Operation.PORTRAIT, {"photos": 3, "model": "gpt", "aspect_ratio": "3:4"}, "flux-2-max",
     {"prompt": PROMPT, "width": 960, "height": 1280}, {"input_image", "input_image_2", "input_image_3"}, (960, 1280)),
    (Operation.EDIT, {}, "flux-2-pro", {"prompt": PROMPT}, {"input_image"}, (640, 480)),
    (Operation.EDIT, {"model": "bfl/flux-kontext-max", "aspect_ratio": "16:9"}, "flux-kontext-max",
     {"prompt": PROMPT, "aspect_ratio": "16:9"}, {"input_image"}, (1365, 768)),
    (Operation.INPAINT, {}, "flux-pro-1.0-fill", {"prompt": "a red hat"}, {"image", "mask"}, (640, 480)),
    (Operation.OUTPAINT, {"sides": Outpaint(left=100, top=20)}, "flux-pro-1.0-expand",
     {"prompt": "a red hat", "left": 100, "right": 0, "top": 20, "bottom": 0}, {"image"}, (740, 500)),
    (Operation.OUTPAINT, {"aspect_ratio": "16:9", "text": ""}, "flux-pro-1.0-expand",
     {"left": 106, "right": 107, "top": 0, "bottom": 0}, {"image"}, (853, 480)),
    (Operation.VARIATIONS, {"text": ""}, "flux-pro-1.1", {"width": 640, "height": 480}, {"image_prompt"}, (640, 480)),
    (Operation.STYLE_TRANSFER, {}, "flux-2-pro", {"prompt": PROMPT}, {"input_image", "input_image_2"}, (640, 480)),
    (Operation.REPLACE_BACKGROUND, {}, "flux-2-pro", {"prompt": PROMPT}, {"input_image"}, (640, 480)),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "wanted", "model", "fields", "pictures", "size"), BODIES)
async def test_every_operation_has_the_body_of_its_model_and_becomes_a_picture(
    fake: FakeBfl, bfl: BflProvider, tmp_path: Path, operation: Operation, wanted: dict[str, Any], model: str,
    fields: dict[str, Any], pictures: set[str], size: tuple[int, int],
) -> None:  # fmt: skip
    submission, image = await made(bfl, wish(operation, tmp_path, **wanted), tmp_path / "made")
    sent = fake.sent[0]
    assert sent.path == f"/v1/{model}"
    assert {k: v for k, v in sent.fields.items() if k not in pictures} == fields | NO_PICTURES
    assert pictures <= set(sent.fields)
    assert submission.model == model
    assert abs(image.width - size[0]) <= 1
    assert abs(image.height - size[1]) <= 1
    assert fake.counts["leaked_keys"] == 0


async def test_the_mask_goes_as_it_is_white_where_it_changes(fake: FakeBfl, bfl: BflProvider, tmp_path: Path) -> None:
    await bfl.submit(wish(Operation.INPAINT, tmp_path))
    mask = sent_picture(fake, "mask")
    assert (mask.mode, mask.size, mask.getpixel((320, 240)), mask.getpixel((5, 5))) == ("L", (640, 480), 255, 0)


async def test_what_is_charged_by_the_megapixel_is_sent_small(fake: FakeBfl, bfl: BflProvider, tmp_path: Path) -> None:
    await bfl.submit(wish(Operation.EDIT, tmp_path, size=(3000, 2000)))
    photo = sent_picture(fake, "input_image")
    assert photo.width * photo.height <= 1_572_864
    assert abs(photo.width / photo.height - 1.5) < 0.02


async def test_a_widening_is_of_the_photos_own_pixels_where_it_had_to_be_made_smaller(
    fake: FakeBfl, bfl: BflProvider, tmp_path: Path
) -> None:
    await bfl.submit(wish(Operation.OUTPAINT, tmp_path, size=(6000, 4000), sides=Outpaint(left=600)))
    photo = sent_picture(fake, "image")
    assert fake.sent[0].fields["left"] == round(600 * photo.width / 6000)


async def test_the_cost_is_what_the_answer_says(bfl: BflProvider, tmp_path: Path) -> None:
    submission = await bfl.submit(wish(Operation.EDIT, tmp_path))
    assert submission.charge is not None
    assert (str(submission.charge.money.amount), submission.charge.source) == ("0.034608", CostSource.ANSWER)


async def test_the_operators_model_serves_every_level(fake: FakeBfl, tmp_path: Path) -> None:
    provider = provider_of(fake, model="flux-kontext-pro")
    for level in ("nano2", "nanopro", "gpt"):
        await provider.submit(wish(Operation.EDIT, tmp_path, model=level))
    await provider.aclose()
    assert {sent.path for sent in fake.sent} == {"/v1/flux-kontext-pro"}


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [("policy", AskPerson, "refused_content"), ("policy_after", AskPerson, "refused_content"),
     ("failed", MadeNothing, "provider_failed")],
)  # fmt: skip
async def test_what_a_job_ended_with_is_told_by_its_status(
    fake: FakeBfl, bfl: BflProvider, tmp_path: Path, fault: str, kind: type[LikenessError], code: str
) -> None:
    fake.plan(fault)
    submission = await bfl.submit(wish(Operation.CREATE, tmp_path))
    for ask in (bfl.fetch(submission, tmp_path), _followed(bfl, submission)):
        with pytest.raises(kind) as raised:
            await ask
        assert raised.value.code == code


async def _followed(bfl: BflProvider, submission: Submission) -> None:
    async with aclosing(bfl.follow(submission)) as reports:
        async for _ in reports:
            pass


async def test_a_wrong_key_is_told_from_a_missing_right(fake: FakeBfl, tmp_path: Path) -> None:
    wrong = provider_of(fake, key="another")
    with pytest.raises(TellOperator) as raised:
        await wrong.submit(wish(Operation.CREATE, tmp_path))
    assert raised.value.code == "provider_key"
    with pytest.raises(TellOperator) as raised:
        await wrong.check()
    assert raised.value.code == "provider_key"
    await wrong.aclose()


async def test_a_balance_of_nothing_is_found_by_the_check(fake: FakeBfl, bfl: BflProvider) -> None:
    await bfl.check()
    fake.credits = 0
    with pytest.raises(TellOperator) as raised:
        await bfl.check()
    assert raised.value.code == "provider_credit"
    assert fake.submits == 0


async def test_a_job_that_is_not_everywhere_at_once_is_waited_for(
    fake: FakeBfl, bfl: BflProvider, tmp_path: Path
) -> None:
    fake.plan("not_yet")
    await made(bfl, wish(Operation.CREATE, tmp_path), tmp_path / "made")


async def test_after_ten_minutes_the_picture_is_gone(fake: FakeBfl, bfl: BflProvider, tmp_path: Path) -> None:
    submission = await bfl.submit(wish(Operation.CREATE, tmp_path))
    await _followed(bfl, submission)
    fake.clock.turn(601)
    with pytest.raises(MadeNothing) as raised:
        await bfl.fetch(submission, tmp_path)
    assert raised.value.code == "result_gone"


async def test_a_result_out_of_reach_may_be_fetched_later(fake: FakeBfl, bfl: BflProvider, tmp_path: Path) -> None:
    fake.plan(poll_faults=(500,) * 6)
    submission = await bfl.submit(wish(Operation.CREATE, tmp_path))
    with pytest.raises(WaitAndRetry):
        await bfl.fetch(submission, tmp_path)
    assert len((await bfl.fetch(submission, tmp_path)).pictures) == 1


async def test_a_webhook_wakes_who_follows_and_only_a_signed_one(fake: FakeBfl, tmp_path: Path) -> None:
    with Letterbox.serving() as box:
        provider = provider_of(fake, hook=box.url)
        submission = await provider.submit(wish(Operation.CREATE, tmp_path))
        assert fake.sent[0].fields["webhook_url"] == box.url
        await _followed(provider, submission)
        fake.call_back(submission.request_id)
        fake.call_back(submission.request_id, secret="another")
        (headers, body), (forged, same) = box.letters
        assert await provider.notified(headers, body.encode())
        assert not await provider.notified(forged, same.encode())
        assert not await provider.notified({}, body.encode())
        await provider.aclose()


async def test_on_the_global_host_no_webhook_is_asked_for() -> None:
    provider = BflProvider(key=SecretStr("k"), downloader=Downloader(), sleep=_never, hook="https://here.example/h")
    assert provider._hook is None
    await provider.aclose()


async def _never(seconds: float) -> None:
    raise AssertionError


@pytest.mark.parametrize(
    ("url", "root", "may"),
    [
        ("https://api.us2.bfl.ai/v1/get_result?id=1", "https://api.bfl.ai", True),
        ("https://api.bfl.ai/v1/get_result?id=1", "https://api.eu.bfl.ai", True),
        ("http://127.0.0.1:9/eu4/v1/get_result?id=1", "http://127.0.0.1:9", True),
        ("https://bfl.ai.example.com/v1/get_result?id=1", "https://api.bfl.ai", False),
        ("https://evilbfl.ai/v1/get_result", "https://api.bfl.ai", False),
        ("http://api.bfl.ai/v1/get_result", "https://api.bfl.ai", False),
        ("https://x@api.bfl.ai/", "https://api.bfl.ai", False),
        ("http://127.0.0.1:8/v1/get_result", "http://127.0.0.1:9", False),
        ("https://[::1", "https://api.bfl.ai", False),
    ],
)
def test_the_key_goes_only_where_it_belongs(url: str, root: str, may: bool) -> None:
    assert may_have_key(url, root) is may
