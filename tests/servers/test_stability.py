"""The fake Stability keeps the rules of the reference."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.servers import patient
from tests.servers.service import image_of, picture_bytes
from tests.servers.stability import FakeStability

PHOTO = ("p.png", picture_bytes((640, 480)), "image/png")


@pytest.fixture
def fake() -> Iterator[FakeStability]:
    with FakeStability.serving() as serving:
        yield serving


def post(fake: FakeStability, path: str, *, accept: str = "image/*", **fields: Any) -> httpx.Response:
    files = [(name, value if isinstance(value, tuple) else (None, str(value))) for name, value in fields.items()]
    headers = {"authorization": f"Bearer {fake.key}", "accept": accept}
    return patient.post(f"{fake.url}/v2beta/stable-image/{path}", files=files, headers=headers)


@pytest.mark.parametrize(
    ("path", "fields", "size", "credits"),
    [
        ("generate/core", {"prompt": "a boat", "aspect_ratio": "4:5"}, (916, 1145), 3),
        ("generate/ultra", {"prompt": "a boat", "image": PHOTO, "strength": 0.4}, (1182, 887), 8),
        ("generate/sd3", {"prompt": "a boat", "model": "sd3.5-flash"}, (1024, 1024), 2.5),
        ("edit/outpaint", {"image": PHOTO, "left": 100, "up": 20}, (740, 500), 4),
        ("edit/remove-background", {"image": PHOTO}, (640, 480), 5),
        ("upscale/fast", {"image": PHOTO}, (2560, 1920), 2),
        ("control/style-transfer", {"init_image": PHOTO, "style_image": PHOTO}, (1182, 887), 8),
    ],
)
def test_an_endpoint_answers_with_its_picture_and_takes_its_credits(
    fake: FakeStability, path: str, fields: dict[str, Any], size: tuple[int, int], credits: float
) -> None:
    answer = post(fake, path, **fields)
    assert (answer.status_code, answer.headers["finish-reason"]) == (200, "SUCCESS")
    assert image_of(answer.content).size == size
    assert fake.credits == 1000 - credits


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("generate/core", {"prompt": "a boat", "aspect_ratio": "3:4"}),
        ("generate/core", {"prompt": "a boat", "n": 2}),
        ("generate/core", {}),
        ("generate/ultra", {"prompt": "a boat", "image": PHOTO}),
        ("generate/sd3", {"prompt": "a boat", "image": PHOTO, "strength": 0.4}),
        ("edit/outpaint", {"image": PHOTO, "left": 0}),
        ("edit/inpaint", {"image": PHOTO}),
        ("edit/inpaint", {"image": PHOTO, "prompt": "x", "grow_mask": 21}),
        ("edit/remove-background", {"image": PHOTO, "output_format": "jpeg"}),
        ("edit/replace-background-and-relight", {"image": PHOTO, "background_prompt": "x"}),
        ("edit/replace-background-and-relight", {"subject_image": PHOTO}),
        ("upscale/fast", {"image": ("p.png", picture_bytes((1537, 100)), "image/png")}),
        ("upscale/fast", {"image": ("p.png", b"no picture", "image/png")}),
    ],
)
def test_what_an_endpoint_does_not_take_is_refused(fake: FakeStability, path: str, fields: dict[str, Any]) -> None:
    answer = post(fake, path, **({"none": ""} | fields))
    assert (answer.status_code, answer.json()["name"], fake.billed) == (400, "bad_request", 0)


def test_a_form_is_wanted_even_without_a_file(fake: FakeStability) -> None:
    headers = {"authorization": f"Bearer {fake.key}"}
    url = f"{fake.url}/v2beta/stable-image/generate/core"
    assert patient.post(url, data={"prompt": "a boat"}, headers=headers).status_code == 400


def test_more_than_ten_megabytes_are_too_much(fake: FakeStability) -> None:
    heavy = ("p.png", picture_bytes((640, 480)) + b"\0" * 10_500_000, "image/png")
    assert post(fake, "edit/remove-background", image=heavy).status_code == 413


def test_a_filtered_picture_is_a_success_that_says_so_and_costs_nothing(fake: FakeStability) -> None:
    fake.plan("withheld", times=2)
    assert post(fake, "generate/core", prompt="x").headers["finish-reason"] == "CONTENT_FILTERED"
    body = post(fake, "generate/core", prompt="x", accept="application/json").json()
    assert (body["finish_reason"], fake.billed, fake.credits) == ("CONTENT_FILTERED", 0, 1000)


def test_a_later_result_is_asked_about_every_ten_seconds_and_lives_a_day(fake: FakeStability) -> None:
    fake.plan(polls=1)
    id_ = post(fake, "upscale/creative", image=PHOTO, prompt="sharp").json()["id"]
    headers = {"authorization": f"Bearer {fake.key}", "accept": "image/*"}
    seen = []
    for wait in (0, 3, 10, 10, 24 * 3600):
        fake.clock.turn(wait)
        seen.append(patient.get(f"{fake.url}/v2beta/results/{id_}", headers=headers).status_code)
    assert seen == [202, 429, 200, 200, 404]
