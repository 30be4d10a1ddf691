"""Replicate's own client reads the fake as it would read the service, its signed webhooks too."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from replicate.client import Client
from replicate.exceptions import ReplicateError
from replicate.webhook import Webhooks, WebhookSigningSecret, WebhookValidationError

from tests.servers import patient
from tests.servers.letterbox import Letterbox
from tests.servers.replicate import FakeReplicate
from tests.servers.service import image_of, picture_bytes

DEV, ESRGAN = "black-forest-labs/flux-dev", "nightmareai/real-esrgan"
VERSION = "f121d640bd286e1fdc67f9799164c1d5be36ff74576ee11c803ae5b665dd46aa"


@pytest.fixture
def fake() -> Iterator[FakeReplicate]:
    with FakeReplicate.serving() as serving:
        yield serving


@pytest.fixture
def client(fake: FakeReplicate) -> Iterator[Client]:
    client = Client(api_token=fake.key, base_url=fake.origin)
    yield client
    client._client.close()  # it has no close of its own


def _png(width: int, height: int) -> io.BytesIO:
    file = io.BytesIO(picture_bytes((width, height)))
    file.name = "photo.png"
    return file


def test_a_prediction_goes_from_starting_to_its_pictures(fake: FakeReplicate, client: Client) -> None:
    fake.plan("slow")
    made = client.models.predictions.create(DEV, input={"prompt": "a boat", "num_outputs": 2, "aspect_ratio": "3:4"})
    seen: list[str] = [made.status]
    for _ in range(4):
        made.reload()
        seen.append(made.status)
    assert (seen[0], seen[-1]) == ("starting", "succeeded")
    assert "processing" in seen
    assert isinstance(made.output, list)
    assert [image_of(patient.get(link).content).size for link in made.output] == [(887, 1182)] * 2
    assert (fake.submits, fake.billed) == (1, 2)


def test_an_open_file_is_uploaded_and_a_community_model_asked_by_version(fake: FakeReplicate, client: Client) -> None:
    made = client.predictions.create(version=VERSION, input={"image": _png(40, 30), "scale": 2}, wait=True)
    assert made.status == "succeeded"
    assert isinstance(made.output, str)
    assert image_of(patient.get(made.output).content).size == (80, 60)
    assert fake.counts["uploads"] == 1


def test_a_community_model_is_not_found_by_name(client: Client) -> None:
    with pytest.raises(ReplicateError) as raised:
        client.models.predictions.create(ESRGAN, input={})
    assert raised.value.status == 404


def test_a_cancelled_prediction_costs_nothing(fake: FakeReplicate, client: Client) -> None:
    fake.plan("never")
    made = client.models.predictions.create(DEV, input={"prompt": "a boat"})
    made.cancel()
    assert made.status == "canceled"
    assert fake.billed == 0


def test_after_an_hour_everything_is_deleted(fake: FakeReplicate, client: Client) -> None:
    made = client.models.predictions.create(DEV, input={"prompt": "a boat"})
    made.reload()
    assert isinstance(made.output, list)
    fake.clock.turn(3601)
    assert patient.get(made.output[0]).status_code == 404
    made.reload()
    assert made.output is None


@pytest.mark.parametrize(("fault", "status"), [("bad_key", 401), ("no_credit", 402), ("rejected", 422), ("500", 500)])
def test_its_errors_are_the_clients(fake: FakeReplicate, client: Client, fault: str, status: int) -> None:
    fake.plan(fault)
    with pytest.raises(ReplicateError) as raised:
        client.models.predictions.create(DEV, input={"prompt": "a boat"})
    assert raised.value.status == status


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"input": {"prompt": "x"}, "seed": 3}, "seed"),
        ({"input": {"prompt": "x", "negative_prompt": "y"}}, "input.negative_prompt"),
        ({"input": {"prompt": "x", "num_outputs": 5}}, "input.num_outputs"),
        ({"input": {"prompt": "x", "image": "data:image/png;base64,AAAA"}}, "input.image"),
        ({"input": {}}, "input.prompt"),
        ({"input": {"prompt": "x"}, "webhook_events_filter": ["done"]}, "webhook_events_filter"),
    ],
)
def test_what_a_model_does_not_take_is_refused(fake: FakeReplicate, body: dict[str, Any], wrong: str) -> None:
    headers = {"authorization": f"Bearer {fake.key}"}
    answer = patient.post(f"{fake.url}/models/{DEV}/predictions", json=body, headers=headers)
    assert (answer.status_code, answer.json()["invalid_fields"][0]["field"]) == (422, wrong)


def test_a_webhook_is_signed_as_the_client_checks_it(fake: FakeReplicate, client: Client) -> None:
    with Letterbox.serving() as box:
        made = client.models.predictions.create(
            DEV, input={"prompt": "a boat"}, webhook=box.url, webhook_events_filter=["completed"]
        )
        fake.call_back(made.id)
        headers, body = box.letters[0]
        assert json.loads(body)["status"] == "succeeded"
        secret = client.webhooks.default.secret()
        Webhooks.validate(headers=headers, body=body, secret=secret, tolerance=300)
        other = WebhookSigningSecret(key="whsec_YW5vdGhlcg==")
        with pytest.raises(WebhookValidationError):
            Webhooks.validate(headers=headers, body=body, secret=other)
