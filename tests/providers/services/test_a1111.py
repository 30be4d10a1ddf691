"""AUTOMATIC1111: what it has decides what it offers; the call of every operation, what each answer means."""

import asyncio
import base64
import io
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydantic import SecretStr

from providers.base import Cancelled, Phase, Progress, Request, Result, Submission
from providers.errors import AskPerson, LikenessError, MadeNothing, MaybePaid, TellOperator, WaitAndRetry
from providers.offers import Tier
from providers.services.a1111.inventory import Inventory
from providers.services.a1111.offers import possible
from providers.services.a1111.provider import A1111Provider
from providers.spool import Spool
from providers.task import PICTURES, Consistency, Operation, Outpaint
from tests.providers.services.wishes import PROMPT, counted, wish
from tests.servers.a1111 import FakeA1111
from tests.servers.comfyui import FakeComfyUI
from tests.servers.service import FakeService

XL, OLD = "sd_xl_base_1.0.safetensors [31e35c80fc]", "dreamshaper_8.safetensors [879db523c3]"
FACE = "ip-adapter-faceid-plusv2_sdxl [187cb962]"


@pytest.fixture
def fake() -> Iterator[FakeA1111]:
    with FakeA1111.running(checkpoints=[XL, OLD], rembg=True, controlnet=[FACE]) as running:
        yield running


@asynccontextmanager
async def provider_of(fake: FakeService, folder: Path, **more: Any) -> AsyncIterator[A1111Provider]:
    provider = A1111Provider(root=fake.origin, spool=Spool(folder / "spool"), **more)
    try:
        yield provider
    finally:
        await provider.aclose()


async def made(provider: A1111Provider, request: Request, into: Path) -> tuple[Submission, Result]:
    submission = await provider.submit(request)
    return submission, await ended(provider, submission, into)


async def ended(provider: A1111Provider, submission: Submission, into: Path) -> Result:
    assert [report.phase async for report in provider.follow(submission)] == [Phase.DONE]
    return await provider.fetch(submission, into)


def picture_in(text: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(text, validate=True)))


# --- what it has decides what it offers


async def rows(folder: Path, **has: Any) -> set[str]:
    with FakeA1111.running(**has) as fake:
        async with provider_of(fake, folder) as provider:
            assert not provider.offers.rows
            assert await provider.discover()
            return {f"{offer.operation}:{offer.support}" for offer in provider.offers}


async def test_what_it_has_decides_what_it_offers(tmp_path: Path) -> None:
    bare = {"upscale:emulated"}
    assert await rows(tmp_path, checkpoints=[], upscalers=["None", "Lanczos", "Nearest"]) == bare
    usual = await rows(tmp_path)
    assert usual == {
        "create:native", "portrait:native", "portrait:emulated", "edit:emulated", "variations:native",
        "inpaint:native", "outpaint:emulated", "upscale:native", "upscale:emulated",
    }  # fmt: skip
    more = await rows(tmp_path, rembg=True, controlnet=["ip-adapter_sdxl [1]"])
    assert more - usual == {"style_transfer:native", "remove_background:native", "replace_background:emulated"}


@pytest.mark.parametrize(
    ("checkpoint", "models", "how"),
    [
        (XL, ["ip-adapter_pulid_sdxl_fp16 [1]", FACE], "PuLID"),
        (XL, ["ip-adapter_instant_id_sdxl [1]", "control_instant_id_sdxl [2]"], "InstantID"),
        (XL, ["ip-adapter_instant_id_sdxl [1]"], None),
        (XL, [FACE], "IP-Adapter FaceID"),
        (OLD, [FACE], None),
        (OLD, ["ip-adapter-plus-face_sd15 [1]"], "IP-Adapter"),
        (XL, ["ip-adapter_sdxl [1]"], None),
    ],
)
def test_a_face_is_held_by_adapters_of_the_checkpoints_family(checkpoint: str, models: list[str], how: Any) -> None:
    identity = Inventory(checkpoints=(checkpoint,), controlnet=tuple(models)).identity(checkpoint)
    assert (identity.how if identity else None) == how


