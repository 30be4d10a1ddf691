"""Placeholder albums: sent first, then edited into the results. Other packages use only `Placeholders`.

A package of its own because it is the one place that must find out what a crash left in a chat: nothing here knows what
a result is, and nothing elsewhere knows how an album is found again. `tests/bot/telegram/test_placeholders.py` kills it
at every call.
"""

from bot.channels.telegram.outbound.placeholders.albums import SERVER, Placeholders

__all__ = ["SERVER", "Placeholders"]
