"""Owners for people, real types, `sessions`, a ledger, refs to files (long: one conversion, frozen as it is).

Each table is copied aside, made anew and filled row by row: what becomes of a row is decided here, in Python, the same
on both databases.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
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
AMOUNT = sa.BigInteger().with_variant(sa.Numeric(20, 8), "postgresql")
JSON = sa.Text().with_variant(_Json(), "postgresql")


def upgrade() -> None:
    files = _Files()
    _replace("turns", "turns", _turns(), _turn)
    _replace("tables", "sessions", _sessions(), lambda row: _session(row, files))
    owners = _owners_of_jobs()
    ended = "SELECT * FROM jobs WHERE finished IS NOT NULL AND cost IS NOT NULL"
    charged = _charged(op.get_bind().execute(sa.text(ended)).mappings())
    _replace("jobs", "jobs", _jobs(), lambda row: _job(row, files))
    _replace("parts", "parts", _parts(), lambda row: _part(row, owners, files))
    _replace("deliveries", "deliveries", _deliveries(), dict)
    _replace("sequences", "sequences", _sequences(), _sequence)
    _replace("entries", "entries", _entries(), lambda row: _entry(row, files))
    op.create_table("ledger", *_ledger())
    _insert("ledger", charged)
    op.create_table("counters", *_counters())
    op.create_table("reservations", *_reservations())
    material = _permanent_material()
    _replace("inbox", "inbox", _inbox(), _update)
    _replace("channel_values", "channel_values", _values(), lambda row: _value(row, owners))
    _insert("channel_values", material)
    op.create_table("media", *_media())
    _insert("media", files.rows.values())
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


_MOMENTS = frozenset({"at", "updated", "created", "finished", "lease_until", "expires", "time"})


def _typed(connection: sa.Connection, row: dict[str, Any]) -> dict[str, Any]:
    """PostgreSQL is given moments and decimals, SQLite the text that was there and whole numbers of 1e-8."""
    if connection.dialect.name != "postgresql":
        return {name: int(value * 10**8) if isinstance(value, Decimal) else value for name, value in row.items()}
    return {
        name: datetime.fromisoformat(value) if name in _MOMENTS and value is not None else value
        for name, value in row.items()
    }


def _owner(chat_key: str) -> str:
    return hashlib.sha256(chat_key.encode()).hexdigest()[:24]


def _amount(cost: float) -> Decimal:
    """As the float is printed, to eight places."""
    return Decimal(repr(cost)).quantize(Decimal("0.00000001"))


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


def _session(row: Row, files: "_Files") -> Row:
    owner, at = _owner(row["chat_key"]), row["updated"]
    return {"owner": owner, "body": files.named(row["body"], owner, at), "updated": at}


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
        sa.Column("estimate", AMOUNT, nullable=False),
        sa.Column("cost", AMOUNT),
        _text("currency", null=True),
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


def _job(row: Row, files: "_Files") -> Row:
    owner, at = _owner(row["chat_key"]), row["finished"] or row["created"]
    flags = {name: bool(row[name]) for name in ("cancel_asked", "by_hand", "forgotten")}
    cost = None if row["cost"] is None else _amount(row["cost"])
    return {
        **_without(row, "chat_key", "estimate_usd"),
        **flags,
        "owner": owner,
        "order": files.named(row["order"], owner, at),
        "pictures": files.named(row["pictures"], owner, at, job=row["id"]),
        "estimate": _amount(row["estimate_usd"]),
        "cost": cost,
        "currency": None if cost is None else row["currency"],
    }


def _parts() -> Iterable[Any]:
    return (
        _text("key", key=True),
        _text("job", index=True),
        _text("provider"),
        _text("model"),
        sa.Column("count", sa.Integer, nullable=False),
        _text("state"),
        _json("submission", null=True),
        _json("pictures"),
        _json("charge", null=True),
        _text("error_code", null=True),
        _moment("updated"),
    )


def _part(row: Row, owners: Mapping[str, str], files: "_Files") -> Row:
    submission = json.loads(row["submission"]) if row["submission"] else None
    if submission is not None:
        cost, currency = submission.pop("cost", None), submission.pop("currency", "USD")
        submission["charge"] = None if cost is None else _charge(cost, currency)
        submission["handle"] = _by_ref(submission.get("handle") or {}, set())
    charge = None if row["cost"] is None else _charge(row["cost"], row["currency"])
    return {
        **_without(row, "cost", "currency"),
        "model": "",
        "count": max(1, len(json.loads(row["pictures"]))),
        "pictures": files.named(row["pictures"], owners.get(row["job"], ""), row["updated"], job=row["job"]),
        "submission": None if submission is None else json.dumps(submission),
        "charge": None if charge is None else json.dumps(charge),
    }


def _charge(cost: float, currency: str) -> dict[str, Any]:
    return {"money": {"amount": repr(cost), "currency": currency}, "source": "answer"}


# --- money


def _ledger() -> Iterable[Any]:
    return (
        _text("id", key=True),
        _text("owner", null=True),
        _moment("time", index=True),
        _text("day"),
        _text("type"),
        _text("request"),
        _text("job", null=True),
        _text("person", null=True),
        _text("chat", null=True),
        _text("provider", null=True),
        _text("model", null=True),
        sa.Column("pictures", sa.Integer, nullable=False),
        sa.Column("amount", AMOUNT, nullable=False),
        _text("currency"),
        sa.Column("usd", AMOUNT, nullable=False),
        _text("source", null=True),
        sa.Index("ledger_of_owner", "owner", "time"),
    )


def _charged(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """What ended jobs cost, as charges: people's `/usage` goes on."""
    made = []
    for row in rows:
        chat = json.loads(row["chat"])
        cost, in_usd = row["cost"], row["currency"] == "USD"
        made.append(
            {
                "id": f"{row['id']}:charge",
                "owner": _owner(row["chat_key"]),
                "time": row["finished"],
                "day": row["finished"][:10],
                "type": "charge",
                "request": row["id"],
                "job": row["id"],
                "person": f"{chat['channel']}|{chat['person']}",
                "chat": f"{chat['channel']}|{chat['chat']}",
                "provider": row["provider"],
                "pictures": row["picture_count"],
                "amount": _amount(cost),
                "currency": row["currency"],
                "usd": _amount(cost if in_usd else row["estimate_usd"]),
                "source": "answer",
            }
        )
    return made


