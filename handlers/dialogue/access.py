"""Who may have pictures made here, and how many: by the operator's settings and by admins' commands.

These rules restrict pictures only. Help, usage, privacy, forgetting and results in progress are open to everybody.

    blocked (by settings or an admin)            no pictures
    allowed by name, or admitted by a code       pictures, within the limits
    others, if access is open                    the same
    others, if by invitation or list             `trial` pictures in all, then none until they are admitted
    admins                                       pictures, beyond every limit but the bot's own

People and chats are named `channel:id`, a whole channel `channel:*`. Limits are counted in the transaction that begins
the job (`Limit`), so concurrent requests cannot pass a limit together.
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, Protocol

from handlers.free_retries import TAKEN
from handlers.message import Chat, Language
from handlers.store.accounting import scope_of
from handlers.store.base import Ceilings, Job, Ledger, Limit, Period, Values
from handlers.store.records import NO_CEILINGS
from handlers.words import words

PEOPLE, BOT = "access.people", "access.bot"
"""Spaces of the store: decisions about a person or chat (owned by nobody: a block outlives /forget), and about the
bot."""
PAUSED = "paused"
TOO_FAST = "too_fast"
TRIAL = "trial"
CODE_TRIES = Decimal(20)
"""Attempts per day a stranger has at an invite code."""
SKETCHES = Decimal(60)
"""Preview sheets per day for one person."""
SENTENCES = {
    "blocked": "access.blocked",
    "paused": "access.paused",
    "invite": "access.invite",
    "list": "access.list",
    TRIAL: "access.trial_over",
    TOO_FAST: "access.too_fast",
    TAKEN: "access.free_used",
    "pictures_person_day": "access.pictures_person_day",
    "pictures_person_month": "access.pictures_person_month",
    "pictures_chat_day": "access.pictures_chat_day",
    "pictures_chat_month": "access.pictures_chat_month",
    "pictures_address_day": "access.pictures_address_day",
    "pictures_address_month": "access.pictures_address_month",
    "pictures_bot_day": "access.pictures_bot_day",
    "pictures_bot_month": "access.pictures_bot_month",
    "usd_bot_day": "error.budget_exceeded",
    "usd_bot_month": "access.usd_month",
    "usd_chat_day": "access.usd_person_day",
    "usd_chat_month": "access.usd_month",
    "usd_person_day": "access.usd_person_day",
    "usd_person_month": "access.usd_month",
    "usd_address_day": "access.usd_person_day",
    "usd_address_month": "access.usd_month",
}
"""The sentence in place of a picture."""

Refusal = Literal["blocked", "paused", "invite", "list"]


class AccessStore(Values, Ledger, Protocol):
    """The protocols of the store that access needs."""


@dataclass(frozen=True, kw_only=True)
class AccessRules:
    """The operator's rules. `codes`: an invite code to how many people may use it (None: any number)."""

    who: Literal["open", "invite", "list"] = "open"
    allow: frozenset[str] = frozenset()
    block: frozenset[str] = frozenset()
    admins: tuple[str, ...] = ()
    owners: frozenset[str] = frozenset()
    """Who set the program up besides: a channel that only this machine can reach. They are told about settings."""
    codes: "dict[str, int | None]" = field(default_factory=dict)
    trial: int = 0
    daily: Ceilings = NO_CEILINGS
    monthly: Ceilings = NO_CEILINGS
    """Pictures."""
    per_minute: Ceilings = NO_CEILINGS
    """Wishes."""


