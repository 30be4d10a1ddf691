"""Black Forest Labs: a job is posted, polled at the address in the answer, its picture fetched within ten minutes."""

import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from pydantic import SecretStr

from providers.base import Charge, Request, Submission
from providers.errors import TellOperator, WaitAndRetry
from providers.media.download import Downloader
from providers.media.threads import in_thread
from providers.net.bodies import JsonBody
from providers.net.outcome import Answer, check_error
from providers.registry import offer_for
from providers.services.bfl.answers import charge_of, job_error, reader
from providers.services.bfl.bodies import body_of
from providers.services.bfl.offers import KEY, offers
from providers.services.linked_jobs import LinkedJobs
from providers.services.watching import Pace, Read, Sleep

GLOBAL = "https://api.bfl.ai"
PACE = Pace(first=0.5, longest=2.0, growth=1.5)


class BflProvider(LinkedJobs):
    """`base_url`: the host alone. `hook`: our door for webhooks.

    A job posted with a webhook has no address of its own to be looked at, and on the global host the plain one does
    not know every job: there no webhook is asked for.
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
        super().__init__(
            root=base_url, offers=offers(model), downloader=downloader, sleep=sleep, pace=PACE, client=client
        )
        self._key = key
        self._hook = hook if self._root != GLOBAL else None

    async def submit(self, request: Request) -> Submission:
        """See `answers` for what each answer proves about the job."""
        offer = offer_for(self._offers, request.task)
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

    def _read(self) -> Read:
        return reader()

    def _links(self, answer: Answer) -> list[str]:
        """Good for ten minutes."""
        sample = answer.text("result", "sample")
        return [sample] if sample else []

    def _charge(self, answer: Answer, submission: Submission) -> Charge | None:
        return submission.charge

    async def _is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Signed as `sha256=` and the HMAC of the body by the secret that went with the job."""
        right = hmac.new(self._webhook_secret().encode(), body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(headers.get("x-bfl-signature", "").removeprefix("sha256="), right)

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
