"""One turn in the making: the session as it will be, and the replies. What happens in it is up to `decide`."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from handlers.dialogue import answer_matching
from handlers.dialogue.each_or_together import MOST_PICTURES, about_several
from handlers.dialogue.facts import MessageFacts, Pricing
from handlers.dialogue.interpretation import (
    fresh_result,
    order_from,
    photos_in_sight,
    photos_meant,
    speaks_of_several,
)
from handlers.dialogue.language import language_for, language_kept
from handlers.dialogue.readings import Picked
from handlers.message import Choice, Kind, Language, Outgoing
from handlers.order import Order
from handlers.session import PHOTOS_KEPT, QUESTION_LIFE, Menu, Question, Session, SessionPhoto
from handlers.store.base import Job
from handlers.words import size_in_words, words
from intent import Intent
from providers.moderation.offence import Offence


@dataclass(frozen=True, kw_only=True)
class SheetOfStyles:
    """Styles in the order of their numbers, to be shown on the person's photo. `asked`: they asked for it."""

    styles: tuple[str, ...]
    asked: bool


@dataclass(frozen=True, kw_only=True)
class Decision:
    """`forget`: delete everything of this person, then send the replies. `resend`: send that job's pictures again;
    `fetch`: try again to fetch what was made."""

    session: Session
    replies: tuple[Outgoing, ...] = ()
    jobs: tuple[Job, ...] = ()
    cancel: tuple[str, ...] = ()
    forget: bool = False
    resend: str | None = None
    fetch: str | None = None
    accept: tuple[str, ...] = ()
    """Companies that the person accepted: stored before anything else."""
    photos_agreed: bool = False
    """The person confirmed that those in their photos consent: stored first, too."""
    picked: Picked | None = None
    """Which reading was meant, if it was asked."""
    answers_job: bool = False
    """The question of a job is answered."""
    clean: Job | None = None
    """Its pictures are sent without the visible mark: the promise is recorded first."""
    refused: Offence | None = None
    """What was wished for is not made here."""
    look_at: tuple[Path, ...] = ()
    """Photos on whose quality this hangs, and which nobody has looked at yet."""
    sheet: SheetOfStyles | None = None
    stickers: str | None = None
    """The job whose pictures are to become a sticker pack."""
    drop_faces: tuple[str, ...] = ()
    """Trained faces to be deleted."""


