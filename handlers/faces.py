"""A person's trained faces: values the person owns, deleted when they are forgotten, and the copies at the services.

A face stays at its service until it is deleted there. So each training is also recorded without an owner (`NOTED`), as
soon as the service has accepted it; recorded faces that no person owns any more are deleted at the service by the job
runner's sweep (`handlers/jobs/trainings.py`), retried until it succeeds: after a forgetting, a deletion, an expiry or
an abandoned training.
"""

import json
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime

from pydantic import TypeAdapter

from handlers.message import Chat
from handlers.store.base import Values
from providers.faces import TrainedFace

FACES, NOTED = "faces", "faces_noted"
_FACES = TypeAdapter(dict[str, tuple[TrainedFace, str]])
"""By the face's id: the face, and when it was last used, so that a face in use does not expire."""


class Faces:
    """The trained faces in the store."""

    def __init__(self, values: Values) -> None:
        self._values = values

    async def of(self, chat: Chat) -> tuple[TrainedFace, ...]:
        """This person's faces here, newest first."""
        return await self.owned(chat.owner)

    async def owned(self, owner: str) -> tuple[TrainedFace, ...]:
        kept = _read(await self._values.value(FACES, owner))
        return tuple(sorted((face for face, _ in kept.values()), key=lambda face: face.created, reverse=True))

    async def keep(self, chat: Chat, face: TrainedFace, *, at: datetime) -> TrainedFace:
        """Add a face, idempotently; one without a name gets the next number. Returns the stored face."""

        def added(kept: dict[str, tuple[TrainedFace, str]]) -> dict[str, tuple[TrainedFace, str]]:
            numbers = [int(one.name) for one, _ in kept.values() if one.name.isdecimal()]
            name = face.name or (kept[face.id][0].name if face.id in kept else str(max(numbers, default=0) + 1))
            return {**kept, face.id: (replace(face, name=name), at.isoformat())}

        await self._change(chat, added)
        return next((kept for kept in await self.of(chat) if kept.id == face.id), face)

    async def after(self, chat: Chat, *, dropped: Collection[str], used: Collection[str | None], at: datetime) -> None:
        """After a turn: delete some (the job runner deletes them at their services), and renew those used, so that they
        do not expire yet."""
        for face in dropped:
            await self.drop(chat, face)
        if any(face is not None for face in used):
            seen = at.isoformat()
            await self._change(
                chat, lambda kept: {i: (one, seen if i in used else before) for i, (one, before) in kept.items()}
            )

    async def drop(self, chat: Chat, face: str) -> None:
        await self._change(chat, lambda kept: {i: one for i, one in kept.items() if i != face})

    async def _change(
        self, chat: Chat, change: "Callable[[dict[str, tuple[TrainedFace, str]]], dict[str, tuple[TrainedFace, str]]]"
    ) -> None:
        def changed(stored: str | None) -> str | None:
            kept = change(_read(stored))
            return _FACES.dump_json(kept).decode() if kept else None

        await self._values.change(FACES, chat.owner, changed, owner=chat.owner)

    # --- copies at the services

    async def note(self, service: str, training: str, *, owner: str, job: str) -> None:
        """A service has accepted a training."""
        await self._values.add_value(NOTED, f"{service}/{training}", json.dumps({"owner": owner, "job": job}))

    async def noted(self) -> tuple[tuple[str, str, str, str], ...]:
        """(service, training, owner, job) of every face stored at a service."""
        rows = [(key.partition("/"), json.loads(value)) for key, value in await self._values.space(NOTED)]
        return tuple((service, training, said["owner"], said["job"]) for (service, _, training), said in rows)

    async def gone(self, service: str, training: str) -> None:
        """The service no longer has it."""
        await self._values.drop_value(NOTED, f"{service}/{training}")


def _read(stored: str | None) -> dict[str, tuple[TrainedFace, str]]:
    return _FACES.validate_json(stored) if stored else {}
