"""`likeness backup` and `likeness restore`: a whole installation into one file and back."""

import asyncio
from pathlib import Path

import click

from bot.backup import BackupFailed, back_up
from bot.backup import restore as restored
from bot.cli.output import fail, failure, json_option, print_json
from bot.settings import Settings
from handlers.store.sql.store import SqlStore


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@json_option
def backup(file: Path, as_json: bool) -> None:
    """Write everything to FILE, a tar archive, while the bot runs: databases, photos, pictures, the secret.

    It is readable by you alone; keep it as you keep the photos of other people. PostgreSQL needs pg_dump beside it.
    """
    try:
        written = back_up(Settings(), file)
    except BackupFailed as error:
        fail(failure(error.code, str(error)), as_json)
    if as_json:
        print_json({"success": True, "file": str(file), "files": written.files, "size_bytes": written.size})
    else:
        click.echo(f"{file}: {written.files} files and the database, {written.size / 1e6:.1f} MB")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--continue-jobs",
    "go_on",
    is_flag=True,
    help="Open jobs go on. Only where the old installation was stopped before the backup: else they may be paid twice.",
)
@json_option
def restore(file: Path, go_on: bool, as_json: bool) -> None:
    """Lay out the backup FILE in an empty DATA_DIR and OUTPUT_DIR (and an empty database).

    Jobs that were open when the backup was made are ended as uncertain and listed: nobody here knows what became of
    them since. `likeness jobs resume ID` finishes what was paid for, and posts nothing anew.
    """
    settings = Settings()
    try:
        manifest = restored(settings, file, go_on=go_on)
    except BackupFailed as error:
        fail(failure(error.code, str(error)), as_json)
    held = () if go_on else asyncio.run(_held(settings))
    if as_json:
        print_json({"success": True, "made": manifest.made.isoformat(), "held": list(held)})
        return
    click.echo(f"Restored as of {manifest.made:%Y-%m-%d %H:%M} UTC; `likeness run` starts it.")
    for job in held:
        click.echo(f"job {job} was open; `likeness jobs resume {job}` finishes it, if it was paid for")


async def _held(settings: Settings) -> tuple[str, ...]:
    store = await SqlStore.open(settings.database, media=settings.media)
    try:
        return await store.hold()
    finally:
        await store.aclose()