async def test_without_an_adapter_nothing_strict_is_promised(tmp_path: Path) -> None:
    task = wish(Operation.PORTRAIT, tmp_path, style="professional", consistency=Consistency.STRICT).task
    for controlnet, identity in ((None, None), ([FACE], "IP-Adapter FaceID")):
        with FakeA1111.running(controlnet=controlnet) as fake:
            async with provider_of(fake, tmp_path) as provider:
                await provider.discover()
                offer = provider.offers.find(task)
                assert (offer.identity if offer else None) == identity


async def test_another_server_at_the_address_is_told_apart(tmp_path: Path) -> None:
    with FakeComfyUI.serving() as comfy:
        async with provider_of(comfy, tmp_path) as provider:
            assert await provider.discover() is False
            with pytest.raises(TellOperator) as told:
                await provider.check()
            assert told.value.code == "provider_endpoint"
    async with provider_of(comfy, tmp_path) as provider:
        with pytest.raises(WaitAndRetry) as raised:
            await provider.discover()
        assert raised.value.code == "provider_unavailable"


async def test_a_checkpoint_is_chosen_by_name_or_by_the_setting(fake: FakeA1111, tmp_path: Path) -> None:
    async with provider_of(fake, tmp_path) as provider:
        assert (await provider.submit(wish(Operation.CREATE, tmp_path))).model == XL
        chosen = await provider.submit(wish(Operation.CREATE, tmp_path, model=f"a1111/{OLD}"))
        assert chosen.model == fake.sent[-1].fields["override_settings"]["sd_model_checkpoint"] == OLD
    async with provider_of(fake, tmp_path, model="dreamshaper_8") as provider:
        assert (await provider.submit(wish(Operation.CREATE, tmp_path))).model == OLD
        assert fake.sent[-1].fields["width"] == 512
    async with provider_of(fake, tmp_path, model="gone") as provider:
        with pytest.raises(TellOperator) as raised:
            await provider.check()
        assert raised.value.code == "provider_endpoint"


def test_what_could_be_done_is_told_without_a_server() -> None:
    assert set(possible().operations) == PICTURES


# --- every operation


@pytest.mark.parametrize(
    ("operation", "task", "path", "body", "size"),
    [
        (Operation.CREATE, {"aspect_ratio": "9:16", "model": "gpt", "seed": 7}, "/sdapi/v1/txt2img",
         {"prompt": PROMPT, "width": 768, "height": 1344, "steps": 40, "seed": 7}, (768, 1344)),
        (Operation.PORTRAIT, {"photos": 0, "style": "professional", "aspect_ratio": "3:4"}, "/sdapi/v1/txt2img",
         {"width": 896, "height": 1152, "steps": 28}, (896, 1152)),
        (Operation.PORTRAIT, {"style": "professional", "aspect_ratio": "3:4", "model": f"a1111/{OLD}"},
         "/sdapi/v1/img2img", {"denoising_strength": 0.6}, (360, 480)),
        (Operation.EDIT, {}, "/sdapi/v1/img2img", {"denoising_strength": 0.65, "width": 832, "height": 624},
         (832, 624)),
        (Operation.VARIATIONS, {}, "/sdapi/v1/img2img", {"denoising_strength": 0.5}, (832, 624)),
        (Operation.STYLE_TRANSFER, {}, "/sdapi/v1/img2img", {"denoising_strength": 0.7}, (832, 624)),
        (Operation.INPAINT, {}, "/sdapi/v1/img2img", {"inpainting_fill": 1, "inpainting_mask_invert": 0}, (640, 480)),
        (Operation.OUTPAINT, {"sides": Outpaint(left=160)}, "/sdapi/v1/img2img", {"inpaint_full_res": False},
         (800, 480)),
        (Operation.UPSCALE, {"scale": 2}, "/sdapi/v1/extra-single-image",
         {"upscaler_1": "R-ESRGAN 4x+", "upscaling_resize": 2}, (1280, 960)),
        (Operation.UPSCALE, {"scale": 4}, "/sdapi/v1/extra-single-image", {"upscaling_resize": 4}, (2560, 1920)),
        (Operation.REMOVE_BACKGROUND, {}, "/rembg", {"return_mask": False}, (640, 480)),
        (Operation.REPLACE_BACKGROUND, {}, "/sdapi/v1/img2img", {"denoising_strength": 1.0}, (640, 480)),
    ],
)  # fmt: skip
async def test_an_operation_is_a_call_and_a_picture_of_the_right_size(
    tmp_path: Path, operation: Operation, task: dict[str, Any], path: str, body: dict[str, Any],
    size: tuple[int, int],
) -> None:  # fmt: skip
    with FakeA1111.running(checkpoints=[XL, OLD], rembg=True, controlnet=[FACE, "ip-adapter_sdxl [1]"]) as webui:
        async with provider_of(webui, tmp_path) as provider:
            submission, result = await made(provider, wish(operation, tmp_path, **task), tmp_path / "made")
    sent = webui.sent[-1]
    assert (sent.path, {**sent.fields, **body}) == (path, sent.fields)
    (picture,) = result.pictures
    assert (picture.width, picture.height) == size
    assert (picture.provider, picture.model) == ("a1111", submission.model)
    assert result.charge is not None
    assert not result.charge.money
    if "init_images" in sent.fields:
        assert picture_in(sent.fields["init_images"][0]).size == (sent.fields["width"], sent.fields["height"])


