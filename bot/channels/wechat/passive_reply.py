"""What a push is answered with. Pure: facts come in, a reply comes out; `answering` looks things up and sends it.

push ─▶ meaning: nothing · a fixed sentence · a picture asked for by its number · a message for the handlers
     ─▶ said: the handlers' replies with numbers, what is foreseen, or a promise
     ─▶ reply: with what waited for this person to write, as far as one passive reply holds it
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.channels.wechat.events import Event
from bot.channels.wechat.replies import SILENCE, Answer
from bot.customer_messages.follower import Answered, Follower, Pending
from bot.customer_messages.lists import fitting, numbered
from bot.customer_messages.media import ALL
from bot.customer_messages.sender import CLAIM_SECONDS, card_title, shown_choices, shows
from bot.result_pages.pages import Page
from handlers.message import Choice, Language, Outgoing
from handlers.words import words

SAY = "say:"
"""A number, a menu key or a scanned parameter that stands for words."""
SHOW = "show:"
"""A number under a collage: that picture by itself."""
ASK_AGAIN = f"{SAY}进度"
"""What "1" means on an account that cannot send first: how far is it?"""
ANSWERS_KEPT = 4


# --- what a push means


@dataclass(frozen=True, kw_only=True, slots=True)
class ForHandlers:
    """A message for the handlers: words, a choice, what brought the person here; or, all empty, a photo."""

    text: str = ""
    choice: str | None = None
    came_by: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ShowPicture:
    """A picture of a result page, by its number from 1."""

    page: str
    number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Sentence:
    """A sentence of the channel's own, by its key."""

    key: str


Meaning = ForHandlers | ShowPicture | Sentence | None


def meaning(event: Event, picked: str | None) -> Meaning:
    """None: nothing is answered. `picked`: what the typed number stands for, if the text is one."""
    if event.sort in ("voice", "unsupported"):
        return Sentence(key=f"wechat.{event.sort}")
    chosen = picked or event.tapped
    if chosen.startswith(SHOW):
        _, page, number = chosen.split(":", 2)
        return ShowPicture(page=page, number=int(number))
    if event.sort == "photo":
        return ForHandlers()
    if event.sort in ("follow", "scan") and not chosen.startswith(SAY):
        return ForHandlers(came_by=chosen)
    if chosen.startswith(SAY):
        text, choice = chosen.removeprefix(SAY), None
    elif chosen:
        text, choice = "", chosen
    else:
        text, choice = event.text, None
    if text or choice:
        return ForHandlers(text=text, choice=choice)
    return Sentence(key="wechat.unsupported") if event.sort == "text" else None  # as of some stickers


# --- what the push itself is answered


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a push itself is answered. `offered`: what its numbers mean (None: as before). `substantial`: more than
    small talk, so that a waiting result does not take its place. `language`: the person's, if known."""

    answer: Answer
    offered: tuple[str, ...] | None = None
    substantial: bool = False
    language: Language | None = None


NOTHING_SAID = Said(answer=SILENCE)


def sentence(key: str, language: Language) -> Said:
    return Said(answer=Answer(text=words(language, key)))


def printed(event: Event, replies: Sequence[Outgoing], *, customer: bool, just_listed: tuple[str, ...] = ()) -> Said:
    """The replies as one text with numbers. `just_listed`: the choices printed a moment ago; for photos sent in a row
    the same list is printed once."""
    texts: list[str] = []
    offered: tuple[str, ...] = ()
    language = replies[0].language if replies else "zh"
    if event.sort == "follow":
        texts.append(words(language, "say.hello"))
    for outgoing in replies:
        choices = shown_choices(outgoing.choices)
        if choices:
            offered = tuple(c.id for c in choices)
            again = event.sort == "photo" and offered == just_listed
            texts.append(outgoing.text if again else numbered(outgoing.text, choices))
        else:
            texts.append(outgoing.text)
    begun = any(outgoing.begins for outgoing in replies)
    waits = begun or any(o.choices and not shown_choices(o.choices) for o in replies)
    if offered:
        texts.append(words(language, "wechat.reply_number"))
    elif waits and not customer:
        texts.append(words(language, "wechat.ask_again"))
        offered = (ASK_AGAIN,)
    elif begun:
        texts.append(words(language, "wechat.meanwhile"))
    substantial = event.sort == "photo" or bool(offered and offered != (ASK_AGAIN,)) or any(o.job for o in replies)
    text = "\n".join(t for t in texts if t)
    return Said(answer=Answer(text=text), offered=offered, substantial=substantial, language=language)


def promised(language: Language, *, customer: bool) -> Said:
    """If nothing is known in time."""
    text = words(language, "wechat.promise")
    if customer:
        return Said(answer=Answer(text=text), offered=(), substantial=True)
    text = "\n".join([text, words(language, "wechat.ask_again")])
    return Said(answer=Answer(text=text), offered=(ASK_AGAIN,), substantial=True)


def as_picture(page_id: str, page: Page, media_id: str | None, link: str | None) -> Answer:
    """A picture in the answer itself; if it could not be uploaded, a card that opens its page."""
    if media_id is not None:
        return Answer(media_id=media_id, page=page_id)
    if link is None:
        return Answer(text=words(page.language, "error.delivery_later"))
    return Answer(title=card_title(page), text=page.text, cover=f"{link}/cover.jpg", url=link, page=page_id)


