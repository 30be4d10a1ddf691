"""What people bring along from other bots and clients, and what is no part of a wish.

`/imagine a red fox --ar 16:9 --v 6`, `**anime**`, `<b>anime</b>`, the address of a page. It is left out before anything
is read; a ratio given so is left standing by itself. Words that are to be written on a picture keep everything.
"""

import re

_MAY = re.compile(r"[/*_~`<]|--|—|https?:|prompt", re.IGNORECASE)
_COMMAND = re.compile(
    r"^\s*/(?:(imagine|draw|generate|paint|画|生成)|dream|gen|img|image|mj|sd|绘画|绘图|作图)(?:@\w+)?[\s:：]+",
    re.IGNORECASE,
)
"""Those that are a word for drawing stay that."""
_FIELD = re.compile(r"^\s*(?:(imagine|draw)\s+)?prompt\s*[:：]\s*", re.IGNORECASE)
_RATIO = re.compile(r"(?<!\S)(?:--|—)(?:ar|aspect)[\s=]+(?=\d)", re.IGNORECASE)
_NOT = re.compile(r"(?<!\S)(?:--|—)(?=no\s)", re.IGNORECASE)
_FLAG = re.compile(
    r"(?<!\S)(?:--|—)(?:v|version|q|quality|s|stylize|style|c|chaos|w|weird|seed|stop|iw|cw|cref|sref|niji|tile|fast|relax|"
    r"turbo|steps|cfg|sampler|hd|raw|p|profile|repeat|r|uplight|upbeta|test|testp|creative)"
    r"(?:[\s=]+(?!--|—)[\w.:/-]*\d[\w.:/-]*|[\s=]+(?:raw|expressive|cute|scenic|original))?(?!\S)",
    re.IGNORECASE,
)
_TAG = re.compile(r"</?(?:b|i|u|s|em|strong|code|pre|p|br|span|div|a|h[1-6])(?:\s[^<>]{0,200})?/?>", re.IGNORECASE)
_MARK = re.compile(r"\*{2,3}|(?<![\w*])\*(?=\S)|(?<=\S)\*(?![\w*])|(?<!\w)_{2}(?=\S)|(?<=\S)_{2}(?!\w)|~~|`{1,3}")
"""A star between two numbers is a size (16*9)."""
_ADDRESS = re.compile(r"(?<!\S)https?://\S+")
_LETTERS = re.compile(r"\b(?:text|write|writing|caption|letters?|words?|says?|qr)\b|文字|写|字|二维码", re.IGNORECASE)


def _verb(m: re.Match[str]) -> str:
    """The word for drawing, with what parts it from the rest."""
    return f"{m.group(1)} " if m.group(1) else ""


def without_foreign_marks(raw: str) -> str:
    """`raw` without them: characters are left out, none is added or changed."""
    if not _MAY.search(raw):
        return raw
    said = _FIELD.sub(_verb, _COMMAND.sub(_verb, raw))
    if _LETTERS.search(said):
        return said
    for pattern in (_ADDRESS, _RATIO, _NOT, _FLAG, _TAG, _MARK):
        said = pattern.sub("", said)
    return said
