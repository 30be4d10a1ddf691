"""Submitting to fal: what each answer proves, and that nothing is ever posted twice."""

import asyncio
import json
import socket
from pathlib import Path

import httpx
import pytest

from providers.base import Charge, CostSource
from providers.errors import AskPerson, LikenessError, MaybePaid, NotTaken, TellOperator, WaitAndRetry
from providers.media.download import Downloader
from providers.money import Money
from providers.services.fal.provider import FalProvider
from tests.providers.conftest import Naps
from tests.providers.wanted import portrait
from tests.servers.fal import FakeFal
from tests.servers.serving import listening_socket


async def test_a_submit_that_is_taken_gives_everything_needed_to_resume(fal: FakeFal, provider: FalProvider) -> None:
    submission = await provider.submit(portrait(count=2))
    (job,) = fal.jobs.values()
    assert (submission.provider, submission.request_id, submission.count) == ("fal", job.id, 2)
    assert json.loads(json.dumps(dict(submission.handle)))["endpoint"] == "fal-ai/nano-banana-pro"
    assert submission.charge is None


@pytest.mark.parametrize(
    ("fault", "kind", "code", "taken"),
    [
        ("401", TellOperator, "provider_key", 0),
        ("402", TellOperator, "provider_credit", 0),
        ("403", TellOperator, "provider_forbidden", 0),
        ("404", AskPerson, "provider_rejected", 0),
        ("redirect", TellOperator, "provider_address", 0),
        ("400", AskPerson, "provider_rejected", 0),
        ("422", AskPerson, "provider_rejected", 0),
        ("422_string", AskPerson, "provider_rejected", 0),
        ("422_unknown", AskPerson, "provider_rejected", 0),
        ("policy", AskPerson, "refused_content", 0),
        ("small", AskPerson, "photo_too_small", 0),
        ("large", AskPerson, "photo_too_many_pixels", 0),
        ("heavy", AskPerson, "photo_too_large_file", 0),
        ("413", AskPerson, "photo_too_large_file", 0),
        ("unreadable", AskPerson, "photo_unreadable", 0),
        ("no_face", AskPerson, "no_face", 0),
        ("429", WaitAndRetry, "provider_busy", 0),
        ("503_ingress", WaitAndRetry, "provider_busy", 0),
        ("503_retry_after", WaitAndRetry, "provider_busy", 0),
        ("start_deadline", WaitAndRetry, "provider_busy", 0),
        ("500_before", MaybePaid, "outcome_unknown", 0),
        ("500_after", MaybePaid, "outcome_unknown", 1),
        ("502_ingress", MaybePaid, "outcome_unknown", 1),
        ("504_ingress", MaybePaid, "outcome_unknown", 1),
        ("503_ingress_after", MaybePaid, "outcome_unknown", 1),
        ("408", MaybePaid, "outcome_unknown", 1),
        ("reset_before", MaybePaid, "outcome_unknown", 0),
        ("reset_after", MaybePaid, "outcome_unknown", 1),
        ("garbage", MaybePaid, "outcome_unknown", 1),
        ("no_id", MaybePaid, "outcome_unknown", 1),
    ],
)
async def test_each_fault_of_a_submit_has_its_error_and_is_posted_once(
    fal: FakeFal, provider: FalProvider, fault: str, kind: type[LikenessError], code: str, taken: int
) -> None:
    fal.plan(fault)
    with pytest.raises(LikenessError) as caught:
        await provider.submit(portrait())
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert (fal.submits, fal.accepted) == (1, taken)


@pytest.mark.parametrize(
    ("fault", "params"),
    [
        ("small", {"min_side": 256}),
        ("large", {"max_mp": 16}),
        ("heavy", {"max_mb": 10}),
        ("413", {"max_mb": 10}),
    ],
)
async def test_a_photo_that_does_not_fit_is_refused_with_its_limit(
    fal: FakeFal, provider: FalProvider, fault: str, params: dict[str, int]
) -> None:
    fal.plan(fault)
    with pytest.raises(AskPerson) as caught:
        await provider.submit(portrait())
    assert caught.value.params == params


async def test_the_content_refusal_is_told_before_any_other_reason(fal: FakeFal, provider: FalProvider) -> None:
    both = [{"type": "image_too_small", "loc": [], "ctx": {}}, {"type": "content_policy_violation"}]
    fal.plan("422", body={"detail": both})
    with pytest.raises(AskPerson) as caught:
        await provider.submit(portrait())
    assert caught.value.code == "refused_content"


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("0.5", 0.5), ("soon", None), ("-3", 0.0)])
async def test_retry_after_is_read_in_seconds(
    fal: FakeFal, provider: FalProvider, header: str, seconds: float | None
) -> None:
    fal.plan("429", headers={"retry-after": header})
    with pytest.raises(WaitAndRetry) as caught:
        await provider.submit(portrait())
    assert caught.value.retry_after == seconds


