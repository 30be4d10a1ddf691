"""Column types: what Python has as a moment or an amount, each database keeps in its own way.

| type | PostgreSQL | SQLite |
| --- | --- | --- |
| `Moment` | `timestamptz` | text of fixed width in UTC (`2026-01-31T09:05:00.000000+00:00`), so that it sorts |
| `Amount` | `numeric(20, 8)` | a whole number of 1e-8, so that sums are exact |
"""

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

PLACES = 8
_SCALE = Decimal(10) ** PLACES


class Moment(sa.types.TypeDecorator[datetime]):
    """A moment with its zone; comes back in UTC, to the microsecond."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        on_postgres = dialect.name == "postgresql"
        return dialect.type_descriptor(postgresql.TIMESTAMP(timezone=True) if on_postgres else sa.Text())

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment has a zone")
        return value if dialect.name == "postgresql" else to_text(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if isinstance(value, datetime) else datetime.fromisoformat(value)


class Amount(sa.types.TypeDecorator[Decimal]):
    """An exact amount with eight places. Raises ValueError for one with more."""

    impl = sa.BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        on_postgres = dialect.name == "postgresql"
        return dialect.type_descriptor(sa.Numeric(20, PLACES) if on_postgres else sa.BigInteger())

    def process_bind_param(self, value: Decimal | None, dialect: sa.Dialect) -> Any:
        if value is None:
            return None
        scaled = value * _SCALE
        if scaled != scaled.to_integral_value():
            raise ValueError("an amount has more places than are kept")
        return value if dialect.name == "postgresql" else int(scaled)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Decimal | None:
        if value is None:
            return None
        return Decimal(value) if dialect.name == "postgresql" else Decimal(value) / _SCALE

    def coerce_compared_value(self, _op: Any, _value: Any) -> sa.types.TypeEngine[Any]:
        return self


def kept(amount: Decimal) -> Decimal:
    """`amount` to the places that are kept, halves away from zero."""
    return amount.quantize(Decimal(1).scaleb(-PLACES), ROUND_HALF_UP)


def to_text(moment: datetime) -> str:
    """A moment as sortable UTC text."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
