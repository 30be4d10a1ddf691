"""Pushes whose answer was promised while the store was slow or away: it cannot store them just then, files can.

A few hundred bytes, and only in bad times: not worth a thread.
"""

import hashlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from bot.channels.wechat.events import Event
from providers.media.files import delete_quietly, make_folder

log = logging.getLogger(__name__)

_EVENT = TypeAdapter(Event)


class Promises:
    """`owner`: this process. `lives`: whether another is alive; its promises are its own to keep."""

    def __init__(self, folder: Path, *, owner: str, lives: Callable[[str], bool]) -> None:
        self._folder = folder
        self._owner = owner
        self._lives = lives

    def left(self) -> Iterator[Event]:
        """What processes promised that are gone; from now on this one's."""
        for path in sorted(self._folder.glob("*.json")):
            name, owner = path.stem.partition(".")[::2]
            if owner and self._lives(owner):
                continue
            mine = self._folder / f"{name}.{self._owner}.json"
            try:
                path.rename(mine)
            except FileNotFoundError:  # another one was first
                continue
            try:
                yield _EVENT.validate_json(mine.read_bytes())
            except (OSError, ValidationError):
                log.error("setting aside an unreadable promised push")
                delete_quietly([mine])

    def write(self, event: Event) -> None:
        try:
            make_folder(self._folder)
            draft = self._path(event).with_suffix(".part")
            draft.write_bytes(_EVENT.dump_json(event))
            draft.replace(self._path(event))
        except OSError as error:
            log.error("a promise could not be stored: %s", type(error).__name__)

    def kept(self, event: Event) -> None:
        delete_quietly([self._path(event)])

    def _path(self, event: Event) -> Path:
        return self._folder / f"{hashlib.sha256(event.key.encode()).hexdigest()[:40]}.{self._owner}.json"
