"""`likeness doctor`: checks the settings and every configured service; exit 1 if something configured does not work."""

import asyncio
import io
import logging
import re
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import click
import httpx
from PIL import Image
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from bot import access
from bot.app import parts
from bot.channels.registry import registered
from bot.cli.output import json_option, print_json
from bot.settings import Settings
from bot.setup_faults import DATABASE, file_faults, folder_faults, misspelt, secret_faults
from handlers.channel import Channel
from handlers.jobs.abilities import VERSION
from handlers.jobs.engine_database import workers_alive
from handlers.store.sql.store import SqlStore
from handlers.words import words
from providers.configure import build_credentials, build_moderation, problems
from providers.errors import LikenessError
from providers.media.credentials import CredentialsUnusable, read_credentials
from providers.media.labels import (
    DEFAULT_PRODUCER,
    Label,
    SourceType,
    allowed,
    labelled,
    produce_id,
    read_label,
)
from providers.net.certificates import trusted
from providers.people.model_files import summary
from providers.registry import services

Verdict = Literal["ok", "off", "warning", "broken"]
MARKS: dict[Verdict, str] = {
    "ok": "[green]ok[/]     ",
    "off": "[dim]off[/]    ",
    "warning": "[yellow]note[/]   ",
    "broken": "[red]broken[/] ",
}
CHECK_SECONDS = 20
_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LOW_DISK_BYTES = 500 * 1024 * 1024

