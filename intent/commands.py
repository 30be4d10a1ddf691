"""Words to the bot itself: help, styles, cancel, status, usage, again, forget, privacy, start, settings."""

import re

from intent import numbers
from intent.lexicon.patterns import pattern, prefilter, prefiltered
from intent.prefilter import any_of
from intent.scan import Hit, Scan
from intent.styles import negated

_SLASH = {
    "help": "help",
    "menu": "help",
    "start": "start",
    "restart": "start",
    "styles": "styles",
    "style": "styles",
    "cancel": "cancel",
    "stop": "cancel",
    "status": "status",
    "progress": "status",
    "usage": "usage",
    "balance": "usage",
    "credits": "usage",
    "quota": "usage",
    "again": "again",
    "redo": "again",
    "retry": "again",
    "more": "again",
    "forget": "forget",
    "delete": "forget",
    "privacy": "privacy",
    "reset": "start",
    "settings": "settings",
    "setting": "settings",
    "language": "settings",
    "lang": "settings",
}
_STATUS = prefiltered("commands", "status")
_WAITING = prefiltered("commands", "waiting")
_FORGET = prefiltered("commands", "forget")
_NOT_FORGET = prefiltered("commands", "not_forget")
_USAGE = prefiltered("commands", "usage")
_STYLES = prefiltered("commands", "styles")
_SETTINGS = prefiltered("commands", "settings")
_CANCEL_AFTER = pattern("commands", "cancel_after")
_HELP_AFTER = pattern("commands", "help_after")
_OF_OURS = prefiltered("commands", "of_ours")
_USED = prefiltered("commands", "counted")
_CALLED_OFF = prefiltered("commands", "called_off")
"""Somebody tells what was called off, 我取消订单了, or asks how it is done, 怎么取消."""
_GOES_ON = prefiltered("commands", "goes_on")
_PERHAPS = prefiltered("commands", "perhaps")
_IN_PASSING = prefilter(r"\bnot (?:again|yet)\b|\bsee (?:you|u|ya)\b")
_HELP = prefiltered("commands", "help")
_AGAIN = prefiltered("commands", "again")
_SAID = any_of(_FORGET, _USAGE, _STYLES, _SETTINGS, _WAITING)
_SAID_ALONE = any_of(_STATUS, _HELP, _AGAIN)
_ROOM = {
    "forget": 14,
    "privacy": 12,
    "usage": 12,
    "styles": 12,
    "settings": 10,
    "help": 12,
    "status": 10,
    "cancel": 9,
    "again": 7,
    "start": 5,
}
_ORDER = ("forget", "privacy", "usage", "styles", "settings", "help", "status", "cancel", "again", "start")
_PASSES = frozenset(
    {
        "please",
        "opinion",
        "mood",
        "canyou",
        "make",
        "want",
        "me",
        "thispic",
        "pic",
        "then",
        "negation",
        "question",
        "finite",
        "series",
        "remove",
        "past",
    }
)
_HAN = re.compile(r"[\u4e00-\u9fff]")
_LETTER = re.compile(r"[^\W_\u4e00-\u9fff]")
_SMALL = pattern("commands", "small")


def _left(scan: Scan, first: int = 0, last: int | None = None) -> float:
    """How much else is said (in this stretch of the text), in Chinese characters or their like in letters."""
    spans = [(h.start, h.end) for h in scan.kinds.get("command", ())]
    spans += [(h.start, h.end) for h in scan.hits if h.kind == "word" and h.key in _PASSES]
    spans += [(a, b) for a, b, _ in numbers.counts(scan)]
    spans.sort()
    parts, at = [], first
    stop = len(scan.text) if last is None else last
    for start, end in spans:
        if start >= stop:
            break
        if start > at:
            parts.append(scan.text[at:start])
        at = max(at, end)
    parts.append(scan.text[at:stop])
    rest = _SMALL.sub(" ", " ".join(parts))
    return len(_HAN.findall(rest)) + len(_LETTER.findall(rest)) / 3.2


def _asked_of_us(scan: Scan, words: str, room: float = 1.2) -> bool:
    """Whether little else is said, or it is about pictures: 饭做好了吗 and "is dinner ready" ask somebody else."""
    return _left(scan) <= (room if words.isascii() else 0.5) or _ours(scan)


def _ours(scan: Scan) -> bool:
    """Whether it speaks of pictures or of what is done here."""
    return scan.has("pic", "createnoun", "thispic") or "style" in scan.kinds or _OF_OURS.search(scan.text) is not None


