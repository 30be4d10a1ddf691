"""Telegram, by the Bot API with python-telegram-bot. `TelegramChannel` is all that others need."""

import os

# The library's own switch to what will be its only way: otherwise it warns at every flood wait.
os.environ.setdefault("PTB_TIMEDELTA", "true")

from bot.channels.telegram.channel import TelegramChannel
from bot.channels.telegram.timing import Timing

__all__ = ["TelegramChannel", "Timing"]
