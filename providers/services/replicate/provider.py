"""Replicate: a prediction is created, looked at until it has ended, and its output fetched within the hour."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from providers.base import Cancelled, Charge, Request, Submission
from providers.errors import WaitAndRetry
from providers.media.download import Downloader
from providers.media.threads import in_thread
from providers.net.outcome import Answer, check_error, rejected, submit_error
from providers.registry import offer_for
from providers.services.linked_jobs import LinkedJobs
from providers.services.replicate.answers import charge_of, links_of, read
from providers.services.replicate.bodies import inputs_of
from providers.services.replicate.files import Uploads
from providers.services.replicate.hooks import signed
from providers.services.replicate.offers import KEY, VERSIONS, offers
from providers.services.watching import Pace, Read, Sleep

VENDOR = "https://api.replicate.com/v1"
PACE = Pace(first=0.5, longest=5.0, growth=1.4)
SHORTEST_LIFE = 5
"""Seconds, of `Cancel-After`."""


class ReplicateProvider(LinkedJobs):
    """`base_url` with its version. `hook`: our door for webhooks, used where Replicate would call it (https)."""

    name = KEY
    moderates = False
    """Each model is somebody else's: some look, some do not."""

    def __init__(
        self,
        *,
        token: SecretStr,
        downloader: Downloader,
        sleep: Sleep,
        base_url: str = VENDOR,
        model: str = "",
        hook: str | None = None,
        client: httpx.AsyncClient | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(
            root=base_url, offers=offers(model), downloader=downloader, sleep=sleep, pace=PACE, client=client
        )
        self._token = token
        self._hook = hook if hook and (hook.startswith("https://") or not self._root.startswith("https://")) else None
        self._uploads = Uploads(self._client, self._root, self._headers())
        self._now = now
        self._webhook_key = ""

    async def submit(self, request: Request) -> Submission:
        """See `providers.net.outcome` for what each answer proves about the job."""
        offer = offer_for(self._offers, request.task)
        with TemporaryDirectory(prefix="likeness-") as folder:
            inputs = await in_thread(inputs_of, request, offer, Path(folder))
            body: dict[str, Any] = {"input": await self._uploads.placed(inputs)}
        if self._hook:
            body |= {"webhook": self._hook, "webhook_events_filter": ["completed"]}
        answer = await self._created(offer.model, body, self._headers() | self._life(request.deadline))
        request_id = answer.text("id")
        if not answer.ok or not request_id:
            raise submit_error(answer)
        return Submission(provider=KEY, request_id=request_id, count=request.count, model=offer.model)

    async def _created(self, model: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Answer:
        """Official models are asked by name, the others by version: which it is, a 404 tells, and nothing was taken."""
        version = VERSIONS.get(model)
        if version is None:
            answer = await self._client.submit(
                f"{self._root}/models/{quote(model)}/predictions", headers=headers, json=body
            )
            if answer.status != 404:
                return answer
            version = await self._latest(model)
        return await self._client.submit(
            f"{self._root}/predictions", headers=headers, json={"version": version, **body}
        )

    async def _latest(self, model: str) -> str:
        """The version of a community model. Raises AskPerson where there is none, WaitAndRetry."""
        try:
            answer = await self._client.get(f"{self._root}/models/{quote(model)}", headers=self._headers())
        except httpx.TransportError as error:
            raise WaitAndRetry(f"no connection ({type(error).__name__})", code="provider_unavailable") from None
        if version := answer.text("latest_version", "id"):
            return version
        raise check_error(answer) or rejected("no such model")

    def _life(self, deadline: datetime | None) -> dict[str, str]:
        """Nobody waits for a job after the deadline, and it need not be paid for then."""
        if deadline is None:
            return {}
        left = int((deadline - datetime.fromtimestamp(self._now(), UTC)).total_seconds())
        return {"cancel-after": f"{max(SHORTEST_LIFE, left)}s"}

    def _read(self) -> Read:
        return read

    def _links(self, answer: Answer) -> Sequence[str]:
        """Good for an hour."""
        return links_of(answer.get("output"))

    def _charge(self, answer: Answer, submission: Submission) -> Charge | None:
        return charge_of(answer, submission.model)

    async def cancel(self, submission: Submission) -> Cancelled:
        url = f"{self._root}/predictions/{quote(submission.request_id, safe='')}/cancel"
        try:
            before = await self._look(submission)
            answer = await self._client.post(url, headers=self._headers())
        except httpx.TransportError as error:
            raise WaitAndRetry(f"no connection ({type(error).__name__})") from None
        if answer.status == 404:
            return Cancelled.TOO_LATE
        if not answer.ok:
            raise check_error(answer) or WaitAndRetry(f"cancel was answered with {answer.status}")
        if answer.text("status") not in ("canceled", "starting", "processing"):
            return Cancelled.TOO_LATE
        return Cancelled.NOT_STARTED if before.text("status") in ("starting", "canceled") else Cancelled.ASKED

    async def _is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        key = await self._key_of_webhooks()
        return bool(key) and signed(headers, body, key, self._now)

    async def _key_of_webhooks(self) -> str:
        """The account's, asked for once; empty where it cannot be had."""
        if not self._webhook_key:
            try:
                answer = await self._client.get(f"{self._root}/webhooks/default/secret", headers=self._headers())
            except httpx.TransportError:
                return ""
            self._webhook_key = answer.text("key")
        return self._webhook_key

    async def check(self) -> None:
        """Asks whose account it is."""
        await self._client.check(f"{self._root}/account", headers=self._headers())

    async def _look(self, submission: Submission) -> Answer:
        url = f"{self._root}/predictions/{quote(submission.request_id, safe='')}"
        return await self._client.get(url, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._token.get_secret_value()}", "accept": "application/json"}
