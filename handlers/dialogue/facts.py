"""What a decision is based on: the message, and the few pure functions it may call."""

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
    """What is stored about a person until `days` after its last use, and the providers it was sent to, by key."""

    days: int
    sent_to: tuple[str, ...] = ()
    moderated_by: str = ""
    """The company that moderates text and photos before anything is made, if it is another one."""


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
    """One sentence for each photo that could not be accepted."""
    running: tuple[Job, ...] = ()
    named_job: Job | None = None
    """The job a tapped choice or a quoted result refers to, if it is this person's."""
    usage: Usage | None = None
    privacy: Privacy | None = None
    """Present if the message asks for it."""
    faces: tuple[TrainedFace, ...] | None = None
    """This person's trained faces, newest first; None if faces cannot be trained here."""
    accepted: frozenset[str] | None = None
    """The companies this person lets photos go to; None if people are not asked."""
    asks_whose: bool = False
    """People are asked whether those in their photos agree, ..."""
    photos_agreed: datetime | None = None
    """... and this is when they said so."""
    advice: Mapping[Path, PhotoAdvice | None] | None = None
    """What was found of photos that were looked at for this message; None: nobody has looked yet."""
    owner: bool = False
    """Whether whoever wrote set all this up, and is told which setting is missing."""
    free_try: bool = False
    """Whether the job a choice speaks of may be tried once more on the operator."""
    asked: Asked | None = None
    """What a job asked that stopped for lack of consent, if this message may answer it."""


@dataclass(frozen=True, kw_only=True)
class Pricing:
    """The pure functions a decision may call.

    `quote` raises `AskPerson` if nothing configured can do the order, or a key is unknown. `read` is the intent parser.
    `confirm_above`: USD from which the person is asked first.
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
    profile_photos: bool = False
    """Whether a person's own profile photo can be seen here."""
    clean_files: bool = False
    """Whether files without the visible mark are offered here."""
    offence: Callable[[str, int], Offence | None] = _offence
    """What is wrong with a text sent with so many photos (`providers/moderation/words.py`)."""