# --- with what waited


@dataclass(frozen=True, kw_only=True)
class Result:
    """The page of a result that waited. `receipt`: the text shown with it; `together`: in one."""

    id: str
    page: Page
    link: str | None
    receipt: str

    @property
    def which(self) -> str:
        return "1" if len(self.page.pictures) == 1 else ALL


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything a reply is made of. `waited`: what the person's record holds, of which `results` still exist, by their
    id. `picture`: the answer that shows the one `wanted`, once it is ready."""

    event: Event
    said: Said
    follower: Follower
    waited: tuple[Pending, ...] = ()
    results: Mapping[str, Result]
    picture: Answer | None = None

    def with_picture(self, picture: Answer) -> "Facts":
        return replace(self, picture=picture)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """`answer` is sent; `taken` of what waited is in it. `waiting`: text it has no room for, for the next time; `rest`:
    text that follows as a message. `offered`: what numbers mean now (None: as before)."""

    answer: Answer
    language: Language
    offered: tuple[str, ...] | None = None
    taken: tuple[Pending, ...] = ()
    waiting: str = ""
    rest: str = ""

    def noted(self, key: str, record: Follower) -> Follower:
        """The person's record with this reply handed out: what it took is removed."""
        held = tuple(h for h in record.held if h not in self.taken)
        if self.waiting:
            held = (*held, Pending(id=f"waiting:{key}", text=self.waiting))
        answered = (*record.answered, Answered(key=key, answer=self.answer.model_dump_json()))[-ANSWERS_KEPT:]
        means = record.offered if self.offered is None else self.offered
        changes = {"held": held, "answered": answered, "offered": means, "language": self.language}
        return record.model_copy(update=changes)


def taken_now(follower: Follower, now: float, *, results: bool) -> tuple[Pending, ...]:
    """What waits and goes into this answer: all text, and the `results` that no sender has begun with."""
    return tuple(h for h in follower.held if not h.page or (results and now - h.claimed >= CLAIM_SECONDS))


def alone(said: Said, follower: Follower) -> Reply:
    """The answer by itself: nothing waited."""
    answer, rest = said.answer, ""
    if answer.text and not answer.url:
        head, rest = fitting(answer.text)
        answer = answer.model_copy(update={"text": head})
    return Reply(answer=answer, language=said.language or follower.language, offered=said.offered, rest=rest)


def wanted(facts: Facts) -> Result | None:
    """The result whose picture is to be the answer: a picture carries no text, so only beside small talk."""
    if facts.said.substantial or facts.said.answer.media_id:
        return None
    return next((facts.results[h.id] for h in facts.waited if h.id in facts.results), None)


def reply(facts: Facts) -> Reply:
    """The answer with what waited."""
    said, waited = facts.said, facts.waited
    language = said.language or facts.follower.language
    numbers = not said.offered and not any(h.page for h in waited)
    lines, meant = _in_words(waited, language, numbers=numbers)
    shown = _shown(facts, lines, language)
    if shown is not None:
        return shown
    for held in waited:
        result = facts.results.get(held.id)
        if result is not None and result.link:
            n = len(result.page.pictures)
            lines.append(words(result.page.language, "wechat.ready", n=n, url=result.link))
    if said.answer.media_id or said.answer.url:
        answer, waiting = said.answer, "\n".join(lines)
    else:
        head, waiting = fitting("\n".join([*lines, said.answer.text]))
        answer = Answer(text=head)
    offered = meant or said.offered
    return Reply(answer=answer, language=language, offered=offered, taken=waited, waiting=waiting)


def _shown(facts: Facts, lines: list[str], language: Language) -> Reply | None:
    """The reply that is a picture or its card, if it can be one."""
    result = wanted(facts)
    if result is None or facts.picture is None:
        return None
    others = tuple(h for h in facts.waited if h.id in facts.results and facts.results[h.id] is not result)
    if not facts.picture.media_id and others:
        return None
    if facts.picture.media_id:
        lines = [*lines, result.receipt]
    taken = tuple(h for h in facts.waited if h not in others)
    several = len(result.page.pictures) > 1
    offered = shows(result.id, result.page) if several or not others else (ASK_AGAIN,)
    return Reply(answer=facts.picture, language=language, offered=offered, taken=taken, waiting="\n".join(lines))


def _in_words(taken: Sequence[Pending], language: Language, *, numbers: bool) -> tuple[list[str], tuple[str, ...]]:
    """The text that waited, one list in it numbered, and what its numbers mean. Not `numbers`: the answer has a list of
    its own."""
    listed = [h for h in taken if h.text and h.choices]
    chosen = listed[-1] if listed and numbers else None
    lines = []
    for held in taken:
        if held is chosen:
            text = numbered(held.text, tuple(Choice(id=i, label=label) for i, label in held.choices))
            lines.append("\n".join([text, words(language, "wechat.reply_number")]))
        elif held.text:
            lines.append(held.text)
    return lines, tuple(i for i, _ in chosen.choices) if chosen else ()
