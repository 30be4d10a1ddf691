"""How a call of the Python API is carried out: photos taken in, pieces journalled and made, the result told as data.

`functions.py` says what each function asks for; this module does it, for new calls and for those resumed.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from providers.api.face_files import face_of, keep_face
from providers.api.journal import (
    Call,
    Document,
    FileJournal,
    Training,
    check_key,
    documents,
    expire,
    forget_photos,
    locked,
    photos_folder,
    requests_folder,
)
from providers.api.options import Options, Source
from providers.api.results import Estimate, RequestRow, Result, failure, request_row, result_of, training_result
from providers.api.spending import CallSpending, call_ledger
from providers.base import CostSource, Request
from providers.collection import run
from providers.configure import build_router, paced
from providers.errors import LikenessError
from providers.media.accept import accept_photo
from providers.media.download import Downloader
from providers.media.threads import in_thread
from providers.media.upstream import prepare_mask
from providers.money import Money
from providers.offers import shares
from providers.preferences import Preferences
from providers.router import Router
from providers.settings import ProviderSettings
from providers.submission import OnProgress, piece_size, pieces_of
from providers.task import Task

log = logging.getLogger(__name__)

DAY = 86_400.0
"""Seconds a training may take at least."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """One request before its photos are on disk."""

    task: Task
    prompt: str
    text: str = ""
    face: str | None = None


async def perform(
    wishes: Sequence[Wish],
    *,
    photos: Sequence[Source] = (),
    mask: Source | None = None,
    series: bool = False,
    training: Training | None = None,
    options: Options,
) -> Result:
    """Make everything that is wished for. A key used before resumes that call, whatever is wished for now."""
    settings = options.settings or ProviderSettings()
    folder = requests_folder(settings)
    key = check_key(options.key or new_key())
    preferences = options.preferences
    if options.estimate:
        async with opened_router(settings) as router:
            return _estimated(wishes, router, preferences, key, series=series)
    with locked(folder, key):
        if await asyncio.to_thread((folder / f"{key}.json").is_file):
            return await _resumed(folder, key, settings, options.on_progress)
        await asyncio.to_thread(expire, folder)
        try:
            async with opened_router(settings) as router:
                taken = await take_in(photos, mask, photos_folder(folder, key), settings)
                into = Path(options.out or settings.output_dir)
                call = await in_thread(_call, wishes, taken, router, preferences, key, series, into)
                call = call if training is None else replace(call, training=training, mode="train")
                await in_thread(_reserved, settings, list(zip(call.pieces, call.estimates, strict=True)))
                journal = await FileJournal.create(folder, call)
                return await _made(journal, router, settings, options.on_progress)
        finally:
            if not (folder / f"{key}.json").exists():
                forget_photos(folder, key)


async def resume(key: str, *, settings: ProviderSettings, on_progress: OnProgress | None) -> Result:
    folder = requests_folder(settings)
    with locked(folder, key):
        return await _resumed(folder, key, settings, on_progress)


def kept(settings: ProviderSettings) -> list[RequestRow]:
    """Every call in the journal, newest first. Blocks."""
    return [request_row(document) for document in documents(requests_folder(settings))]


def new_key() -> str:
    """Sorts by time; not to be guessed."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(6)}"


@asynccontextmanager
async def opened_router(settings: ProviderSettings) -> AsyncIterator[Router]:
    router = build_router(settings)
    try:
        await router.discover()
        yield router
    finally:
        beside = (router.moderation, *((router.finisher,) if router.finisher else ()))
        await asyncio.gather(*(each.aclose() for each in (*router.providers, *beside)))


async def take_in(
    photos: Sequence[Source], mask: Source | None, into: Path, settings: ProviderSettings
) -> tuple[tuple[Path, ...], Path | None]:
    """The photos as a provider takes them, copied to `into`: the call can be resumed when the originals are gone."""
    if not photos:
        return (), None
    async with Downloader(trusted_origins=settings.trusted_origins) as downloader:
        accepted = tuple([(await accept_photo(await _source(photo, downloader), into=into)).path for photo in photos])
        if mask is None:
            return accepted, None
        drawn = await _source(mask, downloader)
    return accepted, await in_thread(prepare_mask, drawn, photo=accepted[0], into=into)


async def _source(photo: Source, downloader: Downloader) -> Path | bytes:
    if isinstance(photo, str) and photo[:8].lower().startswith(("http://", "https://", "data:")):
        return await downloader.download(photo, given_by="person")
    return await asyncio.to_thread(lambda: Path(photo).expanduser().absolute())


