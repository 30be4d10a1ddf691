"""What a message leads to. Pure: everything known comes in with `Heard` and `Desk`, a `Decision` comes out.

    tapped a choice ──────────────┐
    answers an open question ─────┼─▶ an order ─▶ complete? ─▶ possible? ─▶ affordable? ─▶ a job
    words that ask for a picture ─┘        │ no        │ no        │ no
                                           ▼           ▼           ▼
                                       a question   a sentence   a question
"""

from dataclasses import dataclass, field, replace

from handlers import answers, commands, menus
from handlers.desk import Desk, Heard
from handlers.message import Choice, Kind, Language, Outgoing
from handlers.order import Order, Shot
from handlers.orders import (
    describe,
    fresh_result,
    job_id,
    missing,
    one_each,
    order_from,
    photos_in_sight,
    photos_meant,
    spread,
    with_text,
)
from handlers.store import Job
from handlers.table import PHOTOS_KEPT, Question, Table
from handlers.words import money, seconds, words
from intent import SURE, Intent
from providers.catalog import ACTIONS, MODELS, STYLES
from providers.errors import LikenessError


@dataclass(frozen=True, kw_only=True)
class Decision:
    """`forget`: delete everything of this person, then say the replies. `resend`: send that job's pictures again."""

    table: Table
    replies: tuple[Outgoing, ...] = ()
    jobs: tuple[Job, ...] = ()
    cancel: tuple[str, ...] = ()
    forget: bool = False
    resend: str | None = None


def decide(heard: Heard, desk: Desk) -> Decision:
    """One message, one decision."""
    turn = Turning(heard=heard, desk=desk)
    turn.take_in_photos()
    if heard.refused:
        turn.refuse_photos()
    elif heard.message.choice is not None:
        turn.tapped(heard.message.choice)
    else:
        turn.said(heard.message.text.strip())
    return turn.decision()


def language_of(table: Table, text: str, read: Language, hint: Language | None) -> Language:
    """One language a person, from their words. A lone foreign word ("anime", "OK") does not turn the language."""
    if table.language_fixed and table.language:
        return table.language
    letters = [c for c in text if c.isalpha()]
    if not letters:
        return table.language or hint or "en"
    if table.language is None:
        return read
    if any("\u4e00" <= c <= "\u9fff" for c in text):
        return "zh"
    return "en" if len(text.split()) >= 3 else table.language


