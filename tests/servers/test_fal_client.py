"""fal's own client reads the fake as it would read the queue. It knows one host only: its requests are led here."""

from collections.abc import Iterator

import fal_client
import httpx
import pytest

from tests.servers import patient
from tests.servers.fal import KEY, FakeFal
from tests.servers.service import image_of
from tests.waiting import LONG

MODEL = "fal-ai/nano-banana-pro"
WISH = {"prompt": "a boat [[job:7]]", "num_images": 2}


class Led(httpx.HTTPTransport):
    """What is for the queue goes to the fake; the rest of the address stays."""

    def __init__(self, origin: str) -> None:
        super().__init__()
        self._to = httpx.URL(origin)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "queue.fal.run":
            request.url = request.url.copy_with(scheme="http", host=self._to.host, port=self._to.port)
            request.headers["host"] = f"{self._to.host}:{self._to.port}"
        return super().handle_request(request)


@pytest.fixture
def fake() -> Iterator[FakeFal]:
    with FakeFal.serving() as serving:
        yield serving


def client_of(fake: FakeFal, key: str = KEY) -> fal_client.SyncClient:
    client = fal_client.SyncClient(key=key)
    led = httpx.Client(transport=Led(fake.origin), headers={"authorization": f"Key {key}"}, timeout=LONG)
    client.__dict__["_client"] = led  # where it keeps the one that it would make
    return client


@pytest.fixture
def client(fake: FakeFal) -> Iterator[fal_client.SyncClient]:
    made = client_of(fake)
    yield made
    made._client.close()


def test_a_request_goes_through_the_queue_to_its_pictures(fake: FakeFal, client: fal_client.SyncClient) -> None:
    handle = client.submit(MODEL, arguments=WISH)
    assert handle.request_id
    made = handle.get(interval=0.01)
    assert len(made["images"]) == 2
    sizes = {image_of(patient.get(picture["url"]).content).size for picture in made["images"]}
    assert len(sizes) == 1
    assert fake.submits == 1
    assert isinstance(client.status(MODEL, handle.request_id), fal_client.Completed)


def test_a_wait_in_the_queue_is_told_as_its_client_reads_it(fake: FakeFal, client: fal_client.SyncClient) -> None:
    fake.always(seconds=LONG)
    handle = client.submit(MODEL, arguments=WISH)
    status = handle.status(with_logs=True)
    assert isinstance(status, fal_client.Queued | fal_client.InProgress)
    handle.cancel()


def test_a_bad_key_is_its_clients_own_error(fake: FakeFal) -> None:
    stranger = client_of(fake, key="of:somebody-else")
    with pytest.raises(fal_client.FalClientHTTPError) as refused:
        stranger.submit(MODEL, arguments=WISH)
    assert refused.value.status_code == 401
    assert not fake.accepted
    stranger._client.close()
