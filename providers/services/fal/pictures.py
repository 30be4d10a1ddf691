"""Fetching a finished job's pictures: read the result, download, decode and save every picture.

A link may be dead, cut short or a web page; reading the result again gives fresh links, so each round fetches only
what is still missing. Safe to repeat: a picture of this job that lies in the folder already is not fetched twice.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import httpx

from providers.base import PictureFile, Result, Submission
from providers.errors import AskPerson, LikenessError, MadeNothing, WaitAndRetry
from providers.media.files import delete_quietly
from providers.media.preview import looks_blank
from providers.media.threads import in_thread
from providers.services.fal.answers import Answer, job_error
from providers.services.results import already_saved, save, stem_of

log = logging.getLogger(__name__)

ROUNDS = 4
READS = 5
FIRST_WAIT = 0.5
LONGEST_WAIT = 8.0
LONGEST_ASKED = 30.0

Read = Callable[[str], Awaitable[Answer]]
Sleep = Callable[[float], Awaitable[None]]


class Download(Protocol):
    """`providers.media.download.Downloader.download`, for addresses a provider gave."""

    async def __call__(self, url: str) -> bytes: ...


class Fetcher:
    """Fetches the result of one job."""

    def __init__(self, read: Read, download: Download, sleep: Sleep, *, name: str) -> None:
        self._read = read
        self._download = download
        self._sleep = sleep
        self._name = name

    async def fetch(self, submission: Submission, result_url: str, into: Path) -> Result:
        """Every picture of the job that is available. Fewer than promised is a result; none is an error.

        Only briefly patient: WaitAndRetry `result_unreachable` asks for more, which `providers.collection` has.
        """
        saved: dict[int, PictureFile] = {}
        refused: set[int] = set()
        errors: list[LikenessError] = []
        charge = submission.charge
        for round_ in range(ROUNDS):
            answer = await self._result(result_url)
            charge = charge or answer.charge
            links, flagged = pictures_of(answer.body)
            links = links[: submission.count]
            if not links:
                raise MadeNothing("the result holds no picture")
            missing = [n for n in range(len(links)) if n not in saved and n not in refused]
            got = await asyncio.gather(*(self._one(submission, n, links[n], into) for n in missing))
            errors = [end for end in got if isinstance(end, LikenessError)]
            for number, end in zip(missing, got, strict=True):
                if isinstance(end, LikenessError):
                    continue
                if number in flagged and await in_thread(looks_blank, end.path):
                    await in_thread(delete_quietly, [end.path])
                    refused.add(number)
                else:
                    saved[number] = end
            if len(saved) + len(refused) == len(links):
                break
            if round_ < ROUNDS - 1:
                await self._sleep(min(FIRST_WAIT * 2**round_, LONGEST_WAIT))
        if not saved:
            raise _nothing(refused, errors)
        pictures = tuple(saved[n] for n in sorted(saved))
        return Result(pictures=pictures, charge=charge)

    async def _result(self, url: str) -> Answer:
        """The result, asked for again while it is only out of reach. Raises what the job ended with.

        A 5xx is no end, whatever it says of its type: the job was reported as done without an error, so that the
        result address alone is in trouble.
        """
        for round_ in range(READS):
            try:
                answer = await self._read(url)
            except httpx.TransportError:
                answer = None
            if answer is not None:
                if answer.status < 500 and (error := job_error(answer)):
                    raise error
                if answer.ok and isinstance(answer.body, dict):
                    return answer
            if round_ < READS - 1:
                asked = min((answer.retry_after or 0.0) if answer else 0.0, LONGEST_ASKED)
                await self._sleep(max(FIRST_WAIT * 2**round_, asked))
        raise WaitAndRetry("the result is out of reach", code="result_unreachable")

    async def _one(self, submission: Submission, number: int, url: str, into: Path) -> PictureFile | LikenessError:
        """One picture, or why this link did not give one."""
        stem = stem_of(self._name, submission.request_id, number)
        if found := await already_saved(into, stem, submission):
            return found
        try:
            return await save(await self._download(url), number, submission, into)
        except LikenessError as error:
            log.warning("a picture could not be downloaded: %s", error.code)
            return error


def _nothing(refused: set[int], errors: Sequence[LikenessError]) -> LikenessError:
    """Why there is no picture at all: what passes with time before what does not."""
    if refused:
        return AskPerson("every picture was blacked out", code="refused_content")
    passing = [error for error in errors if isinstance(error, WaitAndRetry)]
    return next(iter([*passing, *errors]), MadeNothing("the pictures could not be downloaded", code="picture_lost"))


def pictures_of(body: Any) -> tuple[list[str], set[int]]:
    """The links of a result, `images[]` or a single `image`, and which of them are flagged as unsafe."""
    if not isinstance(body, dict):
        return [], set()
    files = body.get("images")
    if not isinstance(files, list):
        files = [body.get("image")]
    urls = [f.get("url") if isinstance(f, dict) else f for f in files]
    flags = body.get("has_nsfw_concepts")
    flagged = {n for n, flag in enumerate(flags) if flag} if isinstance(flags, list) else set()
    return [u for u in urls if isinstance(u, str) and u], flagged
