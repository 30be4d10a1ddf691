"""Telegram, by the Bot API with python-telegram-bot. `TelegramChannel` is all that others need."""

from bot.channels.telegram.channel import TelegramChannel
from bot.channels.telegram.pace import Pace

__all__ = ["Pace", "TelegramChannel"]
