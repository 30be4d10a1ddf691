"""OpenAI's pictures in steps: previews while somebody looks on, one POST, and what a broken stream proves."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from providers.base import Phase, Progress, Request
from providers.errors import AskPerson, LikenessError, MaybePaid
from providers.services.openai.provider import OpenAIProvider
from providers.task import Operation
from tests.providers.services.test_openai import fake, fetched, provider_of
from tests.providers.services.wishes import PROMPT, wish
from tests.servers.openai import FakeOpenAI
from tests.servers.service import image_of

__all__ = ["fake"]


class Onlooker:
    def __init__(self) -> None:
        self.seen: list[Progress] = []

    def __call__(self, progress: Progress) -> None:
        self.seen.append(progress)

    @property
    def sizes(self) -> list[tuple[int, int]]:
        return [image_of(progress.preview or b"").size for progress in self.seen]


@pytest.fixture
async def provider(fake: FakeOpenAI, tmp_path: Path) -> AsyncIterator[OpenAIProvider]:
    one = provider_of(fake, tmp_path)
    yield one
    await one.aclose()


def watched(operation: Operation, folder: Path, onlooker: Onlooker, **more: Any) -> Request:
    return replace(wish(operation, folder, **more), onlooker=onlooker)


@pytest.mark.parametrize(
    ("operation", "level", "steps"),
    [
        (Operation.CREATE, "nano2", 0),
        (Operation.CREATE, "nanopro", 1),
        (Operation.EDIT, "nanopro", 2),
        (Operation.CREATE, "gpt", 3),
        (Operation.EDIT, "gpt", 3),
    ],
)
async def test_previews_come_before_the_picture_and_add_at_most_a_tenth_to_its_price(
    fake: FakeOpenAI, provider: OpenAIProvider, tmp_path: Path, operation: Operation, level: str, steps: int
) -> None:
    onlooker = Onlooker()
    request = watched(operation, tmp_path, onlooker, model=level)
    submission = await provider.submit(request)
    assert onlooker.sizes == [(96, 96)] * steps
    assert {progress.phase for progress in onlooker.seen} <= {Phase.RUNNING}
    (sent,) = fake.sent
    assert int(sent.fields.get("partial_images", 0)) == steps
    (picture,) = await fetched(provider, submission, tmp_path / "made")
    assert picture.size != (96, 96)
    plain = await provider.submit(replace(wish(operation, tmp_path, model=level), key="plain"))
    assert submission.charge is not None
    assert plain.charge is not None
    more = submission.charge.money.amount - plain.charge.money.amount
    assert more == steps * Decimal("0.003")
    offer = provider.offers.find(request.task)
    assert offer is not None
    assert more <= offer.price.one.amount / 10


async def test_nobody_looking_on_several_pictures_or_none_wanted_means_no_stream(
    fake: FakeOpenAI, provider: OpenAIProvider, tmp_path: Path
) -> None:
    onlooker = Onlooker()
    await provider.submit(wish(Operation.CREATE, tmp_path, model="gpt"))
    await provider.submit(replace(watched(Operation.CREATE, tmp_path, onlooker, model="gpt", count=2), key="two"))
    off = provider_of(fake, tmp_path, steps=0)
    await off.submit(replace(watched(Operation.CREATE, tmp_path, onlooker, model="gpt"), key="off"))
    await off.aclose()
    assert all("stream" not in sent.fields for sent in fake.sent)
    assert onlooker.seen == []


async def test_a_server_that_cannot_stream_is_asked_once_more_without_and_not_again_with(
    fake: FakeOpenAI, provider: OpenAIProvider, tmp_path: Path
) -> None:
    fake.plan("no_stream")
    for key in ("one", "two"):
        await provider.submit(replace(watched(Operation.EDIT, tmp_path, Onlooker(), model="gpt"), key=key))
    assert ["stream" in sent.fields for sent in fake.sent] == [True, False, False]
    assert fake.billed == 2


@pytest.mark.parametrize(
    ("plan", "error", "code"),
    [
        ({"picture": "cut"}, MaybePaid, "outcome_unknown"),
        ({"picture": "gone"}, MaybePaid, "outcome_unknown"),
        ({"end": "failed"}, MaybePaid, "outcome_unknown"),
        ({"end": "policy"}, AskPerson, "refused_content"),
        ({"submit": "answer", "status": 429}, LikenessError, "provider_busy"),
    ],
)
async def test_what_a_stream_that_ends_without_its_picture_proves(
    fake: FakeOpenAI,
    provider: OpenAIProvider,
    tmp_path: Path,
    plan: dict[str, Any],
    error: type[LikenessError],
    code: str,
) -> None:
    fake.plan(**plan)
    request = watched(Operation.CREATE, tmp_path, Onlooker(), model="gpt")
    with pytest.raises(error) as caught:
        await provider.submit(request)
    assert caught.value.code == code
    assert fake.submits == 1, "never sent twice by itself"
    assert await provider.find(request) is None, "no preview counts as a result"
    assert PROMPT not in str(caught.value)
