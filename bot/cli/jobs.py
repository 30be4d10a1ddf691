"""`likeness jobs`: the durable jobs, and resuming a paid request by its saved id."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import click
from rich.console import Console
from rich.table import Column, Table

import providers
from bot.app import parts, running
from bot.cli.output import fail, failure, json_option, print_json, say
from bot.settings import Settings
from handlers.describe import describe
from handlers.jobs.details import JobDetails, job_details
from handlers.jobs.journal import record_of
from handlers.order import Order
from handlers.store.base import ENDED, Job, Jobs
from handlers.store.sql.store import SqlStore
from handlers.words import words
from providers.api.results import tried
from providers.errors import LikenessError
from providers.money import USD

Row = dict[str, Any]
ID_LENGTH = 20
"""Characters of a job's id."""
CANCEL_SECONDS = 5.0
"""How long to wait for a cancelled job's end."""
LOOK_AGAIN = 0.2
"""Seconds between two looks at a job that is being resumed."""


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def jobs(ctx: click.Context, as_json: bool) -> None:
    """Jobs: list them (also without a word more), look at one, stop one, or take up a paid request again."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_jobs, as_json=as_json)
    elif as_json:  # `jobs --json list` means what `jobs list --json` does
        ctx.default_map = {name: {"as_json": True} for name in ("list", "show", "resume", "cancel")}


@jobs.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@json_option
def list_jobs(limit: int, as_json: bool) -> None:
    """The newest jobs of all chats, and calls of this command line that are not finished."""
    asyncio.run(_reported(lambda: _list(limit, as_json), as_json))


@jobs.command()
@click.argument("job_id", metavar="ID")
@json_option
def show(job_id: str, as_json: bool) -> None:
    """One job with its requests and deliveries."""
    asyncio.run(_reported(lambda: _show(job_id, as_json), as_json))


@jobs.command()
@click.argument("job_id", metavar="ID")
@json_option
def resume(job_id: str, as_json: bool) -> None:
    """Take up a paid upstream request by its saved request id. Never posts it again.

    Pieces of a command that no service had yet are sent.
    """
    asyncio.run(_reported(lambda: _resume(job_id, as_json), as_json))


@jobs.command()
@click.argument("job_id", metavar="ID")
@json_option
def cancel(job_id: str, as_json: bool) -> None:
    """Stop a job as its person could: what a service has not begun is taken back, what is made is delivered."""
    asyncio.run(_reported(lambda: _cancel(job_id, as_json), as_json))


async def _reported(work: Callable[[], Awaitable[None]], as_json: bool) -> None:
    try:
        await work()
    except LikenessError as error:
        fail(failure(error.code, words("en", error.text_key, **error.params), retryable=error.retryable), as_json)


async def _list(limit: int, as_json: bool) -> None:
    store = await _opened()
    try:
        rows = [_row(job) for job in await store.jobs(limit=limit)]
    finally:
        await store.aclose()
    calls = await providers.list_requests()
    if as_json:
        print_json({"success": True, "jobs": rows, "requests": calls})
        return
    whole = Column("id", no_wrap=True, min_width=ID_LENGTH)  # for `show` and `resume`
    when = Column("created (UTC)", no_wrap=True, min_width=16)
    table = Table(whole, when, "chat", "what", "state", "pictures", "cost", box=None)
    for row in rows:
        cost = "" if row["cost"] is None else f"{row['cost']:g} {row['currency']}"
        count = str(row["count_generated"])
        table.add_row(
            row["id"], row["created"][:16].replace("T", " "), row["channel"], row["what"], row["state"], count, cost
        )
    Console().print(table)
    for call in calls:
        if call["made"]:
            continue
        click.echo(f"request {call['key']}: not finished; `likeness jobs resume {call['key']}`")


async def _show(job_id: str, as_json: bool) -> None:
    store = await _opened()
    try:
        details = await job_details(store, job_id)
        if details is None:
            _show_call(job_id, await providers.list_requests(), as_json)
            return
    finally:
        await store.aclose()
    document = _details(details)
    if as_json:
        print_json({"success": True, "job": document})
        return
    for name, value in document.items():
        click.echo(f"{name}: {value}")
    for request in document["requests"]:
        click.echo(f"{request['key']}: {_in_words(request['tried'])}")


def _in_words(history: Sequence[Mapping[str, Any]]) -> str:
    """Which services were asked, in order, and how each ended: `fal not taken (provider_busy), openai made`."""
    said = [f"{one['provider']} {one['outcome'].replace('_', ' ')}" for one in history]
    codes = [f" ({one['code']})" if one["code"] else "" for one in history]
    return ", ".join(map("".join, zip(said, codes, strict=True))) or "nothing has ended yet"


def _show_call(key: str, calls: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    """A call of the command line or of Python, by its key."""
    call = next((call for call in calls if call["key"] == key), None)
    if call is None:
        fail(failure("unknown_job", f"There is no job {key[:40]!r}."), as_json)
    if as_json:
        print_json({"success": True, "request": call})
        return
    for name, value in call.items():
        click.echo(f"{name}: {value}")


async def _resume(job_id: str, as_json: bool) -> None:
    call = next((call for call in await providers.list_requests() if call["key"] == job_id), None)
    if call is not None:
        result = await providers.resume_request(job_id)
        if not result["success"]:
            fail(result, as_json)
        # A piece that no service had yet was sent only now, and paid for.
        _report(result, as_json, sent=any(piece["request_id"] is None for piece in call["pieces"]))
        return
    async with parts(_settings(), listening=()) as made:
        if await made.store.job(job_id) is None:
            fail(failure("unknown_job", f"There is no job {job_id[:40]!r}."), as_json)
        async with running(made):
            await made.jobs.resume(job_id)
            job = await _ended(made.store, job_id)
    if not job.pictures:
        code = job.error_code or "internal"
        fail(failure(code, words("en", f"error.{code}")), as_json)
    _report({"success": True, "job": _row(job), "images": [_image(p) for p in job.pictures]}, as_json)


async def _cancel(job_id: str, as_json: bool) -> None:
    store = await _opened()
    try:
        job = await cancelled(store, job_id)
    except LookupError as error:
        code = "unknown_job" if isinstance(error, KeyError) else "job_ended"
        fail(failure(code, str(error.args[0])), as_json)
    finally:
        await store.aclose()
    if as_json:
        print_json({"success": True, "job": _row(job)})
    elif job.state in ENDED:
        say(f"The job has ended: {job.state.value}.")
    else:
        say("The job is stopped by the worker that has it; where none runs, by the next one that starts.")


async def cancelled(store: Jobs, job_id: str, *, patience: float = CANCEL_SECONDS) -> Job:
    """Commit the job's cancellation for whichever worker has it, and wait for a little.

    Raises KeyError if there is no such job, and IndexError if it has ended, each with a sentence.
    """
    job = await store.job(job_id)
    if job is None:
        raise KeyError(f"There is no job {job_id[:40]!r}.")
    if job.state in ENDED:
        raise IndexError(f"The job has ended already ({job.state.value}).")
    job = await store.update_job(job_id, cancel_asked=True)
    with suppress(TimeoutError):
        async with asyncio.timeout(patience):
            job = await _ended(store, job_id)
    return job


async def _ended(store: Any, job_id: str) -> Job:
    while True:
        job: Job = await store.job(job_id)
        if job.state in ENDED:
            return job
        await asyncio.sleep(LOOK_AGAIN)


def _report(result: Mapping[str, Any], as_json: bool, *, sent: bool = False) -> None:
    if as_json:
        print_json(result)
        return
    for image in result.get("images", ()):
        click.echo(image["local_path"])
    if "face" in result:
        click.echo(result["face"]["id"])
    if sent:
        say(f"What had not been sent was sent now; all of it together: {result['total_cost']:g} {result['currency']}.")
    else:
        say("Fetched, without another charge.")


async def _opened() -> SqlStore:
    settings = _settings()
    return await SqlStore.open(settings.database, media=settings.media)


def _settings() -> Settings:
    settings = Settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return settings


def _row(job: Job) -> Row:
    return {
        "id": job.id,
        "created": job.created.isoformat(),
        "deadline": job.deadline.isoformat() if job.deadline else None,
        "finished": job.finished.isoformat() if job.finished else None,
        "channel": job.chat.channel,
        "what": _what(job.order),
        "state": job.state.value,
        "error_code": job.error_code,
        "provider": job.provider,
        "model": job.order.model,
        "count_requested": job.order.count,
        "count_generated": len(job.pictures),
        "estimate_usd": job.estimate.rounded().as_number(),
        "cost": None if job.cost is None else job.cost.rounded().as_number(),
        "currency": USD if job.cost is None else job.cost.currency,
    }


def _what(order: Order) -> str:
    """The order, without the person's words."""
    shots = tuple(shot.model_copy(update={"scene": None, "prompt": None}) for shot in order.shots)
    return describe(order.model_copy(update={"shots": shots}), "en")


def _image(picture: Any) -> Row:
    return {
        "local_path": str(picture.path.absolute()),
        "width": picture.width,
        "height": picture.height,
        "size_bytes": picture.size_bytes,
        "request_id": picture.request_id,
        "provider": picture.provider,
    }


def _details(details: JobDetails) -> Row:
    """Everything an operator needs; no words of the person, no provider's address."""
    return {
        **_row(details.job),
        "images": [_image(p) for p in details.job.pictures],
        "requests": [
            {
                "key": part.key,
                "provider": part.provider,
                "state": part.state.value,
                "request_id": part.submission.request_id if part.submission else None,
                "cost": None if part.charge is None else part.charge.money.rounded().as_number(),
                "currency": USD if part.charge is None else part.charge.money.currency,
                "error_code": part.error_code,
                "tried": tried(record_of(part).history),
            }
            for part in details.parts
        ],
        "deliveries": [{"key": d.key, "state": d.state.value} for d in details.deliveries],
    }
