"""OpenRouter's own client reads the fake as it would read the service."""

import base64
from collections.abc import Iterator

import pytest
from openrouter import OpenRouter, components, errors

from tests.servers.openrouter import FakeOpenRouter
from tests.servers.service import KEY, image_of, picture_bytes

MODEL = "google/gemini-3.1-flash-image-preview"
PHOTO = f"data:image/png;base64,{base64.b64encode(picture_bytes((64, 48))).decode()}"
REFERENCE = components.ContentPartImage(type="image_url", image_url=components.ContentPartImageImageURL(url=PHOTO))


@pytest.fixture
def fake() -> Iterator[FakeOpenRouter]:
    with FakeOpenRouter.serving() as serving:
        yield serving


@pytest.fixture
def client(fake: FakeOpenRouter) -> Iterator[OpenRouter]:
    with OpenRouter(api_key=KEY, server_url=fake.url) as client:
        yield client


def test_words_and_pictures_give_a_picture_and_what_it_cost(fake: FakeOpenRouter, client: OpenRouter) -> None:
    made = client.images.generate(
        model=MODEL, prompt="a hat", aspect_ratio="3:4", resolution="2K",
        input_references=[REFERENCE],
    )  # fmt: skip
    assert image_of(base64.b64decode(made.data[0].b64_json)).size == (1536, 2048)
    assert made.usage is not None
    assert made.usage.cost == 0.067
    assert (fake.submits, fake.billed) == (1, 1)


def test_what_a_model_takes_is_told(client: OpenRouter) -> None:
    told = {model.id: model.supported_parameters for model in client.images.list_models().data}
    count, references = told["openai/gpt-image-2"]["n"], told[MODEL]["input_references"]
    assert isinstance(count, components.RangeCapability)
    assert isinstance(references, components.RangeCapability)
    assert (count.max, references.max) == (10, 14)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("no_credit", errors.PaymentRequiredResponseError),
        ("policy", errors.ForbiddenResponseError),
        ("busy", errors.TooManyRequestsResponseError),
        ("too_large", errors.PayloadTooLargeResponseError),
        ("529", errors.ProviderOverloadedResponseError),
    ],
)
def test_its_errors_are_the_clients(
    fake: FakeOpenRouter, client: OpenRouter, fault: str, error: type[Exception]
) -> None:
    fake.always(fault)
    with pytest.raises(error):
        client.images.generate(model=MODEL, prompt="a boat", retries=None)


def test_a_bad_request_is_refused_and_not_billed(fake: FakeOpenRouter, client: OpenRouter) -> None:
    with pytest.raises(errors.BadRequestResponseError):
        client.images.generate(model=MODEL, prompt="two of one", n=2)
    with pytest.raises(errors.BadRequestResponseError):
        client.images.generate(model=MODEL, prompt="x", size="2048x2048", resolution="1K")
    with pytest.raises(errors.NotFoundResponseError):
        client.images.generate(model="no/such", prompt="x")
    assert (fake.submits, fake.billed) == (0, 0)
