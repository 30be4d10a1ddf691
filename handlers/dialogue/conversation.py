"""From a message to its consequences: accept its photos, parse its text, decide, commit, start the jobs.

The same message twice is one turn: its key is looked up first, and everything it changed was committed at once.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol
from weakref import WeakValueDictionary

from handlers.commands import is_operators
from handlers.consent import Consents
from handlers.dialogue.access import OPEN_TO_ALL, Access, AccessRules, sentence
from handlers.dialogue.administration import Administration
from handlers.dialogue.answer_matching import number_in
from handlers.dialogue.decide import decide
from handlers.dialogue.facts import MessageFacts, Pricing, Privacy
from handlers.dialogue.forgetting import Forgetting
from handlers.dialogue.gate import Gate
from handlers.dialogue.group_policy import GROUP_LIMIT, GroupRules, Groups, used_up
from handlers.dialogue.hearing import Hearing
from handlers.dialogue.interpretation import own_words, photos_in_sight, wish_of_command
from handlers.dialogue.language import language_for, language_of
from handlers.dialogue.marked_reception import AcceptMask, MarkedReception, accept_mask
from handlers.dialogue.operations import Operations
from handlers.dialogue.previews import Previews
from handlers.dialogue.profile_photos import ProfilePhotos, wished
from handlers.dialogue.reception import Accept, Judges, Reception
from handlers.dialogue.records import Records
from handlers.dialogue.refusals import braked_counted
from handlers.dialogue.repeats import PRESSED_TWICE, changes_nothing
from handlers.dialogue.sticker_packs import StickerPacks
from handlers.dialogue.turn import Decision
from handlers.faces import Faces
from handlers.message import Chat, Kind, Language, Message, Outgoing, key_hash
from handlers.order import Order
from handlers.order import job_id as job_of
from handlers.owner_notes import OwnerNotes
from handlers.quote import Quote
from handlers.session import Session
from handlers.store.base import UNLIMITED, Budgets, Limit, LimitReached, Store, Turn, TurnContext, Usage
from handlers.words import words
from intent import SURE, Intent, language_in, parse
from providers.tracing import about, span

log = logging.getLogger(__name__)

USAGE_DAYS = 30


class Jobs(Protocol):
    """What the conversation needs of the job runner."""

    async def enqueue(self, job_id: str) -> None: ...
    async def cancel(self, job_id: str) -> None: ...
    async def resend(self, job_id: str) -> None: ...
    async def fetch(self, job_id: str) -> None: ...


class SecondReader(Protocol):
    """An optional second reader for messages the parser is unsure of. Never raises: it falls back to `first`."""

    async def read(self, text: str, *, photos: int, first: Intent) -> Intent: ...


class Conversation:
    """`accept` checks a photo file and saves the checked copy under the given folder; raises `AskPerson`. `judge` looks
    at photos before money is spent on them. `forget` deletes what a person's channel keeps of them by itself.
    `consents`: where people are asked before their pictures go to another company. `faces`: where a service learns
    faces. `secret`: the installation's, see `job_id`."""

    def __init__(
        self,
        *,
        store: Store,
        jobs: Jobs,
        quote: Callable[[Order], Quote],
        accept: Accept,
        photos_dir: Path,
        accept_mask: AcceptMask = accept_mask,
        confirm_above: float = 2.0,
        second_reader: SecondReader | None = None,
        groups: Groups | None = None,
        previews: Previews | None = None,
        forget: Callable[[Chat], Awaitable[None]] | None = None,
        budgets: Budgets = UNLIMITED,
        consents: Consents | None = None,
        faces: Faces | None = None,
        stickers: StickerPacks | None = None,
        profile_photos: ProfilePhotos | None = None,
        judge: Judges | None = None,
        retention_days: int = 30,
        secret: bytes = b"",
        keep_messages: bool = False,
        moderation_company: str = "",
        clean_files: bool = False,
        access: AccessRules = OPEN_TO_ALL,
        owner: OwnerNotes | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._quote = quote
        self._reception = Reception(accept=accept, store=store, photos_dir=photos_dir, judge=judge)
        self._marked = MarkedReception(folder_of=self._reception.folder_of, accept_mask=accept_mask, media=store.media)
        self._forgetting = Forgetting(store=store, delete=self._reception.delete, in_channel=forget, cancel=jobs.cancel)
        self._confirm_above = confirm_above
        self._second_reader = second_reader
        self._groups, self._previews = groups, previews
        self._budgets = budgets
        self._consents = consents
        self._faces, self._stickers = faces, stickers
        self._profile_photos = profile_photos or ProfilePhotos()
        self._retention_days, self._secret = retention_days, secret
        self._records = Records(store, keep_messages=keep_messages, days=retention_days)
        self._moderation_company, self._clean_files = moderation_company, clean_files
        self._access = Access(store, access)
        self._hearing = Hearing(
            store=store,
            access=self._access,
            reception=self._reception,
            marked=self._marked,
            consents=consents,
            faces=faces,
            now=now,
        )
        operations = Operations(store=store, access=self._access, jobs=jobs, budgets=budgets, now=now)
        self._admin = Administration(operations, self._access)
        self._gate = Gate(self._access, owner)
        self._now = now
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def handle(self, message: Message) -> tuple[Outgoing, ...]:
        """Do everything a message leads to, and return what to answer at once. Messages of one person are handled one
        after another."""
        message = own_words(wish_of_command(message))
        lock = self._locks.setdefault(message.chat.key, asyncio.Lock())
        with about(message_key=key_hash(message.key)), span("message", channel=message.chat.channel):
            async with lock:
                return await self._opened(message)

    async def _opened(self, message: Message) -> tuple[Outgoing, ...]:
        opening = await self._store.opening(message.key, message.chat)
        if opening.reply is not None:
            return opening.reply
        return await self._turn(message, opening)

    async def foresee(self, messages: Sequence[Message]) -> tuple[Outgoing, ...]:
        """What the last of these messages of one person will be answered if their photos turn out to be good.

        Nothing is committed or started, and the photos need not exist yet: for channels that must answer sooner than a
        photo can be downloaded. Empty for a message whose answer needs a count first (usage, privacy, forget).
        """
        messages = [own_words(wish_of_command(message)) for message in messages]
        last = messages[-1]
        opening = await self._store.opening(last.key, last.chat)
        if opening.reply is not None:
            return opening.reply
        session, running = opening.session, opening.running
        replies: tuple[Outgoing, ...] = ()
        for message in messages:
            heard = await self._hearing.foreseen(message, session, running)
            intent = parse(message.text, photos=photos_in_sight(heard))
            desk = self._desk(intent, last.chat)
            decision = decide(heard, desk)
            counted = decision.forget or intent.command in ("usage", "privacy")
            counted = counted or bool(decision.look_at and self._reception.looks)
            counted = counted or wished(message, len(session.fresh_photos(heard.now))) is not None
            session = decision.session
            running = (*decision.jobs, *running)
            replies = () if counted else decision.replies
        return replies

    def picked(self, text: str, offered: Sequence[str]) -> str | None:
        number = number_in(text, len(offered))
        return None if number is None else offered[number - 1]

    def language(self, text: str, known: Language | None) -> Language:
        return language_of(Session(language=known), text, language_in(text), known or "zh")

    async def _turn(self, message: Message, opening: TurnContext) -> tuple[Outgoing, ...]:
        lying = len(opening.session.fresh_photos(self._now()))
        async with self._profile_photos.brought(message, lying=lying) as (message, missing):
            if missing is None:
                return await self._turn_of(message, opening)
        language = language_for(opening.session, message, language_in(message.text))
        reply = (self._only(message, "profile_photo", words(language, missing), language),)
        await self._store.commit_turn(
            Turn(
                message_key=message.key,
                chat=message.chat,
                session=opening.session,
                before=opening.session,
                reply=reply,
            )
        )
        return reply

    async def _turn_of(self, message: Message, opening: TurnContext) -> tuple[Outgoing, ...]:
        session = opening.session
        if (reply := await self._operators(message, session)) is not None:
            return reply
        rules = await self._groups.rules(message) if self._groups else None
        if rules is not None:
            session = rules.applied(session)
        heard = await self._hearing.of(message, session, opening.running)
        intent = await self._read(heard)
        heard = await self._marked.with_strokes(heard, intent)
        if rules is not None and (ruled := await self._ruled(heard, rules, intent)) is not None:
            return ruled
        if intent.command == "usage":
            heard = replace(heard, usage=await self._usage(message.chat))
        if intent.command == "privacy":
            sent_to = await self._store.sent_to(message.chat)
            heard = replace(heard, privacy=self._privacy(sent_to))
        desk = self._desk(intent, message.chat)
        decision = await self._decided(heard, desk)
        if message.edits is not None:
            before = await self._led_to(message.edits, session)
            decision = Decision(session=session) if changes_nothing(message, session, decision, before) else decision
        if decision.forget:
            decision = await self._forgetting.forget(heard, decision, self._language(heard))
        if decision.stickers is not None and self._stickers is not None:
            decision = await self._stickers.answer(heard, decision)
        await self._keep_consent(message.chat, decision)
        if self._faces is not None:
            used = {job.order.face for job in decision.jobs}
            await self._faces.after(message.chat, dropped=decision.drop_faces, used=used, at=self._now())
        await self._records.of(heard, decision)
        if decision.jobs and (refusal := await self._gate.refusal(message, self._language(heard))) is not None:
            decision = self._instead(heard, decision, refusal)
        limits = await self._gate.limits(message, decision.jobs, rules, heard.now)
        try:
            committed = await self._committed(message, opening.session, decision, limits)
        except LimitReached as reached:
            decision = self._refused(heard, decision, rules, reached.limit)
            committed = await self._committed(message, opening.session, decision, braked_counted(reached.limit))
            await self._gate.reached(reached.limit)
        if not committed:
            # Another process has handled the same message meanwhile.
            return await self._store.turn_of(message.key) or ()
        await self._set_going(decision)
        await self._show_previews(heard, decision)
        return decision.replies

    async def _decided(self, heard: MessageFacts, desk: Pricing) -> Decision:
        """What the message leads to; where it hangs on how good the photos are, they are looked at first."""
        decision = decide(heard, desk)
        if decision.look_at and self._reception.looks:
            decision = decide(replace(heard, advice=await self._reception.advice(decision.look_at)), desk)
        return decision

    def _privacy(self, sent_to: tuple[str, ...]) -> Privacy:
        return Privacy(days=self._retention_days, sent_to=sent_to, moderated_by=self._moderation_company)

    def _desk(self, intent: Intent, chat: Chat) -> Pricing:
        return Pricing(
            quote=self._quote,
            read=lambda _text, _photos: intent,
            confirm_above=self._confirm_above,
            retention_days=self._retention_days,
            clean_files=self._clean_files,
            profile_photos=self._profile_photos.seen(chat),
            sketches=self._previews.styles(chat) if self._previews else (),
            secret=self._secret,
        )

    async def _led_to(self, edited: str, session: Session) -> tuple[Order, ...]:
        """The orders that the earlier versions of an edited message led to."""
        job = await self._store.job(job_of(edited, secret=self._secret))
        newest = () if session.last_order is None else (session.last_order,)
        return newest if job is None else (job.order, *newest)

    async def _operators(self, message: Message, session: Session) -> tuple[Outgoing, ...] | None:
        """The answer to an admin command or an invite code; None if it is neither."""
        if not (self._access.takes_codes or is_operators(message.text)):
            return None
        language = language_for(session, message, language_in(message.text))
        reply = await self._admin.reply(message, language)
        code = (message.came_by or message.text).removeprefix("/start ")
        if reply is None and await self._access.redeem(message.chat, code):
            text = words(language, "access.welcome")
            reply = (self._only(message, "welcome", text, language),)
        if reply is not None:
            turn = Turn(message_key=message.key, chat=message.chat, session=session, before=session, reply=reply)
            await self._store.commit_turn(turn)
        return reply

    async def _committed(
        self, message: Message, before: Session, decision: Decision, limits: tuple[Limit, ...] = ()
    ) -> bool:
        """`before`: the session as it was read. Raises LimitReached: then nothing is committed."""
        turn = Turn(
            message_key=message.key,
            chat=message.chat,
            session=decision.session,
            before=before,
            reply=decision.replies,
            jobs=decision.jobs,
            cancel=decision.cancel,
            limits=limits,
            budgets=self._budgets,
        )
        return await self._store.commit_turn(turn)

    def _refused(self, heard: MessageFacts, decision: Decision, rules: GroupRules | None, limit: Limit) -> Decision:
        """A sentence in place of jobs that a limit does not allow. Their photos stay in the session."""
        language = self._language(heard)
        if limit.code == PRESSED_TWICE:
            return Decision(session=heard.session)  # the first press is answered
        if rules is not None and limit.code == GROUP_LIMIT:
            return self._instead(heard, decision, used_up(rules, language))
        text = sentence(limit, language) or words(language, f"error.{limit.code}")
        return self._instead(heard, decision, text)

    def _instead(self, heard: MessageFacts, decision: Decision, text: str) -> Decision:
        """A sentence in place of jobs; their photos stay in the session."""
        session = heard.session.model_copy(update={"photos": decision.session.photos})
        return Decision(session=session, replies=(self._only(heard.message, "limit", text, self._language(heard)),))

    @staticmethod
    def _only(message: Message, name: str, text: str, language: Language) -> Outgoing:
        return Outgoing(id=f"{message.key}:{name}", kind=Kind.TEXT, text=text, ref=message.ref, language=language)

    async def _show_previews(self, heard: MessageFacts, decision: Decision) -> None:
        """What the styles that were offered look like on the photo that is in the session."""
        photos, sheet = decision.session.fresh_photos(heard.now), decision.sheet
        if self._previews is None or sheet is None or not photos:
            return
        if not await self._access.may_preview(heard.message.chat):
            return
        self._previews.begin(heard.message, photos[-1].path, sheet, decision.session.language or "en")

    async def _ruled(self, heard: MessageFacts, rules: GroupRules, intent: Intent) -> tuple[Outgoing, ...] | None:
        """The answer if the group's rules alone decide it; None if the message is to be handled."""
        if self._groups is None:
            return None
        message, settings = heard.message, intent.command == "settings"
        reply = await self._groups.reply(message, rules, self._language(heard), settings=settings)
        if reply is not None:
            session = heard.session
            turn = Turn(message_key=message.key, chat=message.chat, session=session, before=session, reply=reply)
            await self._store.commit_turn(turn)
        return reply

    async def _set_going(self, decision: Decision) -> None:
        """After the commit. If something fails here, the job runner's sweep picks it up: the rows are there."""
        for job in decision.jobs:
            await self._jobs.enqueue(job.id)
        for job_id in decision.cancel:
            await self._jobs.cancel(job_id)
        if decision.resend is not None:
            await self._jobs.resend(decision.resend)
        if decision.fetch is not None:
            await self._jobs.fetch(decision.fetch)

    async def _keep_consent(self, chat: Chat, decision: Decision) -> None:
        """Store what was agreed to first: a job that relies on it is committed afterwards."""
        if self._consents is None:
            return
        for company in decision.accept:
            await self._consents.accept(chat, company, at=self._now())
        if decision.photos_agreed:
            await self._consents.agree_to_faces(chat, at=self._now())
        if decision.answers_job:
            await self._consents.answered(chat)

    def _language(self, heard: MessageFacts) -> Language:
        return language_for(heard.session, heard.message, language_in(heard.message.text))

    async def _read(self, heard: MessageFacts) -> Intent:
        photos = photos_in_sight(heard)
        first = parse(heard.message.text, photos=photos, group=heard.message.group)
        if self._second_reader is not None and first.confidence < SURE:
            return await self._second_reader.read(heard.message.text, photos=photos, first=first)
        return first

    async def _usage(self, chat: Chat) -> Usage:
        return await self._store.usage(chat, since=self._now() - timedelta(days=USAGE_DAYS))
