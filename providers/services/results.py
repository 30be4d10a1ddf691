"""Pictures of a finished job fetched from their links: downloaded, decoded, saved; safe to repeat.

A link may be dead or cut short for a moment: it is tried a few times. A picture of this job that lies in the folder
already is not fetched twice. Fewer pictures than promised are a result; none is the error of the first.
"""

import hashlib
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from providers.base import PictureFile, Submission
from providers.errors import LikenessError, MadeNothing
from providers.media.decode import Undecodable, decode
from providers.media.save import save_picture
from providers.media.threads import in_thread, in_thread_to_its_end

log = logging.getLogger(__name__)

ROUNDS = 4
FIRST_WAIT = 0.5
_MIMES = {".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp"}
_FINAL = frozenset({"result_gone", "result_refused"})
"""What another try will not mend."""

Download = Callable[[str], Awaitable[bytes]]
Sleep = Callable[[float], Awaitable[None]]
Finish = Callable[[bytes], bytes]
"""What is still to be done to a picture before it is saved; blocks. Raises MadeNothing `bad_picture`."""


async def fetch_links(
    links: Sequence[str],
    submission: Submission,
    into: Path,
    *,
    download: Download,
    sleep: Sleep,
    finish: Finish | None = None,
) -> tuple[PictureFile, ...]:
    """Every picture that can be had, in order. Raises MadeNothing (or WaitAndRetry) where none can."""
    saved: dict[int, PictureFile] = {}
    errors: dict[int, LikenessError] = {}
    for round_ in range(ROUNDS):
        for number, link in enumerate(links):
            if number in saved or (number in errors and errors[number].code in _FINAL):
                continue
            try:
                saved[number] = await _one(number, link, submission, into, download, finish)
            except LikenessError as error:
                log.warning("a picture could not be fetched: %s", error.code)
                errors[number] = error
        if all(n in saved or errors[n].code in _FINAL for n in range(len(links))):
            break
        if round_ < ROUNDS - 1:
            await sleep(FIRST_WAIT * 2**round_)
    if not saved:
        raise errors[0] if errors else MadeNothing("the result holds no picture")
    return tuple(saved[n] for n in sorted(saved))


async def _one(
    number: int, link: str, submission: Submission, into: Path, download: Download, finish: Finish | None
) -> PictureFile:
    stem = stem_of(submission.provider, submission.request_id, number)
    if found := await already_saved(into, stem, submission):
        return found
    data = await download(link)
    return await save(data, number, submission, into, finish=finish)


async def save(
    data: bytes, number: int, submission: Submission, into: Path, *, finish: Finish | None = None
) -> PictureFile:
    """One picture of a job, under the name that is the same in every process. Raises MadeNothing `bad_picture`."""
    stem = stem_of(submission.provider, submission.request_id, number)
    if finish is not None:
        data = await in_thread(finish, data)
    picture = await in_thread_to_its_end(
        save_picture,
        data,
        into=into,
        stem=stem,
        provider=submission.provider,
        request_id=submission.request_id,
        synced=False,  # it is had again for nothing, and written anew with its label before it counts as made
    )
    return replace(picture, model=submission.model)


def stem_of(provider: str, request_id: str, number: int) -> str:
    """The start of the file's name: the same for the same picture, in every process."""
    plain = re.fullmatch(r"[a-z0-9-]{1,40}", request_id) is not None
    return f"{provider}-{request_id if plain else hashlib.sha256(request_id.encode()).hexdigest()[:32]}-{number}"


async def already_saved(into: Path, stem: str, submission: Submission) -> PictureFile | None:
    """The picture of this name that an interrupted fetch saved. What a power cut left of one goes."""
    found = _named(into, f"{stem}-")  # on the loop: of a job that was never interrupted there is no folder yet
    return await in_thread(_whole, found, submission) if found else None


def _named(folder: Path, start: str) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.name.startswith(start))
    except FileNotFoundError:
        return []


def _whole(paths: Sequence[Path], submission: Submission) -> PictureFile | None:
    for path in paths:
        if mime := _MIMES.get(path.suffix):
            try:
                width, height = decode(path.read_bytes()).image.size
            except Undecodable:
                path.unlink()
                continue
            return PictureFile(
                path=path,
                width=width,
                height=height,
                size_bytes=path.stat().st_size,
                mime=mime,
                provider=submission.provider,
                request_id=submission.request_id,
                model=submission.model,
            )
    return None
