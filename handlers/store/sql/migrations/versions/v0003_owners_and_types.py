"""Owners in place of people's ids, real types for moments and JSON, `tables` called `sessions`, leases in the inbox.

Each table is copied aside, made anew and filled row by row: what becomes of a row is decided here, in Python, the same
on both databases.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

Row = sa.RowMapping | dict[str, Any]
BATCH = 500


class _Json(sa.types.UserDefinedType[str]):
    cache_ok = True

    def get_col_spec(self, **_options: Any) -> str:
        return "JSON"


MOMENT = sa.Text().with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
JSON = sa.Text().with_variant(_Json(), "postgresql")


def upgrade() -> None:
    _replace("turns", "turns", _turns(), _turn)
    _replace("tables", "sessions", _sessions(), _session)
    owners = _owners_of_jobs()
    _replace("jobs", "jobs", _jobs(), _job)
    _replace("parts", "parts", _parts(), _part)
    _replace("deliveries", "deliveries", _deliveries(), dict)
    _replace("sequences", "sequences", _sequences(), _sequence)
    _replace("entries", "entries", _entries(), _entry)
    material = _permanent_material()
    _replace("inbox", "inbox", _inbox(), _update)
    _replace("channel_values", "channel_values", _values(), lambda row: _value(row, owners))
    _insert("channel_values", material)
    op.drop_table("likeness_version")


def _replace(old: str, new: str, columns: Iterable[Any], convert: Callable[[Row], Row | None]) -> None:
    """Make `new` out of `old`; a row of which `convert` makes None is dropped."""
    connection = op.get_bind()
    op.execute(f"CREATE TABLE replaced AS SELECT * FROM {old}")  # noqa: S608 - our own names
    op.drop_table(old)
    table = op.create_table(new, *columns)
    rows = connection.execute(sa.text("SELECT * FROM replaced")).mappings()
    while some := rows.fetchmany(BATCH):
        made = [dict(row) for row in (convert(found) for found in some) if row is not None]
        if made:
            connection.execute(table.insert(), [_typed(connection, row) for row in made])
    op.drop_table("replaced")


def _insert(name: str, rows: Iterable[dict[str, Any]]) -> None:
    connection = op.get_bind()
    for row in rows:
        table = sa.table(name, *(sa.column(column) for column in row))
        connection.execute(table.insert(), _typed(connection, row))


_MOMENTS = frozenset({"at", "updated", "created", "finished", "lease_until", "expires"})


def _typed(connection: sa.Connection, row: dict[str, Any]) -> dict[str, Any]:
    """PostgreSQL is given moments, SQLite the text that was there."""
    if connection.dialect.name != "postgresql":
        return row
    return {
        name: datetime.fromisoformat(value) if name in _MOMENTS and value is not None else value
        for name, value in row.items()
    }


def _owner(chat_key: str) -> str:
    return hashlib.sha256(chat_key.encode()).hexdigest()[:24]


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _without(row: Row, *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def _text(name: str, *, key: bool = False, null: bool = False, index: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=key, nullable=null and not key, index=index)


def _json(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, JSON, nullable=null)


def _moment(name: str, *, null: bool = False, index: bool = False) -> sa.Column[Any]:
    return sa.Column(name, MOMENT, nullable=null, index=index)


# --- turns and sessions


def _turns() -> Iterable[Any]:
    return _text("id", key=True), _text("owner", index=True), _json("reply"), _moment("at", index=True)


def _turn(row: Row) -> Row:
    return {
        "id": _hash(row["message_key"]),
        "owner": _owner(row["chat_key"]),
        "reply": row["reply"],
        "at": row["at"],
    }


def _sessions() -> Iterable[Any]:
    return _text("owner", key=True), _json("body"), _moment("updated", index=True)


def _session(row: Row) -> Row:
    return {"owner": _owner(row["chat_key"]), "body": row["body"], "updated": row["updated"]}


# --- jobs


def _owners_of_jobs() -> dict[str, str]:
    jobs = op.get_bind().execute(sa.text("SELECT id, chat_key FROM jobs"))
    return {job_id: _owner(chat_key) for job_id, chat_key in jobs}


def _jobs() -> Iterable[Any]:
    return (
        _text("id", key=True),
        _text("owner"),
        _json("chat"),
        _json("order"),
        _moment("created"),
        _text("ref", null=True),
        _text("state"),
        _text("error_code", null=True),
        sa.Column("estimate_usd", sa.Float, nullable=False),
        sa.Column("cost", sa.Float),
        _text("currency"),
        _text("provider", null=True),
        _moment("finished", null=True),
        _json("pictures"),
        sa.Column("picture_count", sa.Integer, nullable=False),
        sa.Column("cancel_asked", sa.Boolean, nullable=False),
        _json("pieces"),
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("delivery", sa.Integer, nullable=False),
        sa.Column("by_hand", sa.Boolean, nullable=False),
        sa.Column("forgotten", sa.Boolean, nullable=False),
        sa.Index("jobs_of_owner", "owner", "created"),
        sa.Index("jobs_by_state", "state", "created"),
        sa.Index("jobs_finished", "finished"),
    )


def _job(row: Row) -> Row:
    flags = {name: bool(row[name]) for name in ("cancel_asked", "by_hand", "forgotten")}
    return {**_without(row, "chat_key"), **flags, "owner": _owner(row["chat_key"])}


def _parts() -> Iterable[Any]:
    return (
        _text("key", key=True),
        _text("job", index=True),
        _text("provider"),
        _text("state"),
        _json("submission", null=True),
        _json("pictures"),
        sa.Column("cost", sa.Float),
        _text("currency"),
        _text("error_code", null=True),
        _moment("updated"),
    )


def _part(row: Row) -> Row:
    return row


def _deliveries() -> Iterable[Any]:
    return _text("key", key=True), _text("job", index=True), _text("state"), _text("place"), _json("refs")


# --- conversations


def _sequences() -> Iterable[Any]:
    return _text("owner", key=True), sa.Column("last", sa.BigInteger, nullable=False)


def _sequence(row: Row) -> Row:
    return {"owner": _owner(row["chat_key"]), "last": row["last"]}


def _entries() -> Iterable[Any]:
    return (
        _text("owner", key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True),
        _text("id"),
        sa.Column("from_person", sa.Boolean, nullable=False),
        _moment("at", index=True),
        _json("outgoing"),
        sa.UniqueConstraint("owner", "id", name="entries_once"),
    )


def _entry(row: Row) -> Row:
    owner, from_person = _owner(row["chat_key"]), bool(row["from_person"])
    return {**_without(row, "chat_key"), "owner": owner, "from_person": from_person}


# --- the inbox


def _inbox() -> Iterable[Any]:
    return (
        _text("channel", key=True),
        _text("id", key=True),
        _text("key"),
        _text("payload"),
        sa.Column("done", sa.Boolean, nullable=False),
        _moment("at", index=True),
        _text("holder"),
        _moment("lease_until", null=True),
        sa.Column("claims", sa.Integer, nullable=False),
        sa.Column("failed", sa.Boolean, nullable=False),
        sa.Index("inbox_open", "channel", "done", "at"),
    )


def _update(row: Row) -> Row | None:
    if row["channel"] in ("wechat.page", "wechat.discarded"):  # queues of another kind, see `_permanent_material`
        return None
    done = bool(row["done"])
    return {
        "channel": row["channel"],
        "id": _hash(row["key"]),
        "key": "" if done else row["key"],
        "payload": row["payload"],
        "done": done,
        "at": row["at"],
        "holder": "",
        "lease_until": None,
        "claims": 0,
        "failed": False,
    }


# --- small values


def _values() -> Iterable[Any]:
    return (
        _text("space", key=True),
        _text("key", key=True),
        _text("value"),
        _text("owner", null=True, index=True),
        sa.Column("expires", MOMENT, index=True),
        _moment("updated"),
    )


def _value(row: Row, owners: Mapping[str, str]) -> Row | None:
    """Keys that held a person's id hold their owner; what is about a person belongs to them.

    Dropped: albums and answers known by chat (a convenience for replies, kept one by one from now on), the nonces of
    the last minutes, the token (it is asked for again), the day's counters.
    """
    space, key, value = row["space"], row["key"], row["value"]
    owner: str | None = None
    if space in ("telegram.albums", "telegram.refs", "wechat.nonce", "wechat.token", "group.today"):
        return None
    if space == "web.statuses":
        key = owner = _owner(key)
    elif space == "telegram.jobs":
        if (owner := owners.get(key)) is None:
            return None
    elif space == "telegram.gone":
        owner = _owner(f"telegram|{key}|{key}")
    elif space == "wechat.person":
        key = owner = _owner(f"wechat|{key}|{key}")
    elif space == "wechat.page":
        openid = json.loads(value)["openid"]
        owner = _owner(f"wechat|{openid}|{openid}")
    return {
        "space": space,
        "key": key,
        "value": value,
        "owner": owner,
        "expires": None,
        "updated": _now(),
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _permanent_material() -> list[dict[str, Any]]:
    """Material on a WeChat account that somebody must delete: of pages that were gone already, and of those there."""
    connection = op.get_bind()
    gone = connection.execute(sa.text("SELECT key FROM inbox WHERE channel = 'wechat.discarded' AND NOT done"))
    found = dict.fromkeys((media_id for (media_id,) in gone), "")
    pages = connection.execute(sa.text("SELECT key, value FROM channel_values WHERE space = 'wechat.page'"))
    for page_id, value in pages:
        media = json.loads(value).get("media", {}).values()
        found |= {each["media_id"]: page_id for each in media if each.get("permanent")}
    return [
        {"space": "wechat.material", "key": media_id, "value": page_id, "updated": _now()}
        for media_id, page_id in found.items()
    ]
