"""Answer a tap, which ends the spinner in the person's client."""

import logging

from telegram import Bot
from telegram.error import BadRequest, RetryAfter, TelegramError

from bot.channels.telegram.inbound.updates import Tap
from bot.channels.telegram.outbound.gateway import seconds
from bot.channels.telegram.outbound.limits import Clock

log = logging.getLogger(__name__)

PAUSES = (1.0, 3.0)
"""Seconds between attempts."""
LONGEST = 15.0
"""A tap that cannot be answered within about so many seconds is left to time out in the client."""


async def answer_tap(bot: Bot, clock: Clock, tap: Tap, text: str | None = None) -> None:
    """`text` is shown in a box. A late answer is refused and does no harm."""
    for pause in (*PAUSES, None):
        try:
            await bot.answer_callback_query(tap.query, text=text, show_alert=bool(text))
            return
        except (TelegramError, KeyError) as error:
            asked = seconds(error) if isinstance(error, RetryAfter) else 0.0
            if pause is None or isinstance(error, BadRequest) or asked > LONGEST:
                log.debug("a tap was not answered: %s", type(error).__name__)
                return
        await clock.sleep(max(pause, asked))
