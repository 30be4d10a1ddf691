"""The list of channels: every folder beside this module that has a `registration.py` with a `REGISTRATION`.

Nothing else names a channel: the process, `likeness run --channels`, `doctor`, the settings and the logs read these. A
registration loads nothing of its platform; `build` does.
"""

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

import bot.channels
from bot.channels.settings import ChannelSettings
from bot.metrics import Metrics
from handlers.channel import Channel
from handlers.foreground import ForegroundGate
from handlers.store.base import Store

if TYPE_CHECKING:
    from bot.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What a channel is built from. `secret`: the installation's, for addresses and signatures.

    `at_end` takes callbacks for when the process begins to stop, before open connections are waited for.
    """

    settings: "Settings"
    store: Store
    metrics: Metrics
    secret: bytes
    foreground: ForegroundGate
    at_end: Callable[[Callable[[], None]], None]


@dataclass(frozen=True, kw_only=True)
class Registration:
    """A channel. `name` is `Channel.name`; `settings` its part of the settings, which says what turns it on.

    `previews`: whether a sheet of previews may be sent when it is asked for; `unasked`: also beside a page of styles,
    since a picture more in its chats costs nothing. `marked`: whether pictures there carry the visible
    mark where the settings leave it to us, as the law of its country asks. `noisy`: loggers of its
    libraries that would log addresses (with tokens in them) or chatter below a warning. `alone`: whether its
    messages must all come to one process of this machine.
    """

    name: str
    settings: type[ChannelSettings]
    build: Callable[[Ground], Channel]
    previews: bool = True
    unasked: bool = True
    marked: bool = False
    noisy: tuple[str, ...] = ()
    alone: bool = False


@cache
def registered() -> tuple[Registration, ...]:
    """Every channel, the web page first, the others by name."""
    names = sorted(m.name for m in pkgutil.iter_modules(bot.channels.__path__) if m.ispkg)
    modules = (f"{__package__}.{name}.registration" for name in names)
    found: list[Registration] = [import_module(name).REGISTRATION for name in modules if find_spec(name)]
    return tuple(sorted(found, key=lambda registration: (registration.name != "web", registration.name)))
