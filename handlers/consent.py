"""What a person agreed to: that the people in their photos consent to editing (FACE_CONSENT=ask), and which companies
their photos may be sent to, where the operator leaves that to them (PROVIDERS_CONSENT=ask).

Stored per person and chat with the time and the version of the wording, as a value the person owns: it is deleted when
they are forgotten. If a job ended with a question about consent, that is stored beside it, so that a button or a word
can answer it later.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from handlers.message import Chat
from handlers.order import Order
from handlers.session import QUESTION_LIFE
from handlers.store.base import Values

VERSION = 1
"""Version of the companies' wording. An acceptance of another version does not count: raise it when the meaning
changes."""
FACES_VERSION = 1
"""Likewise for the question about the people in a photo."""
ACCEPTED, ASKED, FACES = "consent", "consent_asked", "consent_faces"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A job stopped because the next provider in turn was a company (its key) that its person had not accepted.

    `missing`: how many pictures of each shot were left out because of it, if others were made; empty if none was.
    """

    job: str
    company: str
    missing: tuple[int, ...] = ()

    def rest_of(self, order: Order) -> Order:
        """What remains to be made of the job's order."""
        if not self.missing:
            return order
        left = [shot.model_copy(update={"count": n}) for shot, n in zip(order.shots, self.missing, strict=True) if n]
        return order.model_copy(update={"shots": tuple(left)})


class Consents:
    """The acceptances in the store. `companies`, `faces`: what people are asked about here."""

    def __init__(self, values: Values, *, companies: bool = True, faces: bool = False) -> None:
        self._values = values
        self.companies = companies
        self.faces = faces

    async def agreed_to_faces(self, chat: Chat) -> datetime | None:
        """When this person confirmed that the people in their photos consent. Everybody confirms for their own photos,
        in groups too."""
        kept = json.loads(await self._values.value(FACES, chat.owner) or "{}")
        return datetime.fromisoformat(kept["at"]) if kept.get("version") == FACES_VERSION else None

    async def agree_to_faces(self, chat: Chat, *, at: datetime) -> None:
        said = json.dumps({"version": FACES_VERSION, "at": at.isoformat()})
        await self._values.set_value(FACES, chat.owner, said, owner=chat.owner)

    async def accepted(self, chat: Chat) -> frozenset[str]:
        """Keys of the companies this person has accepted here."""
        return frozenset(_companies(await self._values.value(ACCEPTED, chat.owner)))

    async def accept(self, chat: Chat, company: str, *, at: datetime) -> None:
        """Add a company in one atomic step: two at once are both kept. The time of the first acceptance is kept,
        too."""

        def with_it(before: str | None) -> str:
            companies = {company: at.isoformat(), **_companies(before)}
            return json.dumps({"version": VERSION, "companies": companies}, sort_keys=True)

        await self._values.change(ACCEPTED, chat.owner, with_it, owner=chat.owner)

    async def ask(self, chat: Chat, asked: Asked, *, at: datetime) -> None:
        """Remember what a job asks: its button answers it for as long as jobs are kept, a bare word for two hours.

        If there are pictures, only the button answers: a "yes" could be about the pictures.
        """
        said = json.dumps(asdict(asked))
        await self._values.set_value(ASKED, asked.job, said, owner=chat.owner)
        if not asked.missing:
            await self._values.set_value(ASKED, chat.owner, said, owner=chat.owner, expires=at + QUESTION_LIFE)

    async def asked(self, chat: Chat, *, job: str | None = None) -> Asked | None:
        """What that job asked; without a job, the last question that is still unanswered."""
        said = await self._values.value(ASKED, job or chat.owner)
        kept = json.loads(said) if said else None
        return Asked(**{**kept, "missing": tuple(kept.get("missing", ()))}) if kept else None

    async def answered(self, chat: Chat) -> None:
        """A bare word no longer answers it."""
        await self._values.drop_value(ASKED, chat.owner)


def _companies(stored: str | None) -> dict[str, str]:
    """Company to the time it was accepted."""
    kept = json.loads(stored) if stored else {}
    return dict(kept["companies"]) if kept.get("version") == VERSION else {}
