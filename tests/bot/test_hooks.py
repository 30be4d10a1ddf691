"""The door for services' webhooks: known services only, signed messages only, raw bytes, nothing believed."""

from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.testclient import TestClient

from bot.hooks import MAX_BODY, hook_routes
from providers.fake import FakeProvider
from providers.router import Router


class Listening(FakeProvider):
    """Takes what bears the right word in its header, and remembers it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.heard: list[bytes] = []

    async def notified(self, headers: Mapping[str, str], body: bytes) -> bool:
        if headers.get("x-signature") != "right":
            return False
        self.heard.append(body)
        return True


def door(*providers: FakeProvider) -> TestClient:
    return TestClient(Starlette(routes=hook_routes(Router(providers).provider)))


def test_a_signed_message_reaches_its_service_as_it_came() -> None:
    fal = Listening(name="fal")
    body = b'{"request_id":  "r"}\n'
    answer = door(fal).post("/hooks/fal", content=body, headers={"X-Signature": "right"})
    assert (answer.status_code, fal.heard) == (200, [body])


def test_what_is_not_signed_is_refused_and_reaches_nobody() -> None:
    fal = Listening(name="fal")
    assert door(fal).post("/hooks/fal", content=b"{}").status_code == 403
    assert fal.heard == []


def test_a_service_that_sends_none_or_is_not_there_has_no_door() -> None:
    assert door(FakeProvider(name="fal")).post("/hooks/fal", content=b"{}").status_code == 403
    assert door().post("/hooks/fal", content=b"{}").status_code == 404
    assert door(Listening(name="fal")).get("/hooks/fal").status_code == 405


def test_a_body_without_end_is_cut_off() -> None:
    fal = Listening(name="fal")
    answer = door(fal).post("/hooks/fal", content=b"x" * (MAX_BODY + 1), headers={"X-Signature": "right"})
    assert (answer.status_code, fal.heard) == (413, [])
