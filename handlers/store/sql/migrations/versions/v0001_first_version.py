"""The first version's tables. Times and JSON are text, money is a float, people are `channel|chat|person`."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _text(name: str, *, key: bool = False, null: bool = False, index: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=key, nullable=null and not key, index=index)


def upgrade() -> None:
    op.create_table("likeness_version", sa.Column("version", sa.Integer, primary_key=True))
    op.execute("INSERT INTO likeness_version (version) VALUES (1)")
    op.create_table(
        "turns",
        _text("message_key", key=True),
        _text("chat_key", index=True),
        _text("reply"),
        _text("at", index=True),
    )
    op.create_table("tables", _text("chat_key", key=True), _text("body"), _text("updated", index=True))
    op.create_table(
        "jobs",
        _text("id", key=True),
        _text("chat_key"),
        _text("chat"),
        _text("order"),
        _text("created"),
        _text("ref", null=True),
        _text("state"),
        _text("error_code", null=True),
        sa.Column("estimate_usd", sa.Float, nullable=False),
        sa.Column("cost", sa.Float),
        _text("currency"),
        _text("provider", null=True),
        _text("finished", null=True),
        _text("pictures"),
        sa.Column("picture_count", sa.Integer, nullable=False),
        sa.Column("cancel_asked", sa.Boolean, nullable=False),
        _text("pieces"),
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("delivery", sa.Integer, nullable=False),
        sa.Column("by_hand", sa.Boolean, nullable=False),
        sa.Index("jobs_of_chat", "chat_key", "created"),
        sa.Index("jobs_by_state", "state", "created"),
        sa.Index("jobs_finished", "finished"),
    )
    op.create_table(
        "parts",
        _text("key", key=True),
        _text("job", index=True),
        _text("provider"),
        _text("state"),
        _text("submission", null=True),
        _text("pictures"),
        sa.Column("cost", sa.Float),
        _text("currency"),
        _text("error_code", null=True),
        _text("updated"),
    )
    op.create_table(
        "deliveries",
        _text("key", key=True),
        _text("job", index=True),
        _text("state"),
        _text("place"),
        _text("refs"),
    )
    op.create_table("sequences", _text("chat_key", key=True), sa.Column("last", sa.BigInteger, nullable=False))
    op.create_table(
        "entries",
        _text("chat_key", key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True),
        _text("id"),
        sa.Column("from_person", sa.Boolean, nullable=False),
        _text("at", index=True),
        _text("outgoing"),
        sa.UniqueConstraint("chat_key", "id", name="entries_once"),
    )
    op.create_table(
        "inbox",
        _text("channel", key=True),
        _text("key", key=True),
        _text("payload"),
        sa.Column("done", sa.Boolean, nullable=False),
        _text("at", index=True),
        sa.Index("inbox_open", "channel", "done", "at"),
    )
    op.create_table("channel_values", _text("space", key=True), _text("key", key=True), _text("value"))
