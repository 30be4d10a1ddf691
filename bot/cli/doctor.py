"""`likeness doctor`: checks the settings and every configured service; exit 1 if something configured does not work."""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

import click
from pydantic import ValidationError
from rich.console import Console

from bot.app import parts
from bot.cli.output import json_option, print_json
from bot.settings import Settings
from handlers.words import words
from providers.configure import problems
from providers.errors import LikenessError

Verdict = Literal["ok", "warning", "broken"]
MARKS: dict[Verdict, str] = {"ok": "[green]ok[/]     ", "warning": "[yellow]note[/]   ", "broken": "[red]broken[/] "}
CHECK_SECONDS = 20
LOW_DISK_BYTES = 500 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing looked at: how it is, and how to mend it."""

    name: str
    verdict: Verdict
    message: str


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Check the settings and every configured service, and say how to mend what is wrong."""
    findings = asyncio.run(_examine())
    healthy = not any(f.verdict == "broken" for f in findings)
    if as_json:
        rows = [{"name": f.name, "verdict": f.verdict, "message": f.message} for f in findings]
        print_json({"success": healthy, "findings": rows} | ({} if healthy else {"error": _error(findings)}))
    else:
        console = Console()
        for f in findings:
            console.print(f"{MARKS[f.verdict]} {f.name}: {f.message}", highlight=False)
    raise SystemExit(0 if healthy else 1)


def _error(findings: list[Finding]) -> dict[str, object]:
    broken = ", ".join(f.name for f in findings if f.verdict == "broken")
    return {"code": "unhealthy", "message": f"These do not work: {broken}.", "retryable": False}


async def _examine() -> list[Finding]:
    try:
        settings = Settings()
    except ValidationError as error:
        # Names only: a value may be a secret.
        return [
            _broken(".".join(map(str, e["loc"])).upper(), f"the value is not valid ({e['type']})")
            for e in error.errors()
        ]
    found = [_broken("settings", problem) for problem in settings.problems()]
    found += [Finding(name="settings", verdict="warning", message=problem) for problem in problems(settings)]
    found += await asyncio.to_thread(_folders, settings)
    try:
        async with parts(settings, listening=(), worker=False) as made:
            found.append(await _check("database", made.store.ping, "does not answer; look at DATABASE_URL"))
            for provider in made.router.providers:
                found.append(await _check(provider.name, provider.check))
            for name, platform in made.platforms.items():
                found.append(await _check(name, platform.check))
                await platform.aclose()
    except Exception as error:  # a database that cannot even be opened: name it, keep its address to ourselves
        found.append(_broken("database", f"cannot be opened ({type(error).__name__}); look at DATABASE_URL"))
    return found


def _folders(settings: Settings) -> list[Finding]:
    found = []
    for name, folder in (("DATA_DIR", settings.data_dir), ("OUTPUT_DIR", settings.output_dir)):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError:
            found.append(_broken(name, f"{folder} cannot be written to; make it writable or name another folder"))
            continue
        if shutil.disk_usage(folder).free < LOW_DISK_BYTES:
            found.append(Finding(name=name, verdict="warning", message=f"{folder} has little space left"))
        else:
            found.append(Finding(name=name, verdict="ok", message=f"{folder} can be written to"))
    return found


async def _check(name: str, ask: Callable[[], Awaitable[object]], otherwise: str | None = None) -> Finding:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            wrong = await ask()
    except TimeoutError:
        return _broken(name, f"no answer within {CHECK_SECONDS} seconds")
    except LikenessError as error:
        return _broken(name, error.hint or words("en", error.text_key, **error.params))
    except Exception as error:
        return _broken(name, otherwise or f"failed ({type(error).__name__})")
    if isinstance(wrong, list) and wrong:
        return _broken(name, " ".join(map(str, wrong)))
    return Finding(name=name, verdict="ok", message=wrong if isinstance(wrong, str) else "works")


def _broken(name: str, message: str) -> Finding:
    return Finding(name=name, verdict="broken", message=message)
