"""ComfyUI: what it has decides what it offers; the graph of every operation, jobs from the line to the picture."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from providers.base import Cancelled, Phase, Request, Result, Submission
from providers.errors import AskPerson, LikenessError, MadeNothing, MaybePaid, TellOperator, WaitAndRetry
from providers.offers import Tier
from providers.services.comfyui.inventory import factor_of
from providers.services.comfyui.offers import possible
from providers.services.comfyui.provider import ComfyUIProvider
from providers.task import PICTURES, Consistency, Operation, Outpaint
from tests.providers.services.wishes import PROMPT, counted, wish
from tests.servers.a1111 import FakeA1111
from tests.servers.comfyui import FakeComfyUI
from tests.servers.comfyui_nodes import CUSTOM
from tests.servers.service import FakeService, image_of

XL, OTHER = "sd_xl_base_1.0.safetensors", "dreamshaper_8.safetensors"
EVERYTHING = {
    "checkpoints": [XL, OTHER],
    "upscale_models": ["4x-UltraSharp.pth", "RealESRGAN_x2plus.pth"],
    "diffusion_models": ["flux1-dev-kontext_fp8.safetensors", "flux1-dev.safetensors", "qwen_image_edit_2509.gguf"],
    "text_encoders": ["clip_l.safetensors", "t5xxl_fp8.safetensors", "qwen_2.5_vl_7b.safetensors"],
    "vae": ["ae.safetensors", "qwen_image_vae.safetensors"],
    "clip_vision": ["sigclip_vision_patch14_384.safetensors"],
    "style_models": ["flux1-redux-dev.safetensors"],
}


@pytest.fixture
def fake() -> Iterator[FakeComfyUI]:
    with FakeComfyUI.running(models={"checkpoints": [XL, OTHER], "upscale_models": ["4x.pth"]}) as running:
        yield running


async def no_time(seconds: float) -> None:
    """A sleep that takes none."""


@asynccontextmanager
async def provider_of(fake: FakeService, files: Path, **more: Any) -> AsyncIterator[ComfyUIProvider]:
    provider = ComfyUIProvider(root=fake.origin, files=files / "files", sleep=no_time, **more)
    try:
        yield provider
    finally:
        await provider.aclose()


async def made(provider: ComfyUIProvider, request: Request, into: Path) -> tuple[Submission, Result]:
    submission = await provider.submit(request)
    async with aclosing(provider.follow(submission)) as reports:
        phases = [report.phase async for report in reports]
    assert phases[-1] is Phase.DONE
    return submission, await provider.fetch(submission, into)


def graph_of(fake: FakeComfyUI) -> dict[str, Any]:
    graph: dict[str, Any] = list(fake.jobs.values())[-1].graph
    return {node["class_type"]: node["inputs"] for node in graph.values()}


# --- what it has decides what it offers


async def operations(models: Mapping[str, Sequence[str]], files: Path, custom: Sequence[str] = ()) -> set[str]:
    with FakeComfyUI.running(models=models, custom=custom) as fake:
        async with provider_of(fake, files) as provider:
            assert not provider.offers.rows
            assert await provider.discover()
            return {f"{offer.operation}:{offer.support}" for offer in provider.offers}


async def test_without_a_checkpoint_it_still_enlarges(tmp_path: Path) -> None:
    assert await operations({}, tmp_path) == {"upscale:emulated"}


async def test_a_checkpoint_brings_the_graphs_that_need_nothing_else(tmp_path: Path) -> None:
    assert await operations({"checkpoints": [XL]}, tmp_path) == {
        "create:native", "portrait:native", "portrait:emulated", "edit:emulated", "variations:native",
        "inpaint:native", "outpaint:native", "upscale:emulated",
    }  # fmt: skip


async def test_further_models_and_nodes_bring_the_rest(tmp_path: Path) -> None:
    found = await operations(EVERYTHING, tmp_path, list(CUSTOM))
    assert {op.partition(":")[0] for op in found} == {operation.value for operation in PICTURES}
    assert {"edit:native", "upscale:native", "style_transfer:native", "replace_background:emulated"} <= found


async def test_a_face_is_held_only_by_models_that_can(fake: FakeComfyUI, tmp_path: Path) -> None:
    request = wish(Operation.PORTRAIT, tmp_path, style="professional", consistency=Consistency.STRICT)
    async with provider_of(fake, tmp_path) as provider:
        await provider.discover()
        assert provider.offers.find(request.task) is None
        with pytest.raises(AskPerson) as raised:
            await provider.submit(request)
        assert raised.value.code == "provider_cannot"
    with FakeComfyUI.running(models=EVERYTHING, custom=list(CUSTOM)) as better:
        async with provider_of(better, tmp_path) as provider:
            await provider.discover()
            offer = provider.offers.find(request.task)
            assert offer is not None
            assert (offer.model, offer.identity) == ("flux-kontext", "FLUX.1 Kontext, by reference")


async def test_a_checkpoint_is_chosen_by_name_or_by_the_setting(fake: FakeComfyUI, tmp_path: Path) -> None:
    async with provider_of(fake, tmp_path) as provider:
        submission = await provider.submit(wish(Operation.CREATE, tmp_path, model=f"comfyui/{OTHER}"))
        assert submission.model == graph_of(fake)["CheckpointLoaderSimple"]["ckpt_name"] == OTHER
        assert (await provider.submit(wish(Operation.CREATE, tmp_path, key="2"))).model == XL
    async with provider_of(fake, tmp_path, model="DreamShaper_8") as provider:
        assert (await provider.submit(wish(Operation.CREATE, tmp_path, key="3"))).model == OTHER
    async with provider_of(fake, tmp_path, model="gone") as provider:
        with pytest.raises(TellOperator) as raised:
            await provider.check()
        assert raised.value.code == "provider_endpoint"


@pytest.mark.parametrize(("level", "steps"), [("nano2", 20), ("nanopro", 28), ("gpt", 40)])
async def test_levels_of_quality_are_steps(fake: FakeComfyUI, tmp_path: Path, level: str, steps: int) -> None:
    async with provider_of(fake, tmp_path) as provider:
        await provider.submit(wish(Operation.CREATE, tmp_path, model=level))
        assert graph_of(fake)["KSampler"]["steps"] == steps


async def test_another_server_at_the_address_is_told_apart(tmp_path: Path) -> None:
    with FakeA1111.serving() as webui:
        async with provider_of(webui, tmp_path) as provider:
            assert await provider.discover() is False
    async with provider_of(webui, tmp_path) as away:
        with pytest.raises(WaitAndRetry) as raised:
            await away.discover()
    assert raised.value.code == "provider_unavailable"


def test_what_could_be_done_is_told_without_a_server() -> None:
    assert set(possible().operations) == PICTURES


@pytest.mark.parametrize(
    ("name", "factor"),
    [("4x-UltraSharp.pth", 4), ("RealESRGAN_x2plus.pth", 2), ("2x_anime.pth", 2), ("8x_NMKD.pth", 8), ("some.pth", 4)],
)
def test_an_upscalers_name_tells_its_factor(name: str, factor: int) -> None:
    assert factor_of(name) == factor


# --- every operation


@pytest.mark.parametrize(
    ("operation", "task", "graph", "size"),
    [
        (Operation.CREATE, {"aspect_ratio": "9:16"}, {"EmptyLatentImage": {"width": 768, "height": 1344}}, (768, 1344)),
        (Operation.PORTRAIT, {"photos": 0, "style": "professional", "aspect_ratio": "3:4"},
         {"EmptyLatentImage": {"width": 896, "height": 1152}}, (896, 1152)),
        (Operation.PORTRAIT, {"style": "professional"}, {"KSampler": {"denoise": 0.6}}, (832, 624)),
        (Operation.PORTRAIT, {"style": "professional", "aspect_ratio": "3:4"}, {"KSampler": {"denoise": 0.6}},
         (624, 832)),
        (Operation.EDIT, {}, {"KSampler": {"denoise": 0.65}}, (832, 624)),
        (Operation.VARIATIONS, {}, {"KSampler": {"denoise": 0.5}}, (832, 624)),
        (Operation.INPAINT, {}, {"LoadImageMask": {"channel": "red"}}, (640, 480)),
        (Operation.OUTPAINT, {"sides": Outpaint(left=160)}, {"ImagePadForOutpaint": {"left": 160}}, (800, 480)),
        (Operation.UPSCALE, {"scale": 2}, {"UpscaleModelLoader": {"model_name": "4x.pth"}}, (1280, 960)),
        (Operation.UPSCALE, {"scale": 4}, {"ImageScale": {"width": 2560}}, (2560, 1920)),
    ],
)  # fmt: skip
async def test_an_operation_is_a_graph_and_a_picture_of_the_right_size(
    fake: FakeComfyUI, tmp_path: Path, operation: Operation, task: dict[str, Any], graph: Any, size: tuple[int, int]
) -> None:
    request = wish(operation, tmp_path, **task)
    async with provider_of(fake, tmp_path) as provider:
        submission, result = await made(provider, request, tmp_path / "made")
    for kind, inputs in graph.items():
        assert graph_of(fake)[kind] | inputs == graph_of(fake)[kind]
    if "CLIPTextEncode" in graph_of(fake):
        texts = [node["inputs"].get("text") for node in fake.jobs[submission.request_id].graph.values()]
        assert PROMPT in texts
    (picture,) = result.pictures
    assert (picture.width, picture.height) == size
    assert (picture.provider, picture.model, picture.request_id) == ("comfyui", submission.model, submission.request_id)
    assert result.charge is not None
    assert not result.charge.money


async def test_only_the_masked_part_is_new_and_the_rest_keeps_its_own_pixels(fake: FakeComfyUI, tmp_path: Path) -> None:
    request = wish(Operation.INPAINT, tmp_path, size=(3000, 2000))
    async with provider_of(fake, tmp_path) as provider:
        _, result = await made(provider, request, tmp_path / "made")
    with Image.open(result.pictures[0].path) as after, Image.open(request.photos[0]) as before:
        assert after.size == before.size == (3000, 2000)
        assert after.getpixel((50, 50)) == before.getpixel((50, 50))
        assert after.getpixel((1500, 1000)) != before.getpixel((1500, 1000))


async def test_an_outpainted_photo_lies_unchanged_where_it_belongs(fake: FakeComfyUI, tmp_path: Path) -> None:
    request = wish(Operation.OUTPAINT, tmp_path, sides=Outpaint(left=100, top=60))
    async with provider_of(fake, tmp_path) as provider:
        _, result = await made(provider, request, tmp_path / "made")
    with Image.open(result.pictures[0].path) as after, Image.open(request.photos[0]) as before:
        assert after.getpixel((100 + 320, 60 + 240)) == before.getpixel((320, 240))
        assert after.getpixel((10, 10)) != (128, 128, 128)


@pytest.mark.parametrize("operation", [Operation.STYLE_TRANSFER, Operation.REMOVE_BACKGROUND,
                                       Operation.REPLACE_BACKGROUND, Operation.EDIT])  # fmt: skip
async def test_a_server_with_everything_does_what_needs_more(tmp_path: Path, operation: Operation) -> None:
    with FakeComfyUI.running(models=EVERYTHING, custom=list(CUSTOM)) as fake:
        async with provider_of(fake, tmp_path) as provider:
            _, result = await made(provider, wish(operation, tmp_path), tmp_path / "made")
        loaded = [node for node in next(iter(fake.jobs.values())).graph.values() if node["class_type"] == "LoadImage"]
    assert len(loaded) == (2 if operation is Operation.STYLE_TRANSFER else 1)
    with Image.open(result.pictures[0].path) as image:
        assert (image.mode == "RGBA") == (operation is Operation.REMOVE_BACKGROUND)
        if image.mode == "RGBA":
            assert [image.getpixel(at)[3] for at in ((5, 5), (320, 240))] == [0, 255]  # type: ignore[index]


async def test_a_model_that_refers_to_the_photo_makes_any_shape_and_img2img_keeps_the_photos(tmp_path: Path) -> None:
    request = wish(Operation.EDIT, tmp_path, aspect_ratio="16:9")
    for models, size in ((EVERYTHING, (1344, 768)), ({"checkpoints": [XL]}, None)):
        with FakeComfyUI.running(models=models) as fake:
            async with provider_of(fake, tmp_path) as provider:
                await provider.discover()
                assert (provider.offers.find(request.task) is None) is (size is None)
                if size is not None:
                    _, result = await made(provider, request, tmp_path / "made")
                    assert (result.pictures[0].width, result.pictures[0].height) == size


async def test_several_pictures_of_one_request_differ(fake: FakeComfyUI, tmp_path: Path) -> None:
    async with provider_of(fake, tmp_path) as provider:
        _, result = await made(provider, counted(wish(Operation.VARIATIONS, tmp_path), 3), tmp_path / "made")
        again = await provider.submit(wish(Operation.VARIATIONS, tmp_path, key="again"))
        assert len({picture.path.read_bytes() for picture in result.pictures}) == 3
        seeds = {json.dumps(job.graph["3"]["inputs"]["seed"]) for job in fake.jobs.values()}
        assert len(seeds) == 2
        assert again.request_id != result.pictures[0].request_id


async def test_a_saved_picture_carries_no_graph(fake: FakeComfyUI, tmp_path: Path) -> None:
    async with provider_of(fake, tmp_path) as provider:
        _, result = await made(provider, wish(Operation.CREATE, tmp_path), tmp_path / "made")
    data = result.pictures[0].path.read_bytes()
    assert PROMPT.encode() not in data
    assert b"KSampler" not in data


# --- what each answer proves


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        ("busy", WaitAndRetry, "provider_busy"),
        ("503", WaitAndRetry, "provider_busy"),
        ("500", MaybePaid, "outcome_unknown"),
        ("504", MaybePaid, "outcome_unknown"),
        ("junk", MaybePaid, "outcome_unknown"),
        ("empty", MaybePaid, "outcome_unknown"),
        ("reset_after", MaybePaid, "outcome_unknown"),
        ("forbidden", TellOperator, "provider_forbidden"),
        ("rejected", AskPerson, "provider_rejected"),
    ],
)
async def test_an_answer_to_a_submit_proves_what_the_table_says(
    fake: FakeComfyUI, tmp_path: Path, fault: str, error: type[LikenessError], code: str
) -> None:
    async with provider_of(fake, tmp_path) as provider:
        fake.plan(fault)
        with pytest.raises(error) as raised:
            await provider.submit(wish(Operation.CREATE, tmp_path))
        assert raised.value.code == code
        assert fake.origin.rpartition("/")[2] not in str(raised.value)


@pytest.mark.parametrize(("fault", "known"), [("reset_after", True), ("500", True), ("503", False)])
async def test_a_prompt_whose_answer_was_lost_is_found_again(
    fake: FakeComfyUI, tmp_path: Path, fault: str, known: bool
) -> None:
    request = wish(Operation.CREATE, tmp_path)
    async with provider_of(fake, tmp_path) as provider, provider_of(fake, tmp_path) as restarted:
        fake.plan(fault)
        with pytest.raises(LikenessError):
            await provider.submit(request)
        found = await restarted.find(request)
        assert (found is not None) is known
        if found is not None:
            assert [r.phase async for r in restarted.follow(found)][-1] is Phase.DONE
            assert len((await restarted.fetch(found, tmp_path / "made")).pictures) == 1
    assert fake.submits == 1


async def test_a_graph_that_the_server_no_longer_takes_is_rejected_and_looked_at_anew(
    fake: FakeComfyUI, tmp_path: Path
) -> None:
    async with provider_of(fake, tmp_path) as provider:
        await provider.discover()
        fake.room.models["checkpoints"] = [OTHER]
        with pytest.raises(AskPerson) as raised:
            await provider.submit(wish(Operation.CREATE, tmp_path))
        assert raised.value.code == "provider_rejected"
        assert "value_not_in_list" in str(raised.value)
        assert (await provider.submit(wish(Operation.CREATE, tmp_path))).model == OTHER


@pytest.mark.parametrize(
    ("fault", "code"),
    [("failed", "provider_failed"), ("out_of_memory", "provider_failed"), ("interrupted", "provider_failed"),
     ("nothing", "made_nothing")],
)  # fmt: skip
async def test_a_prompt_that_fails_says_so_without_the_servers_paths(
    fake: FakeComfyUI, tmp_path: Path, fault: str, code: str
) -> None:
    async with provider_of(fake, tmp_path) as provider:
        fake.plan(fault)
        submission = await provider.submit(wish(Operation.CREATE, tmp_path))
        with pytest.raises(MadeNothing) as raised:
            [report async for report in provider.follow(submission)]
        assert raised.value.code == code
        assert "srv" not in str(raised.value)
        with pytest.raises(MadeNothing):
            await provider.fetch(submission, tmp_path / "made")


async def test_the_line_is_reported_and_faults_on_the_way_are_ridden_out(fake: FakeComfyUI, tmp_path: Path) -> None:
    async with provider_of(fake, tmp_path) as provider:
        fake.plan("never")
        await provider.submit(wish(Operation.CREATE, tmp_path, key="first"))
        fake.plan(polls=6, poll_faults=("reset", 502, "junk"))
        submission = await provider.submit(wish(Operation.CREATE, tmp_path))
        reports = [report async for report in provider.follow(submission)]
    assert [r.phase for r in reports] == [Phase.QUEUED, Phase.RUNNING, Phase.DONE]
    assert reports[0].position is not None


@pytest.mark.parametrize("frames", [("others", "ours", "others"), ("ours",)])
async def test_the_preview_of_ones_own_prompt_is_reported_while_it_runs(
    fake: FakeComfyUI, tmp_path: Path, frames: tuple[str, ...]
) -> None:
    fake.frames = frames
    fake.plan("never")
    async with provider_of(fake, tmp_path) as provider:
        submission = await provider.submit(wish(Operation.CREATE, tmp_path))
        async with aclosing(provider.follow(submission)) as reports:
            previews = (report.preview async for report in reports if report.preview is not None)
            preview = await anext(previews)
    assert image_of(preview).size == (64, 64)
    assert fake.counts["sockets"] == 1


async def test_a_server_that_forgot_a_prompt_ends_the_wait(fake: FakeComfyUI, tmp_path: Path) -> None:
    async with provider_of(fake, tmp_path) as provider:
        submission = await provider.submit(wish(Operation.CREATE, tmp_path))
        fake.restart()
        with pytest.raises(MadeNothing) as raised:
            [report async for report in provider.follow(submission)]
        assert raised.value.code == "job_lost"


@pytest.mark.parametrize(
    ("fault", "code"),
    [("gone", "result_gone"), ("truncated", "bad_picture"), ("html", "bad_picture"), ("bad_picture", "bad_picture")],
)
async def test_a_file_that_cannot_be_had_is_told_by_its_code(
    fake: FakeComfyUI, tmp_path: Path, fault: str, code: str
) -> None:
    async with provider_of(fake, tmp_path) as provider:
        fake.plan(fault)
        submission = await provider.submit(wish(Operation.CREATE, tmp_path))
        [report async for report in provider.follow(submission)]
        with pytest.raises(MadeNothing) as raised:
            await provider.fetch(submission, tmp_path / "made")
        assert raised.value.code == code


async def test_fewer_pictures_than_asked_for_are_a_result(fake: FakeComfyUI, tmp_path: Path) -> None:
    async with provider_of(fake, tmp_path) as provider:
        fake.plan("fewer")
        _, result = await made(provider, counted(wish(Operation.CREATE, tmp_path), 3), tmp_path / "made")
    assert len(result.pictures) == 1


async def test_a_broken_upload_takes_no_job(fake: FakeComfyUI, tmp_path: Path) -> None:
    async with provider_of(fake, tmp_path) as provider:
        await provider.discover()
        fake.plan("reset_before")  # the upload is the first POST
        with pytest.raises(WaitAndRetry) as raised:
            await provider.submit(wish(Operation.EDIT, tmp_path))
        assert raised.value.code == "provider_unavailable"
    assert fake.submits == 0


# --- cancelling


async def test_a_waiting_prompt_is_taken_out_of_the_line_and_a_running_one_interrupted(
    fake: FakeComfyUI, tmp_path: Path
) -> None:
    async with provider_of(fake, tmp_path) as provider:
        fake.plan("never", polls=8)
        waiting = await provider.submit(wish(Operation.CREATE, tmp_path, key="waiting"))
        assert await provider.cancel(waiting) is Cancelled.NOT_STARTED
        assert waiting.request_id not in fake.jobs
        fake.plan("never")
        running = await provider.submit(wish(Operation.CREATE, tmp_path, key="running"))
        assert await provider.cancel(running) is Cancelled.ASKED
        assert fake.sent[-1].fields == {"prompt_id": running.request_id}
        done, _ = await made(provider, wish(Operation.CREATE, tmp_path, key="done"), tmp_path / "made")
        assert await provider.cancel(done) is Cancelled.TOO_LATE


async def test_it_is_the_operators_own_and_its_work_may_be_repeated(fake: FakeComfyUI, tmp_path: Path) -> None:
    async with provider_of(fake, tmp_path) as provider:
        assert (provider.tier, provider.repeatable) == (Tier.OWN, True)
        await provider.check()
        assert fake.submits == 0
        assert "127.0.0.1" not in repr(provider)


async def test_a_photo_that_is_none_is_not_sent(fake: FakeComfyUI, tmp_path: Path) -> None:
    request = wish(Operation.INPAINT, tmp_path)
    (tmp_path / "photo-0.png").write_bytes(b"no picture")
    async with provider_of(fake, tmp_path) as provider:
        with pytest.raises(AskPerson):
            await provider.submit(request)
    assert not fake.sent
