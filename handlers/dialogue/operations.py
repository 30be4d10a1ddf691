"""What an operator sees and does: the figures behind `/admin …` in a chat, the page at /admin, and `/metrics`.

Read here and nowhere else, so that the three never tell different things. Nothing here holds words of people.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Protocol

from handlers.describe import describe
from handlers.dialogue.access import Access, picture_scope
from handlers.dialogue.refusals import refusal_scope
from handlers.message import Chat, Language
from handlers.store.base import (
    ENDED,
    UNLIMITED,
    Budgets,
    CostRow,
    Job,
    JobState,
    Ledger,
    OpenJobs,
    Period,
    Store,
)
from providers.ledger import EVERYBODY
from providers.moderation.offence import Offence

OPEN = tuple(state for state in JobState if state not in ENDED)
PEOPLE_DAYS = 30
MOST_GRANTED = 10_000


class Resends(Protocol):
    async def resend(self, job_id: str) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Today:
    """Since midnight (UTC), of the whole installation. `charged`: by provider, the dearest first."""

    charged: tuple[CostRow, ...]
    refused: Mapping[Offence, int]

    @property
    def usd(self) -> Decimal:
        return sum((row.usd for row in self.charged), Decimal(0))

    @property
    def pictures(self) -> int:
        return sum(row.pictures for row in self.charged)


@dataclass(frozen=True, kw_only=True)
class Budget:
    """A limit on everybody together: how much of it is used, what is reserved included. `unit`: `usd`, `pictures`."""

    unit: str
    period: Period
    used: Decimal
    most: Decimal


@dataclass(frozen=True, kw_only=True)
class PersonRow:
    """`name`: as `/admin block` takes it, `telegram:123`."""

    name: str
    usd: Decimal
    pictures: int
    requests: int
    blocked: bool


async def today(store: Ledger, now: datetime) -> Today:
    midnight = datetime.combine(now.astimezone(UTC).date(), time(), tzinfo=UTC)
    refused = {offence: int(await store.counted(refusal_scope(offence))) for offence in Offence}
    return Today(charged=await store.costs("provider", since=midnight), refused=refused)


class Operations:
    """`budgets`: what the settings allow everybody together."""

    def __init__(
        self,
        *,
        store: Store,
        access: Access,
        jobs: Resends,
        budgets: Budgets = UNLIMITED,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._access = access
        self._jobs = jobs
        self._budgets = budgets
        self.now = now

    # --- looking

    async def paused(self) -> bool:
        return await self._access.paused()

    async def open_jobs(self) -> tuple[OpenJobs, ...]:
        return await self._store.open_jobs()

    async def today(self) -> Today:
        return await today(self._store, self.now())

    async def budgets(self) -> tuple[Budget, ...]:
        """Those that the settings set."""
        rules = self._access.rules
        found: list[tuple[str, Period, str, Decimal | None]] = [
            ("usd", "day", EVERYBODY, self._budgets.bot),
            ("usd", "month", EVERYBODY, self._budgets.monthly.bot),
            ("pictures", "day", picture_scope("bot", ""), rules.daily.bot),
            ("pictures", "month", picture_scope("bot", ""), rules.monthly.bot),
        ]
        return tuple(
            [
                Budget(unit=unit, period=period, used=await self._store.counted(scope, period=period), most=most)
                for unit, period, scope, most in found
                if most is not None and most.is_finite()
            ]
        )

    async def costs_by_day(self, days: int) -> tuple[CostRow, ...]:
        return await self._store.costs("day", since=self.now() - timedelta(days=days))

    async def costs_by_provider(self, days: int) -> tuple[CostRow, ...]:
        return await self._store.costs("provider", since=self.now() - timedelta(days=days))

    async def people(self, limit: int) -> tuple[PersonRow, ...]:
        """Who had most pictures in `PEOPLE_DAYS`."""
        rows = await self._store.costs("person", since=self.now() - timedelta(days=PEOPLE_DAYS))
        named = sorted((row for row in rows if row.key), key=lambda row: -row.pictures)[:limit]
        return tuple([await self._person(row) for row in named])

    async def _person(self, row: CostRow) -> PersonRow:
        channel, _, person = (row.key or "").partition("|")
        standing = await self._access.standing(Chat(channel=channel, chat=person, person=person))
        return PersonRow(
            name=f"{channel}:{person}",
            usd=row.usd,
            pictures=row.pictures,
            requests=row.requests,
            blocked=standing.blocked,
        )

    async def newest(self, limit: int) -> tuple[Job, ...]:
        return await self._store.jobs(limit=limit)

    async def running(self, limit: int) -> tuple[Job, ...]:
        """The newest that have not ended."""
        return await self._store.jobs(states=OPEN, limit=limit)

    async def ended(self, limit: int, *, badly: bool) -> tuple[Job, ...]:
        """The newest that came to an end, with pictures or (`badly`) without."""
        states = (JobState.FAILED, JobState.UNCERTAIN) if badly else (JobState.DONE,)
        return await self._store.jobs(states=states, limit=limit)

    # --- doing

    async def pause(self, paused: bool) -> None:
        """No pictures are begun; what is being made comes."""
        await self._access.set_paused(paused)

    async def block(self, name: str, blocked: bool) -> None:
        await self._access.set_blocked(name, blocked)

    async def grant(self, name: str, pictures: int) -> int:
        """How many more they may have: no more than `MOST_GRANTED` at a time."""
        granted = min(pictures, MOST_GRANTED)
        await self._access.grant(name, granted)
        return granted

    async def resend(self, job_id: str) -> bool:
        """The pictures of an ended job once more to its chat; False where there is no such job."""
        job = await self._store.job(job_id)
        if job is None or job.state not in ENDED or not job.pictures:
            return False
        await self._jobs.resend(job.id)
        return True


def without_words(job: Job, language: Language) -> str:
    """What a job is by its keys: nothing that anybody wrote."""
    shots = tuple(
        shot.model_copy(
            update={
                "scene": None,
                "prompt": None,
                "edits": tuple(edit.model_copy(update={"prompt": None}) for edit in shot.edits),
            }
        )
        for shot in job.order.shots
    )
    return describe(job.order.model_copy(update={"shots": shots}), language)
