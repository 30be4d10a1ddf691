"""A PostgreSQL server for tests: the one of `TEST_DATABASE_URL`, or one started here where the program is installed."""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import sqlalchemy as sa

from tests.waiting import LONG


class NoPostgres(Exception):
    """Why there is none, as one line for the skipped test."""


@dataclass(kw_only=True)
class OwnServer:
    """A server started here, which a test may stop and start again."""

    folder: Path
    program: Path
    owner: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgresql://likeness@/postgres?host={self.folder}"

    def start(self) -> None:
        """Until it answers."""
        settings = [
            "-c",
            "listen_addresses=",
            "-c",
            f"unix_socket_directories={self.folder}",
            "-c",
            "max_connections=100",
        ]
        self.process = subprocess.Popen(
            [str(self.program), "-D", str(self.folder / "data"), *settings, "-c", "fsync=off"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            **self.owner,  # type: ignore[call-overload]
        )
        _wait_for(self.process, self.url)

    def stop(self) -> None:
        """At once: whoever is connected is cut off."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(LONG)
            self.process = None


@contextmanager
def own_server() -> Iterator[OwnServer]:
    """A server of the program that is installed here. Raises NoPostgres."""
    programs = [
        shutil.which("initdb"),
        *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)),
    ]
    initdb = next((Path(program) for program in programs if program), None)
    if initdb is None:
        raise NoPostgres("no TEST_DATABASE_URL, and PostgreSQL is not installed here (Debian: postgresql)")
    # The server refuses to run as root.
    owner = {"user": "postgres"} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    server = OwnServer(folder=folder, program=initdb.with_name("postgres"), owner=owner)
    try:
        if owner:
            shutil.chown(folder, owner["user"])
        subprocess.run(
            [str(initdb), "-D", str(folder / "data"), "-U", "likeness", "--auth=trust", "--no-sync", "-E", "UTF8"],
            check=True,
            capture_output=True,
            cwd=folder,
            **owner,  # type: ignore[call-overload]
        )
        server.start()
        yield server
    except (subprocess.CalledProcessError, OSError, LookupError) as error:
        raise NoPostgres(f"PostgreSQL did not start here: {type(error).__name__}") from error
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def postgres_server() -> Iterator[str]:
    """The URL of a server on which databases may be made. Raises NoPostgres."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    with own_server() as server:
        yield server.url


def _wait_for(server: "subprocess.Popen[bytes]", url: str) -> None:
    """Until it answers: the server says nothing to wait for, so it is asked again and again."""
    for _ in range(600):
        if server.poll() is not None:
            raise NoPostgres(f"PostgreSQL ended at its start with code {server.returncode}")
        try:
            psycopg.connect(url, connect_timeout=1).close()
        except psycopg.OperationalError:
            threading.Event().wait(0.05)
        else:
            return
    raise NoPostgres("PostgreSQL did not answer")


@contextmanager
def new_database(server: str) -> Iterator[str]:
    """The URL of a database of its own, dropped afterwards."""
    name = f"likeness_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    try:
        yield sa.make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
