"""Statements carried out straight by the driver: written out once, with what turns values into a database's and back.

SQLAlchemy looks a statement up and prepares its parameters and its rows anew each time, which takes five times as long
as SQLite needs for it. What is written here is the same text with the same types; errors are SQLAlchemy's, too.
For statements that are made once and given only parameters: one made anew each time would be written out anew.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from weakref import WeakKeyDictionary

import sqlalchemy as sa

Row = dict[str, Any]
Convert = Callable[[Any], Any]
Statement = Any
"""A query or a change of SQLAlchemy's (what `returning` makes of one has no type of its own)."""


def all_rows(c: sa.Connection, statement: Statement, facts: Mapping[str, Any]) -> list[Row]:
    """Rows by the names of their columns."""
    prepared, cursor = _carried_out(c, statement, facts)
    try:
        rows = cursor.fetchall()
        return prepared.rows(c.dialect, rows, cursor.description) if rows else []
    finally:
        cursor.close()


def one_row(c: sa.Connection, statement: Statement, facts: Mapping[str, Any]) -> Row | None:
    """The only row there can be, or None."""
    return next(iter(all_rows(c, statement, facts)), None)


def one_value(c: sa.Connection, statement: Statement, facts: Mapping[str, Any]) -> Any:
    """The first column of the only row, or None."""
    row = one_row(c, statement, facts)
    return None if row is None else next(iter(row.values()))


def change(c: sa.Connection, statement: Statement, facts: Mapping[str, Any]) -> int:
    """How many rows it changed."""
    _, cursor = _carried_out(c, statement, facts)
    try:
        return int(cursor.rowcount)
    finally:
        cursor.close()


def change_each(c: sa.Connection, statement: Statement, facts: Sequence[Mapping[str, Any]]) -> None:
    """The same for each of these, which all have the same names; at least one."""
    prepared = _prepared(c.dialect, statement, facts[0])
    cursor = c.connection.cursor()
    try:
        cursor.executemany(prepared.text, [prepared.parameters(each) for each in facts])
    except c.dialect.loaded_dbapi.Error as error:
        raise _told(c, prepared.text, error) from None
    finally:
        cursor.close()


@dataclass(kw_only=True)
class _Prepared:
    text: str
    positional: tuple[str, ...] | None
    """The names of the parameters in their order; None where the driver takes them by name."""
    binds: Mapping[str, Convert | None]
    fixed: Mapping[str, Any]
    """Parameters that the statement itself has values for, converted."""
    types: Sequence[sa.types.TypeEngine[Any]]
    columns: Sequence[tuple[str, Convert | None]] = ()
    """Names and conversions of what it returns; known once it was carried out."""

    def parameters(self, facts: Mapping[str, Any]) -> Any:
        found = dict(self.fixed)
        for name, value in facts.items():
            convert = self.binds[name]
            found[name] = value if convert is None else convert(value)
        return found if self.positional is None else tuple(found[name] for name in self.positional)

    def rows(self, dialect: sa.Dialect, rows: Sequence[Sequence[Any]], described: Sequence[Any]) -> list[Row]:
        if not self.columns:
            self.columns = [
                (said[0], kind.dialect_impl(dialect).result_processor(dialect, said[1]))
                for kind, said in zip(self.types, described, strict=True)
            ]
        columns = self.columns
        return [
            {
                name: value if convert is None else convert(value)
                for (name, convert), value in zip(columns, row, strict=True)
            }
            for row in rows
        ]


_PREPARED: "WeakKeyDictionary[sa.Dialect, dict[Any, _Prepared]]" = WeakKeyDictionary()
"""By dialect, which is an engine's own: it carries where the files lie that values name (`types.py`)."""


def _prepared(dialect: sa.Dialect, statement: Statement, facts: Mapping[str, Any]) -> _Prepared:
    known = _PREPARED.setdefault(dialect, {})
    key = (statement, *facts)
    if key not in known:
        known[key] = _written_out(dialect, statement, list(facts))
    return known[key]


def _written_out(dialect: sa.Dialect, statement: Statement, names: Sequence[str]) -> _Prepared:
    """Lists that are the statement's own are written out, too. Raises ValueError for one that is a parameter."""
    compiled = statement.compile(dialect=dialect, column_keys=list(names))
    binds = {name: _to_database(dialect, compiled.binds[name].type) for name in names}
    if any(compiled.binds[name].expanding for name in names):
        raise ValueError("a list as a parameter: its length is part of the text")
    state = compiled.construct_expanded_state(dict.fromkeys(names))
    fixed = {}
    for name, value in state.parameters.items():
        if name not in binds and not (name in compiled.binds and compiled.binds[name].expanding):
            convert = state.processors.get(name)
            fixed[name] = convert(value) if callable(convert) else value
    is_query = isinstance(statement, sa.Select)
    returned = statement.column_descriptions if is_query else statement.returning_column_descriptions
    return _Prepared(
        text=state.statement,
        positional=tuple(state.positiontup) if state.positiontup is not None else None,
        binds=binds,
        fixed=fixed,
        types=[column["type"] for column in returned],
    )


def _to_database(dialect: sa.Dialect, kind: sa.types.TypeEngine[Any]) -> Convert | None:
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _carried_out(c: sa.Connection, statement: Statement, facts: Mapping[str, Any]) -> tuple[_Prepared, Any]:
    prepared = _prepared(c.dialect, statement, facts)
    parameters = prepared.parameters(facts)
    cursor = c.connection.cursor()
    try:
        cursor.execute(prepared.text, parameters)
    except c.dialect.loaded_dbapi.Error as error:
        cursor.close()
        raise _told(c, prepared.text, error) from None
    return prepared, cursor


def _told(c: sa.Connection, text: str, error: Exception) -> Exception:
    """As SQLAlchemy tells it, without the parameters. A connection that is gone is not used again."""
    lost = c.dialect.is_disconnect(cast(Any, error), c.connection.driver_connection, None)
    if lost:
        c.invalidate(error)
    return sa.exc.DBAPIError.instance(
        text,
        None,
        error,
        c.dialect.loaded_dbapi.Error,
        hide_parameters=True,
        connection_invalidated=lost,
        dialect=c.dialect,
    )
