"""What a decision stands on: the message as heard, and the few pure facts it may ask for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from handlers.consent import Asked
from handlers.message import Message
from handlers.order import Order, Sides
from handlers.quote import Quote
from handlers.session import PhotoAdvice, Session, SessionPhoto
from handlers.store.base import Job, Usage
from intent import Intent
from providers.faces import TrainedFace
from providers.moderation.offence import Offence
from providers.moderation.words import offence_in


def _offence(text: str, photos: int) -> Offence | None:
    return offence_in(text, photos=photos)


@dataclass(frozen=True, kw_only=True)
class Privacy:
    """What is kept of a person for how many `days` after it was last used, and the makers it was sent to, by key."""

    days: int
    sent_to: tuple[str, ...] = ()
    moderated_by: str = ""
    """Who looks at words and photos before anything is made, where that is another company."""


@dataclass(frozen=True, kw_only=True)
class Marked:
    """What the person marked on one picture by hand. `mask`: of the picture's very size, white is to change; None
    where only room is added. `by_strokes`: found as strokes on a copy of the picture, not painted as a mask."""

    photo: SessionPhoto
    mask: Path | None = None
    sides: Sides | None = None
    by_strokes: bool = False


@dataclass(frozen=True, kw_only=True)
class MessageFacts:
    """A message with everything known about its sender at that moment. `photos`, `quoted` have been accepted."""

    message: Message
    now: datetime
    session: Session
    photos: tuple[SessionPhoto, ...] = ()
    quoted: tuple[SessionPhoto, ...] = ()
    marked: Marked | None = None
    refused: tuple[str, ...] = ()
    """Sentences, one for each photo that could not be accepted."""
    running: tuple[Job, ...] = ()
    named_job: Job | None = None
    """The job a tapped choice or a quoted result speaks of, if it is this person's."""
    usage: Usage | None = None
    privacy: Privacy | None = None
    """Where the message asks for it."""
    faces: tuple[TrainedFace, ...] | None = None
    """This person's trained faces, the newest first; None where nobody here learns faces."""
    accepted: frozenset[str] | None = None
    """The companies this person lets photos go to; None where nobody is asked."""
    asks_whose: bool = False
    """They are asked whether whoever their photos show agrees, ..."""
    photos_agreed: datetime | None = None
    """... and this is when they said so."""
    advice: Mapping[Path, PhotoAdvice | None] | None = None
    """What was found of photos that were looked at for this message; None: nobody has looked yet."""
    owner: bool = False
    """Whether whoever wrote set all this up, and is told which setting is missing."""
    free_try: bool = False
    """Whether the job a choice speaks of may be tried once more on the operator."""
    asked: Asked | None = None
    """What a job asked that went no further without their consent, if this message may answer it."""


@dataclass(frozen=True, kw_only=True)
class Pricing:
    """The pure facts a decision may ask for.

    `quote` raises `AskPerson` where nothing configured can do the order, or a key is unknown.
    `read` is the intent parser. `confirm_above`: USD from which the person is asked first.
    """

    quote: Callable[[Order], Quote]
    read: Callable[[str, int], Intent]
    confirm_above: float = 2.0
    max_running: int = 6
    retention_days: int = 30
    sketches: tuple[str, ...] = ()
    """The styles of the sheet of previews that can be asked for here, in the order of its numbers."""
    secret: bytes = b""
    """The installation's: jobs are named with it."""
    clean_files: bool = False
    """Whether there are files without the visible mark here."""
    offence: Callable[[str, int], Offence | None] = _offence
    """What is wrong with words, said of so many photos (`providers/moderation/words.py`)."""
