"""How a call of the Python API is carried out: photos taken in, pieces journalled and made, the result told as data.

`api.py` says what each function asks for; this module does it, for new calls and for those resumed.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from providers.api.error_sentences import SENTENCES, sentence_for
from providers.api.journal import (
    Call,
    FileJournal,
    check_key,
    documents,
    expire,
    forget_photos,
    locked,
    photos_folder,
)
from providers.api.spending import CallSpending, ledger_of
from providers.base import PictureFile, Request
from providers.collection import Piece, run
from providers.configure import build_router
from providers.errors import LikenessError
from providers.media.accept import accept_photo
from providers.media.download import Downloader
from providers.media.threads import in_thread
from providers.media.upstream import prepare_mask
from providers.money import Money
from providers.preferences import only
from providers.router import Router
from providers.settings import ProviderSettings
from providers.submission import OnProgress, Stage, pieces_of
from providers.task import Task

Source = str | Path
Result = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Wish:
    """One request before its photos are on disk."""

    task: Task
    prompt: str
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What every function of the API takes besides its own arguments."""

    provider: str | None = None
    out: Source | None = None
    on_progress: OnProgress | None = None
    key: str | None = None
    settings: ProviderSettings | None = None


def requests_folder(settings: ProviderSettings) -> Path:
    return settings.data_dir / "requests"


async def perform(
    wishes: Sequence[Wish],
    *,
    photos: Sequence[Source] = (),
    mask: Source | None = None,
    series: bool = False,
    options: Options,
) -> Result:
    """Make everything that is wished for. A key used before resumes that call, whatever is wished for now."""
    settings = options.settings or ProviderSettings()
    folder = requests_folder(settings)
    key = check_key(options.key or new_key())
    with locked(folder, key):
        if await asyncio.to_thread((folder / f"{key}.json").is_file):
            return await _resumed(folder, key, settings, options.on_progress)
        await asyncio.to_thread(expire, folder)
        try:
            async with _router(settings) as router:
                taken = await _take_in(photos, mask, photos_folder(folder, key), settings)
                call = await in_thread(_call, wishes, taken, router, key, series, settings, options)
                await in_thread(_spending(settings).reserve, _estimates(call, router))
                journal = await FileJournal.create(folder, call)
                return await _made(journal, router, settings, options.on_progress)
        finally:
            if not (folder / f"{key}.json").exists():
                forget_photos(folder, key)


async def resume(key: str, *, settings: ProviderSettings, on_progress: OnProgress | None) -> Result:
    folder = requests_folder(settings)
    with locked(folder, key):
        return await _resumed(folder, key, settings, on_progress)


def kept(settings: ProviderSettings) -> list[Result]:
    """Every call in the journal, newest first: its key, when, what, and the stages of its pieces. Blocks."""
    return [
        {
            "key": document.call.key,
            "created": document.call.created.isoformat(),
            "mode": document.call.mode,
            "model": document.call.model,
            "made": document.made,
            "pieces": [
                {
                    "key": piece.key,
                    "stage": record.stage.value if record else "new",
                    "provider": record.provider if record else None,
                    "request_id": record.submission.request_id if record and record.submission else None,
                    "error_code": record.error_code if record else None,
                }
                for piece in document.call.pieces
                for record in (document.records.get(piece.key),)
            ],
        }
        for document in documents(requests_folder(settings))
    ]


