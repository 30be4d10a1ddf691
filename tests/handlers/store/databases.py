"""Databases for tests: made by the first version, or empty."""

from pathlib import Path

import sqlalchemy as sa

from handlers.store.sql.engine import make_engine

FIRST_VERSION = Path(__file__).with_name("first_version.sql")


def make_first_version(url: str, *, data: Path, output: Path) -> None:
    """The database that the first version left, with its folders at these places."""
    script = FIRST_VERSION.read_text("utf-8").replace("{DATA}", str(data)).replace("{OUTPUT}", str(output))
    lines = "\n".join(line for line in script.splitlines() if not line.startswith("--"))
    engine = make_engine(url, pool_size=1)
    with engine.begin() as connection:
        for statement in lines.split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement.replace("%", "%%"))
    engine.dispose()


def names(connection: sa.Connection) -> set[str]:
    return set(sa.inspect(connection).get_table_names())
