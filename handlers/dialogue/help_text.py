"""The help: every example in it can be made with what is set up now."""

from collections.abc import Iterator
from pathlib import Path

from handlers.dialogue.interpretation import order_from
from handlers.dialogue.turn import TurnBuilder
from handlers.words import texts
from intent import parse
from providers.errors import LikenessError

_LINES = ("style", "edit", "own", "bare")
"""Lines of examples, `help.…` with the wishes of `example.…_N`; a line without any is left out."""
_PHOTO = Path("photo.jpg")
"""Stands for the photo that they would come with: what is quoted is only that there is one."""


def help_text(turn: TurnBuilder) -> str:
    lines = [turn.words("help.begin")]
    for kind in _LINES:
        if examples := [wish for wish in _wishes(turn, kind) if _can_be_made(turn, wish, with_photo=kind != "bare")]:
            quoted = [turn.words("help.quoted", wish=wish) for wish in examples]
            lines.append(turn.words(f"help.{kind}", examples=turn.words("help.between").join(quoted)))
    return "\n".join([*lines, turn.words("help.afterwards"), turn.words("help.commands")])


def _wishes(turn: TurnBuilder, kind: str) -> Iterator[str]:
    known, n = texts(turn.language), 1
    while (wish := known.get(f"example.{kind}_{n}")) is not None:
        yield wish
        n += 1


def _can_be_made(turn: TurnBuilder, wish: str, *, with_photo: bool) -> bool:
    """Whether the very words would begin a job."""
    photos = (_PHOTO,) if with_photo else ()
    try:
        turn.desk.quote(order_from(parse(wish, photos=len(photos)), photos, turn.language))
    except LikenessError:
        return False
    return True
