"""Matching a short answer with what was offered, by number or by name."""

import re
import unicodedata

from handlers.session import Menu, Question
from intent import without_emoji_codes

_NUMERALS = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "十": 10}
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4}


def folded(text: str) -> str:
    """Unify width, case, edges and end punctuation."""
    return unicodedata.normalize("NFKC", text).casefold().strip().strip(".。!！?？,，、~～ ")


def without_signs(text: str) -> str:
    """The folded words alone: without emoji and a platform's emoji codes."""
    return folded("".join(c for c in without_emoji_codes(text) if unicodedata.category(c) not in ("So", "Sk", "Cf")))


_POLITE = re.compile(r"(?: ?(?:please|pls|plz|thanks|thx)|吧|呀|谢谢|，?谢了)$")


def number_in(text: str, most: int) -> int | None:
    """The number a short answer names (`2`, `第二个`, `the second one`, `②`), from 1 to `most`."""
    plain = _POLITE.sub("", folded(text))
    found: int | None = None
    if m := re.fullmatch(r"(?:no\.? ?|number |#|option |i want )?(\d{1,2})", plain):
        found = int(m[1])
    elif m := re.fullmatch(
        r"我?(?:要|选|来)?(?:第)?\s*(\d{1,2}|[一二两三四五六七八九十])\s*(?:个|张|号|种|款|\))?", plain
    ):
        found = _NUMERALS.get(m[1]) or int(m[1])
    elif m := re.fullmatch(r"(?:the )?(\w+)(?: one| picture| photo)?", plain):
        found = _ORDINALS.get(m[1])
    return found if found and 1 <= found <= most else None


def picture_named(text: str, most: int) -> int | None:
    """Which of several pictures the text singles out (`第二张亮一点`, `make the 2nd one brighter`), from 1."""
    plain = folded(text)
    if m := re.search(r"第\s*([一二三四五六七八]|\d)\s*[张幅个]", plain):
        n = _NUMERALS.get(m[1]) or int(m[1])
    elif m := re.search(
        r"\b(first|second|third|fourth|fifth|1st|2nd|3rd|4th)\b (?:one|picture|photo|image|pic)\b", plain
    ):
        n = _ORDINALS[m[1]]
    elif m := re.search(r"(?:#|number |picture |photo |no\. ?)(\d)\b", plain):
        n = int(m[1])
    else:
        return None
    return n if 1 <= n <= most else None


_LOOK = re.compile(
    r"第\s*([一二两三四五六七八]|\d)\s*[张幅个](?:图片?|照片)?的?(?:画风|风格|样子|感觉)|"
    r"\b(?:style|look|manner) of (?:the )?(first|second|third|fourth|1st|2nd|3rd|4th)\b|"
    r"\b(first|second|third|fourth|1st|2nd|3rd|4th)(?: one| picture| photo| image)?'?s? (?:style|look)\b"
)


def look_named(text: str, most: int) -> int | None:
    """Which of several pictures the text names as the style source (用第一张的画风画第二张), from 1."""
    m = _LOOK.search(folded(text))
    if m is None:
        return None
    n = _NUMERALS.get(m[1]) or int(m[1]) if m[1] else _ORDINALS[m[2] or m[3]]
    return n if 1 <= n <= most else None


_PRICE = re.compile(
    r"\bhow much (?:is|for|does|do|would|will|to)\b|\bwhat(?:'s| is| does| would| will)\b.{0,20}\b(?:price|cost)\b|"
    r"\bis (?:it|this|that) free\b|多少钱|几块钱|怎么收费|收费吗|贵吗|要钱吗|免费吗|什么价"
)


def asks_price(text: str) -> bool:
    """Whether the text asks for a price rather than for a picture."""
    return _PRICE.search(folded(text)) is not None


_ONLY_ASKS_FOR_TEXT = re.compile(
    r"(?:请|帮我|给我|在|往|把|图片?|照片|这张|那张|上面?|里面?|中|加上?|写上?|添加?|打上?|放上?|点|一?些|几个|一?[行段句]|文字|字幕|字|吧|一下"
    r"|\b(?:add|put|write|some|text|words?|caption|a|an|on|in|it|the|picture|photo|image|please|pls|to|my|this|can|you)\b"
    r"|[\s,，。.!！?？])+"
)


def names_no_letters(prompt: str) -> bool:
    """Whether a request to put text on a picture does not say which text (`在图上加文字`, `add some text to it`)."""
    return _ONLY_ASKS_FOR_TEXT.fullmatch(folded(prompt)) is not None


def named(offer: Question | Menu, text: str) -> str | None:
    """The id of the offered choice with exactly this name (with or without its number) or this key."""
    plain = re.sub(r"^\d{1,2}[.、)] *(?=\D)", "", folded(text))
    for option, label in zip(offer.options, offer.labels, strict=False):
        if plain in (folded(label), option) or (plain == option.partition(":")[2] and not plain.isdecimal()):
            return option
    return None


def answer(question: Question, text: str) -> str | None:
    """The id of the offered choice that the text picks, or None if it picks none or more than one."""
    if not question.options:
        return None
    if (n := number_in(text, len(question.options))) is not None:
        return question.options[n - 1]
    return named(question, text) or _by_name(question, folded(text))


_FILLERS = re.compile(
    r"\b(?:the|a|an|one|please|pls|plz|i|want|take|with|style|photo|picture|option|go|for|it|let's|prefer|would|like)\b"
    r"|我?想?要|选|那个|那种|这个|这种|的|吧|呢|啊|哦|就|来|请|风格|色|底|款|版|照片?|背景"
)


def _by_name(question: Question, plain: str) -> str | None:
    """`海边` picks `海边约会` out of four dating styles: every word belongs to that one name only."""
    said = [word for word in re.split(r"[\s,，、]+", _FILLERS.sub(" ", plain)) if word]
    if not said:
        return None
    names = [folded(label) for label in question.labels]
    fitting = [n for n, name in enumerate(names) if all(_in(word, name) for word in said)]
    return question.options[fitting[0]] if len(fitting) == 1 else None


def _in(word: str, name: str) -> bool:
    """Latin words as whole words, Chinese ones as they stand."""
    if word.isascii():
        return re.search(rf"\b{re.escape(word)}\b", name) is not None
    return word in name
