"""Pushes whose answer was promised while the store was slow or away: it cannot store them just then, files can.

A few hundred bytes, and only in bad times: not worth a thread.
"""

import hashlib
import logging
from collections.abc import Iterator
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from bot.channels.wechat.events import Event
from providers.media.files import delete_quietly, make_folder

log = logging.getLogger(__name__)

_EVENT = TypeAdapter(Event)


class Promises:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def left(self) -> Iterator[Event]:
        """What the last process promised."""
        for path in sorted(self._folder.glob("*.json")):
            try:
                yield _EVENT.validate_json(path.read_bytes())
            except (OSError, ValidationError):
                log.error("setting aside an unreadable promised push")
                delete_quietly([path])

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
        return self._folder / f"{hashlib.sha256(event.key.encode()).hexdigest()[:40]}.json"
