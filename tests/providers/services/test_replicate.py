"""Replicate: the inputs of every operation, what each answer means, predictions from the submit to the picture."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydantic import SecretStr

from providers.base import Cancelled, CostSource, Phase, Request, Submission
from providers.errors import AskPerson, LikenessError, MadeNothing, NotTaken, TellOperator, WaitAndRetry
from providers.media.download import Downloader
from providers.services.replicate.answers import links_of
from providers.services.replicate.offers import VERSIONS
from providers.services.replicate.provider import ReplicateProvider
from providers.task import Operation, Outpaint
from tests.providers.services.wishes import PROMPT, wish
from tests.servers.letterbox import Letterbox
from tests.servers.replicate import FakeReplicate
from tests.servers.service import image_of

PRO, FILL = "google/nano-banana-pro", "black-forest-labs/flux-fill-pro"


@pytest.fixture
def fake() -> Iterator[FakeReplicate]:
    with FakeReplicate.serving() as serving:
        yield serving


def provider_of(fake: FakeReplicate, *, token: str = "", hook: str | None = None, model: str = "") -> ReplicateProvider:
    async def no_time(seconds: float) -> None:
        """A sleep that takes none."""

    origin = frozenset({("127.0.0.1", int(fake.origin.rpartition(":")[2]))})
    return ReplicateProvider(
        token=SecretStr(token or fake.key), base_url=fake.url, model=model, hook=hook, sleep=no_time,
        downloader=Downloader(trusted_origins=origin), now=fake.clock.now,
    )  # fmt: skip


@pytest.fixture
async def provider(fake: FakeReplicate) -> AsyncIterator[ReplicateProvider]:
    one = provider_of(fake)
    yield one
    await one.aclose()


async def followed(provider: ReplicateProvider, submission: Submission) -> list[Phase]:
    async with aclosing(provider.follow(submission)) as reports:
        return [report.phase async for report in reports]


async def made(provider: ReplicateProvider, request: Request, into: Path) -> list[Image.Image]:
    submission = await provider.submit(request)
    assert (await followed(provider, submission))[-1] is Phase.DONE
    result = await provider.fetch(submission, into)
    assert {picture.model for picture in result.pictures} == {submission.model}
    return [image_of(picture.path.read_bytes()) for picture in result.pictures]


def predictions(fake: FakeReplicate) -> list[Any]:
    return [sent for sent in fake.sent if sent.path.endswith("/predictions")]


PNG = {"output_format": "png"}
BODIES: list[tuple[Operation, dict[str, Any], str, dict[str, Any], set[str], tuple[int, int]]] = [
    (Operation.CREATE, {"aspect_ratio": "3:4"}, PRO,
     {"prompt": PROMPT, "aspect_ratio": "3:4", "resolution": "1K"} | PNG, set(), (887, 1182)),
    (Operation.CREATE, {"model": "gpt"}, PRO, {"prompt": PROMPT, "resolution": "2K"} | PNG, set(), (1024, 1024)),
    (Operation.CREATE, {"model": "nano2", "count": 3, "seed": 4}, "black-forest-labs/flux-schnell",
     {"prompt": PROMPT, "num_outputs": 3, "seed": 4} | PNG, set(), (1024, 1024)),
    (Operation.CREATE, {"model": "replicate/black-forest-labs/flux-1.1-pro"}, "black-forest-labs/flux-1.1-pro",
     {"prompt": PROMPT} | PNG, set(), (1024, 1024)),
    (Operation.PORTRAIT, {"photos": 2, "aspect_ratio": "3:4"}, PRO,
     {"prompt": PROMPT, "aspect_ratio": "3:4", "resolution": "1K"} | PNG, {"image_input"}, (887, 1182)),
    (Operation.PORTRAIT, {"photos": 1, "model": "replicate/zsxkib/flux-pulid"}, "zsxkib/flux-pulid",
     {"prompt": PROMPT, "width": 896, "height": 1152, "num_outputs": 1} | PNG, {"main_face_image"}, (896, 1152)),
    (Operation.EDIT, {"model": "nano2"}, "google/nano-banana", {"prompt": PROMPT} | PNG, {"image_input"}, (640, 480)),
    (Operation.EDIT, {"model": "replicate/black-forest-labs/flux-kontext-max", "seed": 9},
     "black-forest-labs/flux-kontext-max", {"prompt": PROMPT, "seed": 9} | PNG, {"input_image"}, (640, 480)),
    (Operation.EDIT, {"model": "replicate/black-forest-labs/flux-2-pro", "photos": 2}, "black-forest-labs/flux-2-pro",
     {"prompt": PROMPT, "aspect_ratio": "match_input_image"} | PNG, {"input_images"}, (640, 480)),
    (Operation.INPAINT, {}, FILL, {"prompt": "a red hat"} | PNG, {"image", "mask"}, (640, 480)),
    (Operation.OUTPAINT, {"sides": Outpaint(left=160, top=16)}, FILL, {"prompt": "a red hat"} | PNG,
     {"image", "mask"}, (800, 496)),
    (Operation.UPSCALE, {"scale": 2}, "nightmareai/real-esrgan", {"scale": 2, "face_enhance": False}, {"image"},
     (1280, 960)),
    (Operation.UPSCALE, {"scale": 4}, "nightmareai/real-esrgan", {"scale": 4, "face_enhance": False}, {"image"},
     (2560, 1920)),
    (Operation.VARIATIONS, {"count": 4}, "black-forest-labs/flux-redux-dev",
     {"num_outputs": 4, "aspect_ratio": "4:3"} | PNG, {"redux_image"}, (1182, 887)),
    (Operation.STYLE_TRANSFER, {}, PRO, {"prompt": PROMPT, "resolution": "1K"} | PNG, {"image_input"}, (640, 480)),
    (Operation.REMOVE_BACKGROUND, {}, "bria/remove-background", {}, {"image"}, (640, 480)),
    (Operation.REPLACE_BACKGROUND, {}, PRO, {"prompt": PROMPT, "resolution": "1K"} | PNG, {"image_input"}, (640, 480)),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "wanted", "model", "fields", "files", "size"), BODIES)
async def test_every_operation_has_the_inputs_of_its_model_and_becomes_pictures(
    fake: FakeReplicate, provider: ReplicateProvider, tmp_path: Path, operation: Operation, wanted: dict[str, Any],
    model: str, fields: dict[str, Any], files: set[str], size: tuple[int, int],
) -> None:  # fmt: skip
    request = wish(operation, tmp_path, **wanted)
    pictures = await made(provider, request, tmp_path / "made")
    (sent,) = predictions(fake)
    inputs = sent.fields["input"]
    if model in VERSIONS:
        assert (sent.path, sent.fields["version"]) == ("/v1/predictions", VERSIONS[model])
    else:
        assert (sent.path, set(sent.fields)) == (f"/v1/models/{model}/predictions", {"input"})
    assert {k: v for k, v in inputs.items() if k not in files} == fields
    assert files <= set(inputs)
    assert len(pictures) == request.count
    for picture in pictures:
        assert picture.size == size
    assert fake.counts["leaked_keys"] == 0


async def test_both_pictures_of_a_style_transfer_are_sent(
    fake: FakeReplicate, provider: ReplicateProvider, tmp_path: Path
) -> None:
    await provider.submit(wish(Operation.STYLE_TRANSFER, tmp_path))
    first, second = predictions(fake)[0].fields["input"]["image_input"]
    given = [fake.given(value) for value in (first, second)]
    assert [image_of(data or b"").size for data in given] == [(640, 480), (512, 384)]


async def test_a_large_photo_is_uploaded_under_no_name_of_the_persons(
    fake: FakeReplicate, provider: ReplicateProvider, tmp_path: Path
) -> None:
    request = wish(Operation.EDIT, tmp_path)
    (photo,) = request.photos
    noise = Image.effect_noise((1200, 900), 90).convert("RGB")
    noise.save(photo)
    await provider.submit(request)
    upload, prediction = fake.sent
    (part,) = upload.files["content"]
    assert (upload.path, part.filename, part.type) == ("/v1/files", "photo.png", "image/png")
    assert part.image().tobytes() == noise.tobytes()
    (address,) = prediction.fields["input"]["image_input"]
    assert address.startswith(f"{fake.url}/files/")


async def test_a_wider_canvas_has_the_photo_in_its_place_and_a_mask_over_the_rest(
    fake: FakeReplicate, provider: ReplicateProvider, tmp_path: Path
) -> None:
    await provider.submit(wish(Operation.OUTPAINT, tmp_path, sides=Outpaint(right=160)))
    inputs = predictions(fake)[0].fields["input"]
    mask = image_of(fake.given(inputs["mask"]) or b"")
    canvas = image_of(fake.given(inputs["image"]) or b"")
    assert canvas.size == mask.size == (800, 480)
    assert (mask.getpixel((630, 200)), mask.getpixel((650, 200))) == (0, 255)


async def test_a_photo_too_large_for_the_enlarger_is_left_to_others(
    fake: FakeReplicate, provider: ReplicateProvider, tmp_path: Path
) -> None:
    with pytest.raises(NotTaken) as raised:
        await provider.submit(wish(Operation.UPSCALE, tmp_path, size=(2000, 1500)))
    assert (raised.value.code, fake.submits) == ("provider_cannot", 0)


async def test_a_community_model_without_a_known_version_is_looked_up(fake: FakeReplicate, tmp_path: Path) -> None:
    provider = provider_of(fake, model="acme/painter")
    submission = await provider.submit(wish(Operation.CREATE, tmp_path))
    assert [sent.path for sent in predictions(fake)] == ["/v1/models/acme/painter/predictions", "/v1/predictions"]
    assert (fake.submits, submission.model, fake.billed) == (2, "acme/painter", 1)
    await provider.aclose()


async def test_a_model_that_is_nowhere_is_a_fault_of_the_request(fake: FakeReplicate, tmp_path: Path) -> None:
    provider = provider_of(fake, model="acme/nothing")
    with pytest.raises(AskPerson) as raised:
        await provider.submit(wish(Operation.CREATE, tmp_path))
    assert raised.value.code == "provider_rejected"
    await provider.aclose()


async def test_what_is_billed_by_the_second_is_reckoned_from_the_time_it_took(
    provider: ReplicateProvider, tmp_path: Path
) -> None:
    submission = await provider.submit(wish(Operation.UPSCALE, tmp_path, scale=2))
    charge = (await provider.fetch(submission, tmp_path / "made")).charge
    assert charge is not None
    assert (str(charge.money.amount), charge.source) == ("0.000563", CostSource.TOKENS)
    other = await provider.submit(wish(Operation.CREATE, tmp_path))
    assert (await provider.fetch(other, tmp_path / "made")).charge is None


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [("policy", AskPerson, "refused_content"), ("withheld", AskPerson, "refused_content"),
     ("failed", MadeNothing, "provider_failed"), ("gone_soon", MadeNothing, "provider_failed"),
     ("nothing", MadeNothing, "made_nothing")],
)  # fmt: skip
async def test_what_a_prediction_ended_with_is_told(
    fake: FakeReplicate, provider: ReplicateProvider, tmp_path: Path, fault: str, kind: type[LikenessError], code: str
) -> None:
    fake.plan(fault)
    submission = await provider.submit(wish(Operation.CREATE, tmp_path))
    with pytest.raises(kind) as raised:
        await provider.fetch(submission, tmp_path)
    assert raised.value.code == code


async def test_fewer_pictures_than_asked_for_are_a_result(
    fake: FakeReplicate, provider: ReplicateProvider, tmp_path: Path
) -> None:
    fake.plan("fewer")
    assert len(await made(provider, wish(Operation.VARIATIONS, tmp_path, count=3), tmp_path / "made")) == 1


async def test_after_an_hour_the_result_is_gone(
    fake: FakeReplicate, provider: ReplicateProvider, tmp_path: Path
) -> None:
    submission = await provider.submit(wish(Operation.CREATE, tmp_path))
    fake.clock.turn(3601)
    with pytest.raises(MadeNothing) as raised:
        await provider.fetch(submission, tmp_path)
    assert raised.value.code == "result_gone"


async def test_a_failed_upload_takes_no_job(fake: FakeReplicate, provider: ReplicateProvider, tmp_path: Path) -> None:
    request = wish(Operation.EDIT, tmp_path)
    Image.effect_noise((1200, 900), 90).convert("RGB").save(request.photos[0])
    await provider.aclose()
    broken = provider_of(fake, token="another")
    with pytest.raises(TellOperator) as raised:
        await broken.submit(request)
    assert (raised.value.code, fake.submits) == ("provider_key", 0)
    await broken.aclose()


@pytest.mark.parametrize(
    ("polls", "outcome"), [(3, Cancelled.NOT_STARTED), (0, Cancelled.TOO_LATE)]
)  # fmt: skip
async def test_a_cancel_says_what_it_achieved(
    fake: FakeReplicate, provider: ReplicateProvider, tmp_path: Path, polls: int, outcome: Cancelled
) -> None:
    fake.plan(polls=polls)
    submission = await provider.submit(wish(Operation.CREATE, tmp_path))
    if outcome is Cancelled.NOT_STARTED:
        assert await provider.cancel(submission) in (Cancelled.NOT_STARTED, Cancelled.ASKED)
        assert fake.billed == 0
    else:
        assert await provider.cancel(submission) is outcome


async def test_a_job_is_not_kept_longer_than_somebody_waits(
    fake: FakeReplicate, provider: ReplicateProvider, tmp_path: Path
) -> None:
    request = replace(wish(Operation.CREATE, tmp_path), deadline=datetime.now(UTC) + timedelta(seconds=120))
    await provider.submit(request)
    assert 100 <= int(predictions(fake)[0].headers["cancel-after"].removesuffix("s")) <= 120


async def test_a_webhook_is_believed_only_if_replicate_signed_it(fake: FakeReplicate, tmp_path: Path) -> None:
    with Letterbox.serving() as box:
        provider = provider_of(fake, hook=box.url)
        submission = await provider.submit(wish(Operation.CREATE, tmp_path))
        assert predictions(fake)[0].fields["webhook_events_filter"] == ["completed"]
        fake.call_back(submission.request_id)
        fake.call_back(submission.request_id, key="whsec_YW5vdGhlcg==")
        fake.call_back(submission.request_id, age=301)
        good, forged, old = box.letters
        assert await provider.notified(good[0], good[1].encode())
        assert not await provider.notified(forged[0], forged[1].encode())
        assert not await provider.notified(old[0], old[1].encode())
        assert not await provider.notified(good[0], good[1].encode() + b" ")
        assert not await provider.notified({}, b"")
        await provider.aclose()


async def test_the_check_asks_for_the_account_and_costs_nothing(
    fake: FakeReplicate, provider: ReplicateProvider
) -> None:
    await provider.check()
    wrong = provider_of(fake, token="another")
    with pytest.raises(TellOperator) as raised:
        await wrong.check()
    assert raised.value.code == "provider_key"
    await wrong.aclose()
    assert fake.submits == 0


async def test_nobody_there_is_told_as_such(tmp_path: Path) -> None:
    with FakeReplicate.serving() as fake:
        provider = provider_of(fake)
    with pytest.raises(WaitAndRetry) as raised:
        await provider.submit(wish(Operation.CREATE, tmp_path))
    assert raised.value.code == "provider_unavailable"
    await provider.aclose()


@pytest.mark.parametrize(
    ("output", "links"),
    [
        ("https://a/1", ["https://a/1"]),
        (["https://a/1", "https://a/2"], ["https://a/1", "https://a/2"]),
        ({"image": "https://a/1", "mask": ["https://a/2"], "seed": 4}, ["https://a/1", "https://a/2"]),
        (None, []),
        ("a description", []),
        ([None, 3, "ftp://a"], []),
    ],
)
def test_an_output_may_have_any_shape(output: Any, links: list[str]) -> None:
    assert links_of(output) == links
