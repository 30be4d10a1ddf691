"""Black Forest Labs: a job is posted, looked at where the answer says, and its picture fetched within ten minutes."""

import hashlib
import hmac
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from pydantic import SecretStr

from providers.base import Progress, ProviderDefaults, Request, Result, Submission
from providers.errors import AskPerson, MadeNothing, TellOperator, WaitAndRetry
from providers.media.download import Downloader
from providers.media.threads import in_thread
from providers.net.bodies import JsonBody
from providers.net.client import Client
from providers.net.outcome import Answer, check_error
from providers.offers import Offers
from providers.services.bfl.answers import charge_of, job_error, reader
from providers.services.bfl.bodies import body_of
from providers.services.bfl.offers import KEY, offers
from providers.services.results import fetch_links
from providers.services.watching import Pace, Sleep, Watch

GLOBAL = "https://api.bfl.ai"
PACE = Pace(first=0.5, longest=2.0, growth=1.5)


class BflProvider(ProviderDefaults):
    """`base_url`: the host alone. `hook`: our door for webhooks.

    A job posted with a webhook has no address of its own to be looked at, and on the global host the plain one does
    not know every job: there no webhook is asked for. The downloader becomes this provider's and is closed with it.
    """

    name = KEY

    def __init__(
        self,
        *,
        key: SecretStr,
        downloader: Downloader,
        sleep: Sleep,
        base_url: str = GLOBAL,
        model: str = "",
        hook: str | None = None,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        self._key = key
        self._root = base_url.rstrip("/")
        self._offers = offers(model)
        self._downloader = downloader
        self._sleep = sleep
        self._hook = hook if self._root != GLOBAL else None
        self._client = Client(client)
        self._watch = Watch(sleep, PACE)

    def __repr__(self) -> str:
        return "<BflProvider>"

    @property
    def offers(self) -> Offers:
        return self._offers

    async def submit(self, request: Request) -> Submission:
        """See `answers` for what each answer proves about the job."""
        offer = self._offers.find(request.task)
        if offer is None:
            raise AskPerson("no model for this task", code="provider_cannot", params={"given": "Black Forest Labs"})
        with TemporaryDirectory(prefix="likeness-") as folder:
            body = await in_thread(self._body, request, offer, Path(folder))
            url = f"{self._root}/v1/{quote(offer.model)}"
            answer = await self._client.submit(url, headers=self._headers() | body.headers, content=body)
        request_id = answer.text("id")
        if not answer.ok or not request_id:
            raise job_error(answer)
        polling = answer.text("polling_url")
        return Submission(
            provider=KEY,
            request_id=request_id,
            count=1,
            model=offer.model,
            handle={"polling_url": polling} if polling else {},
            charge=charge_of(answer),
        )

    def _body(self, request: Request, offer: Any, folder: Path) -> JsonBody:
        body = body_of(request, offer, folder)
        if self._hook:
            body |= {"webhook_url": self._hook, "webhook_secret": self._webhook_secret()}
        return JsonBody(body)

    async def follow(self, submission: Submission) -> AsyncGenerator[Progress, None]:
        look = partial(self._look, submission)
        async with aclosing(self._watch.follow(submission.request_id, look, reader())) as reports:
            async for progress in reports:
                yield progress

    async def fetch(self, submission: Submission, into: Path) -> Result:
        """Raises MadeNothing `result_gone` once the ten minutes of its link are over."""
        answer = await self._watch.final(partial(self._look, submission), reader())
        if answer is None:
            raise WaitAndRetry("the result is out of reach", code="result_unreachable")
        sample = answer.text("result", "sample")
        if not sample:
            raise MadeNothing("the result holds no picture")
        links = [sample]
        pictures = await fetch_links(links, submission, into, download=self._download, sleep=self._sleep)
        return Result(pictures=pictures, charge=submission.charge)

    async def notified(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Signed as `sha256=` and the HMAC of the body by the secret that went with the job."""
        right = hmac.new(self._webhook_secret().encode(), body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(headers.get("x-bfl-signature", "").removeprefix("sha256="), right):
            return False
        try:
            told = json.loads(body)
        except ValueError:
            return False
        job = told.get("id") if isinstance(told, dict) else None
        if not isinstance(job, str):
            return False
        self._watch.news(job)
        return True

    async def check(self) -> None:
        """Asks for the credits."""
        try:
            answer = await self._client.get(f"{self._root}/v1/credits", headers=self._headers())
        except httpx.TransportError as error:
            raise WaitAndRetry(f"no connection ({type(error).__name__})", code="provider_unavailable") from None
        if answer.status in (401, 403):
            raise TellOperator("the key was not accepted", code="provider_key")
        if wrong := check_error(answer):
            raise wrong
        credits = answer.get("credits")
        if isinstance(credits, int | float) and credits <= 0:
            raise TellOperator("the balance is empty", code="provider_credit")

    async def aclose(self) -> None:
        await self._client.aclose()
        await self._downloader.aclose()

    async def _look(self, submission: Submission) -> Answer:
        return await self._client.get(self._address(submission), headers=self._headers())

    def _address(self, submission: Submission) -> str:
        """Where the answer said, if the key may go there; else the plain address."""
        given = submission.handle.get("polling_url")
        if isinstance(given, str) and may_have_key(given, self._root):
            return given
        return f"{self._root}/v1/get_result?id={quote(submission.request_id, safe='')}"

    def _headers(self) -> dict[str, str]:
        return {"x-key": self._key.get_secret_value(), "accept": "application/json"}

    def _webhook_secret(self) -> str:
        """The same in every process, and not the key."""
        return hmac.new(self._key.get_secret_value().encode(), b"likeness webhook", hashlib.sha256).hexdigest()

    async def _download(self, url: str) -> bytes:
        return await self._downloader.download(url, given_by="provider")


def may_have_key(url: str, root: str) -> bool:
    """Whether the key that belongs to `root` may be sent to `url`: the same origin, or from one of BFL's to another."""
    try:
        there, here = urlsplit(url), urlsplit(root)
        same = (there.scheme, there.hostname, there.port) == (here.scheme, here.hostname, here.port)
    except ValueError:
        return False
    if "@" in there.netloc:
        return False
    return same or all(
        part.scheme == "https" and part.port in (None, 443) and f".{part.hostname}".endswith(".bfl.ai")
        for part in (there, here)
    )
