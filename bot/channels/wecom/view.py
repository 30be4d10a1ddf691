"""What a stream shows now, and the JSON of it. Pure.

Source: WeCom documentation 101031 (streams, cards). Each answer holds the whole text so far; pictures only the last
one; a card rides on an answer before the last, once a stream.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.channels.wecom.talk import Answer, Card, Choices, Item, Talk
from handlers.message import Language
from handlers.words import words

MAX_BYTES = 20480
"""Of a stream's or a markdown message's text, in UTF-8."""
MOST_PICTURES = 10
"""In the last answer of a stream."""
MOST_BUTTONS, MOST_OPTIONS = 6, 20
TITLE_CHARACTERS = 26


@dataclass(frozen=True, kw_only=True)
class View:
    """`last`: the stream ends with it, showing `items`. `pictures` are theirs, and only with the last one."""

    text: str
    last: bool = False
    items: tuple[Item, ...] = ()
    pictures: tuple[Path, ...] = ()
    card: Card | None = None


def view(
    talk: Talk, answer: Answer, now: float, *, stream_seconds: float, expecting: float, lively: float, cards: bool
) -> View:
    """What the stream of an answer shows. `cards`: whether a card can go with it."""
    if answer.ended:
        shown = tuple(i for i in talk.of(answer) if i.way == "stream")
        return _last(answer, shown, unfinished=not answer.replied or bool(answer.running(answer.ended)))
    late = now - answer.began >= stream_seconds
    items = talk.of(answer)
    running = answer.running(now)
    replied = bool(answer.replied) and (bool(answer.said) or bool(items) or now - answer.replied >= expecting)
    if late or (replied and not running):
        shown = fitting(items)
        card = None if answer.carded or late or not cards else card_of(talk, answer, items)
        if card is None:
            return _last(answer, shown, unfinished=bool(running) or not replied)
        return View(text=_text(answer, items, ()), card=card)
    status = answer.status or words(answer.language, "wecom.promise")
    since = answer.status_at or answer.began
    if now - since >= lively:  # people see that it is still going on
        status += " " + "·" * (1 + int((now - since) / 3) % 3)
    return View(text=_text(answer, items, (status,)))


def fitting(items: Sequence[Item]) -> tuple[Item, ...]:
    """As many of them as have room for their pictures; the rest comes later."""
    found: list[Item] = []
    for item in items:
        if sum(len(i.pictures) for i in (*found, item)) <= MOST_PICTURES or not found:
            found.append(item)
    return tuple(found)


def _last(answer: Answer, items: tuple[Item, ...], *, unfinished: bool) -> View:
    more = (words(answer.language, "wecom.follows"),) if unfinished else ()
    pictures = tuple(path for item in items for path in item.pictures)[:MOST_PICTURES]
    return View(text=_text(answer, items, more), last=True, items=items, pictures=pictures)


def _text(answer: Answer, items: Sequence[Item], more: Sequence[str]) -> str:
    said = [text for _, text in answer.said]
    text = "\n\n".join(filter(None, (*said, *(item.text for item in items), *more)))
    choices = offered(answer, items)
    if choices and not has_card(choices):
        text = f"{text}\n\n{numbered(choices)}"
    return cut(text or words(answer.language, "wecom.promise"))


def cut(text: str) -> str:
    """The text in the bytes a message may have."""
    data = text.encode()
    return text if len(data) <= MAX_BYTES else data[: MAX_BYTES - 3].decode("utf-8", "ignore") + "…"


# --- choices


def offered(answer: Answer, items: Sequence[Item]) -> Choices:
    """What can be chosen from now: the newest."""
    return next((item.choices for item in reversed(items) if item.choices), answer.choices)


def has_card(choices: Choices) -> bool:
    return 0 < len(choices) <= MOST_OPTIONS


def numbered(choices: Choices) -> str:
    return "\n".join(f"{number}. {label}" for number, (_, label) in enumerate(choices, 1))


def card_of(talk: Talk, answer: Answer, items: Sequence[Item]) -> Card | None:
    """The card of what an answer offers; None if it offers nothing, or more than a card holds."""
    choices = offered(answer, items)
    if not has_card(choices):
        return None
    return new_card(talk, answer.id, answer.language, choices)


def new_card(talk: Talk, name: str, language: Language, choices: Choices) -> Card:
    """A card whose task names its owner, so that nobody else presses it."""
    return Card(task=f"{name}-{mark_of(talk)}", title=words(language, "wecom.choose"), choices=choices)


def mark_of(talk: Talk) -> str:
    """What the task of every card for this person ends with."""
    return hashlib.sha256(f"{talk.chat}\x1f{talk.person}".encode()).hexdigest()[:12]


def card_json(card: Card, *, pressed: str | None = None, language: Language = "zh") -> dict[str, Any]:
    """`pressed`: the id that was just chosen. It is marked; pressing it again does nothing more."""
    labels = {id: f"✓ {label}" if id == pressed else label for id, label in card.choices}
    title = card.title if pressed not in labels else words(language, "wecom.chosen", what=dict(card.choices)[pressed])
    shown: dict[str, Any] = {"main_title": {"title": title[:TITLE_CHARACTERS]}, "task_id": card.task}
    if len(labels) <= MOST_BUTTONS:
        buttons = [
            {"text": label, "style": 1 if n == 0 else 2, "key": id} for n, (id, label) in enumerate(labels.items())
        ]
        return {"card_type": "button_interaction", **shown, "button_list": buttons}
    options = [{"id": id, "text": label, "is_checked": id == pressed} for id, label in labels.items()]
    return {
        "card_type": "vote_interaction",
        **shown,
        "checkbox": {"question_key": "choice", "mode": 0, "option_list": options},
        "submit_button": {"text": words(language, "wecom.submit"), "key": "submit"},
    }


# --- JSON


def stream_json(id: str, text: str, *, last: bool, images: Sequence[bytes] = (), feedback: bool) -> dict[str, Any]:
    """`feedback`: it is the first answer of the stream, which carries the id under which the person rates it."""
    stream: dict[str, Any] = {"id": id, "finish": last, "content": text}
    if images:
        stream["msg_item"] = [
            {
                "msgtype": "image",
                "image": {
                    "base64": base64.b64encode(data).decode(),
                    "md5": hashlib.md5(data, usedforsecurity=False).hexdigest(),
                },
            }
            for data in images
        ]
    if feedback:
        stream["feedback"] = {"id": id}
    return {"msgtype": "stream", "stream": stream}


def with_card(stream: dict[str, Any], card: Card, language: Language) -> dict[str, Any]:
    return {
        "msgtype": "stream_with_template_card",
        "stream": stream["stream"],
        "template_card": card_json(card, language=language),
    }
