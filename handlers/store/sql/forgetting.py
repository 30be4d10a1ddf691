"""Deleting from `SqlStore`: what a person asked to be forgotten, and what is old. Inside the caller's transaction.

Every function returns the files that no row names any more.
"""

from pathlib import Path

import sqlalchemy as sa

from handlers.session import Session
from handlers.store.sql import rows
from handlers.store.sql import statements as sql
from handlers.store.sql.schema import DELIVERIES, ENTRIES, INBOX, JOBS, PARTS, TABLES, TURNS
from handlers.store.sql.statements import ENDED_STATES, LIVE_STATES


def forget(c: sa.Connection, chat_key: str) -> set[Path]:
    """See `Store.forget`."""
    body = c.execute(sql.TABLE_LOCKED, {"a_key": chat_key}).scalar_one_or_none()
    files = set() if body is None else rows.files_of_session(rows.session_of(body))
    for name in (TURNS, TABLES, ENTRIES):
        c.execute(name.delete().where(name.c.chat_key == chat_key))
    mine = JOBS.c.chat_key == chat_key
    c.execute(JOBS.update().where(mine & JOBS.c.state.in_(LIVE_STATES)).values(forgotten=True, cancel_asked=True))
    return (files | _delete_jobs(c, mine & JOBS.c.state.in_(ENDED_STATES))) - _files_in_use(c, {chat_key})


def drop_job(c: sa.Connection, job_id: str) -> set[Path]:
    """See `Store.drop_job`."""
    chat_key = c.execute(sa.select(JOBS.c.chat_key).where(JOBS.c.id == job_id)).scalar_one_or_none()
    return set() if chat_key is None else _delete_jobs(c, JOBS.c.id == job_id) - _files_in_use(c, {chat_key})


def expire(c: sa.Connection, limit: str) -> set[Path]:
    """See `Store.expire`. `limit`: times before it are old, as `to_text` writes them."""
    for name in (TURNS, ENTRIES):
        c.execute(name.delete().where(name.c.at < limit))
    c.execute(INBOX.delete().where((INBOX.c.at < limit) & INBOX.c.done))
    files: set[Path] = set()
    owners: set[str] = set()
    for chat_key, body in c.execute(sa.select(TABLES.c.chat_key, TABLES.c.body).where(TABLES.c.updated < limit)).all():
        session = rows.session_of(body)
        owners.add(chat_key)
        files |= rows.files_of_session(session)
        kept = Session(language=session.language, language_fixed=session.language_fixed)
        c.execute(TABLES.update().where(TABLES.c.chat_key == chat_key).values(body=kept.model_dump_json()))
    ended = JOBS.c.state.in_(ENDED_STATES) & ((JOBS.c.finished < limit) | JOBS.c.forgotten)
    owners |= set(c.execute(sa.select(JOBS.c.chat_key).where(ended).distinct()).scalars())
    return (files | _delete_jobs(c, ended)) - _files_in_use(c, owners)


def _delete_jobs(c: sa.Connection, which: sa.ColumnElement[bool]) -> set[Path]:
    """Delete these jobs with their parts and deliveries; the files they named."""
    files: set[Path] = set()
    gone: list[str] = []
    for row in c.execute(sa.select(JOBS).where(which)).mappings():
        job = rows.job_of(row)
        gone.append(job.id)
        files |= rows.files_of_job(job)
    for start in range(0, len(gone), 500):  # SQLite takes a bounded number of parameters
        some = gone[start : start + 500]
        parts = c.execute(sa.select(PARTS).where(PARTS.c.job.in_(some))).mappings()
        files |= rows.files_of_parts(rows.part_of(row) for row in parts)
        for name in (PARTS, DELIVERIES):
            c.execute(name.delete().where(name.c.job.in_(some)))
        c.execute(JOBS.delete().where(JOBS.c.id.in_(some)))
    return files


def _files_in_use(c: sa.Connection, owners: set[str]) -> set[Path]:
    """Files that these people's remaining jobs and tables still name."""
    files: set[Path] = set()
    for chat_key in owners:
        body = c.execute(sql.TABLE, {"a_key": chat_key}).scalar_one_or_none()
        files |= set() if body is None else rows.files_of_session(rows.session_of(body))
        for row in c.execute(sa.select(JOBS).where(JOBS.c.chat_key == chat_key)).mappings():
            job = rows.job_of(row)
            files |= rows.files_of_job(job)
            parts = c.execute(sa.select(PARTS).where(PARTS.c.job == job.id)).mappings()
            files |= rows.files_of_parts(rows.part_of(part) for part in parts)
    return files
