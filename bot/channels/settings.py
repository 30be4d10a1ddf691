"""What every channel's part of the settings has in common. Its fields are read with all others (`bot/settings.py`)."""

import pkgutil
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import ClassVar

from pydantic import BaseModel

import bot.channels


class ChannelSettings(BaseModel):
    """Subclassed in a channel's `settings.py`, where `SETTINGS` names the class. Its fields begin with the channel's
    name; `public_url` is shared."""

    turned_on_by: ClassVar[str] = ""
    """The settings that turn the channel on, as they appear in a sentence; empty if it is always on."""
    docs: ClassVar[str] = ""

    def is_set(self) -> bool:
        """Whether the operator wants it: one of `turned_on_by` is set."""
        return True

    def is_ready(self) -> bool:
        """Whether it can be built."""
        return True

    def what_is_wrong(self) -> list[str]:
        """Settings that contradict each other, as sentences for the operator: names only, never values."""
        return []


@cache
def channel_settings() -> tuple[type[ChannelSettings], ...]:
    """The parts of all channels."""
    names = sorted(m.name for m in pkgutil.iter_modules(bot.channels.__path__) if m.ispkg)
    modules = (f"{__package__}.{name}.settings" for name in names)
    return tuple(import_module(name).SETTINGS for name in modules if find_spec(name))
