"""The values that cross the `Channel` seam: what came in, what goes out, and for whom."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal

from providers.base import PictureFile

Language = Literal["zh", "en"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Chat:
    """A person in a chat: the owner of a session, of jobs and of pictures.

    In a private chat `person` and `chat` are the same person; in a group each person has a `Chat` of their own.
    `thread` is the platform's topic, only for addressing replies: it is not part of the identity.
    """

    channel: str
    chat: str
    person: str
    thread: str | None = None

    @property
    def key(self) -> str:
        """The identity as one string, for the store."""
        return f"{self.channel}|{self.chat}|{self.person}"

    @property
    def group_key(self) -> str:
        """The chat itself, whoever is in it: for what belongs to a group."""
        return f"{self.channel}|{self.chat}"

    @property
    def owner(self) -> str:
        """The name under which rows and files of this person are stored: a hash that says nothing about them."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:24]


@dataclass(frozen=True, kw_only=True, slots=True)
class IncomingPhoto:
    """A photo as the channel received it: a local file with the sender's bytes, not yet checked.

    `key` names the photo permanently (the platform's own unique id, or a hash), so that a session holds the same photo
    once.
    """

    key: str
    path: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Margins:
    """How far a picture is to grow on each side, as shares of its own width (left, right) and height (top, bottom)."""

    left: float = 0.0
    right: float = 0.0
    top: float = 0.0
    bottom: float = 0.0

    def __bool__(self) -> bool:
        return any((self.left, self.right, self.top, self.bottom))


NO_MARGINS = Margins()


@dataclass(frozen=True, kw_only=True, slots=True)
class Painted:
    """What was painted by hand on the one picture that a message brings or quotes.

    `mask`: a local file as it came, not yet checked: a picture of that picture's shape, white where something is to
    change. `margins`: what is to be added around it.
    """

    mask: Path | None = None
    margins: Margins = NO_MARGINS


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One message from a person.

    `key` names it permanently: the platform's own id with the channel in front. The same key twice is one message.
    `choice` is the id of a tapped choice, or the bare key of a style or an edit (a menu made by the operator); `text`
    is then empty. `came_by`: what brought the person here, the parameter of a scanned code or of a link. `photos` came
    with the message; `quoted_photos` are those of the message it replies to, and win over the photos in the session.
    `quoted_job` is the id of the job whose result it replies to, if the channel knows. `language_hint`: the language
    the platform reports: it applies when it changes, until a sentence of the person says otherwise.
    """

    key: str
    chat: Chat
    text: str = ""
    choice: str | None = None
    came_by: str | None = None
    photos: tuple[IncomingPhoto, ...] = ()
    quoted_photos: tuple[IncomingPhoto, ...] = ()
    quoted_job: str | None = None
    painted: Painted | None = None
    language_hint: Language | None = None
    ref: str | None = None
    """The platform's id of the message, for replies that quote it."""
    at: datetime | None = None
    """When it was sent, to about a second; None: now."""
    edits: str | None = None
    """The key of the message it is an edited version of: it leads to something only if it is read differently."""
    offered: bool = False
    """The text is a tapped example: the person means it, but it says nothing about their language."""
    forwarded: bool = False
    """The text is somebody else's (forwarded): its photos are taken, and the person is asked what to do with them."""
    left_out: int = 0
    """How many attachments were not pictures: the person is told that they were ignored."""
    address: str | None = None
    """A hash of the network address it came from; None if the channel knows none."""
    group: bool = False
    """Others read it too: the group's rules apply (`handlers/dialogue/group_policy.py`)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """Something to tap: `id` comes back as `Message.choice`; at most 64 bytes (Telegram's callback data)."""

    id: str
    label: str


class Kind(StrEnum):
    TEXT = "text"
    CHOICES = "choices"
    PICTURES = "pictures"
    STATUS = "status"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """Something said to a person, in their language.

    `id` is stable: the same id said twice is the same message (a status is replaced by the next with its id). `ref` is
    the `Message.ref` it answers. `job` is the job it is about, if any. `numbered` asks channels without buttons to
    print the choices as a numbered list under the text. `awaits`: a question that the person's next message answers,
    with nothing to tap. `begins`: it says that `job` was started by the message it answers.
    """

    id: str
    kind: Kind
    text: str = ""
    choices: tuple[Choice, ...] = ()
    pictures: tuple[PictureFile, ...] = ()
    ref: str | None = None
    job: str | None = None
    language: Language = "en"
    awaits: bool = False
    begins: bool = False
    by_sign: bool = False
    """Of one that `begins`: it says nothing that the receipt will not say again, so that where others read along a
    sign will do."""
    expected: float | None = None
    """Of a status: the usual total seconds, for channels that draw progress."""
    begun: datetime | None = None
    """Of a status: when making began; None while it waits for its turn."""
    done: float | None = None
    """Of a status: the part that is done, 0 to 1, where it is known; what is drawn and what is said are the same."""
    prompt: str | None = None
    """Of a result: the person's own words that it was made from, for channels where they can be copied."""


def key_hash(key: str) -> str:
    """What is kept of a key that names people and chats: 128 bits, the same for the same key."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]
