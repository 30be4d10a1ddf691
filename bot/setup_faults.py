"""What prevents the program from starting, checked beforehand: folders, database files, the secret, the port.

Each is a sentence with the next step. `likeness doctor` checks the same things.
"""

import errno
import os
import socket
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from difflib import get_close_matches
from pathlib import Path

from dotenv import dotenv_values
from pydantic import AliasChoices

from bot.channels.web.cookies import SecretUnusable, load_secret
from bot.settings import Settings
from providers.media.files import make_folder

DATABASE, WORKFLOWS = "likeness.sqlite", "workflows.sqlite"
_LIKE = 0.8
"""How similar a name must be to a setting's to be considered a typo."""


class SetupFault(Exception):
    """`code` for programs; `name`: what it is about; the text is a sentence for the operator, with the next step."""

    def __init__(self, code: str, name: str, message: str) -> None:
        super().__init__(message)
        self.code, self.name, self.message = code, name, message


def check_before_start(settings: Settings) -> None:
    """Raises the first SetupFault there is. Blocks briefly."""
    for fault in (*folder_faults(settings), *file_faults(settings), *secret_faults(settings)):
        raise fault


def folder_faults(settings: Settings) -> Iterator[SetupFault]:
    for name, folder in (("DATA_DIR", settings.data_dir), ("OUTPUT_DIR", settings.output_dir)):
        try:
            make_folder(folder)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                yield SetupFault("no_room", name, f"{folder} is on a full disk; free some room, or name another folder")
            else:
                message = f"{folder} cannot be written to; make it writable for this user, or name another folder"
                yield SetupFault("no_access", name, message)


def file_faults(settings: Settings, *, whole: bool = False) -> Iterator[SetupFault]:
    """SQLite files that are damaged. `whole`: every page is checked, which takes a while for a large file."""
    if settings.database_url and not settings.database_url.startswith("sqlite"):
        return
    if not settings.database_url and _is_broken(file := settings.data_dir / DATABASE, whole=whole):
        yield SetupFault(
            "database",
            "database",
            f"{file} is damaged or no database. Stop the bot, move the file away and bring back a backup "
            "(`likeness restore`); without one, a new file is made at the next start",
        )
    if _is_broken(file := settings.data_dir / WORKFLOWS, whole=whole):
        yield SetupFault(
            "workflows",
            "workflows",
            f"{file} is damaged or no database. Stop the bot, delete this file and start again: it is made anew, and "
            f"jobs that were running go on, for they are in {DATABASE}",
        )


def _is_broken(file: Path, *, whole: bool) -> bool:
    """Read through SQLite alone: opening and closing the file beside it would release the locks that connections of
    this process have on it."""
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return whole and connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",)
    except sqlite3.OperationalError:
        return False  # missing, locked, or not to be opened by us: not damaged, as far as is known
    except sqlite3.DatabaseError:
        return True


def secret_faults(settings: Settings) -> Iterator[SetupFault]:
    """If there is none yet, it is made here."""
    try:
        load_secret(settings.data_dir / "secret")
    except SecretUnusable as error:
        yield SetupFault("secret", "secret", str(error))
    except OSError:
        file = settings.data_dir / "secret"
        yield SetupFault("no_access", "secret", f"{file} cannot be read or made; make it readable for this user")


def misspelt(env_file: Path = Path(".env")) -> list[str]:
    """Names in the file that are no setting but look like one, as sentences."""
    if not env_file.is_file():
        return []
    known = setting_names()
    found = []
    for name in dotenv_values(env_file, interpolate=False):
        near = get_close_matches(name.upper(), known, 1, _LIKE)
        if name.upper() not in known and near:
            found.append(f"{name} in {env_file} is no setting, and is ignored; {near[0]} was probably meant")
    return found


def setting_names() -> frozenset[str]:
    """Every name that a setting is read by."""
    names = {name.upper() for name in Settings.model_fields}
    for field in Settings.model_fields.values():
        if isinstance(field.validation_alias, AliasChoices):
            names.update(choice.upper() for choice in field.validation_alias.choices if isinstance(choice, str))
    return frozenset((*names, "LIKENESS_FONT"))


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket bound to the address, so that nothing else is started if it is not available. Raises SetupFault."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError:
        raise SetupFault("no_address", "HOST", f"{host} is no address of this machine; set HOST to one") from None
    opened = socket.socket(family, kind, proto)
    try:
        if os.name == "posix":
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
    except OSError as error:
        opened.close()
        raise _not_bound(error, host, port) from None
    opened.set_inheritable(False)
    return opened


def _not_bound(error: OSError, host: str, port: int) -> SetupFault:
    if error.errno == errno.EADDRINUSE:
        message = f"port {port} is taken (address already in use): another program listens there, or this one was "
        return SetupFault("port_taken", "PORT", message + "started twice; stop it, or choose another PORT (--port)")
    if error.errno == errno.EACCES:
        message = f"port {port} is not for this user; choose one above 1023 and put a proxy in front of it"
        return SetupFault("port_refused", "PORT", message)
    return SetupFault("no_address", "HOST", f"{host} is no address of this machine; set HOST to one of its own")
