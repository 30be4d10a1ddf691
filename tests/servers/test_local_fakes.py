"""The fakes of the two local servers answer as the reference says the real ones do."""

import asyncio
import base64
import io
import json
from typing import Any

import httpx
import pytest
from PIL import Image

from providers.net.certificates import trusted
from tests.servers import patient
from tests.servers.a1111 import FakeA1111
from tests.servers.comfyui import FakeComfyUI
from tests.servers.service import image_of, picture_bytes
from tests.waiting import LONG

SIZE = (128, 96)
PHOTO = picture_bytes(SIZE)
B64 = base64.b64encode(PHOTO).decode()


def left_half() -> bytes:
    image, out = Image.new("L", SIZE, 0), io.BytesIO()
    image.paste(255, (0, 0, 64, 96))
    image.save(out, "PNG")
    return out.getvalue()


# --- ComfyUI


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


def inpainting(**sampler: Any) -> dict[str, Any]:
    return {
        "4": node("CheckpointLoaderSimple", ckpt_name="sd_xl_base_1.0.safetensors"),
        "6": node("CLIPTextEncode", text="a hat", clip=["4", 1]),
        "7": node("CLIPTextEncode", text="", clip=["4", 1]),
        "10": node("LoadImage", image="photo.png"),
        "11": node("VAEEncode", pixels=["10", 0], vae=["4", 2]),
        "12": node("LoadImageMask", image="mask.png", channel="red"),
        "13": node("SetLatentNoiseMask", samples=["11", 0], mask=["12", 0]),
        "3": node(
            "KSampler",
            **{
                "model": ["4", 0], "seed": 1, "steps": 20, "cfg": 8, "sampler_name": "euler", "scheduler": "normal",
                "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["13", 0], "denoise": 1.0,
            }
            | sampler,
        ),
        "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        "9": node("SaveImage", images=["8", 0], filename_prefix="bot"),
    }  # fmt: skip


def upload(comfy: FakeComfyUI, name: str, data: bytes, **fields: str) -> str:
    files = {"image": (name, data, "image/png")}
    return str(patient.post(f"{comfy.origin}/upload/image", files=files, data=fields).json()["name"])


def post(comfy: FakeComfyUI, graph: Any, **more: Any) -> httpx.Response:
    return patient.post(f"{comfy.origin}/prompt", json={"prompt": graph} | more)


def history(comfy: FakeComfyUI, id_: str) -> dict[str, Any]:
    told: dict[str, dict[str, Any]] = patient.get(f"{comfy.origin}/history/{id_}").json()
    return told.get(id_, {})


def test_a_graph_runs_and_its_mask_says_where() -> None:
    with FakeComfyUI.serving() as comfy:
        upload(comfy, "photo.png", PHOTO)
        upload(comfy, "mask.png", left_half())
        assert post(comfy, inpainting(), prompt_id="mine").json() == {
            "prompt_id": "mine", "number": 0, "node_errors": {}
        }  # fmt: skip
        done = history(comfy, "mine")
        assert done["status"]["completed"] is True
        (file,) = done["outputs"]["9"]["images"]
        data = patient.get(f"{comfy.origin}/view", params=file).content
        after, before = image_of(data), image_of(PHOTO)
        assert "CheckpointLoaderSimple" in after.info["prompt"]
        assert after.getpixel((120, 5)) == before.getpixel((120, 5))
        assert after.getpixel((5, 5)) != before.getpixel((5, 5))
        post(comfy, inpainting(), prompt_id="again")
        assert history(comfy, "again")["outputs"]["9"]["images"] == [file]
        assert comfy.submits == 2


