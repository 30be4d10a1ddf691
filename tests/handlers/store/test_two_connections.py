"""Several parts of a process use one SQLite file (turns and jobs, the ledger of calls), and so do other processes."""

import subprocess
import sys
from pathlib import Path

import sqlalchemy as sa

from handlers.store.sql.engine import make_engine, sqlite_url

LOOK = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); print(*c.execute('SELECT x FROM t')); c.close()"


def seen_by_another_process(file: Path) -> str:
    """It opens the file, reads, and closes it: as `likeness jobs list` does beside the bot."""
    done = subprocess.run([sys.executable, "-c", LOOK, str(file)], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_what_is_written_after_another_process_looked_is_on_the_disk(tmp_path: Path) -> None:
    file = tmp_path / "likeness.sqlite"
    first = make_engine(sqlite_url(file), pool_size=1)
    with first.begin() as connection:
        connection.execute(sa.text("CREATE TABLE t (x TEXT)"))
        connection.execute(sa.text("INSERT INTO t VALUES ('one')"))
    held = first.connect()
    assert held.execute(sa.text("SELECT count(*) FROM t")).scalar_one() == 1
    held.rollback()
    second = make_engine(sqlite_url(file), pool_size=1)  # another part of this process comes to the same file
    assert seen_by_another_process(file) == "('one',)"
    with held.begin():
        held.execute(sa.text("INSERT INTO t VALUES ('two')"))
    assert seen_by_another_process(file) == "('one',) ('two',)"
    held.close()
    for engine in (first, second):
        engine.dispose()
