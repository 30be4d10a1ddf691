"""Who may use the bot, how much, and the warning for an installation open to strangers: derived from the settings."""

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from bot.channels.web.middleware import is_loopback
from handlers.dialogue.access import AccessRules
from handlers.store.records import Ceilings
from providers.registry import is_company, services

if TYPE_CHECKING:
    from bot.settings import Settings

OPEN_PAGE_USD = Decimal(10)
"""What everybody together may spend in a day if the page is open to the world, a paid service is configured, and
BUDGET_BOT_DAILY_USD is not set."""
_NAME = re.compile(r"[a-z]+:(?:[*]|[^\s:*][^\s]*)")
_SHORTEST_CODE = 6


def access_rules(settings: "Settings") -> AccessRules:
    return AccessRules(
        who=settings.access,
        allow=settings.access_allow,
        block=settings.access_block,
        admins=settings.admins,
        owners=frozenset() if is_reachable(settings) else frozenset({"web:*"}),
        codes=_codes(settings),
        trial=settings.trial_pictures,
        daily=_ceilings(settings, "pictures_{}_daily"),
        monthly=_ceilings(settings, "pictures_{}_monthly"),
        per_minute=Ceilings(
            chat=_number(settings.wishes_chat_per_minute),
            person=_number(settings.wishes_person_per_minute),
            address=_number(settings.wishes_address_per_minute),
        ),
    )


def _ceilings(settings: "Settings", form: str) -> Ceilings:
    names = ("bot", "chat", "person", "address")
    return Ceilings(**{name: _number(getattr(settings, form.format(name))) for name in names})


def _number(value: int | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def _codes(settings: "Settings") -> dict[str, int | None]:
    """`SUMMER-PARTY:10,for-grandma`: a code, and how many people may use it."""
    found: dict[str, int | None] = {}
    for entry in settings.access_codes.get_secret_value().split(","):
        code, _, uses = entry.strip().partition(":")
        if code:
            found[code] = int(uses) if uses.isascii() and uses.isdecimal() else None
    return found


def paid_services(settings: "Settings") -> tuple[str, ...]:
    """The companies that are configured."""
    return tuple(key for key, service in services().items() if is_company(key) and service.configured(settings))


def is_reachable(settings: "Settings") -> bool:
    """Whether the page can be opened from anywhere but this machine."""
    return not is_loopback(settings.host) or settings.public_url is not None


def is_open_page(settings: "Settings") -> bool:
    """Whether strangers can reach the page, and get pictures there without being let in."""
    return is_reachable(settings) and settings.access == "open"


def bot_budget(settings: "Settings") -> Decimal | None:
    """What everybody together may spend in a day; `unlimited` is stored as infinity."""
    if settings.budget_bot_daily_usd is not None:
        return settings.daily_budget
    return OPEN_PAGE_USD if is_open_page(settings) and paid_services(settings) else None


def warnings(settings: "Settings") -> list[str]:
    """What the operator of an installation that others reach reads at its start."""
    return [*_open_to_strangers(settings), *_plain_admin_page(settings)]


def _plain_admin_page(settings: "Settings") -> list[str]:
    by_https = (settings.public_url or "").startswith("https://")
    if settings.admin_password is None or by_https or is_loopback(settings.host):
        return []
    return ["ADMIN_PASSWORD is set, and /admin is not reached by https: put a proxy in front and set PUBLIC_URL to it"]


def _open_to_strangers(settings: "Settings") -> list[str]:
    if not is_open_page(settings) or not (paid := paid_services(settings)):
        return []
    budget = bot_budget(settings)
    if settings.budget_bot_daily_usd is None:
        money = f"at most ${budget} a day by default (BUDGET_BOT_DAILY_USD)"
    else:
        money = "WITHOUT ANY LIMIT" if budget is None else f"at most ${budget} a day (BUDGET_BOT_DAILY_USD)"
    found = [
        f"OPEN TO STRANGERS: whoever reaches this page spends your money at {', '.join(paid)}, {money}. "
        "ACCESS=invite or list lets in whom you know; docs/public.md says more"
    ]
    if settings.face_consent == "operator":
        found.append("FACE_CONSENT=ask is not set: people are not asked before a photo of somebody is worked on")
    return found


def problems_of_access(settings: "Settings") -> list[str]:
    """Settings that contradict each other: names only, never values."""
    found = []
    for setting in ("access_allow", "access_block", "admins"):
        if wrong := [name for name in getattr(settings, setting) if not _NAME.fullmatch(name)]:
            found.append(f"{setting.upper()} has {len(wrong)} entries that are not of the form telegram:123456")
    codes = _codes(settings)
    if settings.access == "invite" and not codes:
        found.append("ACCESS=invite needs ACCESS_CODES; nobody can be let in")
    if short := [code for code in codes if len(code) < _SHORTEST_CODE]:
        found.append(f"ACCESS_CODES has {len(short)} codes of fewer than {_SHORTEST_CODE} characters, easy to guess")
    return found
