"""Jobs keep their plan; those without one have theirs derived from the order."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    kind = postgresql.JSON() if op.get_bind().dialect.name == "postgresql" else sa.Text()
    op.add_column("jobs", sa.Column("plan", kind))
