"""Passive replies: what the answer to a push may hold, rendered by wechatpy; nothing in it can break out."""

import re
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict
from wechatpy.replies import ArticlesReply, ImageReply, TextReply

from handlers.message import Choice

MAX_BYTES = 2048
"""Of a text, in UTF-8; what running accounts found, the documentation is silent."""
NOTHING = "success"
"""Acknowledges without a reply."""

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Answer(BaseModel):
    """One passive reply: words, a picture by its media id, or a card that opens `url`. All empty: nothing is said.

    `page`: the result page whose picture or card it is.
    """

    model_config = ConfigDict(frozen=True)

    text: str = ""
    media_id: str = ""
    title: str = ""
    cover: str = ""
    url: str = ""
    page: str = ""


SILENCE = Answer()


@dataclass(frozen=True, kw_only=True, slots=True)
class Ends:
    """Who a reply goes to, from which account, and as of when: the same reply for every try is the same to the byte."""

    openid: str
    account: str
    at: int


def clean(text: str) -> str:
    """Words that stay inside their CDATA section and are characters of XML 1.0."""
    return _NOT_XML.sub("", text).replace("]]>", "]]\u200b>")


def render(answer: Answer, ends: Ends) -> str:
    """The XML of an answer, or `success`."""
    to = {"source": ends.account, "target": ends.openid, "time": ends.at}
    if answer.media_id:
        reply = ImageReply(media_id=clean(answer.media_id), **to)
    elif answer.url:
        reply = ArticlesReply(**to)
        article = {"title": answer.title, "description": answer.text, "image": answer.cover, "url": answer.url}
        reply.add_article({key: clean(value) for key, value in article.items()})
    elif answer.text.strip():
        reply = TextReply(content=clean(answer.text), **to)
    else:
        return NOTHING
    return str(reply.render())


def numbered(text: str, choices: tuple[Choice, ...]) -> str:
    """The words with the choices as a list to answer by number.

    Where the words already hold a line for each choice (`油画：…`), those lines get the numbers.
    """
    lines = text.split("\n")
    places = [_line_of(choice.label, lines) for choice in choices]
    if choices and all(place is not None for place in places) and len(set(places)) == len(places):
        for number, place in enumerate(places, 1):
            assert place is not None  # noqa: S101 - just checked
            lines[place] = f"{number}. {lines[place]}"
        return "\n".join(lines)
    return "\n".join([text, *(f"{number}. {choice.label}" for number, choice in enumerate(choices, 1))])


def _line_of(label: str, lines: list[str]) -> int | None:
    for place, line in enumerate(lines):
        if line == label or line.startswith((f"{label}:", f"{label}：")):
            return place
    return None


def fitting(text: str, limit: int = MAX_BYTES) -> tuple[str, str]:
    """The text in two: what fits into one message, cut at a line where there is one, and the rest."""
    if len(text.encode()) <= limit:
        return text, ""
    head = text.encode()[:limit].decode("utf-8", "ignore")
    at = head.rfind("\n")
    cut = at if at > len(head) // 2 else len(head)
    return text[:cut].rstrip(), text[cut:].lstrip()
