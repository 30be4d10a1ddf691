"""How a job's money is booked: reserved with its turn, charged with its parts, given back with its end.

    turn committed   estimate e    the budgets of its day take e, or nothing is committed
    part ended       charge c      as much of what is reserved is given back; what is above that, the budgets take
    job ended        give_back     what is still reserved leaves the budgets

Written once, for both stores: a `Books` is what either keeps, inside one of its transactions.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Protocol

from handlers.message import Chat
from handlers.store.records import Budgets, Ceilings, Job, Limit, LimitReached, Part, PartState, Period
from providers.base import Charge
from providers.ledger import EVERYBODY, UNKNOWN, EntryType, LedgerEntry, day_of, month_of
from providers.money import USD, Money
from providers.sql.columns import kept

BUDGET_EXCEEDED = "budget_exceeded"
CANCEL_ASKED = "cancel_asked"
"""The code of a part that was running when it was cancelled: it may be charged."""
DAYS_KEPT, MONTHS_KEPT = timedelta(days=2), timedelta(days=62)


@dataclass(frozen=True, kw_only=True)
class Account:
    """What the books must know of a job. `chat` None: the person was forgotten while it ran."""

    job: str
    owner: str | None
    chat: Chat | None
    scopes: tuple[str, ...]
    estimate: Money
    provider: str | None = None


@dataclass(frozen=True)
class Counted:
    """Pictures of a job that were counted against limits: how many, and in which counters (scope and period)."""

    pictures: int
    counters: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Reservation:
    """What is still reserved for a job, in the budgets of which day; `counted`: its pictures, if limits apply."""

    job: str
    usd: Decimal
    day: str
    counted: Counted | None = None


class Books(Protocol):
    def entry(self, entry_id: str) -> LedgerEntry | None: ...

    def put(self, entry: LedgerEntry, owner: str | None) -> None:
        """Replaces the entry of the same id."""

    def count(self, scope: str, day: str, amount: Decimal, most: Decimal | None = None) -> bool:
        """Add to a counter in one conditional write; False, and nothing added, if it would exceed `most`."""

    def count_each(self, counters: Sequence[tuple[str, str]], amount: Decimal) -> None:
        """Add to several counters (scope and period), whatever their value."""

    def account(self, job_id: str) -> Account | None: ...

    def accepted(self, job_id: str) -> Sequence[Part]:
        """The parts of a job that a service has accepted and that have not ended."""

    def pictures_of(self, job_id: str) -> int:
        """How many pictures a job was to make; 1 for an unknown one."""

    def reservation(self, job_id: str) -> Reservation | None: ...

    def keep(self, reservation: Reservation) -> None:
        """Replaces what was reserved for the job; with nothing left, the reservation is deleted."""


def period_of(period: Period, moment: datetime) -> str:
    """The name of the period a moment is in: `2026-11-30T04:05`, `2026-11-30`, `2026-11`, `ever`."""
    if period == "ever":
        return period
    return moment.astimezone(UTC).isoformat()[: {"minute": 16, "day": 10, "month": 7}[period]]


def oldest_kept(now: datetime) -> tuple[str, str]:
    """The names of the oldest day and of the oldest month whose counters are kept."""
    return day_of(now - DAYS_KEPT), month_of(day_of(now - MONTHS_KEPT))


def is_over(period: str, now: datetime) -> bool:
    """Whether a counter of this period is no longer needed."""
    day, month = oldest_kept(now)
    return period < (month if len(period) == len(month) else day)


def scope_of(kind: str, name: str) -> str:
    """The name of a counter: a hash that does not say whom it counts."""
    return f"{kind}:{hashlib.sha256(name.encode()).hexdigest()[:24]}"


def budget_scopes(chat: Chat) -> tuple[str, str, str]:
    """The counters of everybody, of this chat, of this person (in whatever chat of the channel)."""
    person = f"{chat.channel}|{chat.person}"
    return EVERYBODY, scope_of("usd:chat", chat.group_key), scope_of("usd:person", person)


def account_scopes(chat: Chat, address: str | None, *, free: bool) -> tuple[str, ...]:
    """The counters that a job's money is booked in; of a free try only everybody's, for the operator pays."""
    if free:
        return (EVERYBODY,)
    return (*budget_scopes(chat), *((f"usd:address:{address}",) if address else ()))


def account_of(job: Job) -> Account:
    return Account(
        job=job.id,
        chat=None if job.forgotten else job.chat,
        owner=job.chat.owner,
        scopes=account_scopes(job.chat, job.address, free=job.order.free_try_of is not None),
        estimate=job.estimate,
        provider=job.provider,
    )


def take(books: Books, limits: Sequence[Limit], now: datetime) -> None:
    """Count against limits. Raises LimitReached: then the transaction is to be rolled back."""
    for limit in sorted(limits, key=lambda limit: limit.scope):  # always in the same order, to avoid deadlocks
        if not books.count(limit.scope, period_of(limit.period, now), limit.amount, limit.most):
            raise LimitReached(limit)


def reserve(books: Books, jobs: Sequence[Job], budgets: Budgets, now: datetime, limits: Sequence[Limit] = ()) -> None:
    """Book the estimates of new jobs, and count their pictures against `limits` (with `take`). Raises LimitReached:
    then the transaction is to be rolled back."""
    counters = tuple((limit.scope, period_of(limit.period, now)) for limit in limits if limit.pictures)
    for job in jobs:
        usd = kept(job.estimate.amount)
        counted = Counted(job.order.count, counters) if counters else None
        if not usd and counted is None:
            continue
        day, account = day_of(now), account_of(job)
        if usd:
            _take_money(books, account.scopes, usd, budgets, day)
        books.keep(Reservation(job=job.id, usd=usd, day=day, counted=counted))
        if usd:
            _put(books, account, f"{job.id}:estimate", EntryType.ESTIMATE, usd, now, pictures=job.order.count)


def _take_money(books: Books, scopes: Sequence[str], usd: Decimal, budgets: Budgets, day: str) -> None:
    if not budgets:
        books.count_each(_money_counters(scopes, day), usd)
        return
    for scope, period in _money_counters(scopes, day):
        ceilings: Ceilings = budgets if period == day else budgets.monthly
        most: Decimal | None = getattr(ceilings, scope.split(":")[1])
        if not books.count(scope, period, usd, most):
            raise LimitReached(
                Limit(
                    scope=scope,
                    amount=usd,
                    most=most or Decimal(0),
                    code=BUDGET_EXCEEDED,
                    period="day" if period == day else "month",
                )
            )


def _money_counters(scopes: Sequence[str], day: str) -> list[tuple[str, str]]:
    """The counters of a day and its month, always in the same order."""
    return sorted((scope, period) for scope in scopes for period in (day, month_of(day)))


def charge(books: Books, part: Part, now: datetime) -> Account:
    """Book what a part cost that has just ended as `part` says. Booking it again replaces the entry."""
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
        books.count_each(_money_counters(account.scopes, day), more - covered)
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


def give_back(books: Books, job_id: str, now: datetime, *, made: int | None = None) -> None:
    """Give back what is still reserved for an ended job. What continues at a service all the same counts as spent.

    `made`: how many pictures it made; of those counted against limits the others are given back, too (None: none are).
    """
    reserved = books.reservation(job_id)
    if reserved is not None and (taken := books.accepted(job_id)):
        for part in taken:
            charge(books, part, now)
        reserved = books.reservation(job_id)
    account = books.account(job_id) if reserved else None
    if reserved is None or account is None:
        return
    if reserved.usd:
        books.count_each(_money_counters(account.scopes, reserved.day), -reserved.usd)
    counted = reserved.counted
    if counted is not None and made is not None and made < counted.pictures:
        books.count_each(sorted(counted.counters), Decimal(made - counted.pictures))
    books.keep(replace(reserved, usd=Decimal(0), counted=None))
    if reserved.usd:
        _put(books, account, f"{job_id}:give_back", EntryType.GIVE_BACK, reserved.usd, now)


def _cover(books: Books, account: Account, part: Part, usd: Decimal, now: datetime) -> Decimal:
    """Cover a charge from what is reserved, as far as that goes; returns how much it covered."""
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
    """The estimate of a part, by its number of pictures."""
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
    """The service's own name for the model if known, otherwise the quality asked for."""
    return (part.submission.model if part.submission else "") or part.model or None


def _person(chat: Chat | None) -> str | None:
    return f"{chat.channel}|{chat.person}" if chat else None


def _chat(chat: Chat | None) -> str | None:
    return chat.group_key if chat else None
