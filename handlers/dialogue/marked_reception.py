"""What was painted on a photo, as it came with a message: checked against the photo, and laid beside it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from handlers.dialogue.facts import Marked, MessageFacts
from handlers.message import Chat, Language, Margins, Painted
from handlers.order import Sides
from handlers.session import SessionPhoto
from handlers.words import words
from providers.errors import LikenessError
from providers.media.threads import in_thread
from providers.media.upstream import prepare_mask
from providers.task import MAX_OUTPAINT

AcceptMask = Callable[[Path, Path, Path], Awaitable[Path]]
"""Checks a mask file against the photo it is for, and saves it in that photo's size under the given folder; raises
`AskPerson`."""


async def accept_mask(mask: Path, photo: Path, into: Path) -> Path:
    """An `AcceptMask` for files on this machine."""
    return await in_thread(prepare_mask, mask, photo=photo, into=into)


@dataclass(frozen=True, kw_only=True)
class MarkedReception:
    """`folder_of`: where the files of a person lie."""

    folder_of: Callable[[Chat], Path]
    accept_mask: AcceptMask = accept_mask

    async def of(self, heard: MessageFacts, language: Language) -> MessageFacts:
        """With what was painted, if it is good; else with a sentence that says why not."""
        painted = heard.message.painted
        return heard if painted is None else await self._painted(heard, painted, language)

    async def _painted(self, heard: MessageFacts, painted: Painted, language: Language) -> MessageFacts:
        pictures = (*heard.quoted, *heard.photos)
        if len(pictures) != 1:  # it was refused itself, or nobody can say which of them was painted on
            return heard if heard.refused else replace(heard, refused=(words(language, "error.bad_mask"),))
        (photo,) = pictures
        mask = None
        if painted.mask is not None:
            try:
                mask = await self.accept_mask(painted.mask, photo.path, self.folder_of(heard.message.chat))
            except LikenessError as error:
                return replace(heard, refused=(words(language, error.text_key, **error.params),))
        return replace(heard, marked=Marked(photo=photo, mask=mask, sides=_pixels(painted.margins, photo)))


def _pixels(margins: Margins, photo: SessionPhoto) -> Sides | None:
    def of(share: float, side: int) -> int:
        return max(0, min(MAX_OUTPAINT, round(share * side)))

    sides = Sides(
        left=of(margins.left, photo.width),
        right=of(margins.right, photo.width),
        top=of(margins.top, photo.height),
        bottom=of(margins.bottom, photo.height),
    )
    return None if sides == Sides() else sides
