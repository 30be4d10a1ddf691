"""What only the store does with an SQLite file: what was deleted is gone from its log and its free pages too.

How a database is opened is `providers.sql.engine`'s: calls of the command line and of Python open it as well.
"""

import sqlite3

import sqlalchemy as sa

from providers.sql.engine import SQLITE_PATIENCE, make_engine, make_private, sqlite_url, write_ahead_log

__all__ = ["make_engine", "make_private", "sqlite_url", "truncate_log", "vacuum", "write_ahead_log"]


def truncate_log(engine: sa.Engine) -> bool:
    """Write the log into the file and cut it to nothing: until then, what was deleted can still be read in it.

    False where others read meanwhile for longer than two seconds: then it is to be tried again. Blocks.
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
    """Write the file anew, without the pages that deleted rows of former versions lie in. Blocks."""
    connection = engine.raw_connection()
    try:
        connection.execute("VACUUM")
    finally:
        connection.close()