async def test_only_the_masked_part_is_new_and_the_rest_keeps_its_own_pixels(fake: FakeA1111, tmp_path: Path) -> None:
    request = wish(Operation.INPAINT, tmp_path, size=(3000, 2000))
    async with provider_of(fake, tmp_path) as provider:
        _, result = await made(provider, request, tmp_path / "made")
    sent = fake.sent[-1].fields
    assert picture_in(sent["mask"]).size == (sent["width"], sent["height"]) == (1248, 832)
    with Image.open(result.pictures[0].path) as after, Image.open(request.photos[0]) as before:
        assert after.size == (3000, 2000)
        assert after.getpixel((50, 50)) == before.getpixel((50, 50))
        assert after.getpixel((1500, 1000)) != before.getpixel((1500, 1000))


async def test_an_outpainted_photo_lies_unchanged_where_it_belongs(fake: FakeA1111, tmp_path: Path) -> None:
    request = wish(Operation.OUTPAINT, tmp_path, sides=Outpaint(left=200, top=100))
    async with provider_of(fake, tmp_path) as provider:
        _, result = await made(provider, request, tmp_path / "made")
    sent = fake.sent[-1].fields
    mask = picture_in(sent["mask"]).convert("L")
    assert [mask.getpixel(at) for at in ((2, 2), (mask.width - 3, mask.height - 3))] == [255, 0]
    with Image.open(result.pictures[0].path) as after, Image.open(request.photos[0]) as before:
        assert after.size == (840, 580)
        assert after.getpixel((200 + 320, 100 + 240)) == before.getpixel((320, 240))


async def test_a_background_is_cut_away_or_painted_anew_around_the_subject(fake: FakeA1111, tmp_path: Path) -> None:
    async with provider_of(fake, tmp_path) as provider:
        request = wish(Operation.REMOVE_BACKGROUND, tmp_path)
        _, cut = await made(provider, request, tmp_path / "made")
        _, new = await made(provider, wish(Operation.REPLACE_BACKGROUND, tmp_path, key="2"), tmp_path / "made")
    with Image.open(cut.pictures[0].path) as image:
        assert [image.getpixel(at)[3] for at in ((5, 5), (320, 240))] == [0, 255]  # type: ignore[index]
    with Image.open(new.pictures[0].path) as after, Image.open(request.photos[0]) as before:
        assert after.getpixel((320, 240)) == before.getpixel((320, 240))
        assert after.getpixel((5, 5)) != before.getpixel((5, 5))