@pytest.mark.parametrize(
    ("changes", "kind", "node_kind"),
    [
        ({"12": node("Nowhere")}, "invalid_prompt", None),
        ({"12": {"inputs": {}}}, "invalid_prompt", None),
        ({"9": node("VAEDecode", samples=["3", 0], vae=["4", 2])}, "prompt_no_outputs", None),
        ({"4": node("CheckpointLoaderSimple", ckpt_name="no.safetensors")}, None, "value_not_in_list"),
        ({"10": node("LoadImage", image="no.png")}, None, "custom_validation_failed"),
        ({"11": node("VAEEncode", pixels=["10", 0])}, None, "required_input_missing"),
        ({"11": node("VAEEncode", pixels=["10", 1], vae=["4", 2])}, None, "return_type_mismatch"),
        ({"11": node("VAEEncode", pixels=["10"], vae=["4", 2])}, None, "bad_linked_input"),
        ({"11": node("VAEEncode", pixels=["99", 0], vae=["4", 2])}, None, "exception_during_inner_validation"),
        (inpainting(steps=0), None, "value_smaller_than_min"),
        (inpainting(denoise=2), None, "value_bigger_than_max"),
        (inpainting(steps="many"), None, "invalid_input_type"),
    ],
)
def test_a_graph_is_refused_as_comfyui_refuses_it(changes: Any, kind: str | None, node_kind: str | None) -> None:
    with FakeComfyUI.serving() as comfy:
        upload(comfy, "photo.png", PHOTO)
        upload(comfy, "mask.png", left_half())
        refused = post(comfy, inpainting() | changes)
        assert refused.status_code == 400
        told = refused.json()
        assert told["error"]["type"] == (kind or "prompt_outputs_failed_validation")
        errors = [error["type"] for one in told["node_errors"].values() for error in one["errors"]]
        assert errors == ([node_kind] if node_kind else [])
        assert comfy.submits == 0


def test_a_prompt_waits_runs_and_can_be_taken_back() -> None:
    with FakeComfyUI.serving() as comfy:
        graph = {"1": node("EmptyLatentImage", width=64, height=64, batch_size=1)} | {
            k: v for k, v in inpainting(latent_image=["1", 0]).items() if k not in ("10", "11", "12", "13")
        }
        for fault in ("never", "slow"):
            comfy.plan(fault, polls=4)
            post(comfy, graph, prompt_id=fault)
        queue = patient.get(f"{comfy.origin}/queue").json()
        assert [job[1] for job in queue["queue_pending"]] == ["never", "slow"]
        patient.post(f"{comfy.origin}/queue", json={"delete": ["slow"]})
        assert [history(comfy, "never") for _ in range(3)] == [{}] * 3
        assert [job[1] for job in patient.get(f"{comfy.origin}/queue").json()["queue_running"]] == ["never"]
        patient.post(f"{comfy.origin}/interrupt", json={"prompt_id": "never"})
        assert history(comfy, "never")["status"]["messages"][-1][0] == "execution_interrupted"
        comfy.plan("out_of_memory")
        post(comfy, graph, prompt_id="big")
        failed = history(comfy, "big")
        assert failed["status"]["messages"][-1][1]["exception_type"] == "OutOfMemoryError"
        assert failed["outputs"] == {}


def test_uploads_of_one_name_are_told_apart_and_strangers_are_kept_out() -> None:
    with FakeComfyUI.serving() as comfy:
        names = [upload(comfy, "a.png", data) for data in (PHOTO, PHOTO, left_half())]
        assert names == ["a.png", "a.png", "a (1).png"]
        assert upload(comfy, "a.png", left_half(), overwrite="true") == "a.png"
        assert patient.post(f"{comfy.origin}/upload/image", files={"picture": ("a.png", PHOTO)}).status_code == 400
        assert patient.post(f"{comfy.origin}/prompt", content=b"{").status_code == 500
        stranger = patient.post(f"{comfy.origin}/prompt", json={}, headers={"origin": "http://elsewhere"})
        assert stranger.status_code == 403
        for name, status in (("no.png", 404), ("../x", 400)):
            assert patient.get(f"{comfy.origin}/view", params={"filename": name}).status_code == status


def test_lists_are_told_in_both_forms() -> None:
    with FakeComfyUI.running(models={"upscale_models": ["4x.pth"]}, custom=["InspyrenetRembg"]) as comfy:
        told = patient.get(f"{comfy.origin}/api/object_info").json()
        assert told["CheckpointLoaderSimple"]["input"]["required"]["ckpt_name"] == [[], {}]
        upscalers = told["UpscaleModelLoader"]["input"]["required"]["model_name"]
        assert upscalers == ["COMBO", {"options": ["4x.pth"]}]
        assert "InspyrenetRembg" in told
        assert patient.get(f"{comfy.origin}/object_info/Nowhere").json() == {}


