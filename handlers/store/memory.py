"""`MemoryStore`: a `Store` that forgets when the process ends, for tests, demonstrations and one-off runs."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from handlers.message import Chat, Outgoing
from handlers.session import LastResult, Session
from handlers.store import accounting
from handlers.store.base import (
    ENDED,
    CostKey,
    CostRow,
    Delivery,
    Entry,
    Job,
    JobState,
    Limit,
    OpenJobs,
    Part,
    PartState,
    Period,
    RunSuperseded,
    Turn,
    TurnContext,
    Usage,
)
from handlers.store.files import files_of_job, files_of_session
from handlers.store.memory_books import MemoryBooks, keyed
from handlers.store.memory_files import MemoryFiles
from handlers.store.memory_inbox import MemoryInbox
from handlers.store.memory_values import MemoryValues
from handlers.store.records import JOB_FIELDS, makers_sent_to, to_store
from providers.attempts import Attempt
from providers.base import Charge, PictureFile, Submission
from providers.ledger import LedgerEntry
from providers.media.store import MediaStore


class MemoryStore(MemoryInbox, MemoryValues):
    """Every method runs without yielding to another task, so each is one transaction."""

    def __init__(
        self, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC), media: MediaStore | None = None
    ) -> None:
        MemoryInbox.__init__(self, clock=clock)
        MemoryValues.__init__(self, clock=clock)
        self.media = media
        self._turns: dict[str, tuple[str, tuple[Outgoing, ...], datetime]] = {}
        self._sessions: dict[str, tuple[Session, datetime]] = {}
        self._jobs: dict[str, Job] = {}
        self._files = MemoryFiles()
        self._parts: dict[str, Part] = {}
        self._books = MemoryBooks(self._jobs, self._parts)
        self._deliveries: dict[str, Delivery] = {}
        self._entries: dict[str, list[Entry]] = {}
        self._last_seq: dict[str, int] = {}

    # --- a message and what it led to

    async def turn_of(self, message_key: str) -> tuple[Outgoing, ...] | None:
        found = self._turns.get(message_key)
        return None if found is None else found[1]

    async def opening(self, message_key: str, chat: Chat) -> TurnContext:
        found = self._turns.get(message_key)
        if found is not None:
            return TurnContext(reply=found[1])
        live = tuple(state for state in JobState if state not in ENDED)
        return TurnContext(
            session=await self.session(chat), running=await self.jobs(chat=chat, states=live, limit=len(self._jobs))
        )

    async def session(self, chat: Chat) -> Session:
        return self._session(chat.key) or Session()

    async def commit_turn(self, turn: Turn) -> bool:
        if turn.message_key in self._turns:
            return False
        now, new = self._clock(), [job for job in turn.jobs if job.id not in self._jobs]
        with self._books.whole():
            accounting.take(self._books, turn.limits, now)
            accounting.reserve(self._books, new, turn.budgets, now, turn.limits)
        self._turns[turn.message_key] = (turn.chat.key, turn.reply, self._clock())
        self._put_session(turn.chat, turn.session, turn.before)
        for job in new:
            self._jobs[job.id] = job
            self._files.note(turn.chat.owner, files_of_job(job), now)
        for job_id in turn.cancel:
            job_there = self._jobs.get(job_id)
            if job_there and job_there.state not in ENDED:
                self._jobs[job_id] = replace(job_there, cancel_asked=True)
        return True

    async def save_session(self, chat: Chat, session: Session) -> None:
        self._put_session(chat, session)

    def _session(self, chat_key: str) -> Session | None:
        found = self._sessions.get(chat_key)
        return found[0] if found else None

    def _put_session(self, chat: Chat, session: Session, before: Session | None = None) -> None:
        merged, now = to_store(self._session(chat.key), before, session), self._clock()
        self._sessions[chat.key] = (merged, now)
        self._files.note(chat.owner, files_of_session(merged), now)

    # --- jobs

    async def job(self, job_id: str) -> Job | None:
        return self._jobs.get(job_id)

    async def in_line(self, job_id: str) -> tuple[Job, int] | None:
        job = self._jobs.get(job_id)
        if job is None:
            return None
        mine = [other for other in self._jobs.values() if other.chat.key == job.chat.key and other.state not in ENDED]
        return job, sum((other.created, other.id) < (job.created, job.id) for other in mine)

    async def jobs(
        self, *, chat: Chat | None = None, states: Sequence[JobState] = (), limit: int = 50
    ) -> tuple[Job, ...]:
        found = [
            job
            for job in self._jobs.values()
            if (chat is None or job.chat.key == chat.key) and (not states or job.state in states)
        ]
        return tuple(sorted(found, key=lambda job: (job.created, job.id), reverse=True)[:limit])

    async def open_jobs(self) -> tuple[OpenJobs, ...]:
        made: dict[JobState, list[datetime]] = {}
        for job in self._jobs.values():
            if job.state not in ENDED:
                made.setdefault(job.state, []).append(job.created)
        return tuple(OpenJobs(state=state, count=len(made[state]), oldest=min(made[state])) for state in sorted(made))

    async def cancel_asked(self) -> tuple[str, ...]:
        return tuple(job.id for job in self._jobs.values() if job.cancel_asked and job.state not in ENDED)

    async def add_job(self, job: Job) -> bool:
        if self._jobs.setdefault(job.id, job) is not job:
            return False
        self._files.note(job.chat.owner, files_of_job(job), self._clock())
        return True

    async def update_job(self, job_id: str, **changes: Any) -> Job:
        unknown = changes.keys() - JOB_FIELDS
        if unknown:
            raise TypeError(f"a job has no {', '.join(sorted(unknown))}")
        self._jobs[job_id] = replace(self._jobs[job_id], **changes)
        return self._jobs[job_id]

    async def begin_run(self, job_id: str, *, after: int, ended: bool = False, **changes: Any) -> Job | None:
        job = self._jobs.get(job_id)
        if job is None or job.run != after or (job.state in ENDED) is not ended:
            return None
        self._jobs[job_id] = replace(job, **changes, run=after + 1)
        return self._jobs[job_id]

    async def finish_job(self, job: Job, last_result: LastResult | None) -> bool:
        present = self._jobs.get(job.id)
        if present is not None and present.forgotten:
            return False
        if present is not None and present.run != job.run:
            raise RunSuperseded(job.id)
        self._jobs[job.id] = job
        accounting.give_back(self._books, job.id, self._clock(), made=len(job.pictures))
        self._files.note(job.chat.owner, files_of_job(job), self._clock())
        self._files.note(job.chat.owner, (picture.path for picture in job.pictures), self._clock(), job=job.id)
        if last_result is not None:
            session = self._session(job.chat.key) or Session(language=job.order.language)
            self._put_session(job.chat, session.model_copy(update={"last_result": last_result}))
        return True

    async def drop_job(self, job_id: str) -> tuple[Path, ...]:
        accounting.give_back(self._books, job_id, self._clock())
        self._delete_job(job_id)
        return self._files.taken(lambda file: file.job == job_id)

    # --- parts

    async def begin_part(
        self,
        key: str,
        job: str,
        provider: str,
        *,
        model: str = "",
        count: int = 1,
        after: Part | None = None,
        tried: Sequence[Attempt] = (),
        state: PartState = PartState.SUBMITTING,
    ) -> bool:
        if self._parts.get(key) != after:
            return False
        self._parts[key] = Part(
            key=key,
            job=job,
            provider=provider,
            model=model,
            count=count,
            state=state,
            tried=tuple(tried),
            updated=self._clock(),
        )
        return True

    async def accept_part(self, key: str, submission: Submission) -> None:
        self._parts[key] = replace(
            self._parts[key],
            state=PartState.ACCEPTED,
            submission=submission,
            charge=submission.charge,
            updated=self._clock(),
        )

    async def end_part(
        self,
        key: str,
        state: PartState,
        *,
        pictures: Sequence[PictureFile] = (),
        charge: Charge | None = None,
        error_code: str | None = None,
        tried: Sequence[Attempt] | None = None,
    ) -> None:
        old = self._parts[key]
        part = replace(
            old,
            state=state,
            pictures=tuple(pictures),
            charge=charge or old.charge,
            error_code=error_code,
            tried=old.tried if tried is None else tuple(tried),
            updated=self._clock(),
        )
        self._parts[key] = part
        if state is not PartState.REFUSED:
            accounting.charge(self._books, part, self._clock())
        if job := self._jobs.get(part.job):
            made = (picture.path for picture in part.pictures)
            self._files.note(job.chat.owner, made, self._clock(), job=job.id)

    async def part(self, key: str) -> Part | None:
        return self._parts.get(key)

    async def parts(self, job_id: str) -> tuple[Part, ...]:
        return tuple(sorted((p for p in self._parts.values() if p.job == job_id), key=lambda p: p.key))

    # --- deliveries

    async def delivery(self, key: str) -> Delivery | None:
        return self._deliveries.get(key)

    async def save_delivery(self, delivery: Delivery) -> None:
        self._deliveries[delivery.key] = delivery

    # --- the conversation of a channel that stores none itself

    async def add_entry(self, chat: Chat, outgoing: Outgoing, *, from_person: bool = False) -> Entry:
        known = next((entry for entry in self._entries.get(chat.key, ()) if entry.id == outgoing.id), None)
        if from_person and known is not None:
            return known
        await self.drop_entry(chat, outgoing.id)
        seq = self._last_seq[chat.key] = self._last_seq.get(chat.key, 0) + 1
        entry = Entry(seq=seq, id=outgoing.id, from_person=from_person, at=self._clock(), outgoing=outgoing)
        self._entries.setdefault(chat.key, []).append(entry)
        self._files.note(chat.owner, (picture.path for picture in outgoing.pictures), entry.at)
        return entry

    async def drop_entry(self, chat: Chat, entry_id: str) -> None:
        self._entries[chat.key] = [entry for entry in self._entries.get(chat.key, []) if entry.id != entry_id]

    async def entries(self, chat: Chat, *, after: int = 0, limit: int = 200) -> tuple[Entry, ...]:
        return tuple(entry for entry in self._entries.get(chat.key, []) if entry.seq > after)[:limit]

    # --- people

    async def usage(self, chat: Chat, *, since: datetime) -> Usage:
        return self._books.usage(chat.owner, since)

    async def sent_to(self, chat: Chat) -> tuple[str, ...]:
        mine = {job.id for job in self._jobs.values() if job.chat.key == chat.key}
        asked = {maker for part in self._parts.values() if part.job in mine for maker in makers_sent_to(part)}
        return tuple(sorted(asked | self._books.charged_by(chat.owner)))

    async def ledger(self, *, since: datetime | None = None) -> tuple[LedgerEntry, ...]:
        return self._books.entries(since)

    async def costs(self, by: CostKey, *, since: datetime | None = None) -> tuple[CostRow, ...]:
        rows = self._books.costs(keyed(by), since)
        return tuple(sorted(rows, key=lambda row: (row.key or "") if by == "day" else (-row.usd, row.key or "")))

    async def count(self, limit: Limit) -> bool:
        most = limit.most if limit.amount > 0 else None
        return self._books.count(limit.scope, accounting.period_of(limit.period, self._clock()), limit.amount, most)

    async def counted(self, scope: str, *, period: Period = "day") -> Decimal:
        return self._books.counted(scope, accounting.period_of(period, self._clock()))

    async def forget(self, chat: Chat) -> tuple[Path, ...]:
        self._books.forget(chat.owner)
        self._turns = {key: turn for key, turn in self._turns.items() if turn[0] != chat.key}
        self._sessions.pop(chat.key, None)
        self._entries.pop(chat.key, None)
        self._values = {at: value for at, value in self._values.items() if value.owner != chat.owner}
        for job in [job for job in self._jobs.values() if job.chat.key == chat.key]:
            if job.state in ENDED:
                self._delete_job(job.id)
            else:
                self._jobs[job.id] = replace(job, forgotten=True, cancel_asked=True)
        return self._files.taken(lambda file: file.owner == chat.owner)

    # --- housekeeping

    async def expire(self, *, before: datetime) -> tuple[Path, ...]:
        self._turns = {key: turn for key, turn in self._turns.items() if turn[2] >= before}
        self._inbox = {key: row for key, row in self._inbox.items() if row.at >= before}
        now = self._clock()
        self._books.expire(before, now)
        self._values = {
            at: value
            for at, value in self._values.items()
            if not value.over(now) and (value.owner is None or value.updated >= before)
        }
        for chat_key, entries in self._entries.items():
            self._entries[chat_key] = [entry for entry in entries if entry.at >= before]
        for chat_key, (session, updated) in self._sessions.items():
            if updated < before:
                kept = Session(language=session.language, language_fixed=session.language_fixed)
                self._sessions[chat_key] = (kept, updated)
        for job in list(self._jobs.values()):
            if job.state not in ENDED:
                self._files.note(job.chat.owner, files_of_job(job), now)
            elif job.finished and (job.finished < before or job.forgotten):
                self._delete_job(job.id)
        return self._files.taken(lambda file: file.at < before)

    def _delete_job(self, job_id: str) -> None:
        self._jobs.pop(job_id, None)
        self._parts = {key: part for key, part in self._parts.items() if part.job != job_id}
        self._deliveries = {key: d for key, d in self._deliveries.items() if d.job != job_id}

    async def unnamed(self, files: Sequence[Path]) -> tuple[Path, ...]:
        return tuple(file for file in files if not self._files.knows(file))

    async def moment(self) -> datetime:
        return self._clock()

    async def ping(self) -> None:
        return None

    async def aclose(self) -> None:
        return None
