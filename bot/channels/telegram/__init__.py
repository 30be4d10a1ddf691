"""Telegram, by the Bot API with python-telegram-bot.

Nothing is imported here: the library is loaded only where a bot is configured.
"""

import os

# The library's own switch to what will be its only way: otherwise it warns at every flood wait.
os.environ.setdefault("PTB_TIMEDELTA", "true")