async def test_retry_after_is_read_as_a_date(fal: FakeFal, provider: FalProvider) -> None:
    fal.plan("429", headers={"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"})
    with pytest.raises(WaitAndRetry) as caught:
        await provider.submit(portrait())
    assert caught.value.retry_after == 0.0


async def test_no_error_carries_words_key_or_address(fal: FakeFal, provider: FalProvider) -> None:
    entry = {"type": "string_type", "msg": "secret words", "input": "secret words", "loc": ["body", "prompt"]}
    fal.plan("422", body={"detail": [entry]})
    with pytest.raises(AskPerson) as caught:
        await provider.submit(portrait(prompt="secret words"))
    assert "secret" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("words", ["Exhausted balance. Top up.", "User is locked: insufficient credits"])
async def test_an_empty_balance_is_told_by_words_under_any_status(
    fal: FakeFal, provider: FalProvider, words: str
) -> None:
    for status in ("403", "400"):
        fal.plan(status, body={"detail": words})
        with pytest.raises(TellOperator) as caught:
            await provider.submit(portrait())
        assert caught.value.code == "provider_credit"


async def test_nobody_listening_means_not_taken(downloader: Downloader) -> None:
    with listening_socket() as sock:
        port = sock.getsockname()[1]
    provider = FalProvider(key="k", queue_url=f"http://127.0.0.1:{port}", downloader=downloader)
    with pytest.raises(WaitAndRetry) as caught:
        await provider.submit(portrait())
    assert caught.value.code == "provider_unavailable"
    await provider.aclose()


async def test_silence_after_the_post_means_perhaps_paid(fal: FakeFal, downloader: Downloader) -> None:
    fal.plan("hold_after")
    async with httpx.AsyncClient(transport=_Impatient()) as client:
        provider = FalProvider(key="test-key", queue_url=fal.url, downloader=downloader, client=client)
        with pytest.raises(MaybePaid):
            await provider.submit(portrait())
    fal.release()
    assert (fal.submits, fal.accepted) == (1, 1)


class _Impatient(httpx.AsyncHTTPTransport):
    """Waits 0.3 s for an answer, whatever it was told."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions["timeout"] = {"connect": 5.0, "read": 0.3, "write": 5.0, "pool": 5.0}
        return await super().handle_async_request(request)


async def test_a_server_that_hangs_up_while_the_body_is_sent_means_perhaps_paid(downloader: Downloader) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.transport.abort()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0, family=socket.AF_INET)
    async with server:
        port = server.sockets[0].getsockname()[1]
        provider = FalProvider(key="k", queue_url=f"http://127.0.0.1:{port}", downloader=downloader)
        with pytest.raises(MaybePaid):
            await provider.submit(portrait(prompt="x" * 5_000_000))
        await provider.aclose()


async def test_a_certificate_nobody_vouches_for_ends_the_submit_before_it_begins(downloader: Downloader) -> None:
    """Plain text where TLS is expected: no certificate at all. Nothing is sent, above all not the key."""
    seen: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.read(4000))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, family=socket.AF_INET)
    async with server:
        port = server.sockets[0].getsockname()[1]
        provider = FalProvider(key="secret-key", queue_url=f"https://127.0.0.1:{port}", downloader=downloader)
        with pytest.raises(NotTaken):
            await provider.submit(portrait())
        await provider.aclose()
    assert b"secret-key" not in b"".join(seen)


async def test_credits_that_a_proxy_names_at_submit_are_the_cost(fal: FakeFal, provider: FalProvider) -> None:
    fal.submit_credits = "12.5"
    submission = await provider.submit(portrait())
    assert submission.charge == Charge(money=Money.of("12.5", "credits"), source=CostSource.ANSWER)


@pytest.mark.parametrize("nonsense", ["", "many", "nan", "-1", "inf"])
async def test_credits_that_are_no_number_are_no_cost(fal: FakeFal, provider: FalProvider, nonsense: str) -> None:
    fal.submit_credits = nonsense
    assert (await provider.submit(portrait())).charge is None


async def test_without_a_key_no_key_is_sent(fal: FakeFal, downloader: Downloader, naps: Naps) -> None:
    provider = FalProvider(key=None, queue_url=fal.url, downloader=downloader, sleep=naps)
    with pytest.raises(TellOperator):
        await provider.submit(portrait())
    await provider.aclose()
    assert "authorization" not in fal.headers[0]


async def test_a_missing_photo_is_found_before_anything_is_posted(
    fal: FakeFal, provider: FalProvider, tmp_path: Path
) -> None:
    with pytest.raises(AskPerson) as caught:
        await provider.submit(portrait(photos=(tmp_path / "gone.png",)))
    assert caught.value.code == "file_not_found"
    assert fal.submits == 0
