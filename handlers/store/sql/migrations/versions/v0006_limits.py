"""Jobs know the address they came from; reservations know the pictures that were counted against limits."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    kind = postgresql.JSON() if op.get_bind().dialect.name == "postgresql" else sa.Text()
    op.add_column("jobs", sa.Column("address", sa.Text()))
    op.add_column("reservations", sa.Column("counted", kind))
