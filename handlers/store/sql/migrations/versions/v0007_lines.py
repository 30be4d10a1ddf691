"""Rows of the inbox stand in lines, each of which one process works on."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("inbox", sa.Column("line", sa.Text()))
    op.add_column("inbox", sa.Column("passed", sa.Boolean()))
    some = sa.text("line IS NOT NULL")
    op.create_index("inbox_line", "inbox", ["line"], sqlite_where=some, postgresql_where=some)
