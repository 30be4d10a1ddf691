"""How the bot presents itself: commands, descriptions and the menu button, in both languages, set when they change."""

import hashlib
import json
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    MenuButtonCommands,
)
from telegram.error import RetryAfter, TelegramError

from bot.channels.telegram.outbound.gateway import seconds
from bot.channels.telegram.outbound.limits import Clock
from handlers.store.base import Store
from handlers.words import Language, words

log = logging.getLogger(__name__)

PRIVATE = ("start", "help", "styles", "again", "status", "cancel", "usage", "settings", "privacy", "forget")
GROUPS = ("make", "styles", "again", "status", "cancel", "usage", "settings", "help", "forget")
UNSEEN = frozenset({"styles", "status", "usage", "settings", "help", "forget"})
"""Those that in a group only their sender and the bot see, and so their answers (Bot API 10.2): nothing is made by
them."""
PAUSES = (1.0, 5.0, 30.0, 120.0, 600.0)
"""Seconds between attempts."""
_SPACE = "telegram.profile"


def commands(names: tuple[str, ...], language: Language, *, unseen: frozenset[str] = frozenset()) -> list[BotCommand]:
    return [
        BotCommand(
            name,
            words(language, f"telegram.command_{name}"),
            api_kwargs={"is_ephemeral": True} if name in unseen else None,
        )
        for name in names
    ]


async def present(bot: Bot, store: Store, clock: Clock) -> None:
    """English for everybody, Chinese for Chinese clients. A dozen calls, so only if something changed."""
    for pause in (*PAUSES, None):
        try:
            await _present(bot, store)
            return
        except (TelegramError, KeyError) as error:
            asked = seconds(error) if isinstance(error, RetryAfter) else 0.0
            if pause is None:
                log.warning("commands could not be set: %s; retrying at the next start", type(error).__name__)
                return
        await clock.sleep(max(pause, asked))


async def _present(bot: Bot, store: Store) -> None:
    wanted = _digest()
    if await store.value(_SPACE, str(bot.id)) == wanted:
        return
    languages: tuple[tuple[Language, str | None], ...] = (("en", None), ("zh", "zh"))
    calls: list[Callable[[], Awaitable[bool]]] = []
    for language, code in languages:
        private, groups = commands(PRIVATE, language), commands(GROUPS, language, unseen=UNSEEN)
        for listed, scope in ((private, BotCommandScopeAllPrivateChats()), (groups, BotCommandScopeAllGroupChats())):
            calls.append(partial(bot.set_my_commands, listed, scope=scope, language_code=code))
        calls.append(partial(bot.set_my_description, words(language, "telegram.description"), language_code=code))
        calls.append(partial(bot.set_my_short_description, words(language, "telegram.about"), language_code=code))
    calls.append(partial(bot.set_chat_menu_button, menu_button=MenuButtonCommands()))
    refused: Exception | None = None
    for call in calls:
        try:
            await call()
        except RetryAfter:
            raise
        except (TelegramError, KeyError) as error:
            refused = error  # the others are worth having without it
    if refused is not None:
        raise refused
    await store.set_value(_SPACE, str(bot.id), wanted)


def _digest() -> str:
    languages: tuple[Language, ...] = ("en", "zh")
    texts = [
        [words(lang, f"telegram.command_{name}") for name in (*PRIVATE, *GROUPS)]
        + [words(lang, "telegram.description"), words(lang, "telegram.about")]
        for lang in languages
    ]
    return hashlib.sha256(json.dumps([PRIVATE, GROUPS, sorted(UNSEEN), texts]).encode()).hexdigest()[:16]
