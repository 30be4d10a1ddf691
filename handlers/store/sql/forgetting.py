"""Deleting from `SqlStore`: the data of a person who asked to be forgotten, and old data. Inside the caller's
transaction."""

from datetime import datetime

import sqlalchemy as sa

from handlers.session import Session
from handlers.store.sql import ledger, rows
from handlers.store.sql.schema import DELIVERIES, ENTRIES, INBOX, JOBS, PARTS, SEQUENCES, SESSIONS, TURNS, VALUES

OWNED = (TURNS, SESSIONS, ENTRIES, SEQUENCES, VALUES)
"""Rows owned by one person only; jobs are treated separately, because some of them are running."""


def forget(c: sa.Connection, owner: str) -> None:
    """See `Housekeeping.forget`. Jobs first, as every transaction locks them before sessions."""
    mine = JOBS.c.owner == owner
    c.execute(JOBS.update().where(mine & JOBS.c.state.in_(rows.LIVE_STATES)).values(forgotten=True, cancel_asked=True))
    delete_jobs(c, mine & JOBS.c.state.in_(rows.ENDED_STATES))
    ledger.forget(c, owner)
    for table in OWNED:
        c.execute(table.delete().where(table.c.owner == owner))


def expire(c: sa.Connection, before: datetime, now: datetime) -> None:
    """See `Housekeeping.expire`."""
    delete_jobs(c, JOBS.c.state.in_(rows.ENDED_STATES) & ((JOBS.c.finished < before) | JOBS.c.forgotten))
    ledger.expire(c, before, now)
    for table in (TURNS, ENTRIES, INBOX):
        c.execute(table.delete().where(table.c.at < before))
    c.execute(SEQUENCES.delete().where(SEQUENCES.c.owner.not_in(sa.select(ENTRIES.c.owner))))
    old = (VALUES.c.expires <= now) | (VALUES.c.owner.is_not(None) & (VALUES.c.updated < before))
    c.execute(VALUES.delete().where(old))
    for owner, session in c.execute(sa.select(SESSIONS.c.owner, SESSIONS.c.body).where(SESSIONS.c.updated < before)):
        kept = Session(language=session.language, language_fixed=session.language_fixed)
        if kept != session:
            c.execute(SESSIONS.update().where(SESSIONS.c.owner == owner).values(body=kept))


def delete_jobs(c: sa.Connection, which: sa.ColumnElement[bool]) -> None:
    """Delete these jobs with their parts and deliveries."""
    ids = sa.select(JOBS.c.id).where(which)
    for table in (PARTS, DELIVERIES):
        c.execute(table.delete().where(table.c.job.in_(ids)))
    c.execute(JOBS.delete().where(which))
