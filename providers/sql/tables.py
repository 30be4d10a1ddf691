"""What was spent, and how much of a day's budget is taken: the two tables that the bot shares with the calls of the
command line and of Python. The rest of the schema is `handlers/store/sql/schema.py`, migrations included.
"""

import sqlalchemy as sa

from providers.sql.columns import Amount, Moment

META = sa.MetaData()

LEDGER = sa.Table(
    "ledger",
    META,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text),
    sa.Column("time", Moment, nullable=False, index=True),
    sa.Column("day", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("request", sa.Text, nullable=False),
    sa.Column("job", sa.Text),
    sa.Column("person", sa.Text),
    sa.Column("chat", sa.Text),
    sa.Column("provider", sa.Text),
    sa.Column("model", sa.Text),
    sa.Column("pictures", sa.Integer, nullable=False),
    sa.Column("amount", Amount, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("usd", Amount, nullable=False),
    sa.Column("source", sa.Text),
    sa.Index("ledger_of_owner", "owner", "time"),
)

COUNTERS = sa.Table(
    "counters",
    META,
    sa.Column("scope", sa.Text, primary_key=True),
    sa.Column("day", sa.Text, primary_key=True),
    sa.Column("amount", Amount, nullable=False),
)
"""What is limited in a period (`day`: a day, a month `2026-11`, a minute, or `ever`): money in US dollars (`usd:…`),
pictures, requests. `scope` is a hash of whom."""
