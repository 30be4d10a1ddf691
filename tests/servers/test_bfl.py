"""The fake of Black Forest Labs keeps the rules of the reference."""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.servers import patient
from tests.servers.bfl import FakeBfl
from tests.servers.letterbox import Letterbox
from tests.servers.service import image_of, picture_bytes

PHOTO = base64.b64encode(picture_bytes((640, 480))).decode()


@pytest.fixture
def fake() -> Iterator[FakeBfl]:
    with FakeBfl.serving() as serving:
        yield serving


def post(fake: FakeBfl, model: str, **body: Any) -> httpx.Response:
    return patient.post(f"{fake.url}/v1/{model}", json=body, headers={"x-key": fake.key})


def look(fake: FakeBfl, url: str) -> dict[str, Any]:
    body: dict[str, Any] = patient.get(url, headers={"x-key": fake.key}).json()
    return body


@pytest.mark.parametrize(
    ("model", "body", "size", "cost"),
    [
        ("flux-2-pro", {"prompt": "x", "width": 960, "height": 1280}, (960, 1280), 3.3432),
        ("flux-2-pro", {"prompt": "x", "input_image": PHOTO, "input_image_2": PHOTO}, (640, 480), 3.9216),
        ("flux-kontext-pro", {"prompt": "x", "input_image": PHOTO, "aspect_ratio": "3:4"}, (887, 1182), 4),
        ("flux-pro-1.1", {"image_prompt": PHOTO, "width": 960, "height": 1280}, (960, 1280), 4),
        ("flux-pro-1.0-expand", {"image": PHOTO, "left": 100}, (740, 480), 5),
    ],
)
def test_a_job_is_polled_where_the_answer_says_and_gives_its_picture(
    fake: FakeBfl, model: str, body: dict[str, Any], size: tuple[int, int], cost: float
) -> None:
    fake.plan(polls=2)
    job = post(fake, model, **body).json()
    assert job["cost"] == pytest.approx(cost)
    assert [look(fake, job["polling_url"])["status"] for _ in range(3)] == ["Pending", "Pending", "Ready"]
    assert image_of(patient.get(look(fake, job["polling_url"])["result"]["sample"]).content).size == size
    assert look(fake, f"{fake.url}/v1/get_result?id={job['id']}")["status"] == "Task not found"


def test_a_link_lives_ten_minutes(fake: FakeBfl) -> None:
    job = post(fake, "flux-2-pro", prompt="x").json()
    sample = look(fake, job["polling_url"])["result"]["sample"]
    fake.clock.turn(599)
    assert patient.get(sample).status_code == 200
    fake.clock.turn(2)
    assert patient.get(sample).status_code == 403


@pytest.mark.parametrize(
    ("model", "body"),
    [
        ("flux-2-pro", {"prompt": "x", "input_image": f"data:image/png;base64,{PHOTO}"}),
        ("flux-2-pro", {"prompt": "x", "width": 1000, "height": 1000}),
        ("flux-2-pro", {"prompt": "x", "safety_tolerance": 6}),
        ("flux-2-klein-4b", {"prompt": "x", "input_image_5": PHOTO}),
        ("flux-2-pro", {"prompt": "x", "aspect_ratio": "3:4"}),
        ("flux-pro-1.1", {"prompt": "x", "width": 1472, "height": 1024}),
        ("flux-pro-1.0-expand", {"image": PHOTO, "left": 2049}),
        ("flux-pro-1.0-fill", {"image": PHOTO, "mask": base64.b64encode(picture_bytes((10, 10))).decode()}),
        ("flux-kontext-pro", {"input_image": PHOTO}),
    ],
)
def test_what_a_model_does_not_take_is_refused(fake: FakeBfl, model: str, body: dict[str, Any]) -> None:
    assert post(fake, model, **body).status_code == 422
    assert fake.billed == 0


def test_no_more_than_24_jobs_at_a_time(fake: FakeBfl) -> None:
    fake.always("never")
    assert [post(fake, "flux-2-pro", prompt="x").status_code for _ in range(25)] == [200] * 24 + [429]


def test_a_webhook_is_signed_with_the_secret_that_was_given(fake: FakeBfl) -> None:
    with Letterbox.serving() as box:
        hook = {"webhook_url": box.url, "webhook_secret": "s3"}
        job = post(fake, "flux-2-pro", prompt="x", **hook).json()
        assert (job["status"], "polling_url" in job) == ("Pending", False)
        fake.call_back(job["id"])
        headers, body = box.letters[0]
    assert headers["x-bfl-signature"] == "sha256=" + hmac.new(b"s3", body.encode(), hashlib.sha256).hexdigest()
