"""Stability AI: most endpoints answer with the picture, one with an id under which it lies for a day."""

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from pydantic import SecretStr

from providers.base import Progress, Request, Result, Submission
from providers.errors import TellOperator, WaitAndRetry
from providers.media.decode import Undecodable
from providers.media.threads import in_thread
from providers.net.bodies import form
from providers.net.client import LONG_SUBMIT, Client
from providers.net.outcome import Answer
from providers.offers import Offers
from providers.registry import offer_for
from providers.services.at_once import AnswersAtOnce
from providers.services.results import save
from providers.services.stability.answers import has_picture, picture_of, read, result_error, submit_failure
from providers.services.stability.bodies import form_of, halved
from providers.services.stability.offers import KEY, offers, path_of
from providers.services.watching import Pace, Sleep, Watch
from providers.spool import Spool

log = logging.getLogger(__name__)

VENDOR = "https://api.stability.ai"
PACE = Pace(first=10.0, longest=10.0, growth=1.0)
"""More often is answered with 429."""


class StabilityProvider(AnswersAtOnce):
    """`base_url`: the host alone."""

    name = KEY

    def __init__(
        self,
        *,
        key: SecretStr,
        spool: Spool,
        sleep: Sleep,
        base_url: str = VENDOR,
        model: str = "",
        client: httpx.AsyncClient | None = None,
    ) -> None:
        super().__init__(spool)
        self._key = key
        self._root = base_url.rstrip("/")
        self._offers = offers(model)
        self._client = Client(client)
        self._watch = Watch(sleep, PACE)

    def __repr__(self) -> str:
        return "<StabilityProvider>"

    @property
    def offers(self) -> Offers:
        return self._offers

    async def submit(self, request: Request) -> Submission:
        """See `answers` for what each answer proves about the job."""
        offer = offer_for(self._offers, request.task)
        url = f"{self._root}/v2beta/stable-image/{path_of(offer.model)}"
        with TemporaryDirectory(prefix="likeness-") as folder:
            wanted = await in_thread(form_of, request, offer, Path(folder))
            with form(wanted.fields, wanted.files) as parts:
                answer = await self._client.submit(url, headers=self._headers(), timeout=LONG_SUBMIT, files=parts)
        if has_picture(answer):
            picture = picture_of(answer)
            submission = await self.kept(request, offer.model, [picture] if picture else [])
            if wanted.halve is None or not picture:
                return submission
            # First what was paid for is safe, then it is worked on.
            try:
                smaller = await in_thread(halved, picture, wanted.halve)
            except Undecodable:
                return submission
            return await self.kept(request, offer.model, [smaller])
        later = answer.text("id")
        if answer.ok and later:
            return Submission(provider=KEY, request_id=later, model=offer.model, handle={"later": True})
        raise submit_failure(answer)

    async def follow(self, submission: Submission) -> AsyncGenerator[Progress, None]:
        if not submission.handle.get("later"):
            async with aclosing(super().follow(submission)) as reports:
                async for progress in reports:
                    yield progress
            return
        look = partial(self._look, submission)
        async with aclosing(self._watch.follow(submission.request_id, look, read)) as reports:
            async for progress in reports:
                yield progress

    async def fetch(self, submission: Submission, into: Path) -> Result:
        """Raises MadeNothing `result_gone` after a day."""
        if not submission.handle.get("later"):
            return await super().fetch(submission, into)
        answer = await self._watch.final(partial(self._look, submission), read)
        if answer is None:
            raise WaitAndRetry("the result is out of reach", code="result_unreachable")
        picture = await save(picture_of(answer), 0, submission, into)
        return Result(pictures=(picture,))

    async def check(self) -> None:
        """Asks for the balance."""
        answer = await self._client.check(f"{self._root}/v1/user/balance", headers=self._headers("application/json"))
        credits = answer.get("credits")
        if isinstance(credits, int | float) and credits <= 0:
            raise TellOperator("the balance is empty", code="provider_credit")

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _look(self, submission: Submission) -> Answer:
        """Raises what the job ended with, if not with a picture."""
        url = f"{self._root}/v2beta/results/{submission.request_id}"
        answer = await self._client.get(url, headers=self._headers())
        if has_picture(answer):
            picture_of(answer)
        if error := result_error(answer):
            raise error
        return answer

    def _headers(self, accept: str = "image/*") -> dict[str, str]:
        return {"authorization": f"Bearer {self._key.get_secret_value()}", "accept": accept}
