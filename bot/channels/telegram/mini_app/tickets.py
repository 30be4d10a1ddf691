"""What a button of the painter is for: a sealed text that names one picture of one person, and ends."""

from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.channels.sealing import Seal
from handlers.message import Chat, Language

LIFE = 7 * 24 * 3600.0
"""Seconds that a button works."""
SHOWN = 900.0
"""Seconds that the address of a photo works."""
LONGEST = 2000
PATH = "/telegram/painter"


class Ticket(BaseModel):
    """`job`: its picture number `index`; else the photo called `photo` in the person's session. `until`: Unix time."""

    model_config = ConfigDict(frozen=True)

    person: str
    chat: str
    job: str | None = None
    index: int = 0
    photo: str | None = None
    ref: str | None = None
    language: Language = "en"
    until: float

    @property
    def whose(self) -> Chat:
        return Chat(channel="telegram", chat=self.chat, person=self.person)


class Tickets:
    """`public_url`: None, or not https: there is no Mini App, and no button."""

    def __init__(self, *, secret: bytes, public_url: str | None, now: Callable[[], float]) -> None:
        self._seals = {use: Seal(secret, f"telegram.painter.{use}") for use in ("ticket", "photo")}
        self._url = (public_url or "").rstrip("/")
        self._now = now

    @property
    def works(self) -> bool:
        return self._url.lower().startswith("https://")

    def link(
        self,
        chat: Chat,
        language: Language,
        *,
        job: str | None = None,
        photo: str | None = None,
        ref: str | None = None,
    ) -> str | None:
        """The address for a button; None where there can be none: Mini Apps are opened in private chats only."""
        if not self.works or chat.chat != chat.person or not chat.person.isdecimal():
            return None
        until = self._now() + LIFE
        ticket = Ticket(
            person=chat.person, chat=chat.chat, job=job, photo=photo, ref=ref, language=language, until=until
        )
        return f"{self._url}{PATH}?t={self._closed(ticket, 'ticket')}"

    def opened(self, text: str) -> Ticket:
        """Raises ValueError for what is none of ours, or over."""
        return self._read(text, "ticket")

    def shown(self, ticket: Ticket) -> str:
        """The path of its picture, for a quarter of an hour."""
        brief = ticket.model_copy(update={"until": self._now() + SHOWN})
        return f"{PATH}/photo/{self._closed(brief, 'photo')}"

    def photo(self, text: str) -> Ticket:
        return self._read(text, "photo")

    def _closed(self, ticket: Ticket, use: str) -> str:
        return self._seals[use].close(ticket.model_dump_json(exclude_defaults=True))

    def _read(self, text: str, use: str) -> Ticket:
        if len(text) > LONGEST:
            raise ValueError("too long for a ticket")
        try:
            ticket = Ticket.model_validate_json(self._seals[use].open(text))
        except ValidationError:
            raise ValueError("no ticket") from None
        if ticket.until < self._now():
            raise ValueError("over")
        return ticket