def _call(
    wishes: Sequence[Wish],
    taken: tuple[tuple[Path, ...], Path | None],
    router: Router,
    preferences: Preferences,
    key: str,
    series: bool,
    into: Path,
) -> Call:
    pieces: list[Request] = []
    items: list[int] = []
    photos, mask = taken
    for number, wish in enumerate(wishes):
        request = Request(
            key=_key_of(key, number, series),
            task=wish.task,
            prompt=wish.prompt,
            text=wish.text,
            photos=photos,
            mask=mask,
            face=wish.face,
        )
        parts = pieces_of(request, router, preferences)
        pieces += parts
        items += [number] * len(parts)
    return Call(
        key=key,
        created=datetime.now(UTC),
        mode="edit" if photos else "generate",
        model=pieces[0].task.model,
        prompt=None if series else pieces[0].prompt,
        into=into.expanduser().absolute(),
        pieces=tuple(pieces),
        preferences=preferences,
        items=tuple(items) if series else None,
        estimates=tuple(_expected(piece, router, preferences) for piece in pieces),
    )


def _key_of(key: str, number: int, series: bool) -> str:
    return f"{key}.{number}" if series else key


def _expected(piece: Request, router: Router, preferences: Preferences) -> Money:
    """What it would cost with the one it would go to now."""
    return router.candidates(piece.task, preferences, lot=piece.key)[0].estimate(piece.task).cost


def _estimated(wishes: Sequence[Wish], router: Router, preferences: Preferences, key: str, *, series: bool) -> Result:
    """What it would cost, by whom; no photo is read, nothing is kept. Raises AskPerson as the call itself would."""
    firsts = []
    cost = Money.zero()
    for number, wish in enumerate(wishes):
        candidates = router.candidates(wish.task, preferences, lot=_key_of(key, number, series))
        for count in shares(wish.task.count, piece_size(candidates)):
            cost += candidates[0].estimate(replace(wish.task, count=count)).cost
        firsts.append(candidates[0])
    seconds = max(first.estimate(wish.task).seconds for first, wish in zip(firsts, wishes, strict=True))
    estimate: Estimate = {
        "usd": cost.rounded(6).as_number(),
        "seconds": seconds,
        "provider": firsts[0].name,
        "model": firsts[0].offer.model,
        "source": (CostSource.TABLE if cost else CostSource.FREE).value,
    }
    return {"success": True, "estimate": estimate}


async def _resumed(folder: Path, key: str, settings: ProviderSettings, on_progress: OnProgress | None) -> Result:
    journal = await FileJournal.load(folder, key)
    async with opened_router(settings) as router:
        return await _made(journal, router, settings, on_progress)


def _reserved(settings: ProviderSettings, pieces: Sequence[tuple[Request, Money]]) -> None:
    """Raises AskPerson `budget_exceeded`, LedgerUnavailable. What is free needs no ledger."""
    if not any(estimate for _, estimate in pieces):
        return
    with closing(call_ledger(settings)) as ledger:
        CallSpending(ledger, most=settings.daily_budget).reserve(pieces)


def _settled(settings: ProviderSettings, document: Document) -> None:
    """A database that is away costs nobody their pictures: what was reserved stands until the call is resumed."""
    try:
        with closing(call_ledger(settings)) as ledger:
            CallSpending(ledger, most=None).settle(document)
    except LikenessError as error:
        log.warning("what a call cost could not be written down: key=%s %s", document.call.key, error)


async def _made(
    journal: FileJournal, router: Router, settings: ProviderSettings, on_progress: OnProgress | None
) -> Result:
    """The whole time anew for a call that is resumed: what was accepted is fetched, however old it is."""
    call = journal.call
    seconds = settings.job_deadline_seconds if call.training is None else max(settings.job_deadline_seconds, DAY)
    deadline = datetime.now(UTC) + timedelta(seconds=seconds)
    pieces = [replace(piece, deadline=deadline) for piece in call.pieces]
    try:
        ends = await run(
            pieces,
            router,
            journal,
            into=call.into,
            preferences=call.preferences,
            on_progress=on_progress,
            pace=paced(settings.poll_scale),
        )
    finally:
        await in_thread(_settled, settings, journal.document)
    if journal.document.made:
        await asyncio.to_thread(forget_photos, requests_folder(settings), call.key)
    if call.training is not None:
        face = face_of(journal.document, status="ready" if ends[0].result else "training")
        if ends[0].result is not None and face is not None:
            await in_thread(keep_face, face, settings)
        return training_result(ends[0], journal.document, face, router)
    return result_of(call, ends, journal.document, router)


async def answered(call: Callable[[], Awaitable[Result]]) -> Result:
    """Run a call; an error of the tree becomes its dictionary."""
    try:
        return await call()
    except LikenessError as error:
        return failure(error)