def _by_itself(scan: Scan, hit: Hit) -> bool:
    """A short word is a command where hardly anything else is said: 取消, not 会议取消; "again", not "late again"."""
    left = _left(scan)
    latin = scan.text[hit.start].isascii()  # 刚才 is no story: 取消刚才的任务
    if left <= 1.2 and not (latin and scan.has("past", "finite")) and not _IN_PASSING.search(scan.text):
        return True
    a, b = scan.clause_span(scan.clause(hit.start))
    if latin and any(a <= h.start < b for h in scan.words("past", "finite")):
        return False
    return left <= 3.5 and _left(scan, a, b) <= 0.4 and not _IN_PASSING.search(scan.text[a:b])


def slash(text: str) -> str | None:
    """`/start`, `/start@the_bot`, `／help`."""
    if "/" not in text:
        return None
    m = re.match(r"\s*/([a-z]+)(?:@\w+)?(?:\s|$)", text)
    return _SLASH.get(m.group(1)) if m else None


def foreign_slash(text: str) -> bool:
    """Whether it is nothing but a command of somebody else's: `/frobnicate`, `/ban@other_bot`."""
    return slash(text) is None and re.fullmatch(r"\s*/[a-z]\w{0,31}(?:@\w+)?\s*", text) is not None


def perhaps(scan: Scan) -> bool:
    """Whether it is asked or laughed: 能不能取消, "hahaha stop"."""
    return _PERHAPS.search(scan.text) is not None


def goes_on(scan: Scan) -> bool:
    """Whether it is asked not to stop: 别取消, "don't stop"."""
    return _GOES_ON.search(scan.text) is not None


def command(scan: Scan, content: bool) -> tuple[str, float, str] | None:
    """The command, how sure, and the words. `content`: the message also names a picture to make or a change."""
    text = scan.text
    said = scan.kinds.get("command", ())
    if len(text) > 160 or not (said or scan.may & _SAID or (not content and scan.may & _SAID_ALONE)):
        return None
    hits = [h for h in said if not scan.quoted(h) and not (h.key in ("cancel", "start", "help") and negated(scan, h))]
    m = _FORGET.search(text)
    if m and not (kept := _NOT_FORGET.search(text)):
        return "forget", 0.9, m.group()
    if m and kept:
        hits = [h for h in hits if h.key != "forget"]  # 他把我的照片删了: told of somebody, not asked of us
    for key, wanted in (("usage", _USAGE), ("styles", _STYLES), ("settings", _SETTINGS)):
        m = wanted.search(text)
        if (
            m
            and not (content and key == "settings")
            and (key != "usage" or _USED.search(text) or _asked_of_us(scan, m.group(), 0.0))
            and _left(scan) <= 14
        ):
            return key, 0.9, m.group()
    m = _WAITING.search(text)
    if m and _asked_of_us(scan, m.group()) and _left(scan) <= 14:
        return "status", 0.85, m.group()
    if not content:
        for key, wanted in (("status", _STATUS), ("help", _HELP), ("again", _AGAIN)):
            m = wanted.search(text)
            if m and key == "status" and not (_ours(scan) if m.group().isascii() else _asked_of_us(scan, m.group())):
                continue
            if m and _left(scan) <= (
                16 if key == "status" else 11 if key == "help" else 6 if m.group().isascii() else 2
            ):
                return key, 0.9, m.group()
    if not hits:
        return None
    left = _left(scan)
    for key in _ORDER:
        mine = [h for h in hits if h.key == key]
        if not mine or (content and key not in ("forget", "privacy", "usage", "styles")):
            continue
        if key == "cancel":
            mine = [h for h in mine if not text[h.start].isascii() or _CANCEL_AFTER.match(text, h.end)]
            if not mine or _CALLED_OFF.search(text):
                continue
        if key == "help":
            mine = [h for h in mine if not text.endswith("help", 0, h.end) or _HELP_AFTER.match(text, h.end)]
            if not mine:
                continue
        longest = max(mine, key=lambda h: h.end - h.start)
        words = scan.text[longest.start : longest.end]
        strong = len(words) >= (9 if words.isascii() else 3)
        if key == "usage" and not (_USED.search(text) or _asked_of_us(scan, words)):
            continue
        if key == "status":
            if not _asked_of_us(scan, words, 0.7):
                continue
            strong = strong or (words.isascii() and left <= 3.5)
        if left <= _ROOM[key] if strong else _by_itself(scan, longest):
            return key, 0.9 if strong else 0.75, words
    return None
