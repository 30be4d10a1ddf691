"""OpenRouter: one long call whose answer holds the pictures and what they cost."""

import base64
import binascii
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import SecretStr

from providers.base import Request, Submission
from providers.errors import TellOperator
from providers.media.threads import in_thread
from providers.net.bodies import JsonBody
from providers.net.client import LONG_SUBMIT, Client
from providers.offers import Offers
from providers.registry import offer_for
from providers.services.at_once import AnswersAtOnce
from providers.services.openrouter.answers import charge_of, error_of, pictures_of
from providers.services.openrouter.bodies import body_of
from providers.services.openrouter.offers import KEY, offers
from providers.spool import Spool

VENDOR = "https://openrouter.ai/api/v1"
TITLE = {"x-openrouter-title": "Likeness"}


class OpenRouterProvider(AnswersAtOnce):
    """`root` with its version. `model`: the operator's own choice for every level of quality."""

    name = KEY

    def __init__(
        self,
        *,
        key: SecretStr,
        spool: Spool,
        root: str = VENDOR,
        model: str | None = None,
        client: Client | None = None,
    ) -> None:
        super().__init__(spool)
        self._key = key
        self._root = root.rstrip("/")
        self._offers = offers(model)
        self._client = client or Client()

    def __repr__(self) -> str:
        return "<OpenRouterProvider>"

    @property
    def offers(self) -> Offers:
        return self._offers

    async def submit(self, request: Request) -> Submission:
        """See `answers` for what each answer proves."""
        offer = offer_for(self._offers, request.task)
        with TemporaryDirectory(prefix="likeness-") as folder:
            body = await in_thread(body_of, request, offer, Path(folder))
            content = await in_thread(JsonBody, body)
            answer = await self._client.submit(
                f"{self._root}/images", headers=self._headers() | TITLE | content.headers, timeout=LONG_SUBMIT,
                content=content,
            )  # fmt: skip
        if (error := error_of(answer)) is not None:
            raise error
        pictures = await in_thread(_decoded, pictures_of(answer))
        return await self.kept(request, offer.model, pictures[: request.count], charge_of(answer))

    async def check(self) -> None:
        """Asks what the key may still spend; where that is not told, for the list of models. Costs nothing."""
        answer = await self._client.check(f"{self._root}/key", headers=self._headers())
        left = answer.get("data", "limit_remaining")
        if isinstance(left, int | float) and not isinstance(left, bool) and left <= 0:
            raise TellOperator("the key's credit limit is used up", code="provider_credit")
        if answer.status == 404:
            listed = await self._client.check(f"{self._root}/images/models", headers=self._headers())
            if listed.status == 404:
                raise TellOperator("no such address; check OPENROUTER_BASE_URL", code="provider_endpoint")

    async def aclose(self) -> None:
        await self._client.aclose()

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._key.get_secret_value()}"}


def _decoded(texts: Iterable[str]) -> list[bytes]:
    """What is no base64 is kept as nothing, and found to be no picture when it is fetched."""
    return [_bytes(text) for text in texts]


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text.partition(";base64,")[2] or text, validate=True)
    except binascii.Error:
        return b""
