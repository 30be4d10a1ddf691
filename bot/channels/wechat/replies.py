"""Passive replies: what the answer to a push may hold, rendered by wechatpy; no content can break out of the XML."""

import re
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict
from wechatpy.replies import ArticlesReply, ImageReply, TextReply

NOTHING = "success"
"""Acknowledges without a reply."""

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Answer(BaseModel):
    """One passive reply: text, a picture by its media id, or a card that opens `url`. All empty: nothing is said.

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
    """Who a reply goes to, from which account, and as of when, so that every attempt gets the same bytes."""

    openid: str
    account: str
    at: int


def clean(text: str) -> str:
    """Text that stays inside its CDATA section and consists of XML 1.0 characters."""
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