def _counters() -> Iterable[Any]:
    return _text("scope", key=True), _text("day", key=True), sa.Column("amount", AMOUNT, nullable=False)


def _reservations() -> Iterable[Any]:
    return _text("job", key=True), sa.Column("usd", AMOUNT, nullable=False), _text("day")


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


def _entry(row: Row, files: "_Files") -> Row:
    owner, from_person = _owner(row["chat_key"]), bool(row["from_person"])
    outgoing = files.named(row["outgoing"], owner, row["at"])
    return {**_without(row, "chat_key"), "owner": owner, "from_person": from_person, "outgoing": outgoing}


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
        "payload": _payload(row["payload"]),
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
        page = json.loads(value)
        openid, value = page["openid"], json.dumps(_by_ref(page, set()), ensure_ascii=False)
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


# --- files: a ref that every process understands in place of a path of this machine


def _media() -> Iterable[Any]:
    return (
        _text("ref", key=True),
        _text("owner", index=True),
        _text("job", null=True, index=True),
        _moment("at", index=True),
    )


class _Files:
    """Which files the rows name, as rows of `media`: the newest row that names one counts."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}

    def named(self, text: str, owner: str, at: str, *, job: str | None = None) -> str:
        """JSON with refs in it; the files are noted."""
        found: set[str] = set()
        changed = json.dumps(_by_ref(json.loads(text), found), ensure_ascii=False)
        for ref in found if owner else ():
            before = self.rows.get(ref, {"at": "", "job": None})
            newest = max(at, before["at"])
            self.rows[ref] = {"ref": ref, "owner": owner, "job": job or before["job"], "at": newest}
        return changed


def _by_ref(value: Any, found: set[str]) -> Any:
    """The first version named files as `path`, `mask`, and in lists `photos` and `pictures`, always by a whole path."""
    if isinstance(value, list):
        return [_by_ref(each, found) for each in value]
    if not isinstance(value, dict):
        return value
    changed: dict[str, Any] = {}
    for name, each in value.items():
        if name in ("path", "mask") and isinstance(each, str):
            changed[name] = _ref(each, found)
        elif name in ("photos", "pictures") and isinstance(each, list):
            changed[name] = [_ref(e, found) if isinstance(e, str) else _by_ref(e, found) for e in each]
        else:
            changed[name] = _by_ref(each, found)
    return changed


_DATA = re.compile(r"/((?:photos/[0-9a-f]{24}|web/photos/kept/[^/]+|inbox(?:/[^/]+)*)/[^/]+)$")
_PICTURE = re.compile(r"/([^/]+/[^/]+)$")


def _ref(path: str, found: set[str]) -> str:
    """By where the first version laid its files: photos in folders of `DATA_DIR`, pictures in `OUTPUT_DIR/<job>`."""
    match = _DATA.search(path)
    ref = f"data/{match[1]}" if match else f"pictures/{m[1]}" if (m := _PICTURE.search(path)) else path
    found.add(ref)
    return ref


def _payload(payload: str) -> str:
    """An update of the web page names photos; others are left as they are."""
    try:
        return json.dumps(_by_ref(json.loads(payload), set()), ensure_ascii=False) if '"photos"' in payload else payload
    except ValueError:
        return payload
