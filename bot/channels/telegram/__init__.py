"""Telegram, by the Bot API with python-telegram-bot. `TelegramChannel` is all that others need."""

from bot.channels.telegram.channel import Pace, TelegramChannel

__all__ = ["Pace", "TelegramChannel"]
