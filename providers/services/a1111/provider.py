"""AUTOMATIC1111: one call at a time, the pictures in its answer. Forge, reForge and SD.Next speak the same."""

import asyncio
import base64
import hashlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from pydantic import SecretStr

from providers.base import FREE_OF_CHARGE, Progress, Request, Submission
from providers.checkpoints import find
from providers.codes import known_code
from providers.errors import MadeNothing, TellOperator
from providers.media.threads import in_thread
from providers.net.bodies import JsonBody
from providers.net.client import Client
from providers.offers import Offer, Offers, Tier
from providers.registry import offer_for
from providers.services.a1111.answers import pictures_of
from providers.services.a1111.bodies import Call, around, call_for, cut_out
from providers.services.a1111.inventory import API, Inventory, look
from providers.services.a1111.offers import KEY, Way, offers
from providers.services.a1111.onlooking import look_on
from providers.services.at_once import AnswersAtOnce
from providers.services.discovery import Discovery
from providers.spool import Spool

log = logging.getLogger(__name__)

PATIENCE = httpx.Timeout(30.0, read=1800.0, write=120.0)
"""A call waits for the one before it, and on a processor alone for many minutes more."""
_FAILURE = "failure"


class A1111Provider(AnswersAtOnce):
    """`auth`: `user:password` of --api-auth. `model`: the checkpoint, where the operator named one."""

    name = KEY
    tier = Tier.OWN
    repeatable = True
    moderates = False

    def __init__(
        self,
        *,
        root: str,
        spool: Spool,
        auth: SecretStr | None = None,
        model: str | None = None,
        client: Client | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__(spool)
        self._root = root.rstrip("/")
        self._auth = auth
        self._model = model
        self._client = client or Client()
        self._sleep = sleep
        self._has = Inventory()
        self._offers = Offers(service=KEY)
        self._discovery = Discovery(self._look_around)

    def __repr__(self) -> str:
        return "<A1111Provider>"

    @property
    def offers(self) -> Offers:
        """As of the last `discover`; before it nothing."""
        return self._offers

    async def discover(self) -> bool:
        return await self._discovery()

    async def _look_around(self) -> bool:
        has = await look(self._client, self._root, self._headers())
        self._has = has or Inventory()
        self._offers = offers(self._has, self._model)
        return has is not None

    async def submit(self, request: Request) -> Submission:
        """See `answers` for what each answer proves. Cancelled, it stops the work on the server."""
        await self.discover()
        offer = offer_for(self._offers, request.task)
        try:
            with TemporaryDirectory(prefix="likeness-") as folder:
                async with self._looked_on(request):
                    pictures = await self._made(request, offer, Path(folder))
        except MadeNothing as failure:
            return await self._failed(request, offer.model, failure)
        return await self.kept(request, offer.model, pictures[: request.count], FREE_OF_CHARGE)

    @asynccontextmanager
    async def _looked_on(self, request: Request) -> AsyncGenerator[None, None]:
        """While the work is done, whoever looks on is told of it."""
        if request.onlooker is None:
            yield
            return
        looking = asyncio.create_task(
            look_on(
                self._client,
                self._root,
                self._headers(),
                task_id=task_id_of(request.key),
                onlooker=request.onlooker,
                sleep=self._sleep,
            )
        )
        try:
            yield
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def _failed(self, request: Request, model: str, failure: MadeNothing) -> Submission:
        """The work was taken, and has ended: whoever follows it is told how."""
        await self._spool.keep(
            request.key, (), {"model": model, "charge": None, _FAILURE: [failure.code, failure.hint]}
        )
        return Submission(provider=self.name, request_id=request.key, model=model, charge=FREE_OF_CHARGE)

    async def follow(self, submission: Submission) -> AsyncGenerator[Progress, None]:
        kept = await self._spool.find(submission.request_id)
        if kept is not None and (failure := kept.notes.get(_FAILURE)):
            raise MadeNothing(str(failure[1]), code=known_code(str(failure[0])))
        async with aclosing(super().follow(submission)) as reports:
            async for progress in reports:
                yield progress

    async def _made(self, request: Request, offer: Offer, folder: Path) -> list[bytes]:
        task_id = task_id_of(request.key)
        if offer.notes["way"] is not Way.NEW_BACKGROUND:
            call = await in_thread(call_for, request, offer, folder, task_id)
            return await self._called(call, task_id)
        subject = await self._called(await in_thread(cut_out, request, folder, only_mask=True), task_id)
        if not subject:
            raise MadeNothing("no cut-out came back")
        call = await in_thread(around, request, offer, folder, task_id, subject[0])
        return await self._called(call, task_id)

    async def _called(self, call: Call, task_id: str) -> list[bytes]:
        content = await in_thread(JsonBody, call.body)
        headers = self._headers() | content.headers
        try:
            answer = await self._client.submit(
                f"{self._root}{call.path}", headers=headers, timeout=PATIENCE, content=content
            )
        except asyncio.CancelledError:
            await asyncio.shield(self._interrupt(task_id))
            raise
        if not answer.ok:
            self._discovery.forget()  # what it has may be something else by now
        pictures = await in_thread(pictures_of, answer)
        if call.finish is None:
            return pictures
        return [await in_thread(call.finish, picture) for picture in pictures]

    async def _interrupt(self, task_id: str) -> None:
        """Stops our own work and nobody else's: interrupting is for whatever runs."""
        asked = {"id_task": task_id, "id_live_preview": -1, "live_preview": False}
        try:
            told = await self._client.post(f"{self._root}/internal/progress", headers=self._headers(), json=asked)
            if told.get("active") is True:
                await self._client.post(f"{self._root}{API}/interrupt", headers=self._headers())
        except httpx.TransportError as error:
            log.warning("a call could not be interrupted: %s", type(error).__name__)

    async def check(self) -> None:
        """Also whether the checkpoint that the operator named is there."""
        self._discovery.forget()
        if not await self.discover():
            hint = "no AUTOMATIC1111 answers at the address; it is to be started with --api"
            raise TellOperator(hint, code="provider_endpoint")
        if self._model is not None and find(self._has.checkpoints, self._model) is None:
            raise TellOperator("STABLE_DIFFUSION_MODEL is no checkpoint of this server", code="provider_endpoint")

    async def aclose(self) -> None:
        await self._client.aclose()

    def _headers(self) -> dict[str, str]:
        if self._auth is None:
            return {}
        return {"authorization": f"Basic {base64.b64encode(self._auth.get_secret_value().encode()).decode()}"}


def task_id_of(key: str) -> str:
    return f"task(likeness-{hashlib.sha256(key.encode()).hexdigest()[:16]})"
