"""One paid POST to one provider, the journal written before and after it. `providers.submission` says who is asked."""

import asyncio
import logging
from collections.abc import Sequence

from providers.attempts import Attempt, attempt
from providers.base import Provider, Request, Submission
from providers.errors import AskPerson, LikenessError, MaybePaid, NotTaken
from providers.journal import Journal, Stage
from providers.tracing import span

log = logging.getLogger(__name__)

FIND_SECONDS = 30.0
"""How long a service may take to say whether it knows a job."""
GRACE = 5.0
"""Seconds a POST in flight may take to end when we are cancelled: an answer not read is an outcome not known."""


async def found(request: Request, provider: Provider | None) -> Submission | None:
    """The job that an earlier submit may have left, if the service can be asked for it."""
    if provider is None:
        return None
    try:
        async with asyncio.timeout(FIND_SECONDS):
            return await provider.find(request)
    except (LikenessError, TimeoutError) as error:
        log.info("asking provider %s for a job failed: %s", provider.name, type(error).__name__)
        return None


async def hand_over(request: Request, provider: Provider, journal: Journal, tried: Sequence[Attempt]) -> Submission:
    """Post to one provider. Cancelled meanwhile, it still reads the answer for a moment and writes it down."""
    post = asyncio.create_task(_post(request, provider, journal, tried))
    try:
        return await asyncio.shield(post)
    except asyncio.CancelledError:
        await asyncio.wait({post}, timeout=GRACE)
        raise
    finally:
        post.cancel()
        await asyncio.gather(post, return_exceptions=True)


async def _prepared(request: Request, provider: Provider, journal: Journal, tried: Sequence[Attempt]) -> None:
    """Before the write-ahead row: nothing here is paid, so a process that dies at it has posted nothing."""
    await journal.ready(request)
    try:
        await provider.prepare(request)
    except (AskPerson, NotTaken) as error:
        await journal.begin(request, provider.name, tried=tried)
        history = (*tried, attempt(provider.name, error))
        await journal.end(request.key, Stage.REFUSED, error_code=error.code, tried=history)
        raise


async def _post(request: Request, provider: Provider, journal: Journal, tried: Sequence[Attempt]) -> Submission:
    async def ended(stage: Stage, error: LikenessError) -> None:
        history = (*tried, attempt(provider.name, error))
        await journal.end(request.key, stage, error_code=error.code, tried=history)

    await _prepared(request, provider, journal, tried)
    await journal.begin(request, provider.name, tried=tried)
    try:
        with span("submit", provider=provider.name, model=request.task.model, pictures=request.count):
            submission = await provider.submit(request)
    except (AskPerson, NotTaken) as error:
        await ended(Stage.REFUSED, error)
        raise
    except MaybePaid as error:
        if (late := await found(request, provider)) is None:
            await ended(Stage.UNCERTAIN, error)
            raise
        submission = late
    except Exception as error:  # against the seam's rules, so nothing is known of the job
        log.error("provider %s broke in a submit: %s", provider.name, type(error).__name__)
        failure = NotTaken("it broke") if provider.repeatable else MaybePaid("it broke in a submit")
        await ended(Stage.REFUSED if provider.repeatable else Stage.UNCERTAIN, failure)
        raise failure from None
    await journal.accept(request.key, submission)
    return submission
