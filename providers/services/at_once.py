"""The base of services that answer a submit with the pictures themselves: stored on disk, then fetched from there.

Such a service cannot be asked again. `find` makes up for it in part: a process that died between storing the pictures
and recording that the job was accepted finds them by the request's key.
"""

from collections.abc import AsyncGenerator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from providers.base import (
    Charge,
    CostSource,
    Phase,
    PictureFile,
    Progress,
    ProviderDefaults,
    Request,
    Result,
    Submission,
)
from providers.errors import LikenessError, MadeNothing
from providers.money import Money
from providers.services.results import already_saved, save, stem_of
from providers.spool import Kept, Spool


class AnswersAtOnce(ProviderDefaults):
    """`name` is the service's key. The submission's id is the request's key."""

    name: str

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    async def kept(
        self, request: Request, model: str, pictures: Sequence[bytes], charge: Charge | None = None
    ) -> Submission:
        """Keeps what was answered; the submission that `submit` returns. May be called again with what was made of it.

        An answer without a picture is one, too: it was taken, and `fetch` says that nothing was made.
        """
        notes = {"model": model, "charge": _as_notes(charge)}
        await self._spool.keep(request.key, pictures, notes)
        return self._submission(request.key, notes, len(pictures))

    async def find(self, request: Request) -> Submission | None:
        kept = await self._spool.find(request.key)
        return None if kept is None else self._submission(request.key, kept.notes, len(kept.pictures))

    async def follow(self, submission: Submission) -> AsyncGenerator[Progress, None]:
        await self._there(submission)
        yield Progress(phase=Phase.DONE)

    async def fetch(self, submission: Submission, into: Path) -> Result:
        """Every picture that is one. Raises MadeNothing `made_nothing`, `bad_picture`; after a day `result_gone`."""
        kept = await self._there(submission)
        pictures, errors = [], list[LikenessError]()
        for number in range(len(kept.pictures)):
            try:
                pictures.append(await self._saved(kept, number, submission, into))
            except LikenessError as error:
                errors.append(error)
        if not pictures:
            raise errors[0] if errors else MadeNothing("an answer without a picture")
        return Result(pictures=tuple(pictures), charge=submission.charge)

    async def release(self, submission: Submission) -> None:
        await self._spool.drop(submission.request_id)

    async def _saved(self, kept: Kept, number: int, submission: Submission, into: Path) -> PictureFile:
        stem = stem_of(submission.provider, submission.request_id, number)
        if found := await already_saved(into, stem, submission):
            return found
        return await save(await self._spool.read(kept, number), number, submission, into)

    async def _there(self, submission: Submission) -> Kept:
        kept = await self._spool.find(submission.request_id)
        if kept is None:
            raise MadeNothing("its pictures were kept for a day", code="result_gone")
        return kept

    def _submission(self, key: str, notes: Any, count: int) -> Submission:
        return Submission(
            provider=self.name,
            request_id=key,
            count=count,
            model=str(notes["model"]),
            charge=_from_notes(notes["charge"]),
        )


def _as_notes(charge: Charge | None) -> dict[str, str] | None:
    if charge is None:
        return None
    money = charge.money
    return {"amount": str(money.amount), "currency": money.currency, "source": charge.source.value}


def _from_notes(notes: Any) -> Charge | None:
    if notes is None:
        return None
    money = Money(amount=Decimal(notes["amount"]), currency=notes["currency"])
    return Charge(money=money, source=CostSource(notes["source"]))
