"""Choices as inline buttons, and back. In a group the data also says whose they are: `style:anime|4fz`."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from telegram import CopyTextButton, InlineKeyboardButton, InlineKeyboardMarkup, WebAppInfo

from handlers.message import Choice

log = logging.getLogger(__name__)

DATA_BYTES = 64
COPIED = 256
"""Characters that a button can copy (Bot API)."""
ROW_WIDTH = 34
"""Columns a row of labels may fill on a narrow phone; a Chinese character takes two."""
PER_ROW = 4
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def _short(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text or "0"


def owner_mark(person: str) -> str:
    """A person's id in few bytes; `c-100…` (somebody who writes as a chat) as `c` and digits."""
    kind, digits = ("c", person.lstrip("c-")) if person.startswith("c") else ("", person)
    return kind + "." + _short(int(digits))


@dataclass(frozen=True, kw_only=True)
class Pressed:
    """`choice` as in `Choice.id`; `owner` marks whose buttons these are, or None if only one person can press."""

    choice: str
    owner: str | None = None

    @classmethod
    def parse(cls, data: str) -> "Pressed":
        choice, _, owner = data.partition("|")
        return cls(choice=choice, owner=owner or None)


@dataclass(frozen=True, kw_only=True)
class AppLink:
    """A button that opens a Mini App."""

    label: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Copied:
    """A button that copies a text."""

    label: str
    text: str


def keyboard(
    choices: Sequence[Choice], *, owner: str | None = None, app: AppLink | None = None, copied: Copied | None = None
) -> InlineKeyboardMarkup | None:
    """`owner`: whose buttons these are, in a chat where others could press them. `app`, `copied`: in a row below."""
    rows: list[list[InlineKeyboardButton]] = []
    room = 0
    for choice in choices:
        data = f"{choice.id}|{owner_mark(owner)}" if owner else choice.id
        if len(data.encode()) > DATA_BYTES:
            log.error("leaving out a choice whose id is too long: %d bytes", len(data.encode()))
            continue
        width = 4 + sum(2 if ord(c) > 0x2E7F else 1 for c in choice.label)
        if not rows or width > room or len(rows[-1]) == PER_ROW:
            rows.append([])
            room = ROW_WIDTH
        rows[-1].append(InlineKeyboardButton(choice.label, callback_data=data))
        room -= width
    below: list[InlineKeyboardButton] = []
    if app is not None:
        below.append(InlineKeyboardButton(app.label, web_app=WebAppInfo(app.url)))
    if copied is not None:
        below.append(InlineKeyboardButton(copied.label, copy_text=CopyTextButton(copied.text)))
    rows += [below] if below else []
    return InlineKeyboardMarkup(rows) if rows else None