NEXT: Mapping[str, str] = {
    "second reader": "look at INTENT_LLM_BASE_URL, INTENT_LLM_API_KEY and the network",
}
"""What to do next if the message itself names no setting."""
_SETTING = re.compile(r"[A-Z]{2,}_[A-Z_]+")
_SAID = frozenset({"literal_error", "int_parsing", "float_parsing", "greater_than_equal", "less_than_equal"})
"""Kinds of invalid values whose message says what the value must be, and never what it was."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One check: its result, and how to fix it."""

    name: str
    verdict: Verdict
    message: str


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Check the settings and every configured service, and say how to mend what is wrong."""
    if not (root := logging.getLogger()).handlers:
        root.addHandler(logging.NullHandler())  # what is logged meanwhile is reported below, once
    findings = asyncio.run(_examine())
    healthy = not any(f.verdict == "broken" for f in findings)
    if as_json:
        rows = [{"name": f.name, "verdict": f.verdict, "message": f.message} for f in findings]
        print_json({"success": healthy, "findings": rows} | ({} if healthy else {"error": _error(findings)}))
    else:
        console = Console()
        for f in findings:
            console.print(f"{MARKS[f.verdict]} {f.name}: {escape(f.message)}", highlight=False, soft_wrap=True)
    raise SystemExit(0 if healthy else 1)


def _error(findings: list[Finding]) -> dict[str, object]:
    broken = ", ".join(f.name for f in findings if f.verdict == "broken")
    return {"code": "unhealthy", "message": f"These do not work: {broken}.", "retryable": False}


async def _examine() -> list[Finding]:
    try:
        settings = Settings()
    except ValidationError as error:
        # Names only: a value may be a secret.
        return [_broken(".".join(map(str, e["loc"])).upper(), _what_it_must_be(e)) for e in error.errors()]
    return await examine(settings)


async def examine(settings: Settings) -> list[Finding]:
    """Everything that these settings turn on."""
    found = [_broken("settings", problem) for problem in settings.problems()]
    doubtful = (*problems(settings), *misspelt())
    found += [Finding(name="settings", verdict="warning", message=problem) for problem in doubtful]
    found += [Finding(name="access", verdict="warning", message=warning) for warning in access.warnings(settings)]
    here = await asyncio.to_thread(_on_this_machine, settings)
    with tempfile.TemporaryDirectory() as spare:
        found += here + await _services(settings, {f.name for f in here if f.verdict == "broken"}, Path(spare))
    found.append(await asyncio.to_thread(_labels_or_why_not, settings))
    if settings.moderation_base_url or settings.moderation_pictures == "on":
        found.append(await _check("moderation", lambda: _moderates(settings)))
    in_use, faces = await asyncio.to_thread(summary)
    found.append(Finding(name="faces", verdict="ok" if in_use else "warning", message=faces))
    return found + _not_set_up(settings)


def _labels_or_why_not(settings: Settings) -> Finding:
    try:
        return _labels(settings)
    except CredentialsUnusable as unusable:
        return _broken("labels", str(unusable))


def _labels(settings: Settings) -> Finding:
    """A label written into a picture of each format and read back, as every result's is, and signed where it is to be.

    Raises CredentialsUnusable."""
    label = Label(
        source=SourceType.GENERATED, produce_id=produce_id("doctor", 0), created=_NOON, producer=settings.label_producer
    )
    credentials = build_credentials(settings)
    wanted = replace(label, producer=allowed(label.producer) or DEFAULT_PRODUCER)
    for kind in ("JPEG", "PNG", "WEBP"):
        buffer = io.BytesIO()
        Image.new("RGB", (64, 64), "gray").save(buffer, kind)
        done = labelled(buffer.getvalue(), label)
        if read_label(done) != wanted:
            return _broken("labels", f"what is written into a {kind} is not what is read back")
        if credentials is not None:
            signature = read_credentials(credentials.signed(done, label))
            if signature is None or signature.state not in ("Valid", "Trusted"):
                return _broken("labels", f"the signature of a {kind} does not hold")
    signed = "; signed as well" if credentials is not None else ""
    return Finding(name="labels", verdict="ok", message=f"written and read back in JPEG, PNG and WebP{signed}")


async def _moderates(settings: Settings) -> None:
    """A harmless text and picture, which must pass. Raises LikenessError."""
    moderation = build_moderation(settings)
    try:
        with tempfile.NamedTemporaryFile(suffix=".png") as file:
            Image.new("RGB", (64, 64), "gray").save(file.name)
            await moderation.judged("a lighthouse", [Path(file.name)])
    finally:
        await moderation.aclose()


async def _services(settings: Settings, without: set[str], spare: Path) -> list[Finding]:
    """The database and every service. `without`: what cannot be used on this machine. One failure does not hide the
    rest: what depends on it gets a substitute."""
    instead: dict[str, Any] = {"database_wait_seconds": 0}
    instead |= {name.lower(): spare / name for name in without if name in ("DATA_DIR", "OUTPUT_DIR")}
    if without & {"DATA_DIR", "database", "workflows", "secret"}:
        instead["data_dir"] = spare / "DATA_DIR"
    nowhere = without & {"DATA_DIR", "database"} and not settings.database_url
    without_file = instead if nowhere else {}
    found: list[Finding] = [await _storage(settings)] if settings.media_url else []
    without = without | {"storage"} if any(finding.verdict == "broken" for finding in found) else without
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            store = await SqlStore.open(settings.model_copy(update=without_file).database)
            await store.ping()
            connections = await store.connections()
            await store.aclose()
        if not nowhere:
            found.append(database_finding(connections, settings.database_connections))
            if not without:
                found += await worker_findings(settings)
    except Exception as error:  # keep its address to ourselves
        where = "DATABASE_URL" if settings.database_url else f"{settings.data_dir / DATABASE}"
        found.append(_broken("database", f"cannot be opened ({type(error).__name__}); look at {where}"))
        instead |= {"database_url": None, "data_dir": spare / "DATA_DIR"}
    async with parts(settings.model_copy(update=instead), listening=(), worker=False) as made:
        await made.router.discover()
        for provider in made.router.providers:
            if made.router.is_another(provider.name):
                continue
            found.append(await _check(provider.name, provider.check))
        for name, channel in made.channels.items():
            found += await _look_at(name, channel)
            await channel.stop()
    if settings.intent_llm_base_url and settings.intent_llm_api_key and settings.intent_llm_model:
        found.append(await _check("second reader", lambda: _ask_second_reader(settings)))
    return found


async def _storage(settings: Settings) -> Finding:
    """Write, read and delete a key that does not exist yet: listing alone proves little."""

    async def ask() -> None:
        await settings.media.identity()

    where = "cannot be written and read; look at MEDIA_URL, MEDIA_ENDPOINT, MEDIA_REGION and the keys"
    return await _check("storage", ask, where)


async def _look_at(name: str, channel: Channel) -> list[Finding]:
    """What a channel says about itself; one line if all is well. The web page has no platform to ask."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            findings = (await channel.health(ask=True)).findings
    except TimeoutError:
        return [_broken(name, f"no answer within {CHECK_SECONDS} seconds")]
    except Exception as error:
        return [_broken(name, f"failed ({type(error).__name__})")]
    if not findings:
        return [] if name == "web" else [Finding(name=name, verdict="ok", message="works")]
    return [Finding(name=name, verdict=finding.verdict, message=finding.message) for finding in findings]


