"""What was marked on a photo by hand: painted as a mask, or drawn on a copy of it with the phone's own marker.

A mask comes with its photo and is checked against it. Strokes are found by comparing a photo that comes with those that
are there already: what it replies to, what lies in the session, the last result. Found, the photo as it was before is
the one that is meant.
"""

import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from handlers.dialogue.facts import Marked, MessageFacts
from handlers.dialogue.interpretation import fresh_result
from handlers.marked_copies import marked_copy
from handlers.message import Chat, Language, Margins, Painted
from handlers.order import Sides
from handlers.session import SessionPhoto
from handlers.words import words
from intent import Intent
from providers.errors import LikenessError
from providers.media.encode import png
from providers.media.files import write_file
from providers.media.store import MediaStore, at_hand
from providers.media.strokes import ANOTHER, Compared, Strokes, compared
from providers.media.threads import in_thread
from providers.media.upstream import prepare_mask
from providers.task import MAX_OUTPAINT

log = logging.getLogger(__name__)

AcceptMask = Callable[[Path, Path, Path], Awaitable[Path]]
"""Checks a mask file against the photo it is for, and saves it in that photo's size under the given folder; raises
`AskPerson`."""


async def accept_mask(mask: Path, photo: Path, into: Path) -> Path:
    """An `AcceptMask` for files on this machine."""
    return await in_thread(prepare_mask, mask, photo=photo, into=into)


COMPARED = 6
"""Photos that a new one is compared with, the newest first; each takes some hundredths of a second."""


@dataclass(frozen=True, kw_only=True)
class MarkedReception:
    """`folder_of`: where the files of a person lie; `media`: what brings them onto this machine."""

    folder_of: Callable[[Chat], Path]
    accept_mask: AcceptMask = accept_mask
    media: MediaStore | None = None

    async def of(self, heard: MessageFacts, language: Language) -> MessageFacts:
        """With what was painted, if it is good; else with a sentence that says why not."""
        painted = heard.message.painted
        return heard if painted is None else await self._painted(heard, painted, language)

    async def with_strokes(self, heard: MessageFacts, intent: Intent) -> MessageFacts:
        """With the strokes that were drawn on a copy of a photo that is known, if the message brings such a copy."""
        if heard.marked or heard.message.choice is not None or len(heard.photos) != 1 or not _may_be_of_a_place(intent):
            return heard
        (copy,) = heard.photos
        known = [photo for photo in _known(heard) if photo.path != copy.path][:COMPARED]
        found: tuple[SessionPhoto, Strokes] | None = None
        for photo in known:
            result = await self._compared(copy.path, photo.path)
            if result.same:
                return heard
            if result.strokes is not None and found is None:
                found = photo, result.strokes
        if found is None:
            return heard
        photo, strokes = found
        log.info("strokes on a known photo: %.1f%% of it", 100 * strokes.share)
        into = self.folder_of(heard.message.chat)
        mask = await self.accept_mask(await in_thread(_written, strokes.mask, into), photo.path, into)
        meant = photo.model_copy(update={"at": heard.now, "used": False, "refused": False, "asked": False})
        return replace(heard, photos=(meant,), quoted=(), marked=Marked(photo=meant, mask=mask, by_strokes=True))

    async def _compared(self, copy: Path, photo: Path) -> Compared:
        """Also with the copy that was delivered with the visible mark, which people send back as it is."""
        if not await at_hand(self.media, photo):
            return ANOTHER
        marked = marked_copy(photo)
        try:
            if await at_hand(self.media, marked) and (await in_thread(compared, copy, marked)).same:
                return Compared(same=True)
            return await in_thread(compared, copy, photo)
        except LikenessError:
            return ANOTHER

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


def _known(heard: MessageFacts) -> list[SessionPhoto]:
    """The photos it may be a copy of, likeliest first."""
    result = fresh_result(heard.session, heard.now)
    made = (
        [
            SessionPhoto(key=str(path), path=path, width=size[0], height=size[1], at=heard.now)
            for path, size in zip(result.pictures, result.sizes, strict=False)
        ]
        if result
        else []
    )
    laid = list(reversed(heard.session.fresh_photos(heard.now)))
    if result is not None and laid and result.at > laid[0].at:
        laid, made = made, laid
    return [*heard.quoted, *laid, *made]


def _written(mask: Image.Image, into: Path) -> Path:
    data = png(mask)
    return write_file(data, into=into, name=f"{hashlib.sha256(data).hexdigest()}.png")


def _may_be_of_a_place(intent: Intent) -> bool:
    """Whether the words could be about one place of a photo. A style, a series or a command is about all of it."""
    if intent.operation == "portrait":
        return intent.style is None and not intent.ask
    return intent.operation in ("edit", "none")


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
