"""The help: every example in it can be made with what is set up now."""

from collections.abc import Iterator
from pathlib import Path

from handlers.dialogue.interpretation import order_from
from handlers.dialogue.turn import TurnBuilder
from handlers.words import texts
from intent import parse
from providers.errors import LikenessError

_LINES = {
    "help.style": "example.style_{n}",
    "help.edit": "example.edit_{n}",
    "help.own": "example.own_{n}",
    "help.bare": "example.bare_{n}",
}
"""Lines of examples, each with its wishes; a line without any that can be made is left out."""
_WITHOUT_PHOTO = "help.bare"
_PHOTO = Path("photo.jpg")
"""Stands for the photo that they would come with: what is quoted is only that there is one."""


def help_text(turn: TurnBuilder) -> str:
    lines = [turn.words("help.begin")]
    for line, key in _LINES.items():
        with_photo = line != _WITHOUT_PHOTO
        if examples := [wish for wish in _wishes(turn, key) if _can_be_made(turn, wish, with_photo=with_photo)]:
            quoted = [turn.words("help.quoted", wish=wish) for wish in examples]
            lines.append(turn.words(line, examples=turn.words("help.between").join(quoted)))
    if turn.desk.profile_photos:
        lines.append(turn.words("help.profile_photo"))
    return "\n".join([*lines, turn.words("help.afterwards"), turn.words("help.commands")])


def _wishes(turn: TurnBuilder, key: str) -> Iterator[str]:
    known, n = texts(turn.language), 1
    while (wish := known.get(key.format(n=n))) is not None:
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