async def _ask_second_reader(settings: Settings) -> list[str]:
    """Asks for the list of models, which costs nothing. An endpoint without such a list has answered all the same."""
    key = settings.intent_llm_api_key
    headers = {"Authorization": f"Bearer {key.get_secret_value() if key else ''}"}
    try:
        async with httpx.AsyncClient(verify=trusted(), timeout=CHECK_SECONDS) as client:
            answer = await client.get(f"{(settings.intent_llm_base_url or '').rstrip('/')}/models", headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return [f"cannot be reached ({type(error).__name__}); {NEXT['second reader']}"]
    if answer.status_code in (401, 403):
        return ["does not accept INTENT_LLM_API_KEY"]
    return [f"answers {answer.status_code}; {NEXT['second reader']}"] if answer.status_code >= 500 else []


def database_finding(connections: tuple[int, int] | None, each: int) -> Finding:
    """`connections`: everybody's open ones and the maximum, if they are counted; `each`: what one more process would
    take."""
    if connections is None:
        return Finding(name="database", verdict="ok", message="works")
    used, most = connections
    said = f"works; {used} of {most} connections are in use, and each process takes at most {each}"
    if used + each <= most:
        return Finding(name="database", verdict="ok", message=said)
    more = f"{said}: another one may find none; lower DATABASE_CONNECTIONS or raise max_connections"
    return Finding(name="database", verdict="warning", message=more)


def _not_set_up(settings: Settings) -> list[Finding]:
    """What could be turned on, and by which setting."""
    could = (
        *((s.key, s.configured(settings), s.invites) for s in services().values() if s.invites),
        *(
            (
                channel.name,
                (part := settings.part(channel.settings)).is_set(),
                f"{part.turned_on_by} {'turn' if ',' in part.turned_on_by else 'turns'} it on ({part.docs})",
            )
            for channel in registered()
        ),
    )
    return [Finding(name=name, verdict="off", message=message) for name, there, message in could if not there]


def _what_it_must_be(error: Mapping[str, Any]) -> str:
    if error["type"] not in _SAID:
        return f"the value is not valid ({error['type']}); see .env.example"
    return str(error["msg"]).partition(", unable")[0].replace("Input should be", "must be")


def _on_this_machine(settings: Settings) -> list[Finding]:
    """Folders, files and the secret."""
    found = [_broken(fault.name, fault.message) for fault in folder_faults(settings)]
    without = {finding.name for finding in found}
    for name, folder in (("DATA_DIR", settings.data_dir), ("OUTPUT_DIR", settings.output_dir)):
        if name in without:
            continue
        if shutil.disk_usage(folder).free < LOW_DISK_BYTES:
            found.append(Finding(name=name, verdict="warning", message=f"{folder} has little space left"))
        else:
            found.append(Finding(name=name, verdict="ok", message=f"{folder} can be written to"))
    if "DATA_DIR" not in without:
        faults = (*file_faults(settings, whole=True), *secret_faults(settings))
        found += [_broken(fault.name, fault.message) for fault in faults]
    return found


async def worker_findings(settings: Settings) -> list[Finding]:
    """The living workers, what each can do, and what this installation is configured for that none of them can do.
    Raises OSError if the storage of pictures cannot be examined."""
    workers = await asyncio.to_thread(workers_alive, settings.data_dir, settings.database_url)
    if not workers:
        return []
    storage = await settings.media.identity()
    found = []
    for number, worker in enumerate(workers, 1):
        can = f"channels {', '.join(sorted(worker.channels))}; services {', '.join(sorted(worker.services))}"
        wrong = []
        if worker.version != VERSION:
            wrong.append("it runs another version of this program, and gets none of its jobs")
        if worker.storage != storage:
            wrong.append("it has folders of its own: let DATA_DIR and OUTPUT_DIR be the same folders for all processes")
        found.append(
            _broken(f"worker {number}", f"{can}; {'; '.join(wrong)}")
            if wrong
            else Finding(name=f"worker {number}", verdict="ok", message=can)
        )
    good = [worker for worker in workers if (worker.version, worker.storage) == (VERSION, storage)]
    channels = {c.name for c in registered() if settings.part(c.settings).is_ready()}
    makers = {key for key, service in services().items() if service.configured(settings)}
    for kind, wanted, there in (
        ("channel", channels, {name for worker in good for name in worker.channels}),
        ("service", makers, {name for worker in good for name in worker.services}),
    ):
        found += [
            _broken(
                "workers", f"none has the {kind} {name}: its jobs wait; give a worker its settings and start it again"
            )
            for name in sorted(wanted - there)
        ]
    return found


async def _check(name: str, ask: Callable[[], Awaitable[object]], otherwise: str | None = None) -> Finding:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            wrong = await ask()
    except TimeoutError:
        return _broken(name, _with_next_step(name, f"no answer within {CHECK_SECONDS} seconds"))
    except LikenessError as error:
        return _broken(name, _with_next_step(name, error.hint or words("en", error.text_key, **error.params)))
    except Exception as error:
        return _broken(name, otherwise or _with_next_step(name, f"failed ({type(error).__name__})"))
    if isinstance(wrong, list) and wrong:
        return _broken(name, " ".join(map(str, wrong)))
    return Finding(name=name, verdict="ok", message=wrong if isinstance(wrong, str) else "works")


def _with_next_step(name: str, message: str) -> str:
    known = services().get(name)
    step = known.next_step if known is not None else NEXT.get(name, "")
    return message if not step or _SETTING.search(message) else f"{message}; {step}"


def _broken(name: str, message: str) -> Finding:
    return Finding(name=name, verdict="broken", message=message)