OPEN_TO_ALL = AccessRules()


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What was decided about a person: by an admin, or by a code."""

    blocked: bool = False
    admitted: bool = False


class Access:
    def __init__(self, store: AccessStore, rules: AccessRules = OPEN_TO_ALL) -> None:
        self._store = store
        self._rules = rules

    def is_admin(self, chat: Chat) -> bool:
        return _person(chat) in self._rules.admins

    def is_owner(self, chat: Chat) -> bool:
        return self.is_admin(chat) or self._named(chat, self._rules.owners)

    @property
    def rules(self) -> AccessRules:
        return self._rules

    @property
    def takes_codes(self) -> bool:
        return self._rules.who == "invite" and bool(self._rules.codes)

    # --- whether

    async def refusal(self, chat: Chat) -> Refusal | None:
        """Why this person may not begin a picture now, leaving counters aside; None if they may."""
        if await self.paused():
            return "paused"
        standing = await self.standing(chat)
        if standing.blocked or self._named(chat, self._rules.block):
            return "blocked"
        if self._rules.who == "open" or self._let_in(chat, standing) or self._rules.trial:
            return None
        return self._rules.who

    async def may_preview(self, chat: Chat) -> bool:
        """Whether previews are made for this person: they are free, but take this machine's time."""
        if await self.refusal(chat) is not None:
            return False
        return await self._store.count(
            Limit(scope=scope_of("previews", _person(chat)), amount=Decimal(1), most=SKETCHES)
        )

    async def standing(self, chat: Chat) -> Standing:
        """What was decided for a person, taking the stricter of the person and the chat."""
        found = [await self._stored(name) for name in dict.fromkeys((_person(chat), _chat(chat)))]
        return Standing(
            blocked=any(one.get("blocked", False) for one in found),
            admitted=any(one.get("admitted", False) for one in found),
        )

    async def _stored(self, name: str) -> dict[str, Any]:
        value = await self._store.value(PEOPLE, _hidden(name))
        return dict(json.loads(value)) if value else {}

    def _let_in(self, chat: Chat, standing: Standing) -> bool:
        return standing.admitted or self.is_admin(chat) or self._named(chat, self._rules.allow)

    @staticmethod
    def _named(chat: Chat, names: frozenset[str]) -> bool:
        return not names.isdisjoint((_person(chat), _chat(chat), f"{chat.channel}:*"))

    async def paused(self) -> bool:
        return await self._store.value(BOT, PAUSED) is not None

    # --- how much

    async def limits(self, chat: Chat, jobs: Sequence[Job], address: str | None) -> tuple[Limit, ...]:
        """The limits that new jobs of this person count against."""
        if not jobs:
            return ()
        pictures = Decimal(sum(job.order.count for job in jobs))
        whose = {"bot": "bot", "chat": _chat(chat), "person": _person(chat), "address": address}
        if self.is_admin(chat):
            whose = {"bot": "bot"}
        found = [
            *self._pictures(self._rules.daily, "day", whose, pictures),
            *self._pictures(self._rules.monthly, "month", whose, pictures),
        ]
        for name, most in _ceilings(self._rules.per_minute, whose):
            scope = scope_of(f"wishes:{name}", whose[name] or "")
            found.append(Limit(scope=scope, amount=Decimal(1), most=most, code=TOO_FAST, period="minute"))
        if self._rules.who != "open" and not self._let_in(chat, await self.standing(chat)):
            found.append(_trial(chat, pictures, Decimal(self._rules.trial)))
        return tuple(found)

    @staticmethod
    def _pictures(ceilings: Ceilings, period: Period, whose: dict[str, str | None], n: Decimal) -> list[Limit]:
        return [
            Limit(
                scope=picture_scope(name, whose[name] or ""),
                amount=n,
                most=most,
                code=f"pictures_{name}_{period}",
                period=period,
                pictures=True,
            )
            for name, most in _ceilings(ceilings, whose)
        ]

    # --- changes by admins and codes

    async def set_blocked(self, name: str, blocked: bool) -> None:
        await self._change(name, blocked=blocked)

    async def set_paused(self, paused: bool) -> None:
        if paused:
            await self._store.set_value(BOT, PAUSED, "1")
        else:
            await self._store.drop_value(BOT, PAUSED)

    async def grant(self, name: str, pictures: int) -> None:
        """Grant a person or a chat so many more pictures: today, this month, and in the trial. Each counter is lowered
        by as much."""
        back = Decimal(-pictures)
        for whose in ("person", "chat"):
            for period in ("day", "month"):
                limit = Limit(scope=picture_scope(whose, name), amount=back, most=Decimal(0), period=period)
                await self._store.count(limit)
        await self._store.count(Limit(scope=_trial_scope(name), amount=back, most=Decimal(0), period="ever"))

    async def redeem(self, chat: Chat, text: str) -> bool:
        """Admit a person who brings a valid code. A stranger has a limited number of attempts a day."""
        code = text.strip()
        if not self.takes_codes or not any(len(known) == len(code) for known in self._rules.codes):
            return False
        if (await self.standing(chat)).admitted:
            return False
        tries = Limit(scope=scope_of("code", _person(chat)), amount=Decimal(1), most=CODE_TRIES)
        if not await self._store.count(tries):
            return False
        found = [known for known in self._rules.codes if hmac.compare_digest(known.encode(), code.encode())]
        if not found:
            return False
        most = self._rules.codes[found[0]]
        uses = Limit(scope=scope_of("code_uses", found[0]), amount=Decimal(1), most=Decimal(most or 0), period="ever")
        if most is not None and not await self._store.count(uses):
            return False
        await self._change(_person(chat), admitted=True)
        return True

    async def _change(self, name: str, **decided: bool) -> None:
        def changed(before: str | None) -> str:
            return json.dumps({**(json.loads(before) if before else {}), **decided}, sort_keys=True)

        await self._store.change(PEOPLE, _hidden(name), changed)


def sentence(limit: Limit, language: Language) -> str | None:
    """The sentence where one of these limits is reached; None for any other limit."""
    code = f"usd_{limit.whose}_{limit.period}" if limit.scope.startswith("usd:") else limit.code
    return words(language, SENTENCES[code], n=int(limit.most)) if code in SENTENCES else None


def refused(refusal: Refusal, language: Language) -> str:
    return words(language, SENTENCES[refusal])


def picture_scope(whose: str, name: str) -> str:
    """The counter of pictures: of everybody (`bot`), a `chat`, a `person`, or an `address`."""
    return "pictures:bot" if whose == "bot" else scope_of(f"pictures:{whose}", name)


def _trial_scope(name: str) -> str:
    return scope_of("pictures:trial", name)


def _trial(chat: Chat, pictures: Decimal, most: Decimal) -> Limit:
    return Limit(
        scope=_trial_scope(_person(chat)), amount=pictures, most=most, code=TRIAL, period="ever", pictures=True
    )


def _ceilings(ceilings: Ceilings, whose: dict[str, str | None]) -> list[tuple[str, Decimal]]:
    found = ((name, getattr(ceilings, name)) for name, known in whose.items() if known is not None)
    return [(name, most) for name, most in found if most is not None]


def _person(chat: Chat) -> str:
    return f"{chat.channel}:{chat.person}"


def _chat(chat: Chat) -> str:
    return f"{chat.channel}:{chat.chat}"


def _hidden(name: str) -> str:
    """Hashed, so that no id is in the table."""
    return hashlib.sha256(name.encode()).hexdigest()[:24]
