"""Bringing a database to the newest schema, under a lock, at every start.

A new database is created from `schema.META` at once; an older one goes through the numbered scripts in
`migrations/versions/` with Alembic, in one transaction: any error leaves it as it was. Alembic is loaded only if
something is to be done (it takes 0.4 s).
"""

from pathlib import Path

import sqlalchemy as sa

from handlers.store.sql.schema import META

HEAD = "0007"
"""The newest of `migrations/versions/`; a test checks that."""

_REVISION = sa.table("alembic_version", sa.column("version_num", sa.String))
_FIRST = sa.table("likeness_version", sa.column("version", sa.Integer))
"""How the first version counted: 1 and 2 are the scripts 0001 and 0002."""

# Processes that start on one PostgreSQL database at once: this number is the advisory lock they share.
_MIGRATION_LOCK = 7_405_120_001
_SCRIPTS = Path(__file__).parent / "migrations"


class SchemaTooNew(RuntimeError):
    """The database was written by a newer Likeness: refusing is the only way not to damage it."""


def migrate(connection: sa.Connection) -> bool:
    """Bring the database to the newest schema inside the caller's transaction; returns whether it was an older one.

    The transaction holds the lock: on SQLite it has begun with the write lock, on PostgreSQL with an advisory one.
    Raises SchemaTooNew.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
    found = _found(connection)
    if found is None:
        META.create_all(connection)
        _stamp(connection, HEAD)
    elif found != HEAD:
        upgrade(connection, HEAD, found=found)
        return True
    return False


def upgrade(connection: sa.Connection, target: str, *, found: str | None) -> None:
    """From the revision that was found (None: an empty database) to `target`, by the scripts."""
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    if found is not None:
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if found not in known:
            raise SchemaTooNew(f"the database has schema {found}; this program knows up to {HEAD}")
        _stamp(connection, found)
    command.upgrade(config, target)


def _found(connection: sa.Connection) -> str | None:
    """The revision of the database; None for an empty one."""
    inspector = sa.inspect(connection)
    if inspector.has_table(_REVISION.name):
        return str(connection.execute(sa.select(_REVISION.c.version_num)).scalar_one())
    if inspector.has_table(_FIRST.name):
        return f"{connection.execute(sa.select(_FIRST.c.version)).scalar_one():04d}"
    return None


def _stamp(connection: sa.Connection, revision: str) -> None:
    """Record the revision, in Alembic's own table."""
    table = sa.Table(
        _REVISION.name, sa.MetaData(), sa.Column("version_num", sa.String(32), primary_key=True, nullable=False)
    )
    table.create(connection, checkfirst=True)
    connection.execute(table.delete())
    connection.execute(table.insert().values(version_num=revision))
