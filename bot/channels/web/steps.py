"""Unfinished pictures, shown beside the progress of their job: one of each job, the newest, gone with its status.

GET /steps/JOB/NUMBER/SEAL      a small JPEG; NUMBER only makes each one an address of its own

In the store, since the job may be made in another process: a few dozen KB, dropped with the status and in any case
after an hour.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.channels.web.cookies import Sessions
from bot.channels.web.errors import error_answer, language_wished
from handlers.message import Chat
from handlers.store.base import Values

_SPACE = "web.steps"
_KEPT = timedelta(hours=1)
_POLICY = {"cache-control": "private, no-store", "content-security-policy": "default-src 'none'; sandbox"}


class _Step(BaseModel):
    """The newest of a job, how many there were with it, and whose job it is."""

    model_config = ConfigDict(frozen=True)

    number: int
    owner: str
    jpeg: str


def step_address(sessions: Sessions, job: str, number: int) -> str:
    """A path that only this installation can make; only the person whose job it is gets something there."""
    return f"/steps/{quote(job, safe='')}/{number}/{sessions.seal('step', job, number)}"


class StepShelf:
    def __init__(self, store: Values) -> None:
        self._store = store

    async def put(self, chat: Chat, job: str, picture: bytes) -> int:
        """In place of the one before; its number, from 1."""
        jpeg = b64encode(picture).decode("ascii")

        def next_one(before: str | None) -> str:
            number = 1 if before is None else _Step.model_validate_json(before).number + 1
            return _Step(number=number, owner=chat.owner, jpeg=jpeg).model_dump_json()

        expires = datetime.now(UTC) + _KEPT
        stored = await self._store.change(_SPACE, job, next_one, owner=chat.owner, expires=expires)
        return _Step.model_validate_json(stored or "").number

    async def of(self, chat: Chat, job: str) -> bytes | None:
        stored = await self._store.value(_SPACE, job)
        step = None if stored is None else _Step.model_validate_json(stored)
        return b64decode(step.jpeg) if step is not None and step.owner == chat.owner else None

    async def drop(self, job: str) -> None:
        await self._store.drop_value(_SPACE, job)


class StepPages:
    """`known`: who asks."""

    def __init__(self, *, shelf: StepShelf, sessions: Sessions, known: Callable[[Request], Chat | None]) -> None:
        self._shelf = shelf
        self._sessions = sessions
        self._known = known

    def routes(self) -> list[Route]:
        return [Route("/steps/{job}/{number:int}/{seal}", self.step)]

    async def step(self, request: Request) -> Response:
        chat, given = self._known(request), request.path_params
        offered = self._sessions.sealed(given["seal"], "step", given["job"], given["number"])
        picture = await self._shelf.of(chat, given["job"]) if chat is not None and offered else None
        if picture is None:
            return error_answer(404, "no_picture", language_wished(request))
        return Response(picture, media_type="image/jpeg", headers=_POLICY)
