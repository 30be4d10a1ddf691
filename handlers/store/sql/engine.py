"""What only the store does with an SQLite file: deleted data is removed from its log and its free pages too.

Opening a database is up to `providers.sql.engine`: the command line and Python open it as well.
"""

import sqlite3

import sqlalchemy as sa

from providers.sql.engine import SQLITE_PATIENCE, make_engine, make_private, sqlite_url, write_ahead_log

__all__ = ["make_engine", "make_private", "sqlite_url", "truncate_log", "vacuum", "write_ahead_log"]


def truncate_log(engine: sa.Engine) -> bool:
    """Write the log into the file and truncate it: until then, deleted data can still be read in it.

    False if others were reading for longer than two seconds: then try again. Blocks.
    """
    connection = engine.raw_connection()
    try:
        connection.execute("PRAGMA busy_timeout = 2000")
        (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        return False
    finally:
        connection.execute(f"PRAGMA busy_timeout = {1000 * SQLITE_PATIENCE}")
        connection.close()


def vacuum(engine: sa.Engine) -> None:
    """Rewrite the file without the pages that hold deleted rows of former versions. Blocks."""
    connection = engine.raw_connection()
    try:
        connection.execute("VACUUM")
    finally:
        connection.close()
