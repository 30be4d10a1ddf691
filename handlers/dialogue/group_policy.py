"""The rules of a group: its language, who may use the bot there, how many pictures a day. Set by its admins.

Independent of the platform: the channel marks a `Message` as sent in a group, and says who is an admin there.
"""

from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from handlers.message import Chat, Choice, Kind, Language, Message, Outgoing
from handlers.session import Session
from handlers.store.accounting import scope_of
from handlers.store.base import Job, Limit, Values
from handlers.words import words

DAILY: tuple[int, ...] = (0, 10, 30, 100)
"""Pictures a day to choose from; 0 means no limit."""
LANGUAGES = ("zh", "en", "auto")
WHO = ("everyone", "admins")
_RULES = "group.rules"
GROUP_LIMIT = "group_limit"
"""The code of the limit on pictures a day."""

IsAdmin = Callable[[Chat], Awaitable[bool]]


@runtime_checkable
class KnowsAdmins(Protocol):
    """A channel with groups."""

    async def is_admin(self, chat: Chat) -> bool:
        """Whether this person may set the rules of the group."""


class GroupRules(BaseModel):
    """`language` None: as each person writes. `daily` 0: no limit."""

    model_config = ConfigDict(frozen=True)

    language: Literal["zh", "en"] | None = None
    who: Literal["everyone", "admins"] = "everyone"
    daily: int = 0

    def applied(self, session: Session) -> Session:
        """A person's session under these rules: in a group its language takes precedence over theirs."""
        language = self.language or session.language
        return session.model_copy(update={"language": language, "language_fixed": self.language is not None})


class Groups:
    """`admins`: by channel, who may set the rules; a channel without an entry has no groups."""

    def __init__(self, store: Values, admins: Mapping[str, IsAdmin]) -> None:
        self._store = store
        self._admins = dict(admins)

    async def rules(self, message: Message) -> GroupRules | None:
        """The rules that apply to this message; None outside groups."""
        if not message.group or message.chat.channel not in self._admins:
            return None
        stored = await self._store.value(_RULES, message.chat.group_key)
        return GroupRules.model_validate_json(stored) if stored else GroupRules()

    async def reply(
        self, message: Message, rules: GroupRules, language: Language, *, settings: bool
    ) -> tuple[Outgoing, ...] | None:
        """The whole answer if the rules decide it: a refusal, or the rules shown or changed. None otherwise.

        `settings`: the text asks for the settings.
        """
        tapped = (message.choice or "").startswith("room:")
        if not tapped and not settings and rules.who == "everyone":
            return None
        if not await self._admins[message.chat.channel](message.chat):
            if tapped or settings:
                return (_said(message, words(language, "room.admins_set"), language),)
            return (_said(message, words(language, "room.admins_only"), language),)
        if tapped:
            rules = await self._changed(message, rules)
            language = rules.language or language
        return (_shown(message, rules, language),) if tapped or settings else None

    async def _changed(self, message: Message, rules: GroupRules) -> GroupRules:
        """The rules after a tap; an unknown one changes nothing."""
        _, what, value = [*(message.choice or "").split(":"), "", ""][:3]
        change: dict[str, object] = {}
        if what == "language" and value in LANGUAGES:
            change = {"language": None if value == "auto" else value}
        elif what == "who" and value in WHO:
            change = {"who": value}
        elif what == "daily" and value in map(str, DAILY):
            change = {"daily": int(value)}
        changed = rules.model_copy(update=change)
        await self._store.set_value(_RULES, message.chat.group_key, changed.model_dump_json())
        return changed


def group_limits(jobs: tuple[Job, ...], chat: Chat, rules: GroupRules | None) -> tuple[Limit, ...]:
    """The limit these jobs count against in a group: so many pictures a day."""
    pictures = sum(job.order.count for job in jobs)
    if rules is None or not rules.daily or not pictures:
        return ()
    scope = scope_of("pictures", chat.group_key)
    return (Limit(scope=scope, amount=Decimal(pictures), most=Decimal(rules.daily), code=GROUP_LIMIT),)


def used_up(rules: GroupRules, language: Language) -> str:
    return words(language, "room.used_up", n=rules.daily)


def _said(message: Message, text: str, language: Language) -> Outgoing:
    return Outgoing(id=f"{message.key}:room", kind=Kind.TEXT, text=text, ref=message.ref, language=language)


def _shown(message: Message, rules: GroupRules, language: Language) -> Outgoing:
    """The rules as buttons; the current values are ticked."""
    now = {"language": rules.language or "auto", "who": rules.who, "daily": str(rules.daily)}
    names: dict[str, tuple[tuple[str, str], ...]] = {
        "language": tuple((value, words(language, f"choice.lang_{value}")) for value in LANGUAGES),
        "who": (("everyone", words(language, "room.everyone")), ("admins", words(language, "room.admins"))),
        "daily": tuple(
            (str(n), words(language, "room.daily", n=n) if n else words(language, "room.no_limit")) for n in DAILY
        ),
    }
    choices = tuple(
        Choice(id=f"room:{what}:{value}", label=f"✓ {label}" if value == now[what] else label)
        for what, offered in names.items()
        for value, label in offered
    )
    return Outgoing(
        id=f"{message.key}:room",
        kind=Kind.CHOICES,
        text=words(language, "room.settings"),
        choices=choices,
        ref=message.ref,
        language=language,
    )