async def test_both_pictures_of_a_style_transfer_are_sent(tmp_path: Path) -> None:
    with FakeA1111.running(controlnet=["ip-adapter_sdxl [1]"]) as fake:
        async with provider_of(fake, tmp_path) as provider:
            await provider.submit(wish(Operation.STYLE_TRANSFER, tmp_path))
        (unit,) = fake.sent[-1].fields["alwayson_scripts"]["controlnet"]["args"]
    assert (unit["enabled"], unit["model"], unit["save_detected_map"]) == (True, "ip-adapter_sdxl [1]", False)
    assert unit["image"] != fake.sent[-1].fields["init_images"][0]
    assert picture_in(unit["image"]).size == (832, 624)


async def test_a_face_goes_to_the_adapter(fake: FakeA1111, tmp_path: Path) -> None:
    request = wish(Operation.PORTRAIT, tmp_path, style="professional", aspect_ratio="3:4")
    async with provider_of(fake, tmp_path) as provider:
        _, result = await made(provider, request, tmp_path / "made")
    sent = fake.sent[-1]
    assert sent.path.endswith("txt2img")
    assert [u["model"] for u in sent.fields["alwayson_scripts"]["controlnet"]["args"]] == [FACE]
    assert (result.pictures[0].width, result.pictures[0].height) == (896, 1152)


async def test_several_pictures_differ_and_carry_no_prompt(fake: FakeA1111, tmp_path: Path) -> None:
    async with provider_of(fake, tmp_path) as provider:
        request = counted(wish(Operation.VARIATIONS, tmp_path), 3)
        _, result = await made(provider, request, tmp_path / "made")
    data = {picture.path.read_bytes() for picture in result.pictures}
    assert len(data) == 3
    assert not any(PROMPT.encode() in one for one in data)


# --- what each answer proves


@pytest.mark.parametrize("operation", [Operation.CREATE, Operation.UPSCALE])
@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        ("busy", WaitAndRetry, "provider_busy"),
        ("503", WaitAndRetry, "provider_busy"),
        ("bad_key", TellOperator, "provider_key"),
        ("rejected", AskPerson, "provider_rejected"),
        ("not_found", AskPerson, "provider_rejected"),
        ("500", MaybePaid, "outcome_unknown"),
        ("502", MaybePaid, "outcome_unknown"),
        ("504", MaybePaid, "outcome_unknown"),
        ("junk", MaybePaid, "outcome_unknown"),
        ("empty", MaybePaid, "outcome_unknown"),
        ("reset_after", MaybePaid, "outcome_unknown"),
        ("reset_before", MaybePaid, "outcome_unknown"),
    ],
)
async def test_an_answer_to_a_submit_proves_what_the_table_says(
    fake: FakeA1111, tmp_path: Path, operation: Operation, fault: str, error: type[LikenessError], code: str
) -> None:
    async with provider_of(fake, tmp_path) as provider:
        fake.plan(fault)
        with pytest.raises(error) as raised:
            await provider.submit(wish(operation, tmp_path))
    assert raised.value.code == code
    assert not any(word in str(raised.value) for word in ("127.0.0.1", "srv", "change"))


@pytest.mark.parametrize("operation", [Operation.INPAINT, Operation.UPSCALE])
@pytest.mark.parametrize(
    ("fault", "code"),
    [("out_of_memory", "provider_failed"), ("nothing", "made_nothing"), ("bad_picture", "bad_picture")],
)
async def test_a_call_that_ended_without_a_picture_is_no_unknown_outcome(
    fake: FakeA1111, tmp_path: Path, operation: Operation, fault: str, code: str
) -> None:
    async with provider_of(fake, tmp_path) as provider:
        fake.plan(fault)
        submission = await provider.submit(wish(operation, tmp_path))
        with pytest.raises(MadeNothing) as raised:
            await ended(provider, submission, tmp_path / "made")
    assert raised.value.code == code


async def test_a_server_without_its_api_is_told_to_the_operator(fake: FakeA1111, tmp_path: Path) -> None:
    async with provider_of(fake, tmp_path) as provider:
        fake.plan("not_found", body={"detail": "Not Found"})
        with pytest.raises(TellOperator) as raised:
            await provider.submit(wish(Operation.CREATE, tmp_path))
    assert raised.value.code == "provider_endpoint"