# --- AUTOMATIC1111


def call(webui: FakeA1111, path: str, body: Any, auth: tuple[str, str] | None = None) -> httpx.Response:
    return patient.post(f"{webui.origin}/sdapi/v1/{path}", json=body, auth=auth)


def test_a_mask_says_what_is_painted_anew_and_info_is_text() -> None:
    mask = base64.b64encode(left_half()).decode()
    with FakeA1111.serving() as webui:
        body = {"prompt": "a hat", "init_images": [B64], "mask": mask, "width": 128, "height": 96, "n_iter": 2}
        told = call(webui, "img2img", body).json()
    assert json.loads(told["info"])["all_seeds"] == [4242, 4243]
    after, before = image_of(base64.b64decode(told["images"][0])), image_of(PHOTO)
    assert after.getpixel((120, 5)) == before.getpixel((120, 5))
    assert after.getpixel((5, 5)) != before.getpixel((5, 5))
    assert after.info["parameters"] == "a hat"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("img2img", {"prompt": "x"}, 404),
        ("img2img", {"init_images": ["junk"]}, 500),
        ("txt2img", {"width": "wide"}, 422),
        ("txt2img", {"sampler_name": "Nobody's"}, 400),
        ("txt2img", {"override_settings": {"sd_model_checkpoint": "no.ckpt"}}, 404),
        ("txt2img", {"alwayson_scripts": {"controlnet": {"args": []}}}, 422),
        ("extra-single-image", {"image": B64, "upscaler_1": "Magic"}, 500),
    ],
)
def test_a_bad_call_is_refused_as_the_web_ui_refuses_it(path: str, body: Any, status: int) -> None:
    with FakeA1111.serving() as webui:
        assert call(webui, path, body).status_code == status
        assert webui.submits == 0


def test_basic_auth_guards_every_path_and_extensions_show_where_they_are() -> None:
    with FakeA1111.running(auth="bot:secret", controlnet=["ip-adapter [1]"], rembg=True) as webui:
        assert call(webui, "txt2img", {}).status_code == 401
        assert call(webui, "txt2img", {}, auth=("bot", "secret")).status_code == 200
        told = patient.get(f"{webui.origin}/controlnet/model_list", auth=("bot", "secret")).json()
        assert told == {"model_list": ["ip-adapter [1]"]}
        assert "/rembg" in patient.get(f"{webui.origin}/openapi.json", auth=("bot", "secret")).json()["paths"]
        cut = patient.post(f"{webui.origin}/rembg", json={"input_image": B64, "model": "u2net"}, auth=("bot", "secret"))
        assert image_of(base64.b64decode(cut.json()["image"])).mode == "RGBA"


def test_an_upscaler_enlarges_and_none_does_not() -> None:
    with FakeA1111.serving() as webui:
        for upscaler, size in (("R-ESRGAN 4x+", (512, 384)), ("None", SIZE)):
            body = {"image": B64, "upscaling_resize": 4, "upscaler_1": upscaler}
            told = call(webui, "extra-single-image", body).json()
            assert image_of(base64.b64decode(told["image"])).size == size


async def test_an_interrupt_ends_the_call_that_runs_with_what_it_has() -> None:
    with FakeA1111.serving() as webui:
        webui.plan("hold_before")
        async with httpx.AsyncClient(verify=trusted(), base_url=webui.origin, timeout=LONG) as client:
            running = asyncio.create_task(client.post("/sdapi/v1/txt2img", json={"force_task_id": "mine"}))
            while not webui.holding.is_set():  # noqa: ASYNC110  # set by the server's thread
                await asyncio.sleep(0.005)
            task = (await client.post("/internal/progress", json={"id_task": "mine"})).json()
            assert (task["active"], task["progress"]) == (True, 0.5)
            await client.post("/sdapi/v1/interrupt")
            assert (await running).json()["images"] == []
