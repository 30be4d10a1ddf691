"""The letters that are to be written on a picture, kept letter for letter, with place, colour and size."""

import re

from intent.parameter_words import HEX, LONGEST, ParameterWords, tables
from intent.parameters import Colour, Lettering

_QUOTES = (
    ("“", "”"),
    ("「", "」"),
    ("『", "』"),
    ("《", "》"),
    ("«", "»"),
    ("‘", "’"),
    ('"', '"'),
    ("＂", "＂"),
    ("`", "`"),
)
_SINGLE = re.compile(r"(?<!\w)'(.+?)'(?!\w)", re.DOTALL)
_INSTEAD = re.compile(r"改成|改为|换成|换为|变成|替换成|替换为|\bto\b|\bwith\b|\binto\b|->|→")
_CHANGED = re.compile(
    r"(?:把|将)?(?:上面|图里|图上|里面|海报上|照片上)?的?(?P<old>[^\s,，。把将]{1,24}?)(?:改|换|变)(?:成|为)(?P<new>.+)$|"
    r"\b(?:change|replace|swap|turn)\s+(?:the (?:text|word|words|year|date|name|price|title)\s+)?"
    r"(?P<old_en>.{1,40}?)\s+(?:to|with|into|for)\s+(?P<new_en>.+)$",
    re.IGNORECASE,
)
_NAMELESS = re.compile(r"^(?:文字|字|标题|内容|日期|价格|名字|the )?$", re.IGNORECASE)
_TAIL = re.compile(
    r"(?:[,，]\s*|\s+|^|(?<=[\u3400-\u9fff。！!]))"
    r"((?:放)?在(?:图片|照片|图|画面)?的?.{1,6}|(?:in|at|on|to)\s+(?:the\s+)?[a-z\- ]+|"
    r"(?:用|要)?.{1,4}色(?:的)?(?:字|字体)?)\s*[。.!！]*$",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(r"^\s*[:：,，]?\s*")


def lettering_in(text: str) -> Lettering | None:
    """In quotes of any kind, else after a word like "add the text" or 加上文字, else the words as a whole; None where
    there are none. Of two quotes with "to" or 改成 between them the first is replaced by the second."""
    text = text[:LONGEST]
    replaced, letters, around = _quoted(text)
    if letters is None and (m := _CHANGED.search(text)):
        old, new = m.group("old") or m.group("old_en") or "", m.group("new") or m.group("new_en")
        if not any(word in old.casefold() for word in ("字体", "font", "colour", "color")):
            letters, tail = _without_place(new)
            replaced = None if _NAMELESS.match(old.strip()) else old.strip()
            around = f"{text[: m.start()]} {tail}"
    if letters is None:
        letters, around = _after_lead(text)
    letters = letters.strip()
    if not letters:
        return None
    manner = ParameterWords(around)
    size = manner.first("sizes")
    return Lettering(
        text=letters,
        replaces=replaced,
        position=manner.first("positions"),
        colour=_colour(manner),
        size="large" if size == "large" else "small" if size == "small" else None,
        vertical=manner.first("text_directions") is not None,
    )


def _colour(found: ParameterWords) -> Colour | None:
    named = [(w.start, w.key.lstrip("#")) for w in found.words("colours")]
    named += [(m.start(), m.group(1)) for m in HEX.finditer(found.text)]
    if not named:
        return None
    digits = min(named)[1]
    digits = digits if len(digits) == 6 else "".join(c + c for c in digits)
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def _quoted(text: str) -> tuple[str | None, str | None, str]:
    """(what is replaced, what stands in quotes, the rest). An apostrophe inside a word is no quote."""
    for opening, closing in _QUOTES:
        start = text.find(opening)
        if start < 0:
            continue
        end = _end(text, start, opening, closing)
        if end < 0 or not text[start + 1 : end].strip():
            continue
        return _one_or_two(text, (start, end), opening, closing)
    singles = list(_SINGLE.finditer(text))
    if singles:
        first = singles[0]
        if len(singles) > 1 and _INSTEAD.search(text[first.end() : singles[1].start()].lower()):
            new = singles[1]
            return first.group(1), new.group(1), f"{text[: first.start()]} {text[new.end() :]}"
        whole = re.search(r"(?<!\w)'(.+)'(?!\w)", text, re.DOTALL) or first
        return None, whole.group(1), f"{text[: whole.start()]} {text[whole.end() :]}"
    return None, None, text


def _end(text: str, start: int, opening: str, closing: str) -> int:
    """Where the quotes end: the next closing mark, but the last one where quotes lie inside quotes."""
    if opening == closing:
        return text.find(closing, start + 1)
    depth = 0
    for i in range(start, len(text)):
        depth += text[i] == opening
        depth -= text[i] == closing
        if depth == 0:
            return i
    return text.rfind(closing)


def _one_or_two(text: str, first: tuple[int, int], opening: str, closing: str) -> tuple[str | None, str, str]:
    start, end = first
    second = text.find(opening, end + 1)
    if second > 0 and _INSTEAD.search(text[end + 1 : second].lower()):
        stop = _end(text, second, opening, closing)
        if stop > second + 1 and text[second + 1 : stop].strip():
            return text[start + 1 : end], text[second + 1 : stop], f"{text[:start]} {text[stop + 1 :]}"
    return None, text[start + 1 : end], f"{text[:start]} {text[end + 1 :]}"


def _after_lead(text: str) -> tuple[str, str]:
    """What follows "add the text", and the rest."""
    best: tuple[int, int] | None = None
    lowered = text.lower()
    for words in tables()["text_leads"].values():
        for word in words:
            at = _place(lowered, word)
            if at is not None and (best is None or (at[0], -at[1]) < (best[0], -best[1])):
                best = at
    if best is None:
        return _without_place(text)
    letters, tail = _without_place(_SEPARATOR.sub("", text[best[1] :]))
    return letters, f"{text[: best[0]]} {tail}"


def _place(text: str, word: str) -> tuple[int, int] | None:
    if not word.isascii():
        at = text.find(word)
        return (at, at + len(word)) if at >= 0 else None
    m = re.search(rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])", text)
    return m.span() if m else None


def _without_place(letters: str) -> tuple[str, str]:
    """(letters, the words on place and colour that end them): "Hello at the top" is Hello."""
    tail = ""
    while match := _TAIL.search(letters):
        said = match.group(1)
        found = ParameterWords(said)
        if not (found.words("positions") or found.words("colours")) or match.start() == 0:
            break
        tail, letters = f"{said} {tail}", letters[: match.start()].rstrip(" ,，")
    return letters, tail
