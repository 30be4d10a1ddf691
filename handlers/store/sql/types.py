"""A column type for values of ours: `json` on PostgreSQL, text on SQLite. Others are in `providers.sql.columns`.

`json` and not `jsonb`: it is stored letter for letter, a NUL in somebody's words included, and never searched.
"""

from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from providers.media.ref import Places

PLACES_OF_DIALECT = "likeness_places"


class _PgJson(sa.types.UserDefinedType[str]):
    """JSON that goes in and comes out as text: pydantic reads and writes it, once."""

    cache_ok = True

    def get_col_spec(self, **_options: Any) -> str:
        return "JSON"


class Json(sa.types.TypeDecorator[Any]):
    """A value of ours as JSON, by its pydantic adapter; files it names are refs there."""

    impl = sa.Text
    cache_ok = True  # adapters are made once, with the tables

    def __init__(self, adapter: TypeAdapter[Any]) -> None:
        super().__init__()
        self.adapter = adapter

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(_PgJson() if dialect.name == "postgresql" else sa.Text())

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:
        return None if value is None else self.adapter.dump_json(value, context=_places(dialect)).decode()

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        return None if value is None else self.adapter.validate_json(value, context=_places(dialect))


def _places(dialect: sa.Dialect) -> Places | None:
    """Where the files are that a value names: each engine has its own dialect, which carries them (`Database`)."""
    return getattr(dialect, PLACES_OF_DIALECT, None)