async def test_basic_auth_is_sent_and_a_wrong_one_is_told(tmp_path: Path) -> None:
    with FakeA1111.running(auth="bot:secret") as fake:
        async with provider_of(fake, tmp_path, auth=SecretStr("bot:secret")) as provider:
            await provider.check()
            await made(provider, wish(Operation.CREATE, tmp_path), tmp_path / "made")
            assert "secret" not in repr(provider)
        for wrong in (None, SecretStr("bot:other")):
            async with provider_of(fake, tmp_path, auth=wrong) as provider:
                with pytest.raises(TellOperator) as raised:
                    await provider.check()
                assert raised.value.code == "provider_key"


async def test_what_was_made_is_found_in_another_process_for_a_day(fake: FakeA1111, tmp_path: Path) -> None:
    async with provider_of(fake, tmp_path) as provider, provider_of(fake, tmp_path) as restarted:
        request = wish(Operation.CREATE, tmp_path)
        assert await restarted.find(request) is None
        submission = await provider.submit(request)
        assert await restarted.find(request) == submission
        assert len((await restarted.fetch(submission, tmp_path / "made")).pictures) == 1
        assert await restarted.cancel(submission) in (Cancelled.TOO_LATE, Cancelled.UNSUPPORTED)
    assert fake.submits == 1


async def test_a_cancelled_call_interrupts_its_own_work_and_nobody_elses(fake: FakeA1111, tmp_path: Path) -> None:
    async with provider_of(fake, tmp_path) as provider:
        for key, task, stopped in (("mine", None, 1), ("other", "somebody else's", 0)):
            fake.reset()
            fake.plan("hold_before")
            running = asyncio.create_task(provider.submit(wish(Operation.CREATE, tmp_path, key=key)))
            while not fake.holding.is_set():  # noqa: ASYNC110  # set by the server's thread
                await asyncio.sleep(0.005)
            fake.running_task = task or fake.running_task
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            assert fake.stopped == stopped
            fake.release()


@pytest.mark.parametrize(("previews", "told"), [(1, [True, True, False]), (-1, [False] * 3)])
async def test_whoever_looks_on_is_told_of_the_own_call_with_each_preview_once(
    fake: FakeA1111, tmp_path: Path, previews: int, told: list[bool]
) -> None:
    fake.plan("hold_before")
    fake.previews = previews
    seen: list[Progress] = []
    looks = 0

    async def sleep(_seconds: float) -> None:
        nonlocal looks
        while not fake.holding.is_set():  # noqa: ASYNC110  # set by the server's thread
            await asyncio.sleep(0.005)
        looks += 1
        if looks > len(told):
            fake.release()
            await asyncio.Event().wait()

    async with provider_of(fake, tmp_path, sleep=sleep) as provider:
        request = replace(wish(Operation.CREATE, tmp_path), onlooker=seen.append)
        _, result = await made(provider, request, tmp_path / "made")
    assert [progress.preview is not None for progress in seen] == told
    assert {(progress.phase, progress.fraction) for progress in seen} == {(Phase.RUNNING, 0.5)}
    assert len(result.pictures) == 1


async def test_somebody_elses_work_is_not_looked_at(fake: FakeA1111, tmp_path: Path) -> None:
    seen: list[Progress] = []

    async def sleep(_seconds: float) -> None:
        while not fake.holding.is_set():  # noqa: ASYNC110  # set by the server's thread
            await asyncio.sleep(0.005)
        if fake.counts["looks"]:
            fake.release()
        fake.running_task = "task(of somebody else)"

    fake.plan("hold_before")
    async with provider_of(fake, tmp_path, sleep=sleep) as provider:
        await provider.submit(replace(wish(Operation.CREATE, tmp_path), onlooker=seen.append))
    assert seen == []


async def test_it_is_the_operators_own_and_its_work_may_be_repeated(fake: FakeA1111, tmp_path: Path) -> None:
    async with provider_of(fake, tmp_path) as provider:
        assert (provider.tier, provider.repeatable) == (Tier.OWN, True)
        await provider.check()
    assert fake.submits == 0
