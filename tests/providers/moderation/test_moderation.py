"""The seam: nothing forbidden is sent, by whichever way, and no result that may not be shown is kept."""

import json
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest
from PIL import Image

from providers.base import Request
from providers.collection import collect
from providers.errors import TellOperator, WaitAndRetry
from providers.fake import FakeProvider
from providers.moderation.endpoint import ModerationEndpoint
from providers.moderation.moderation import Moderation
from providers.moderation.offence import ContentRefused, Offence
from providers.offers import Tier
from providers.router import Router
from providers.submission import submit
from providers.task import Operation
from tests.providers.test_submission import Notes
from tests.providers.wanted import wanted


def wish(text: str, *photos: Path) -> Request:
    operation = Operation.EDIT if photos else Operation.CREATE
    return wanted("k", operation=operation, prompt=f"Please: {text}", text=text, photos=photos)


def photo_file(folder: Path, name: str = "a.jpg", size: tuple[int, int] = (300, 200)) -> Path:
    Image.effect_noise(size, 60).convert("RGB").save(folder / name, quality=95)
    return folder / name


class Looks:
    """A judge that dislikes pictures, or words, as it is told."""

    def __init__(self, *, pictures: Offence | None = None) -> None:
        self._pictures = pictures
        self.asked: list[int] = []

    async def judge(self, *, text: str = "", pictures: Sequence[Path] = ()) -> Offence | None:
        self.asked.append(len(pictures))
        return self._pictures if pictures else None

    async def aclose(self) -> None:
        """Nothing to give back."""


async def test_a_forbidden_request_is_posted_to_nobody() -> None:
    provider = FakeProvider()
    journal = Notes()
    with pytest.raises(ContentRefused):
        await submit(wish("a naked woman"), Router([provider]), journal)
    assert provider.submitted == []
    assert await journal.find("k") is None


async def test_a_photo_that_is_refused_is_sent_to_nobody(tmp_path: Path) -> None:
    provider = FakeProvider()
    router = Router([provider], moderation=Moderation([Looks(pictures=Offence.PICTURE)]))
    with pytest.raises(ContentRefused):
        await submit(wish("as a wizard", photo_file(tmp_path)), router, Notes())
    assert provider.submitted == []


async def test_a_result_that_may_not_be_shown_is_charged_but_not_kept(tmp_path: Path) -> None:
    provider = FakeProvider(tier=Tier.OWN)
    provider.moderates = False
    journal = Notes()
    router = Router([provider], moderation=Moderation([Looks(pictures=Offence.SEXUAL)]))
    submission = await submit(wish("a lighthouse"), router, journal)
    with pytest.raises(ContentRefused):
        await collect(wish("a lighthouse"), submission, router, journal, into=tmp_path)
    assert not list(tmp_path.rglob("*"))  # noqa: ASYNC240
    record = await journal.find("k")
    assert record is not None
    assert record.error_code == "refused_content"


async def test_whoever_moderates_its_results_is_not_asked_about_again(tmp_path: Path) -> None:
    provider, judge, journal = FakeProvider(), Looks(), Notes()
    router = Router([provider], moderation=Moderation([judge]))
    submission = await submit(wish("a lighthouse"), router, journal)
    await collect(wish("a lighthouse"), submission, router, journal, into=tmp_path)
    assert judge.asked == [0]


def endpoint(*answers: httpx.Response, asked: list[httpx.Request] | None = None) -> ModerationEndpoint:
    left = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request)
        return left.pop(0) if len(left) > 1 else left[0]

    return ModerationEndpoint(
        base_url="https://mod.example/v1/",
        key=None,
        model="m",
        client=httpx.AsyncClient(transport=httpx.MockTransport(answer)),
    )


def verdict(flagged: bool, **categories: bool) -> httpx.Response:
    names = {name.replace("__", "/"): value for name, value in categories.items()}
    return httpx.Response(200, json={"results": [{"flagged": flagged, "categories": names}]})


@pytest.mark.parametrize(
    ("answer", "offence"),
    [
        (verdict(False, sexual=False), None),
        (verdict(True, sexual=True), Offence.SEXUAL),
        (verdict(True, sexual=True, sexual__minors=True), Offence.MINOR),
        (verdict(True, violence=True, sexual=False), None),
        (verdict(True, violence__graphic=True), Offence.GORE),
        (verdict(True, nudity=True), Offence.PICTURE),
    ],
)
async def test_a_verdict_is_read_by_its_categories(answer: httpx.Response, offence: Offence | None) -> None:
    assert await endpoint(answer).judge(text="kill the background") is offence


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_an_endpoint_that_cannot_say_lets_nothing_through(status: int) -> None:
    with pytest.raises(WaitAndRetry):
        await endpoint(httpx.Response(status)).judge(text="a lighthouse")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"results": []}', b'{"results": [1]}', b"<html>"])
async def test_an_answer_that_is_no_verdict_lets_nothing_through(body: bytes) -> None:
    with pytest.raises(WaitAndRetry):
        await endpoint(httpx.Response(200, content=body)).judge(text="a lighthouse")


async def test_a_bad_key_is_the_operators_business() -> None:
    with pytest.raises(TellOperator):
        await endpoint(httpx.Response(401)).judge(text="a lighthouse")


async def test_each_photo_is_shown_once_and_small(tmp_path: Path) -> None:
    asked: list[httpx.Request] = []
    photos = [photo_file(tmp_path, size=(2000, 1000)), photo_file(tmp_path, name="b.jpg")]
    assert await endpoint(verdict(False, sexual=False), asked=asked).judge(text="us", pictures=photos) is None
    parts = [json.loads(request.content)["input"] for request in asked]
    assert sorted(part["type"] for call in parts for part in call) == ["image_url", "image_url", "text"]
    assert all(len(request.content) < 1_500_000 for request in asked)
