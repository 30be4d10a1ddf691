"""OpenAI: one long call whose answer holds the pictures. There is no job: a call whose end is not known is lost."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from pydantic import SecretStr

from providers.base import Request, Submission
from providers.errors import LikenessError, TellOperator, WaitAndRetry
from providers.media.threads import in_thread
from providers.net.bodies import form
from providers.net.client import LONG_SUBMIT, Client
from providers.net.outcome import Answer, check_error
from providers.offers import Offers
from providers.registry import offer_for
from providers.services.at_once import AnswersAtOnce
from providers.services.openai.answers import charge_of, pictures_of, submit_failure
from providers.services.openai.bodies import Form, brought_back, form_of
from providers.services.openai.offers import KEY, RETIRED, offers
from providers.services.openai.streaming import FIELDS, MOST, Heard, steps_for
from providers.spool import Spool

log = logging.getLogger(__name__)

VENDOR = "https://api.openai.com/v1"


class OpenAIProvider(AnswersAtOnce):
    """`base_url` with its version. `steps`: previews of a picture at most, where somebody looks on."""

    name = KEY

    def __init__(
        self,
        *,
        key: SecretStr,
        spool: Spool,
        base_url: str = VENDOR,
        model: str = "",
        steps: int = MOST,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        super().__init__(spool)
        self._key = key
        self._root = base_url.rstrip("/")
        self._model = model
        self._steps = steps
        self._offers = offers(model)
        self._client = Client(client)

    def __repr__(self) -> str:
        return "<OpenAIProvider>"

    @property
    def offers(self) -> Offers:
        return self._offers

    async def submit(self, request: Request) -> Submission:
        """See `answers` for what each answer proves."""
        offer = offer_for(self._offers, request.task)
        with TemporaryDirectory(prefix="likeness-") as folder:
            wanted = await in_thread(form_of, request, offer, Path(folder))
            answer = await self._answered(request, wanted, steps_for(request, offer, self._steps))
        if not answer.ok or answer.get("error") is not None:
            raise submit_failure(answer)
        charge = charge_of(answer, offer.model)
        pictures = pictures_of(answer)
        submission = await self.kept(request, offer.model, pictures, charge)
        if wanted.layout is None:
            return submission
        # First what was paid for is safe, then it is worked on.
        try:
            finished = await in_thread(brought_back, pictures, request, wanted.layout)
        except LikenessError as error:
            log.warning("what was made could not be brought back into the photo: %s", error.code)
            return submission
        return await self.kept(request, offer.model, finished, charge)

    async def _answered(self, request: Request, wanted: Form, steps: int) -> Answer:
        """With so many previews. A server that knows none, and took nothing for it, is asked without from then on."""
        if not steps:
            return await self._posted(wanted)
        heard = Heard(request)
        streaming = replace(wanted, fields=wanted.fields | {"stream": True, "partial_images": steps})
        answer = await self._posted(streaming, heard.told)
        if answer.status == 400 and answer.get("error", "param") in FIELDS:
            log.info("no previews there: the server does not stream")
            self._steps = 0
            return await self._posted(wanted)
        return heard.answer(answer) if answer.ok and answer.body is None else answer

    async def _posted(self, wanted: Form, heard: Callable[[dict[str, Any]], None] | None = None) -> Answer:
        """`heard`: told each event of an answer that comes as a stream."""
        if not wanted.files:
            return await self._sent("/images/generations", heard, json=wanted.fields)
        texts = {name: _text(value) for name, value in wanted.fields.items()}
        with form(texts, wanted.files) as parts:
            return await self._sent("/images/edits", heard, files=parts)

    async def _sent(self, path: str, heard: Callable[[dict[str, Any]], None] | None, **body: Any) -> Answer:
        url, headers = f"{self._root}{path}", self._headers()
        if heard is None:
            return await self._client.submit(url, headers=headers, timeout=LONG_SUBMIT, **body)
        return await self._client.submit_streamed(url, headers=headers, timeout=LONG_SUBMIT, heard=heard, **body)

    async def check(self) -> None:
        """Asks for the list of models. A server that has none, but the images, is good enough."""
        if self._model in RETIRED:
            raise TellOperator("OPENAI_MODEL names a model that was retired", code="provider_endpoint")
        answer = await self._client.check(f"{self._root}/models", headers=self._headers())
        if answer.status != 404:
            return
        try:
            other = await self._client.get(f"{self._root}/images/generations", headers=self._headers())
        except httpx.TransportError as error:
            raise WaitAndRetry(f"no connection ({type(error).__name__})", code="provider_unavailable") from None
        if wrong := check_error(other):
            raise wrong
        if other.status == 404:
            raise TellOperator("no such address; check OPENAI_BASE_URL", code="provider_endpoint")

    async def aclose(self) -> None:
        await self._client.aclose()

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._key.get_secret_value()}"}


def _text(value: Any) -> str:
    """A field of a form."""
    return str(value).lower() if isinstance(value, bool) else str(value)
