"""`Hearing`: everything that is known when a message is decided on: its photos, its sender, the job it refers to."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from handlers.consent import Consents
from handlers.dialogue.access import Access
from handlers.dialogue.facts import MessageFacts
from handlers.dialogue.language import language_for
from handlers.dialogue.marked_reception import MarkedReception
from handlers.dialogue.reception import Reception
from handlers.faces import Faces
from handlers.free_retries import FreeRetries
from handlers.message import Chat, Message
from handlers.session import Session, SessionPhoto
from handlers.store.base import Job, Store
from intent import language_in, read_answer


class Hearing:
    """`consents`: None where people are not asked. `faces`: None where none can be trained."""

    def __init__(
        self,
        *,
        store: Store,
        access: Access,
        reception: Reception,
        marked: MarkedReception,
        consents: Consents | None,
        faces: Faces | None,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._access = access
        self._reception, self._marked = reception, marked
        self._consents, self._faces = consents, faces
        self._now = now

    async def of(self, message: Message, session: Session, running: Sequence[Job]) -> MessageFacts:
        """With its photos taken in."""
        now = self._now()
        named = await self._named_job(message)
        owner = self._is_owner(message)
        heard = MessageFacts(
            message=message, now=now, session=session, running=tuple(running), named_job=named, owner=owner
        )
        if named is not None and (message.choice or "").startswith("free:"):
            heard = replace(heard, free_try=await FreeRetries(self._store).offered(named.id))
        heard = await self._with_faces(await self._with_consent(heard))
        language = language_for(session, message, language_in(message.text))
        photos, refused = await self._reception.take_in(message.photos, message.chat, at=now, language=language)
        quoted, refused_too = await self._reception.take_in(
            message.quoted_photos, message.chat, at=now, language=language
        )
        if not quoted and message.quoted_job and named is not None:
            quoted = tuple(
                SessionPhoto(key=str(p.path), path=p.path, width=p.width, height=p.height, at=now)
                for p in named.pictures
            )
        heard = replace(heard, photos=photos, quoted=quoted, refused=(*refused, *refused_too))
        return await self._marked.of(heard, language)

    async def foreseen(self, message: Message, session: Session, running: Sequence[Job]) -> MessageFacts:
        """As if its photos had turned out to be good; they need not exist yet."""
        now, named = self._now(), await self._named_job(message)
        photos = tuple(SessionPhoto(key=p.key, path=p.path, width=1024, height=1024, at=now) for p in message.photos)
        heard = MessageFacts(
            message=message,
            now=now,
            session=session,
            photos=photos,
            running=tuple(running),
            named_job=named,
            owner=self._is_owner(message),
        )
        return await self._with_faces(await self._with_consent(heard))

    def _is_owner(self, message: Message) -> bool:
        """In a group others read along."""
        return not message.group and self._access.is_owner(message.chat)

    async def _with_consent(self, heard: MessageFacts) -> MessageFacts:
        """The companies the person accepts, and what a job of theirs asks, if this message may be the answer."""
        if self._consents is None:
            return heard
        message, named, asked = heard.message, heard.named_job, None
        if message.choice is not None:
            tapped = message.choice.startswith(("agree:", "refuse:"))
            asked = await self._consents.asked(message.chat, job=named.id) if tapped and named else None
        elif heard.session.question is None and read_answer(message.text) is not None:
            asked = await self._consents.asked(message.chat)
            named = await self._own_job(asked.job, message.chat) if asked else named
        accepted = await self._consents.accepted(message.chat) if self._consents.companies else None
        heard = replace(heard, accepted=accepted, asked=asked, named_job=named)
        if not self._consents.faces:
            return heard
        return replace(heard, asks_whose=True, photos_agreed=await self._consents.agreed_to_faces(message.chat))

    async def _with_faces(self, heard: MessageFacts) -> MessageFacts:
        return heard if self._faces is None else replace(heard, faces=await self._faces.of(heard.message.chat))

    async def _named_job(self, message: Message) -> Job | None:
        """The job that a choice or a quoted result refers to; None if it is another person's."""
        job_id = (message.choice or "").partition(":")[2] if message.choice else message.quoted_job
        return await self._own_job(job_id, message.chat) if job_id else None

    async def _own_job(self, job_id: str, chat: Chat) -> Job | None:
        job = await self._store.job(job_id)
        return job if job is not None and job.chat.key == chat.key else None