@dataclass(kw_only=True)
class TurnBuilder:
    """One turn in the making: the session as it will be, and the replies."""

    heard: MessageFacts
    desk: Pricing
    session: Session = field(init=False)
    language: Language = field(init=False)
    intent: Intent = field(init=False)
    replies: list[Outgoing] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    cancel: list[str] = field(default_factory=list)
    forget: bool = False
    resend: str | None = None
    fetch: str | None = None
    photos_left_out: int = 0
    accept: list[str] = field(default_factory=list)
    photos_agreed: bool = False
    picked: Picked | None = None
    answers_job: bool = False
    clean: Job | None = None
    refused: Offence | None = None
    notes: list[str] = field(default_factory=list)
    """Text added to the next reply."""
    drop_faces: list[str] = field(default_factory=list)
    look_at: list[Path] = field(default_factory=list)
    sheet: SheetOfStyles | None = None
    stickers: str | None = None

    def __post_init__(self) -> None:
        self.session = self.heard.session
        message = self.heard.message
        self.intent = self.desk.read(message.text, photos_in_sight(self.heard))
        self.language = language_for(self.session, message, self.intent.language)
        kept = language_kept(self.session, message, self.intent.language)
        hint = message.language_hint or self.session.language_hint
        self.session = self.session.model_copy(update={"language": kept, "language_hint": hint})

    def decision(self) -> Decision:
        return Decision(
            session=self.session,
            replies=tuple(self.replies),
            jobs=tuple(self.jobs),
            cancel=tuple(self.cancel),
            forget=self.forget,
            resend=self.resend,
            fetch=self.fetch,
            accept=tuple(self.accept),
            photos_agreed=self.photos_agreed,
            answers_job=self.answers_job,
            picked=self.picked,
            clean=self.clean,
            refused=self.refused,
            drop_faces=tuple(self.drop_faces),
            look_at=tuple(dict.fromkeys(self.look_at)),
            sheet=self.sheet,
            stickers=self.stickers,
        )

    @property
    def accepted(self) -> frozenset[str] | None:
        """The companies that may be asked; None if people are not asked."""
        return None if self.heard.accepted is None else self.heard.accepted.union(self.accept)

    # --- replies

    def words(self, key: str, **params: str | int | float) -> str:
        return words(self.language, key, **params)

    def say(
        self,
        text: str,
        choices: tuple[Choice, ...] = (),
        *,
        job: str | None = None,
        begins: bool = False,
        by_sign: bool = False,
    ) -> None:
        """Add a reply. Its id is derived from the message, so that a repeated turn sends the same message again."""
        by_sign = by_sign and not self.notes
        text = "\n".join([text, *self.notes])
        self.notes.clear()
        if choices:
            options, labels = tuple(c.id for c in choices), tuple(c.label for c in choices)
            menu = Menu(options=options, labels=labels, at=self.heard.now)
            self.session = self.session.model_copy(update={"menu": menu})
        self.replies.append(
            Outgoing(
                id=f"{self.heard.message.key}:{len(self.replies)}",
                kind=Kind.CHOICES if choices else Kind.TEXT,
                text=text,
                choices=choices,
                ref=self.heard.message.ref,
                job=job,
                begins=begins,
                by_sign=by_sign,
                language=self.language,
            )
        )

    def note_most(self, asked: int) -> None:
        """More pictures were requested than are made at a time: the next reply says so."""
        note = self.words("say.at_most", n=asked, most=MOST_PICTURES)
        if note not in self.notes:
            self.notes.append(note)

    def ask(self, kind: str, text: str, choices: tuple[Choice, ...] = (), **more: object) -> None:
        """Ask a question and leave it open in the session."""
        self.say(text, choices)
        if not choices:
            self.replies[-1] = replace(self.replies[-1], awaits=True)
        question = {
            "kind": kind,
            "options": tuple(c.id for c in choices),
            "labels": tuple(c.label for c in choices),
            "at": self.heard.now,
            **more,
        }
        opened = Question.model_validate(question)
        self.session = self.session.model_copy(update={"question": opened})
        if kind not in ("browse", "style"):  # a question that is answered once is no menu
            self.session = self.session.model_copy(update={"menu": None})
        for order in (opened.order, *opened.orders):
            if order is not None:
                self._mark(order, "asked")

    def open_question(self) -> Question | None:
        """The open question; None if it is too old for a person to remember it."""
        question = self.session.question
        return question if question and self.heard.now - question.at <= QUESTION_LIFE else None

    def shown_menu(self) -> Menu | None:
        """What was offered last, unless it is old or a result has come since."""
        menu, result = self.session.menu, self.session.last_result
        if menu is None or self.heard.now - menu.at > QUESTION_LIFE:
            return None
        return None if result is not None and result.at > menu.at else menu

    def close_question(self) -> None:
        self.session = self.session.model_copy(update={"question": None})

    # --- photos

    def take_in_photos(self) -> None:
        """Add the photos of this message to the session, each once. They join earlier ones that wait for a request,
        unless they bring text of their own that is not about several photos."""
        if not self.heard.photos:
            return
        alone = self._asks_for_these_alone()
        known = {p.key for p in self.heard.photos}
        kept = [
            p.model_copy(update={"used": alone or p.used or p.refused or p.asked})
            for p in self.session.fresh_photos(self.heard.now)
            if p.key not in known
        ]
        came = self.heard.photos[:PHOTOS_KEPT]
        room = PHOTOS_KEPT - len(came)
        pushed_out, kept = kept[: max(len(kept) - room, 0)], kept[max(len(kept) - room, 0) :]
        self._note_reduced(came)
        self.photos_left_out = len(self.heard.photos) - len(came) + sum(1 for p in pushed_out if not p.used)
        laid = (*kept, *came)
        self.heard = replace(self.heard, photos=came)
        self.session = self.session.model_copy(update={"photos": laid})
        self.heard = replace(self.heard, session=self.session)

    def _note_reduced(self, came: Sequence[SessionPhoto]) -> None:
        """A photo larger than what is worked on is said to be made smaller, before anything is made of it."""
        for photo in came:
            if photo.reduced_from is not None:
                sizes = {"from": size_in_words(photo.reduced_from), "to": size_in_words((photo.width, photo.height))}
                self.notes.append(self.words("say.photo_reduced", **sizes))
                return

    def _asks_for_these_alone(self) -> bool:
        if self.intent.operation not in ("portrait", "series", "edit") or about_several(self.intent):
            return False
        return not speaks_of_several(self.heard.message.text)

    def say_what_was_left_out(self) -> None:
        """Nothing is ignored without a word."""
        if self.photos_left_out:
            self.say(self.words("say.photos_left_out", most=PHOTOS_KEPT, n=self.photos_left_out))
        if self.heard.message.left_out:
            self.say(self.words("say.others_left_out", n=self.heard.message.left_out))

    def mark_used(self, order: Order) -> None:
        self._mark(order, "used")

    def mark_refused(self, order: Order) -> None:
        self._mark(order, "refused")

    def _mark(self, order: Order, what: str) -> None:
        meant = {*order.photos, order.template}
        photos = tuple(
            p.model_copy(update={what: True}) if p.path in meant else p
            for p in self.session.fresh_photos(self.heard.now)
        )
        self.session = self.session.model_copy(update={"photos": photos})

    def order(self, intent: Intent) -> Order:
        """The order of an intent; of several result pictures, the one the text singles out."""
        photos = photos_meant(intent, self.heard)
        if intent.action == "transfer_style":
            n = answer_matching.look_named(self.heard.message.text, len(photos))
            if n is not None and n != len(photos):
                photos = (*photos[: n - 1], *photos[n:], photos[n - 1])
                intent = replace(intent, prompt=None)  # its "first" and "second" were about the request
        elif len(photos) > 1 and (n := answer_matching.picture_named(self.heard.message.text, len(photos))):
            photos = (photos[n - 1],)
        if intent.count_said is not None:
            self.note_most(intent.count_said)
        return order_from(intent, photos, self.language)

    def offence(self, order: Order) -> Offence | None:
        """What is wrong with an order, judged by its own text and by the message it came in."""
        said = [] if self.heard.message.choice is not None else [self.heard.message.text]
        for shot in order.shots:
            said += [shot.scene or "", shot.prompt or "", *(edit.prompt or "" for edit in shot.edits)]
        return self.desk.offence("\n".join(filter(None, said)), len(order.photos))

    def result(self) -> Job | None:
        """The job that a choice refers to, otherwise this person's last result's."""
        return self.heard.named_job

    def last_order(self) -> Order | None:
        result = fresh_result(self.session, self.heard.now)
        return self.session.last_order or (result.order if result else None)
