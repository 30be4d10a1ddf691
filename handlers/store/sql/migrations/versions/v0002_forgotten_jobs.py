"""Jobs whose person asked to be forgotten while they ran."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("forgotten", sa.Boolean, nullable=False, server_default=sa.false()))
    op.execute("UPDATE likeness_version SET version = 2")
