"""Parts keep who was asked and how each ended; jobs keep the moment by which they must be done."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    on_postgres = op.get_bind().dialect.name == "postgresql"
    op.add_column("parts", sa.Column("tried", postgresql.JSON() if on_postgres else sa.Text()))
    op.add_column("jobs", sa.Column("deadline", postgresql.TIMESTAMP(timezone=True) if on_postgres else sa.Text()))
