"""The tables of `SqlStore`. The same on SQLite and PostgreSQL, except for how `types.py` stores times, JSON and
amounts.

A change here needs a migration (`migrations/versions/`); a test keeps the two in step. Ledger and counters are shared
with the command line and Python, so they are `providers.sql.tables`. `owner` is `Chat.owner`. Where a row is found by
the key of a message, only the key's hash is stored: such keys are made of the platform's ids of people and chats.
"""

import sqlalchemy as sa
from pydantic import TypeAdapter

from handlers.message import Chat, Outgoing
from handlers.order import Order
from handlers.plan import Plan
from handlers.session import Session
from handlers.store.accounting import Counted
from handlers.store.sql.types import Json
from providers.attempts import Attempt
from providers.base import Charge, PictureFile, Submission
from providers.sql import tables
from providers.sql.columns import Amount, Moment

META = tables.META
LEDGER, COUNTERS = tables.LEDGER, tables.COUNTERS

_CHAT = Json(TypeAdapter(Chat))
_ORDER = Json(TypeAdapter(Order))
_PLAN = Json(TypeAdapter(Plan))
_SESSION = Json(TypeAdapter(Session))
_OUTGOING = Json(TypeAdapter(Outgoing))
_REPLY = Json(TypeAdapter(tuple[Outgoing, ...]))
_PICTURES = Json(TypeAdapter(tuple[PictureFile, ...]))
_SUBMISSION = Json(TypeAdapter(Submission))
_CHARGE = Json(TypeAdapter(Charge))
_REFS = Json(TypeAdapter(tuple[str, ...]))
_TRIED = Json(TypeAdapter(tuple[Attempt, ...]))
_COUNTED = Json(TypeAdapter(Counted))
_PIECES = Json(TypeAdapter(tuple[int, ...]))

TURNS = sa.Table(
    "turns",
    META,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False, index=True),
    sa.Column("reply", _REPLY, nullable=False),
    sa.Column("at", Moment, nullable=False, index=True),
)
"""`id`: `key_hash` of the message's key."""

SESSIONS = sa.Table(
    "sessions",
    META,
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("body", _SESSION, nullable=False),
    sa.Column("updated", Moment, nullable=False, index=True),
)

JOBS = sa.Table(
    "jobs",
    META,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("chat", _CHAT, nullable=False),
    sa.Column("order", _ORDER, nullable=False),
    sa.Column("created", Moment, nullable=False),
    sa.Column("ref", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("error_code", sa.Text),
    sa.Column("estimate", Amount, nullable=False),
    sa.Column("cost", Amount),
    sa.Column("currency", sa.Text),
    sa.Column("provider", sa.Text),
    sa.Column("finished", Moment),
    sa.Column("pictures", _PICTURES, nullable=False),
    sa.Column("picture_count", sa.Integer, nullable=False),
    sa.Column("cancel_asked", sa.Boolean, nullable=False),
    sa.Column("pieces", _PIECES, nullable=False),
    sa.Column("plan", _PLAN),
    sa.Column("deadline", Moment),
    sa.Column("run", sa.Integer, nullable=False),
    sa.Column("delivery", sa.Integer, nullable=False),
    sa.Column("by_hand", sa.Boolean, nullable=False),
    sa.Column("forgotten", sa.Boolean, nullable=False),
    sa.Column("address", sa.Text),
    sa.Index("jobs_of_owner", "owner", "created"),
    sa.Index("jobs_by_state", "state", "created"),
    sa.Index("jobs_finished", "finished"),
)
"""`chat` is where the result goes: the only place with the platform's ids in clear, until the job is deleted."""

PARTS = sa.Table(
    "parts",
    META,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("job", sa.Text, nullable=False, index=True),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("submission", _SUBMISSION),
    sa.Column("pictures", _PICTURES, nullable=False),
    sa.Column("charge", _CHARGE),
    sa.Column("error_code", sa.Text),
    sa.Column("tried", _TRIED),
    sa.Column("updated", Moment, nullable=False),
)

DELIVERIES = sa.Table(
    "deliveries",
    META,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("job", sa.Text, nullable=False, index=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("refs", _REFS, nullable=False),
)

MEDIA = sa.Table(
    "media",
    META,
    sa.Column("ref", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False, index=True),
    sa.Column("job", sa.Text, index=True),
    sa.Column("at", Moment, nullable=False, index=True),
)
"""Every file that a row names: its owner, the job that made it, and when a row that names it was last written."""

RESERVATIONS = sa.Table(
    "reservations",
    META,
    sa.Column("job", sa.Text, primary_key=True),
    sa.Column("usd", Amount, nullable=False),
    sa.Column("day", sa.Text, nullable=False),
    sa.Column("counted", _COUNTED),
)
"""What is still reserved for jobs that have not ended, in the counters of which day; `counted`: their pictures that
were counted against limits, and where."""

SEQUENCES = sa.Table(
    "sequences",
    META,
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("last", sa.BigInteger, nullable=False),
)
"""The last entry number of each conversation: counted under the row's lock, so numbers become visible in order."""

ENTRIES = sa.Table(
    "entries",
    META,
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("from_person", sa.Boolean, nullable=False),
    sa.Column("at", Moment, nullable=False, index=True),
    sa.Column("outgoing", _OUTGOING, nullable=False),
    sa.UniqueConstraint("owner", "id", name="entries_once"),
)

INBOX = sa.Table(
    "inbox",
    META,
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("done", sa.Boolean, nullable=False),
    sa.Column("at", Moment, nullable=False, index=True),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("lease_until", Moment),
    sa.Column("claims", sa.Integer, nullable=False),
    sa.Column("failed", sa.Boolean, nullable=False),
    sa.Column("line", sa.Text),
    sa.Column("passed", sa.Boolean),
    sa.Index("inbox_open", "channel", "done", "at"),
    sa.Index(
        "inbox_line",
        "line",
        sqlite_where=sa.text("line IS NOT NULL"),
        postgresql_where=sa.text("line IS NOT NULL"),
    ),
)
"""`id`: `key_hash` of `key`, which is empty once the update is done. `holder`: the process that has the lease.

`line`: `key_hash` of the line it waits in; None in none, or done. `passed`: another process put it into a line of the
holder's, which has not noticed yet."""

VALUES = sa.Table(
    "channel_values",
    META,
    sa.Column("space", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, index=True),
    sa.Column("expires", Moment, index=True),
    sa.Column("updated", Moment, nullable=False),
)
