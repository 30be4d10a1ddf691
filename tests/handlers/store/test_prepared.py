"""What the driver carries out straight is what SQLAlchemy would have: rows, types, counts and errors."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from handlers.store.sql.prepared import all_rows, change, change_each, one_row, one_value
from providers.sql.columns import Amount, Moment
from providers.sql.engine import make_engine
from tests.servers.postgres import new_database

META = sa.MetaData()
TABLE = sa.Table(
    "things",
    META,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("order", sa.Integer, nullable=False),
    sa.Column("cost", Amount),
    sa.Column("at", Moment, nullable=False),
    sa.Column("good", sa.Boolean, nullable=False),
)
NOON = datetime(2026, 5, 1, 20, tzinfo=timezone(timedelta(hours=8)))
OF = sa.select(TABLE).where((TABLE.c.id == sa.bindparam("an_id")) & TABLE.c.order.in_([1, 2, 3]))
UPDATE = TABLE.update().where(TABLE.c.id == sa.bindparam("an_id"))
UPDATE_TELLING = UPDATE.returning(TABLE.c.order, TABLE.c.cost)
DROP = TABLE.delete().where(TABLE.c.id == sa.bindparam("an_id"))


def thing(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "order": 1, "cost": Decimal("0.12345678"), "at": NOON, "good": True} | more


@pytest.fixture
def connection(url: str) -> Iterator[sa.Connection]:
    engine = make_engine(url, pool_size=2)
    META.create_all(engine)
    with engine.connect() as made, made.begin():
        yield made
    engine.dispose()


def test_values_go_in_and_come_out_by_their_types(connection: sa.Connection) -> None:
    assert change(connection, TABLE.insert(), thing("a")) == 1
    (row,) = all_rows(connection, OF, {"an_id": "a"})
    assert row == thing("a", at=NOON.astimezone(UTC))
    assert [type(value) for value in row.values()] == [str, int, Decimal, datetime, bool]
    assert dict(connection.execute(OF, {"an_id": "a"}).mappings().one()) == row
    assert one_value(connection, sa.select(sa.func.count()).select_from(TABLE), {}) == 1


def test_a_list_of_the_statement_is_part_of_its_text_and_one_as_a_parameter_is_refused(
    connection: sa.Connection,
) -> None:
    change_each(connection, TABLE.insert(), [thing("a", order=3), thing("b", order=4)])
    assert one_row(connection, OF, {"an_id": "a"}) is not None
    assert one_row(connection, OF, {"an_id": "b"}) is None
    several = sa.select(TABLE.c.id).where(TABLE.c.id.in_(sa.bindparam("ids", expanding=True)))
    with pytest.raises(ValueError, match="a list"):
        all_rows(connection, several, {"ids": ["a"]})


def test_an_update_sets_the_columns_it_is_given_and_tells_what_it_changed(connection: sa.Connection) -> None:
    change(connection, TABLE.insert(), thing("a"))
    assert change(connection, UPDATE, {"an_id": "nobody", "order": 2}) == 0
    assert change(connection, UPDATE, {"an_id": "a", "cost": None}) == 1
    told = one_row(connection, UPDATE_TELLING, {"an_id": "a", "order": 7})
    assert told == {"order": 7, "cost": None}
    assert change(connection, DROP, {"an_id": "a"}) == 1


def test_a_key_twice_is_the_error_that_sqlalchemy_raises(connection: sa.Connection) -> None:
    change(connection, TABLE.insert(), thing("a"))
    with pytest.raises(sa.exc.IntegrityError) as caught:
        change(connection, TABLE.insert(), thing("a"))
    assert not caught.value.connection_invalidated
    assert "0.12345678" not in str(caught.value)


def test_a_connection_that_the_server_ended_is_told_as_gone_and_not_used_again(postgres: str) -> None:
    with new_database(postgres) as url:
        ended(make_engine(url, pool_size=2))


def ended(engine: sa.Engine) -> None:
    META.create_all(engine)
    with engine.connect() as cut, engine.connect() as other:
        pid = one_value(cut, sa.select(sa.literal_column("pg_backend_pid()", sa.Integer)), {})
        other.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        with pytest.raises(sa.exc.OperationalError) as caught:
            all_rows(cut, OF, {"an_id": "a"})
        assert caught.value.connection_invalidated
        assert cut.invalidated
    with engine.connect() as anew:
        assert all_rows(anew, OF, {"an_id": "a"}) == []
    engine.dispose()
