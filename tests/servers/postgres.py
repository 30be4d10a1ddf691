"""A PostgreSQL server for tests: the one of `TEST_DATABASE_URL`, or one started here where the program is installed."""

import os
import shutil
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import sqlalchemy as sa


class NoPostgres(Exception):
    """Why there is none, as one line for the skipped test."""


@contextmanager
def postgres_server() -> Iterator[str]:
    """The URL of a server on which databases may be made. Raises NoPostgres."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
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
    server: subprocess.Popen[bytes] | None = None
    try:
        if owner:
            shutil.chown(folder, owner["user"])
        data = folder / "data"
        subprocess.run(
            [str(initdb), "-D", str(data), "-U", "likeness", "--auth=trust", "--no-sync", "-E", "UTF8"],
            check=True,
            capture_output=True,
            cwd=folder,
            **owner,  # type: ignore[call-overload]
        )
        settings = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={folder}", "-c", "max_connections=100"]
        server = subprocess.Popen(
            [str(initdb.with_name("postgres")), "-D", str(data), *settings, "-c", "fsync=off"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            **owner,  # type: ignore[call-overload]
        )
        url = f"postgresql://likeness@/postgres?host={folder}"
        _wait_for(server, url)
        yield url
    except (subprocess.CalledProcessError, OSError, LookupError) as error:
        raise NoPostgres(f"PostgreSQL did not start here: {type(error).__name__}") from error
    finally:
        if server is not None:
            server.terminate()
            server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


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
