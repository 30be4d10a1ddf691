"""Telegram, by the Bot API with python-telegram-bot.

Nothing is imported here: the library is loaded only if a bot is configured.
"""

import os

# The library's own switch to its future default: otherwise it warns at every flood wait.
os.environ.setdefault("PTB_TIMEDELTA", "true")