@dataclass(kw_only=True)
class Turning:
    """One turn in the making: the table as it will be, and what will be said."""

    heard: Heard
    desk: Desk
    table: Table = field(init=False)
    language: Language = field(init=False)
    intent: Intent = field(init=False)
    replies: list[Outgoing] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    cancel: list[str] = field(default_factory=list)
    forget: bool = False
    resend: str | None = None

    def __post_init__(self) -> None:
        self.table = self.heard.table
        message = self.heard.message
        self.intent = self.desk.read(message.text, photos_in_sight(self.heard))
        self.language = language_of(self.table, message.text, self.intent.language, message.language_hint)
        self.table = self.table.model_copy(update={"language": self.language})

    def decision(self) -> Decision:
        return Decision(
            table=self.table,
            replies=tuple(self.replies),
            jobs=tuple(self.jobs),
            cancel=tuple(self.cancel),
            forget=self.forget,
            resend=self.resend,
        )

    # --- saying things

    def words(self, key: str, **params: str | int | float) -> str:
        return words(self.language, key, **params)

    def say(self, text: str, choices: tuple[Choice, ...] = (), *, job: str | None = None) -> None:
        """Add a reply. Its id comes from the message, so that a repeated turn says the same message again."""
        self.replies.append(
            Outgoing(
                id=f"{self.heard.message.key}:{len(self.replies)}",
                kind=Kind.CHOICES if choices else Kind.TEXT,
                text=text,
                choices=choices,
                ref=self.heard.message.ref,
                job=job,
                language=self.language,
            )
        )

    def ask(self, kind: str, text: str, choices: tuple[Choice, ...] = (), **more: object) -> None:
        """Say a question and leave it open on the table."""
        self.say(text, choices)
        question = {
            "kind": kind,
            "options": tuple(c.id for c in choices),
            "labels": tuple(c.label for c in choices),
            "at": self.heard.now,
            **more,
        }
        self.table = self.table.model_copy(update={"question": Question.model_validate(question)})

    def close_question(self) -> None:
        self.table = self.table.model_copy(update={"question": None})

    # --- photos

    def take_in_photos(self) -> None:
        """Lay the photos that came on the table, each once."""
        if not self.heard.photos:
            return
        known = {p.key for p in self.heard.photos}
        kept = [p for p in self.table.fresh_photos(self.heard.now) if p.key not in known]
        laid = (*kept, *self.heard.photos)[-PHOTOS_KEPT:]
        self.table = self.table.model_copy(update={"photos": laid})
        self.heard = replace(self.heard, table=self.table)

    def refuse_photos(self) -> None:
        """A photo could not be read: nothing is started; what was asked for waits for a better one."""
        for sentence in self.heard.refused:
            self.say(sentence)
        if self.intent.operation in ("portrait", "series", "edit") and not self.intent.ask:
            order = order_from(self.intent, (), self.language)
            question = Question(kind="photo", order=order, at=self.heard.now)
            self.table = self.table.model_copy(update={"question": question})

    def mark_used(self, order: Order) -> None:
        used = set(order.photos)
        photos = tuple(
            p.model_copy(update={"used": True}) if p.path in used else p
            for p in self.table.fresh_photos(self.heard.now)
        )
        self.table = self.table.model_copy(update={"photos": photos})

    # --- what was said

    def said(self, text: str) -> None:
        question = self.table.question
        if question is not None and self.answered(question, text):
            return
        self.read(text)

    def answered(self, question: Question, text: str) -> bool:
        """Whether the message answers the open question; if so, it was acted on."""
        if self.intent.operation == "command" and self.intent.command != "again":
            return False
        if question.kind in ("photo", "second_photo") and question.order is not None:
            return self.photo_came(question.kind, question.order, text)
        if text and (chosen := answers.answer(question, text)) is not None:
            self.tapped(chosen)
            return True
        if question.kind == "confirm" and (yes := answers.yes_or_no(text)) is not None:
            self.tapped("confirm:yes" if yes else "confirm:no")
            return True
        if question.kind == "text" and question.order is not None and text and not self.heard.photos:
            self.close_question()
            self.take(with_text(question.order, text))
            return True
        if question.kind == "style" and question.order is not None and self.intent.style in STYLES and text:
            base = question.order if self.intent.operation == "portrait" and not self.heard.photos else None
            if base is not None:
                self.close_question()
                self.take(_fill(base, self.intent))
                return True
        return False

    def photo_came(self, kind: str, order: Order, text: str) -> bool:
        came = (*self.heard.quoted, *self.heard.photos)
        asks_anew = bool(text) and self.intent.operation in ("portrait", "series", "edit")
        if not came or asks_anew:
            return False
        before = order.photos if kind == "second_photo" else ()
        self.close_question()
        self.take(order.model_copy(update={"photos": (*before, *(p.path for p in came))}))
        return True

    def read(self, text: str) -> None:
        intent = self.intent
        if intent.operation == "command":
            commands.run(self, intent.command or "help", slash=text.startswith("/"))
        elif intent.operation == "none":
            self.nothing_asked(text)
        elif intent.confidence < SURE and intent.alternatives:
            self.which_reading(intent)
        elif intent.ask:
            self.ask_back(intent)
        else:
            self.take_reading(intent)

    def take_reading(self, intent: Intent) -> None:
        """Take the words as read. An edit of a result with several pictures asks which one, unless they say."""
        order = self.order(intent)
        result = fresh_result(self.table, self.heard.now)
        if result is None or order.operation != "edit" or order.photos != result.pictures or len(order.photos) < 2:
            self.take(order)
            return
        singles = [order.model_copy(update={"photos": (photo,)}) for photo in order.photos]
        labels = [self.words("choice.picture", n=n) for n in range(1, len(singles) + 1)]
        labels.append(self.words("choice.all"))
        choices = tuple(Choice(id=f"reading:{n}", label=label) for n, label in enumerate(labels))
        self.ask("reading", self.words("say.which_picture"), choices, orders=(*singles, spread(order)))

    def order(self, intent: Intent) -> Order:
        """The order of an intent; of several result pictures, the one the words single out."""
        photos = photos_meant(intent, self.heard)
        if len(photos) > 1 and (n := answers.picture_named(self.heard.message.text, len(photos))):
            photos = (photos[n - 1],)
        return order_from(intent, photos, self.language)

    def nothing_asked(self, text: str) -> None:
        """No request: offer the styles where a photo came, else one friendly line."""
        if self.heard.photos:
            if self.table.question is None or self.table.question.kind == "browse" or not text:
                self.offer_groups(photo_came=True)
            else:
                self.say(self.words("say.photo_kept"))
        elif answers.folded(text) in commands.THANKS:
            self.say(self.words("say.thanks"))
        elif self.table == Table(language=self.language):
            self.say(self.words("say.hello"))
        else:
            self.say(self.words("say.small_talk"))

    def which_reading(self, intent: Intent) -> None:
        orders = tuple(
            self.order(i) for i in (intent, *intent.alternatives) if i.operation not in ("none", "command")
        )
        distinct = {describe(o, self.language): o for o in orders}
        if len(distinct) < 2:
            self.take(self.order(intent))
            return
        choices = tuple(Choice(id=f"reading:{n}", label=label) for n, label in enumerate(distinct))
        self.ask("reading", self.words("say.which_reading"), choices, orders=tuple(distinct.values()))

    def ask_back(self, intent: Intent) -> None:
        """The words fit several styles or actions: offer them, remembering everything else that was said."""
        order = self.order(intent)
        first = intent.ask[0]
        key = "say.which_id" if first.startswith("id_photo") else "say.which"
        key = "say.which_dating" if all(k.startswith("dating") for k in intent.ask) else key
        self.ask("style", self.words(key), menus.key_choices(intent.ask, self.language), order=order)

    # --- what was tapped

    def tapped(self, choice: str) -> None:
        """Act on the id of a choice. An id that means nothing any more gets a friendly line, never a job."""
        verb, _, rest = choice.partition(":")
        question = self.table.question
        match verb:
            case "style" if rest in STYLES:
                self.chose_key(rest)
            case "action" if rest in ACTIONS:
                self.chose_key(rest)
            case "group":
                self.offer_group(rest)
            case "groups":
                self.offer_groups(photo_came=False)
            case "edits":
                self.offer_edits()
            case "confirm" if question is not None and question.kind == "confirm" and question.order is not None:
                self.close_question()
                if rest == "yes":
                    self.start(question.order)
                else:
                    self.say(self.words("say.declined"))
            case "reading" if question is not None and rest.isdecimal() and int(rest) < len(question.orders):
                self.close_question()
                self.take(question.orders[int(rest)])
            case "language" | "forget":
                commands.tapped(self, verb, rest)
            case "again" | "retry" | "variations" | "upscale" | "resend" | "cancel":
                commands.on_job(self, verb)
            case _:
                self.say(self.words("say.nothing_open"))

    def chose_key(self, key: str) -> None:
        """A style or an edit was picked: for the order that asked, else for the photos on the table."""
        question = self.table.question
        intent = (
            Intent(operation="portrait", style=key, language=self.language)
            if key in STYLES
            else Intent(operation="edit", action=key, language=self.language)
        )
        base = question.order if question and question.kind == "style" else None
        self.close_question()
        self.take(_fill(base, intent) if base is not None else self.order(intent))

    # --- menus

    def offer_groups(self, *, photo_came: bool) -> None:
        base = self.order(Intent(operation="portrait", style="professional"))
        possible = menus.possible_with(self.desk.quote)
        styles = menus.styles_possible(base, possible)
        edits = bool(menus.actions_possible(base, possible))
        text = self.words("say.groups")
        if photo_came:
            n = len(base.photos)
            text = self.words("say.photos_first", n=n) if n > 1 else self.words("say.photo_first")
        self.ask("browse", text, menus.group_choices(styles, self.language, edits=edits))

    def offer_group(self, group: str) -> None:
        base = self.order(Intent(operation="portrait", style="professional"))
        keys = menus.in_group(menus.styles_possible(base, menus.possible_with(self.desk.quote)), group)
        if not keys:
            self.say(self.words("say.nothing_open"))
            return
        lines = [f"{STYLES[k].name(self.language)}: {STYLES[k].use(self.language)}" for k in keys]
        name = menus.group_name(group, self.language)
        text = "\n".join([self.words("say.styles_of", group=name), *lines])
        self.ask("browse", text, menus.style_choices(keys, self.language))

    def offer_edits(self) -> None:
        base = self.order(Intent(operation="edit", action="edit"))
        keys = menus.actions_possible(base, menus.possible_with(self.desk.quote))
        self.ask("browse", self.words("say.edits"), menus.action_choices(keys, self.language))

    # --- from an order to a job

    def take(self, order: Order) -> None:
        """Ask for what is missing; say what cannot be done; ask where it is dear; otherwise start."""
        order = spread(order)
        if (lacks := missing(order)) is not None:
            self.ask_for(lacks, order)
            return
        try:
            quote = self.desk.quote(order)
        except LikenessError as error:
            if error.code != "no_provider" or len(order.photos) < 2 or order.operation == "series":
                self.say(self.words(error.text_key, **error.params), self.ways_out(order))
                return
            # Nobody here takes several photos at once, but one at a time may work.
            self.take_one_each(order, error)
            return
        if quote.usd > self.desk.confirm_above:
            cost = money(quote.usd, "USD", self.language)
            text = self.words("say.confirm", what=describe(order, self.language), cost=cost, **self._facts(order))
            choices = (
                Choice(id="confirm:yes", label=self.words("choice.yes")),
                Choice(id="confirm:no", label=self.words("choice.no")),
            )
            self.ask("confirm", text, choices, order=order)
            return
        self.start(order)

    def take_one_each(self, order: Order, error: LikenessError) -> None:
        each = one_each(order)
        try:
            self.desk.quote(each)
        except LikenessError:
            self.say(self.words(error.text_key, **error.params), self.ways_out(order))
            return
        self.start(each)

    def ways_out(self, order: Order) -> tuple[Choice, ...]:
        """After a "cannot be done here": what can be, one tap away."""
        if not order.photos:
            return ()
        return (
            Choice(id="groups", label=self.words("choice.more_styles")),
            Choice(id="edits", label=self.words("choice.edits")),
        )

    def ask_for(self, lacks: str, order: Order) -> None:
        match lacks:
            case "photo":
                what = describe(order, self.language)
                self.ask("photo", self.words("say.need_photo", what=what), order=order)
            case "second_photo":
                self.ask("second_photo", self.words("say.need_second_photo"), order=order)
            case "text":
                actions = {e.action for s in order.shots for e in s.edits}
                key = {"replace_bg": "say.need_text_bg", "text_render": "say.need_text_render"}
                text = next((self.words(key[a]) for a in actions if a in key), self.words("say.need_text"))
                self.ask("text", text, order=order)
            case _:
                self.offer_groups(photo_came=True)
                question = self.table.question
                if question is not None:
                    waiting = question.model_copy(update={"kind": "style", "order": order})
                    self.table = self.table.model_copy(update={"question": waiting})

    def start(self, order: Order) -> None:
        """The order becomes a job, and the person reads what was understood."""
        if len(self.heard.running) >= self.desk.max_running:
            self.say(self.words("say.too_many_running", n=len(self.heard.running)))
            return
        try:
            quote = self.desk.quote(order)
        except LikenessError as error:
            self.say(self.words(error.text_key, **error.params), self.ways_out(order))
            return
        message = self.heard.message
        job = Job(
            id=job_id(message.key, len(self.jobs)),
            chat=message.chat,
            order=order,
            created=self.heard.now,
            ref=message.ref,
            estimate_usd=quote.usd,
        )
        self.jobs.append(job)
        self.mark_used(order)
        self.table = self.table.model_copy(update={"last_order": order, "question": None})
        key = "say.understood_free" if quote.basic else "say.understood"
        text = self.words(
            key,
            what=describe(order, self.language),
            time=seconds(quote.seconds, self.language),
            cost=money(quote.usd, "USD", self.language),
            **self._facts(order),
        )
        self.say(text, job=job.id)

    def _facts(self, order: Order) -> dict[str, str]:
        count = self.words("say.many", n=order.count) if order.count > 1 else self.words("say.one")
        return {"count": count, "model": MODELS[order.model].name(self.language)}

    def result(self) -> Job | None:
        """The job a choice speaks of, else this person's last result's."""
        return self.heard.named_job

    def last_order(self) -> Order | None:
        result = fresh_result(self.table, self.heard.now)
        return self.table.last_order or (result.order if result else None)


def _fill(order: Order, intent: Intent) -> Order:
    """An order that waited for its style or action, with it. What else the new words say is added."""
    if intent.operation == "edit":
        filled = order_from(intent, order.photos, order.language)
        old = order.shots[0]
        return filled.model_copy(
            update={
                "model": order.model,
                "aspect_ratio": order.aspect_ratio,
                "shots": (filled.shots[0].model_copy(update={"count": old.count}),),
            }
        )
    old = order.shots[0]
    shot = Shot(
        style=intent.style,
        scene=intent.scene or old.scene or old.prompt,
        prompt=None,
        count=intent.count if intent.count > 1 else old.count,
    )
    return order.model_copy(
        update={
            "operation": "portrait",
            "shots": (shot,),
            "model": intent.model if intent.model != "nanopro" else order.model,
            "aspect_ratio": intent.aspect_ratio or order.aspect_ratio,
        }
    )
