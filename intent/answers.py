"""Short answers to a question of the bot, above all to "Shall I start?": yes, no, or the same with another number."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from intent.emoji_codes import without_emoji_codes
from intent.lexicon.loader import split_phrases
from intent.normalize import normalize
from intent.numbers import MOST, value_of

_SIGNS = (
    ("yes", re.compile(r"(?:[👍👌✅🆗✔☑🙆💪🫡🤝]|/:(?:strong|ok)|[\[［](?:强|ok|好的|赞|点赞|thumbsup)[\]］])+", re.I)),
    ("no", re.compile(r"(?:[👎❌🚫✖🙅]|/:(?:weak|no)|[\[［](?:弱|no|thumbsdown)[\]］])+", re.I)),
)
_UNSEEN = re.compile(r"[\U0001f3fb-\U0001f3ff\ufe0f\u200d\s]+")
_EDGES = re.compile(r"^[\s.!?,;~…]+|[\s.!?,;~…]+$|[\U0001f300-\U0001faff\u2600-\u27bf]+")
_POLITE_END = re.compile(r"(?: +(?:please|pls|thanks|thx|thank you)| *谢谢你?|吧|呀|啊|哈|哦|喔|啦|的话)$")
_POLITE_START = re.compile(r"^(?:ok|okay|yes|好的?|嗯+)[, ]+(?=\S)")
_LONGEST = 40
_NUMBER = (
    r"(\d{1,3}|[一二两三四五六七八九十俩仨]|"
    r"one|two|three|four|five|six|seven|eight|a couple|a few|a dozen|an? single|single)"
)
_PICTURES = (
    r"(?: ?[张个幅款版份]|(?: of (?:them|those|these|it))?(?: (?:pictures?|photos?|pics?|images?|versions?|ones?))?)?"
)
_COUNT = re.compile(
    r"(?:(?:no|ok(?:ay)?|yes|hmm|actually|maybe|please|then|but|不|好|嗯|那|还是|先|那就|就)[, ]*)*"
    r"(?:make (?:it|that|them)|do|just|only|i(?:'ll| will)? (?:want|need|take)|i only (?:want|need)|give me|let's do|"
    r"lets do|change (?:it|that) to|我?只?要|只|来|做|改成|改为|换成|给我|弄|出|先做|先来|就要|就做|减到|加到)* ?"
    rf"{_NUMBER}{_PICTURES}"
    r"(?: ?(?:instead|please|pls|only|then|thanks|will do|is enough|are enough|is fine|enough|"
    r"就行|就好|就够了?|就可以|够了|吧|即可|好了|行了))*"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """`count`: the same order with that many pictures, 1 to 8. `count_said`: the number named, where that is more."""

    kind: Literal["yes", "no", "count"]
    count: int | None = None
    count_said: int | None = None


@cache
def _phrases() -> dict[str, Literal["yes", "no"]]:
    tables = tomllib.loads(files("intent.lexicon").joinpath("answers.toml").read_text("utf-8"))
    out: dict[str, Literal["yes", "no"]] = {}
    for kind in ("yes", "no"):
        for language, words in tables[kind].items():
            out.update(dict.fromkeys(split_phrases(words, language), kind))
    return out


def read_answer(text: str) -> Answer | None:
    """What a short message answers; None where it is a message of its own.

    A bare number is none: it may be the number of an offered choice.
    """
    said = text.strip()
    if len(said) > _LONGEST:
        return None
    bare = _UNSEEN.sub("", said)
    for kind, signs in _SIGNS:
        if signs.fullmatch(bare):
            return Answer(kind="yes" if kind == "yes" else "no")
    plain = _EDGES.sub("", normalize(without_emoji_codes(said)).text)
    without_end = _POLITE_END.sub("", plain)
    for words in (plain, without_end, _POLITE_START.sub("", plain), _POLITE_START.sub("", without_end)):
        if (answer := _phrases().get(words)) is not None:
            return Answer(kind=answer)
    if (m := _COUNT.fullmatch(plain)) and m.group(1) != plain:
        named = value_of(m.group(1))
        return Answer(kind="count", count=max(1, min(MOST, named)), count_said=named if named > MOST else None)
    return None
