"""OpenAI's own client reads the fake as it would read the service."""

import base64
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.servers import patient
from tests.servers.openai import FakeOpenAI
from tests.servers.service import image_of, picture_bytes

if TYPE_CHECKING:
    from openai import OpenAI

PHOTO = ("photo.png", picture_bytes((64, 48)), "image/png")
MASK = ("mask.png", picture_bytes((64, 48), mode="RGBA"), "image/png")


@pytest.fixture
def fake() -> Iterator[FakeOpenAI]:
    with FakeOpenAI.serving() as serving:
        yield serving


@pytest.fixture
def openai() -> Any:
    """The package: a second to load, so only where it is used."""
    import openai

    return openai


@pytest.fixture
def client(fake: FakeOpenAI, openai: Any) -> "Iterator[OpenAI]":
    with openai.OpenAI(api_key=fake.key, base_url=fake.url, max_retries=0) as client:
        yield client


def test_a_generation_gives_pictures_and_tokens(fake: FakeOpenAI, client: "OpenAI") -> None:
    made = client.images.generate(model="gpt-image-2", prompt="a boat", n=2, size="1152x1536", quality="low")
    assert made.data is not None
    assert made.usage is not None
    assert [image_of(base64.b64decode(one.b64_json or "")).size for one in made.data] == [(1152, 1536)] * 2
    assert made.usage.output_tokens == 2 * round(272 * 1152 * 1536 / 1024**2)
    assert (fake.submits, fake.billed) == (1, 2)


def test_an_edit_sends_its_files_as_the_form_wants_them(fake: FakeOpenAI, client: "OpenAI") -> None:
    client.images.edit(model="gpt-image-1.5", image=PHOTO, mask=MASK, prompt="a hat", input_fidelity="high")
    client.images.edit(model="gpt-image-2", image=[PHOTO, PHOTO], prompt="together")
    assert [sorted(sent.files) for sent in fake.sent] == [["image", "mask"], ["image[]"]]
    assert len(fake.sent[1].files["image[]"]) == 2


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        ("policy", "BadRequestError", "moderation_blocked"),
        ("rejected", "BadRequestError", "invalid_value"),
        ("busy", "RateLimitError", "rate_limit_exceeded"),
        ("no_credit", "RateLimitError", "insufficient_quota"),
        ("not_found", "NotFoundError", "model_not_found"),
        ("forbidden", "PermissionDeniedError", None),
        ("500", "InternalServerError", None),
    ],
)
def test_its_errors_are_the_clients(
    fake: FakeOpenAI, client: "OpenAI", openai: Any, fault: str, error: str, code: str | None
) -> None:
    fake.plan(fault)
    with pytest.raises(getattr(openai, error)) as raised:
        client.images.generate(model="gpt-image-2", prompt="a boat")
    assert raised.value.code == code


def test_a_wrong_key_is_refused(fake: FakeOpenAI, openai: Any) -> None:
    with (
        openai.OpenAI(api_key="another", base_url=fake.url, max_retries=0) as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.images.generate(model="gpt-image-2", prompt="a boat")
    assert fake.billed == 0


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": "gpt-image-2", "prompt": "x", "seed": 1}, "seed"),
        ({"model": "gpt-image-2", "prompt": "x", "size": "1000x1000"}, "size"),
        ({"model": "gpt-image-1.5", "prompt": "x", "size": "1152x1536"}, "size"),
        ({"model": "gpt-image-2", "prompt": "x", "quality": "hd"}, "quality"),
        ({"model": "gpt-image-2", "prompt": "x", "n": 11}, "n"),
        ({"model": "gpt-image-2", "prompt": ""}, "prompt"),
        ({"model": "dall-e-3", "prompt": "x"}, "model"),
        ({"model": "gpt-image-2", "prompt": "x", "background": "transparent", "output_format": "jpeg"}, "background"),
    ],
)
def test_what_a_model_does_not_take_is_refused(fake: FakeOpenAI, fields: dict[str, object], param: str) -> None:
    headers = {"authorization": f"Bearer {fake.key}"}
    answer = patient.post(f"{fake.url}/images/generations", json=fields, headers=headers)
    assert answer.status_code == (404 if param == "model" else 400)
    assert answer.json()["error"]["param"] == param


def _edit(fake: FakeOpenAI, files: list[tuple[str, tuple[str, bytes, str]]], **fields: str) -> httpx.Response:
    data = {"model": "gpt-image-2", "prompt": "x"} | fields
    headers = {"authorization": f"Bearer {fake.key}"}
    return patient.post(f"{fake.url}/images/edits", data=data, files=files, headers=headers)


@pytest.mark.parametrize(
    "wrong",
    [
        [("image", PHOTO), ("image", PHOTO)],
        [("image", ("p.png", PHOTO[1], "application/octet-stream"))],
        [("image", ("p.jpg", PHOTO[1], "image/jpeg"))],
        [("image", PHOTO), ("mask", PHOTO)],
        [("image", PHOTO), ("mask", ("m.png", picture_bytes((48, 64), mode="RGBA"), "image/png"))],
        [("photo", PHOTO)],
    ],
    ids=["two under one name", "no type", "another type", "a mask without alpha", "a mask of another size", "unknown"],
)
def test_files_that_are_not_as_they_should_be_are_refused(
    fake: FakeOpenAI, wrong: list[tuple[str, tuple[str, bytes, str]]]
) -> None:
    assert _edit(fake, wrong).status_code == 400
    assert fake.billed == 0


def test_input_fidelity_is_for_the_models_that_have_it(fake: FakeOpenAI) -> None:
    said = [
        _edit(fake, [("image", PHOTO)], model=model, input_fidelity="high").status_code
        for model in ("gpt-image-1.5", "gpt-image-1-mini", "gpt-image-2")
    ]
    assert said == [200, 400, 400]


def test_a_mask_is_soft_transparent_is_painted_and_the_rest_is_nearly_the_photo(fake: FakeOpenAI) -> None:
    photo = ("p.png", picture_bytes((1024, 1024)), "image/png")
    mask = ("m.png", picture_bytes((1024, 1024), mode="RGBA"), "image/png")
    answer = _edit(fake, [("image", photo), ("mask", mask)], size="1024x1024")
    made = image_of(base64.b64decode(answer.json()["data"][0]["b64_json"]))
    assert made.getpixel((10, 10)) == (220, 20, 20)
    assert made.getpixel((300, 300)) == (254, 244, 234)