def new_key() -> str:
    """Sorts by time; not to be guessed."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(6)}"


def failure(error: LikenessError) -> Result:
    return {"success": False, "error": _told(error)}


def _told(error: LikenessError) -> Result:
    return {"code": error.code, "message": sentence_for(error), "retryable": error.retryable}


@asynccontextmanager
async def _router(settings: ProviderSettings) -> AsyncIterator[Router]:
    router = build_router(settings)
    try:
        await router.discover()
        yield router
    finally:
        await asyncio.gather(*(p.aclose() for p in router.providers))


async def _take_in(
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
    key: str,
    series: bool,
    settings: ProviderSettings,
    options: Options,
) -> Call:
    pieces: list[Request] = []
    items: list[int] = []
    for number, wish in enumerate(wishes):
        photos, mask = taken
        request = Request(
            key=f"{key}.{number}" if series else key,
            task=wish.task,
            prompt=wish.prompt,
            text=wish.text,
            photos=photos,
            mask=mask,
        )
        parts = _pieces(request, router, options.provider)
        pieces += parts
        items += [number] * len(parts)
    return Call(
        key=key,
        created=datetime.now(UTC),
        mode="edit" if taken[0] else "generate",
        model=pieces[0].task.model,
        prompt=None if series else pieces[0].prompt,
        into=Path(options.out or settings.output_dir).expanduser().absolute(),
        pieces=tuple(pieces),
        provider=options.provider,
        items=tuple(items) if series else None,
    )


def _pieces(request: Request, router: Router, named: str | None) -> tuple[Request, ...]:
    return pieces_of(request, router, only(named))


async def _resumed(folder: Path, key: str, settings: ProviderSettings, on_progress: OnProgress | None) -> Result:
    journal = await FileJournal.load(folder, key)
    async with _router(settings) as router:
        return await _made(journal, router, settings, on_progress)


def _spending(settings: ProviderSettings) -> CallSpending:
    return CallSpending(ledger_of(requests_folder(settings)), most=settings.budget_bot_daily_usd)


def _estimates(call: Call, router: Router) -> list[tuple[Request, Money]]:
    """What each piece would cost with the one it would go to now."""
    preferences = only(call.provider)
    found = ((piece, router.candidates(piece.task, preferences, lot=piece.key)[0]) for piece in call.pieces)
    return [(piece, candidate.estimate(piece.task).cost) for piece, candidate in found]


async def _made(
    journal: FileJournal, router: Router, settings: ProviderSettings, on_progress: OnProgress | None
) -> Result:
    call = journal.call
    try:
        ends = await run(
            call.pieces, router, journal, into=call.into, preferences=only(call.provider), on_progress=on_progress
        )
    finally:
        await in_thread(_spending(settings).settle, journal.document)
    if journal.document.made:
        await asyncio.to_thread(forget_photos, requests_folder(settings), call.key)
    return _result(call, ends, journal)


def _result(call: Call, ends: Sequence[Piece], journal: FileJournal) -> Result:
    """The dictionary of the contract. On failure it has the same fields, and `error`: what matters most of `errors`."""
    images: list[Result] = []
    errors: list[Result] = []
    for number, end in enumerate(ends):
        item = {} if call.items is None else {"item": call.items[number]}
        pictures = end.result.pictures if end.result else ()
        images += [_image(picture) | item for picture in pictures]
        missing = end.request.count - len(pictures)
        errors += [item | (_told(end.error) if end.error else _fewer())] * max(0, missing)
    costs = _costs(journal)
    currency = next(iter(costs), "USD")
    result: Result = {
        "success": bool(images),
        "key": call.key,
        "images": images,
        "model": call.model,
        "mode": call.mode,
        "prompt": call.prompt,
        "count_requested": sum(piece.count for piece in call.pieces),
        "count_generated": len(images),
        "total_cost": costs.get(currency, 0.0),
        "currency": currency,
        "costs": costs,
        "errors": errors,
    }
    if not images:
        # What may have been paid matters most to the caller.
        worst = sorted(errors, key=lambda error: error["code"] != "outcome_unknown")[0]
        result["error"] = {name: worst[name] for name in ("code", "message", "retryable")}
    return result


def _fewer() -> Result:
    return {"code": "fewer_pictures", "message": SENTENCES["fewer_pictures"], "retryable": True}


def _image(picture: PictureFile) -> Result:
    return {
        "local_path": str(picture.path),
        "width": picture.width,
        "height": picture.height,
        "size_bytes": picture.size_bytes,
        "request_id": picture.request_id,
        "provider": picture.provider,
        "model": picture.model,
        "produce_id": picture.produce_id,
    }


def _costs(journal: FileJournal) -> dict[str, float]:
    """By currency; of failed pieces too, where the service named its charge."""
    costs: dict[str, Money] = {}
    for record in journal.document.records.values():
        if record.charge is not None and record.stage in (Stage.MADE, Stage.FAILED):
            money = record.charge.money
            costs[money.currency] = costs.get(money.currency, Money.zero(money.currency)) + money
    return {currency: cost.rounded(4).as_number() for currency, cost in costs.items()}


async def answered(call: Callable[[], Awaitable[Result]]) -> Result:
    """Run a call; an error of the tree becomes its dictionary."""
    try:
        return await call()
    except LikenessError as error:
        return failure(error)
