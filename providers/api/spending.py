"""The money of a call of the command line or of Python, which belongs to no chat.

It is kept in the bot's ledger, so that chats and calls share one budget of the day (`providers.sql.ledger`); on a
machine where no bot has made its tables yet, in files, which the ledger takes over as soon as it is there.

Reserved before anything is submitted, settled when the call has ended. A process that dies in between leaves the
estimate standing: it counts as spent that day, until the call is resumed.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from providers.api.journal import Document
from providers.base import Request
from providers.errors import AskPerson
from providers.journal import Record, Stage
from providers.ledger import UNKNOWN, CallLedger, EntryType, FileLedger, LedgerEntry, in_usd
from providers.money import Money
from providers.settings import ProviderSettings

FOLDER = "ledger"
_TAKEN = frozenset({Stage.SUBMITTING, Stage.UNCERTAIN})
"""What was posted, and nobody knows what became of it."""


def call_ledger(settings: ProviderSettings) -> CallLedger:
    """Where calls with these settings write what they spend. To be closed. Blocks.

    Raises LedgerUnavailable where there is a database and it is away: it may be all that is left of a budget.
    """
    from providers.sql.ledger import DatabaseLedger  # SQLAlchemy takes 0.2 s to load: not for `import providers`

    files = FileLedger(settings.data_dir / FOLDER)
    database = DatabaseLedger.found(settings.database)
    if database is None:
        return files
    files.hand_over(database.take_over)
    return database


def one_ledger(settings: ProviderSettings) -> None:
    """What calls wrote into files before the bot had its tables goes into its ledger. Blocks; raises as above."""
    call_ledger(settings).close()


class CallSpending:
    """`most`: the whole bot's budget of a day in US dollars, None for no limit. Blocks: call it on a thread."""

    def __init__(
        self, ledger: CallLedger, *, most: Decimal | None, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._ledger = ledger
        self._most = most
        self._now = now

    def reserve(self, pieces: Sequence[tuple[Request, Money]]) -> None:
        """The estimates of a new call, all or none. Raises AskPerson `budget_exceeded`."""
        entries = [
            _entry(EntryType.ESTIMATE, piece.key, self._now(), estimate, pictures=piece.count)
            for piece, estimate in pieces
            if estimate
        ]
        if entries and not self._ledger.reserve(entries, most=self._most):
            raise AskPerson("the budget of the day", code="budget_exceeded")

    def settle(self, document: Document) -> None:
        """Charges, and what is given back, of a call as its journal has it now. Repeated, it changes nothing."""
        call = document.call
        requests = [piece.key for piece in call.pieces]
        known = {entry.id: entry for entry in self._ledger.of(requests, since=call.created.date())}
        written: list[LedgerEntry] = []
        for piece in call.pieces:
            estimate = known.get(f"{piece.key}:{EntryType.ESTIMATE}")
            record = document.records.get(piece.key)
            if record is not None and record.stage is Stage.ACCEPTED:
                continue  # it goes on upstream, and what is reserved for it stands
            if record is not None and (charge := self._charge(record, estimate)) is not None:
                written.append(charge)
            if estimate is not None:
                written.append(_entry(EntryType.GIVE_BACK, piece.key, self._now(), estimate.money))
        self._ledger.add(*(entry for entry in written if not _same(entry, known.get(entry.id))))

    def _charge(self, record: Record, estimate: LedgerEntry | None) -> LedgerEntry | None:
        expected = estimate.money if estimate else Money.zero()
        charge = record.charge or (record.submission.charge if record.submission else None)
        if record.stage in _TAKEN:
            money, source = charge.money if charge else expected, UNKNOWN
        elif charge is not None and record.stage in (Stage.MADE, Stage.FAILED):
            money, source = charge.money, charge.source.value
        else:
            return None
        submission = record.submission
        return LedgerEntry(
            id=f"{record.key}:{EntryType.CHARGE}",
            time=self._now(),
            type=EntryType.CHARGE,
            request=record.key,
            provider=record.provider,
            model=(submission.model if submission else "") or None,
            pictures=len(record.pictures),
            money=money,
            usd=in_usd(money, expected.amount),
            source=source,
        )


def _entry(kind: EntryType, key: str, now: datetime, money: Money, *, pictures: int = 0) -> LedgerEntry:
    return LedgerEntry(
        id=f"{key}:{kind}", time=now, type=kind, request=key, pictures=pictures, money=money, usd=money.amount
    )


def _same(entry: LedgerEntry, before: LedgerEntry | None) -> bool:
    return before is not None and (entry.usd, entry.source, entry.pictures) == (
        before.usd,
        before.source,
        before.pictures,
    )
