"""How a job's money is booked: reserved with its turn, charged with its parts, given back with its end.

    turn committed   estimate e    the budgets of its day take e, or nothing is committed
    part ended       charge c      as much of what is reserved is given back; what is above that, the budgets take
    job ended        give_back     what is still reserved leaves the budgets

Written once, for both stores: a `Books` is what either keeps, inside one of its transactions.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from handlers.message import Chat
from handlers.store.records import Budgets, Job, Limit, LimitReached, Part, PartState
from providers.base import Charge
from providers.ledger import EVERYBODY, UNKNOWN, EntryType, LedgerEntry, day_of
from providers.money import USD, Money
from providers.sql.columns import kept

BUDGET_EXCEEDED = "budget_exceeded"
CANCEL_ASKED = "cancel_asked"
"""The code of a part that was running when it was cancelled: it may be charged."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """What the books must know of a job. `chat` None: the person was forgotten while it ran."""

    job: str
    owner: str | None
    chat: Chat | None
    scopes: tuple[str, ...]
    estimate: Money
    provider: str | None = None


@dataclass(frozen=True, kw_only=True)
class Reservation:
    """What is still reserved for a job, in the budgets of which day."""

    job: str
    usd: Decimal
    day: str


class Books(Protocol):
    def entry(self, entry_id: str) -> LedgerEntry | None: ...

    def put(self, entry: LedgerEntry, owner: str | None) -> None:
        """Replaces the entry of the same id."""

    def count(self, scope: str, day: str, amount: Decimal, most: Decimal | None = None) -> bool:
        """Add to a counter in one conditional write; False, and nothing added, where it would pass `most`."""

    def count_each(self, scopes: Sequence[str], day: str, amount: Decimal) -> None:
        """Add to several counters, whatever they have come to."""

    def account(self, job_id: str) -> Account | None: ...

    def accepted(self, job_id: str) -> Sequence[Part]:
        """The parts of a job that a service has taken and that have not ended."""

    def pictures_of(self, job_id: str) -> int:
        """How many pictures a job was to make; 1 for one that is not known."""

    def reservation(self, job_id: str) -> Reservation | None: ...

    def keep(self, reservation: Reservation) -> None:
        """Replaces what was reserved for the job; nothing left: the reservation goes."""


def scope_of(kind: str, name: str) -> str:
    """The name of a counter: it tells nothing about whom it counts."""
    return f"{kind}:{hashlib.sha256(name.encode()).hexdigest()[:24]}"


def budget_scopes(chat: Chat) -> tuple[str, str, str]:
    """The counters of everybody, of this chat, of this person (in whatever chat of the channel)."""
    person = f"{chat.channel}|{chat.person}"
    return EVERYBODY, scope_of("usd:chat", chat.group_key), scope_of("usd:person", person)


def account_of(job: Job) -> Account:
    return Account(
        job=job.id,
        chat=None if job.forgotten else job.chat,
        owner=job.chat.owner,
        scopes=budget_scopes(job.chat),
        estimate=job.estimate,
        provider=job.provider,
    )


def take(books: Books, limits: Sequence[Limit], now: datetime) -> None:
    """Count against limits. Raises LimitReached: then the transaction is to be rolled back."""
    for limit in sorted(limits, key=lambda limit: limit.scope):  # in one order, so that nobody waits in a circle
        if not books.count(limit.scope, day_of(now), limit.amount, limit.most):
            raise LimitReached(limit)


def reserve(books: Books, jobs: Sequence[Job], budgets: Budgets, now: datetime) -> None:
    """The estimates of new jobs. Raises LimitReached: then the transaction is to be rolled back."""
    for job in jobs:
        usd = kept(job.estimate.amount)
        if not usd:
            continue
        day, account = day_of(now), account_of(job)
        for scope, most in zip(account.scopes, (budgets.bot, budgets.chat, budgets.person), strict=True):
            if not books.count(scope, day, usd, most):
                raise LimitReached(Limit(scope=scope, amount=usd, most=most or Decimal(0), code=BUDGET_EXCEEDED))
        books.keep(Reservation(job=job.id, usd=usd, day=day))
        _put(books, account, f"{job.id}:estimate", EntryType.ESTIMATE, usd, now, pictures=job.order.count)


def charge(books: Books, part: Part, now: datetime) -> Account:
    """What a part cost that has just ended as `part` says. Booked again, it takes the place of what was booked."""
    account = books.account(part.job) or _unknown_job(part)
    found = _charge_of(books, part, account)
    if found is None:
        return account
    money, source = found
    usd = kept(money.amount if money.currency == USD else _share(books, part, account).amount)
    entry_id = f"{part.key}:charge"
    before = books.entry(entry_id)
    more = usd - (before.usd if before else Decimal(0))
    covered = _cover(books, account, part, max(more, Decimal(0)), now)
    day = day_of(before.time if before and more < 0 else now)
    if more != covered:
        books.count_each(account.scopes, day, more - covered)
    entry = LedgerEntry(
        id=entry_id,
        time=now,
        type=EntryType.CHARGE,
        request=part.key,
        job=part.job,
        person=_person(account.chat),
        chat=_chat(account.chat),
        provider=part.provider,
        model=_model(part),
        pictures=len(part.pictures),
        money=Money(amount=kept(money.amount), currency=money.currency),
        usd=usd,
        source=source,
    )
    books.put(entry, account.owner if account.chat else None)
    return account


def give_back(books: Books, job_id: str, now: datetime) -> None:
    """What is still reserved for a job that has ended. What goes on upstream all the same counts as spent."""
    reserved = books.reservation(job_id)
    if reserved is not None and (taken := books.accepted(job_id)):
        for part in taken:
            charge(books, part, now)
        reserved = books.reservation(job_id)
    account = books.account(job_id) if reserved else None
    if reserved is None or account is None:
        return
    books.count_each(account.scopes, reserved.day, -reserved.usd)
    books.keep(replace(reserved, usd=Decimal(0)))
    _put(books, account, f"{job_id}:give_back", EntryType.GIVE_BACK, reserved.usd, now)


def _cover(books: Books, account: Account, part: Part, usd: Decimal, now: datetime) -> Decimal:
    """Take as much of a charge as there is from what is reserved; how much that was."""
    reserved = books.reservation(part.job)
    covered = min(usd, reserved.usd) if reserved else Decimal(0)
    if reserved is None or not covered:
        return covered
    books.keep(replace(reserved, usd=reserved.usd - covered))
    entry_id = f"{part.key}:give_back"
    before = books.entry(entry_id)
    whole = covered + (before.usd if before else Decimal(0))
    _put(books, account, entry_id, EntryType.GIVE_BACK, whole, now, request=part.key)
    return covered


def _charge_of(books: Books, part: Part, account: Account) -> tuple[Money, str] | None:
    known: Charge | None = part.charge
    if known is None and part.submission is not None:
        known = part.submission.charge
    unsettled = part.state in (PartState.UNCERTAIN, PartState.ACCEPTED)
    if unsettled or (part.state is PartState.FAILED and part.error_code == CANCEL_ASKED):
        return (known.money if known else _share(books, part, account)), UNKNOWN
    if known is not None and part.state in (PartState.MADE, PartState.FAILED):
        return known.money, known.source.value
    if part.state is PartState.MADE:
        return _share(books, part, account), "table"
    return None


def _share(books: Books, part: Part, account: Account) -> Money:
    """What a part was estimated at, by the number of its pictures."""
    return Money(amount=kept(account.estimate.amount * part.count / max(1, books.pictures_of(part.job))))


def _unknown_job(part: Part) -> Account:
    return Account(job=part.job, owner=None, chat=None, scopes=(EVERYBODY,), estimate=Money.zero())


def _put(
    books: Books,
    account: Account,
    entry_id: str,
    kind: EntryType,
    usd: Decimal,
    now: datetime,
    *,
    request: str | None = None,
    pictures: int = 0,
) -> None:
    entry = LedgerEntry(
        id=entry_id,
        time=now,
        type=kind,
        request=request or account.job,
        job=account.job,
        person=_person(account.chat),
        chat=_chat(account.chat),
        provider=account.provider,
        pictures=pictures,
        money=Money(amount=usd),
        usd=usd,
    )
    books.put(entry, account.owner if account.chat else None)


def _model(part: Part) -> str | None:
    """The service's own name where it is known, else the quality asked for."""
    return (part.submission.model if part.submission else "") or part.model or None


def _person(chat: Chat | None) -> str | None:
    return f"{chat.channel}|{chat.person}" if chat else None


def _chat(chat: Chat | None) -> str | None:
    return chat.group_key if chat else None
