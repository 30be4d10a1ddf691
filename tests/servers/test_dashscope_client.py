"""DashScope's own client reads the fake as it would read the service."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dashscope
import pytest
from dashscope import FineTunes, ImageSynthesis, MultiModalConversation
from dashscope.aigc.image_generation import ImageGeneration
from dashscope.client.base_api import BaseApi, BaseAsyncApi
from dashscope.files import Files
from dashscope.utils.oss_utils import OssUtils
from PIL import Image

from tests.servers import patient
from tests.servers.dashscope import DAY, FakeDashScope
from tests.servers.service import KEY, picture_bytes

SIZE = (640, 480)


@pytest.fixture
def fake() -> Iterator[FakeDashScope]:
    before = dashscope.base_http_api_url
    with FakeDashScope.serving() as serving:
        dashscope.base_http_api_url = serving.url
        yield serving
    dashscope.base_http_api_url = before


@pytest.fixture
def photo(tmp_path: Path) -> str:
    (tmp_path / "photo.png").write_bytes(picture_bytes(SIZE))
    return (tmp_path / "photo.png").as_uri()


@pytest.fixture
def mask(tmp_path: Path) -> str:
    image = Image.new("L", SIZE, 0)
    image.paste(255, (0, 0, 320, 480))
    image.save(tmp_path / "mask.png")
    return (tmp_path / "mask.png").as_uri()


def image_at(url: str) -> Image.Image:
    return Image.open(io.BytesIO(patient.get(url).content))


def test_an_edit_with_a_mask_uploads_both_and_changes_what_is_white(fake: FakeDashScope, photo: str, mask: str) -> None:
    made = ImageSynthesis.call(
        model="wanx2.1-imageedit", prompt="a hat", function="description_edit_with_mask", base_image_url=photo,
        mask_image_url=mask, n=1, api_key=KEY,
    )  # fmt: skip
    assert made.output.task_status == "SUCCEEDED"
    assert made.usage.image_count == 1
    assert (len(fake.uploads), fake.leaked) == (2, 0)
    before, after = Image.open(io.BytesIO(picture_bytes(SIZE))), image_at(made.output.results[0].url)
    assert after.getpixel((600, 10)) == before.getpixel((600, 10))
    assert after.getpixel((10, 10)) != before.getpixel((10, 10))


def test_expand_and_super_resolution_give_the_sizes_asked_for(fake: FakeDashScope, photo: str) -> None:
    wider = ImageSynthesis.call(
        model="wanx2.1-imageedit", prompt="more sky", function="expand", base_image_url=photo, n=1, api_key=KEY,
        top_scale=1.5, left_scale=1.25, extra_input=None,
    )  # fmt: skip
    assert image_at(wider.output.results[0].url).size == (800, 720)
    larger = ImageSynthesis.call(
        model="wanx2.1-imageedit", prompt="sharp", function="super_resolution", base_image_url=photo, n=1, api_key=KEY,
        upscale_factor=2,
    )  # fmt: skip
    assert image_at(larger.output.results[0].url).size == (1280, 960)


def test_qwen_and_wan_take_messages_with_pictures(fake: FakeDashScope, photo: str) -> None:
    def words() -> list[dict[str, object]]:
        return [{"role": "user", "content": [{"image": photo}, {"text": "a hat"}]}]

    qwen = MultiModalConversation.call(model="qwen-image-edit-plus", messages=words(), api_key=KEY, n=2, size="800*600")
    pictures = [part["image"] for part in qwen.output.choices[0].message.content]
    assert [image_at(url).size for url in pictures] == [(800, 600)] * 2
    wan = ImageGeneration.call(model="wan2.6-image", messages=words(), api_key=KEY, n=1)
    assert image_at(wan.output.choices[0].message.content[0]["image"]).size == SIZE
    assert fake.billed == 3


def test_a_task_waits_ends_and_is_forgotten_after_a_day(fake: FakeDashScope, photo: str) -> None:
    fake.plan(polls=2)
    task = ImageSynthesis.async_call(
        model="wanx2.1-imageedit", prompt="x", function="colorization", base_image_url=photo, n=1, api_key=KEY
    )
    said = [ImageSynthesis.fetch(task, api_key=KEY).output for _ in range(3)]
    assert [one.task_status for one in said] == ["PENDING", "RUNNING", "SUCCEEDED"]
    url = said[-1].results[0].url
    fake.clock.turn(DAY + 60)
    assert patient.get(url).status_code == 403
    assert ImageSynthesis.fetch(task, api_key=KEY).output.task_status == "UNKNOWN"


def test_only_a_pending_task_is_cancelled(fake: FakeDashScope, photo: str) -> None:
    fake.always("never")
    fake.plan(polls=3)
    task = ImageSynthesis.async_call(
        model="wanx2.1-imageedit", prompt="x", function="colorization", base_image_url=photo, n=1, api_key=KEY
    )
    assert ImageSynthesis.cancel(task, api_key=KEY).status_code == 200
    assert ImageSynthesis.fetch(task, api_key=KEY).output.task_status == "CANCELED"
    assert ImageSynthesis.cancel("no-such", api_key=KEY).status_code == 400


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("no_credit", 400, "Arrearage"),
        ("policy", 400, "DataInspectionFailed"),
        ("busy", 429, "Throttling.RateQuota"),
        ("model_denied", 403, "Model.AccessDenied"),
        ("503", 503, "ServiceUnavailable"),
    ],
)
def test_its_errors_are_the_clients(fake: FakeDashScope, fault: str, status: int, code: str) -> None:
    fake.plan(fault)
    content = [{"role": "user", "content": [{"text": "a boat"}]}]
    said = MultiModalConversation.call(model="qwen-image-2.0", messages=content, api_key=KEY)
    assert (said.status_code, said.code) == (status, code)


def test_a_wrong_key_and_a_bad_request_are_refused(fake: FakeDashScope, photo: str) -> None:
    content = [{"role": "user", "content": [{"text": "a boat"}]}]
    assert MultiModalConversation.call(model="qwen-image-2.0", messages=content, api_key="x").code == "InvalidApiKey"
    for model, n in (("qwen-image", 2), ("qwen-image-2.0", 7), ("qwen-image-edit-plus", 1), ("gone", 1)):
        said = MultiModalConversation.call(model=model, messages=content, api_key=KEY, n=n)
        assert said.code == ("ModelNotFound" if model == "gone" else "InvalidParameter")
    assert fake.submits == 0


def test_a_face_is_trained_listed_and_deleted(fake: FakeDashScope, photo: str) -> None:
    file = Files.upload(photo.removeprefix("file://"), purpose="inference", description="a face", api_key=KEY)
    ids = [one["file_id"] for one in file.output["uploaded_files"]]
    fake.plan(polls=2)
    begun = FineTunes.call(model="facechain-finetune", training_file_ids=ids, api_key=KEY)
    said = [FineTunes.get(begun.output.job_id, api_key=KEY).output for _ in range(3)]
    assert [begun.output.status, *(one.status for one in said)] == ["PENDING", "QUEUING", "RUNNING", "SUCCEEDED"]
    assert said[-1].finetuned_output == begun.output.finetuned_output
    assert [job.job_id for job in FineTunes.list(api_key=KEY).output.jobs] == [begun.output.job_id]
    assert FineTunes.cancel(begun.output.job_id, api_key=KEY).status_code == 400
    assert FineTunes.delete(begun.output.job_id, api_key=KEY).status_code == 200
    assert FineTunes.get(begun.output.job_id, api_key=KEY).status_code == 404


def stored(photo: str, model: str) -> str:
    address, _ = OssUtils.upload(model=model, file_path=photo.removeprefix("file://"), api_key=KEY)
    return str(address)


RESOLVES = {"X-DashScope-OssResourceResolve": "enable"}


def test_a_face_is_detected_and_put_into_a_preset_and_a_template(fake: FakeDashScope, photo: str) -> None:
    """The client has no class of its own for FaceChain: this goes by its general calls."""
    seen = BaseApi.call(
        model="facechain-facedetect", task_group="vision", task="facedetection", function="detect", api_key=KEY,
        input={"images": [stored(photo, "facechain-facedetect")]}, headers=RESOLVES,
    )  # fmt: skip
    assert seen.output["is_face"] == [True]

    def portraits(**asked: Any) -> list[tuple[int, int]]:
        task = BaseAsyncApi.async_call(
            model="facechain-generation", task_group="aigc", task="album", function="gen_potrait", api_key=KEY,
            headers=RESOLVES, **asked,
        )  # fmt: skip
        made = BaseAsyncApi.wait(task, api_key=KEY)
        return [image_at(one["url"]).size for one in made.output["results"]]

    face = [{"resource_id": "women_model", "resource_type": "facelora"}]
    sizes = portraits(input={}, style="f_idcard_female", size="768*1024", n=4, resources=face)
    assert sizes == [(768, 1024)] * 4
    template, person = (stored(one, "facechain-generation") for one in (template_of(photo), photo))
    given = {"template_url": template, "user_urls": [person]}
    assert len(portraits(input=given, style="train_free_portrait_url_template", n=1, skin_retouch=True)) == 1
    assert fake.billed == 5


def template_of(photo: str) -> str:
    """A template: 512 pixels at least a side."""
    template = Path(photo.removeprefix("file://")).with_name("template.png")
    template.write_bytes(picture_bytes((800, 1000), 5))
    return template.as_uri()
