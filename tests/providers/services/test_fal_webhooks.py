"""fal's webhooks: signed by keys of its own, and a reason to look sooner, no more."""

import asyncio
import base64
import hashlib
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from providers.base import Phase
from providers.media.download import Downloader
from providers.services.fal.provider import FalProvider
from providers.services.fal.webhooks import FAL_JWKS, KEPT, RENEWED, WebhookKeys, jwks_url_for
from tests.providers.wanted import portrait
from tests.servers.fal import FakeFal

KEY = Ed25519PrivateKey.generate()
BODY = b'{"request_id": "r-1", "status": "OK"}'
MOMENT = 1_760_000_000


def jwks(*keys: Ed25519PrivateKey) -> dict[str, Any]:
    rows = [key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) for key in keys]
    return {
        "keys": [{"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(r).decode().rstrip("=")} for r in rows]
    }


def headers(body: bytes = BODY, *, at: int = MOMENT, key: Ed25519PrivateKey = KEY, job: str = "r-1") -> dict[str, str]:
    told = "\n".join((job, "user-1", str(at), hashlib.sha256(body).hexdigest())).encode()
    return {
        "x-fal-webhook-request-id": job,
        "x-fal-webhook-user-id": "user-1",
        "x-fal-webhook-timestamp": str(at),
        "x-fal-webhook-signature": key.sign(told).hex(),
    }


class Published:
    """fal's address with its keys."""

    def __init__(self, *keys: Ed25519PrivateKey) -> None:
        self.keys: tuple[Ed25519PrivateKey, ...] = keys
        self.asked = 0
        self.status = 200

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        return httpx.Response(self.status, json=jwks(*self.keys))


class Clock:
    now = float(MOMENT)

    def __call__(self) -> float:
        return self.now


def known(published: Published, clock: Clock | None = None) -> WebhookKeys:
    client = httpx.AsyncClient(transport=httpx.MockTransport(published))
    return WebhookKeys(client, "https://keys.test/jwks.json", clock or Clock())


async def test_what_fal_signed_is_taken_and_its_keys_are_kept() -> None:
    published = Published(Ed25519PrivateKey.generate(), KEY)
    keys = known(published)
    assert await keys.signed(headers(), BODY)
    assert await keys.signed(headers(), BODY)
    assert published.asked == 1


@pytest.mark.parametrize(
    ("given", "body"),
    [
        (headers(), BODY + b" "),
        (headers(at=MOMENT - 301), BODY),
        (headers(at=MOMENT + 301), BODY),
        (headers(key=Ed25519PrivateKey.generate()), BODY),
        ({**headers(), "x-fal-webhook-user-id": "another"}, BODY),
        ({**headers(), "x-fal-webhook-signature": "no hex"}, BODY),
        ({**headers(), "x-fal-webhook-timestamp": "soon"}, BODY),
        ({}, BODY),
    ],
)
async def test_what_was_changed_is_old_or_signed_by_another_is_refused(given: dict[str, str], body: bytes) -> None:
    assert not await known(Published(KEY)).signed(given, body)


async def test_keys_that_changed_are_fetched_again_but_not_for_each_forged_message() -> None:
    published, clock = Published(Ed25519PrivateKey.generate()), Clock()
    keys = known(published, clock)
    for _ in range(20):
        assert not await keys.signed(headers(), BODY)
    assert published.asked == 1
    published.keys = (KEY,)
    clock.now += RENEWED
    assert await keys.signed(headers(at=int(clock.now)), BODY)
    assert published.asked == 2
    clock.now += KEPT
    assert await keys.signed(headers(at=int(clock.now)), BODY)
    assert published.asked == 3


async def test_keys_that_cannot_be_had_mean_no_and_no_error() -> None:
    published = Published(KEY)
    published.status = 503
    assert not await known(published).signed(headers(), BODY)


def test_a_proxys_keys_lie_at_the_proxy() -> None:
    assert jwks_url_for("https://queue.fal.run") == FAL_JWKS
    assert jwks_url_for("http://127.0.0.1:9/fal") == "http://127.0.0.1:9/fal/.well-known/jwks.json"


async def test_a_webhook_wakes_who_follows_the_job(fal: FakeFal, downloader: Downloader) -> None:
    """Every wait lasts for ever: only the message ends it."""

    async def for_ever(seconds: float) -> None:
        waiting.put_nowait(seconds)
        await asyncio.Event().wait()

    waiting: asyncio.Queue[float] = asyncio.Queue()
    fal.jwks = jwks(KEY)
    fal.plan("stream_off")
    provider = FalProvider(
        key="test-key",
        queue_url=fal.url,
        downloader=downloader,
        sleep=for_ever,
        hook="http://127.0.0.1:9/hooks/fal",
        now=Clock(),
    )
    submission = await provider.submit(portrait())
    assert fal.hooks == ["http://127.0.0.1:9/hooks/fal"]
    phases: list[Phase] = []

    async def watch() -> None:
        async for report in provider.follow(submission):
            phases.append(report.phase)

    watching = asyncio.create_task(watch())
    body = json.dumps({"request_id": submission.request_id, "status": "OK"}).encode()
    for _ in range(2):  # the job says twice that it is not ready
        await waiting.get()
        assert await provider.notified(headers(body, job=submission.request_id), body)
    await watching
    assert phases[-1] is Phase.DONE
    other = replace(submission, request_id="unknown")
    told = json.dumps({"request_id": other.request_id}).encode()
    assert await provider.notified(headers(told, job="unknown"), told)
    assert not await provider.notified({}, body)
    await provider.aclose()


async def test_fal_itself_is_told_no_address_it_would_not_call(downloader: Downloader) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"request_id": "r", "status": "IN_QUEUE"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        for hook in ("http://bot.test/hooks/fal", "https://bot.test/hooks/fal"):
            provider = FalProvider(key="k", downloader=downloader, client=client, hook=hook)
            await provider.submit(portrait())
    assert [request.url.params.get("fal_webhook") for request in seen] == [None, "https://bot.test/hooks/fal"]
