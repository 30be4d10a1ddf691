"""Whether a message only says something: its telling weighed against its asking."""

from itertools import pairwise

from intent.edits import Act
from intent.own import own_change
from intent.patterns import gate
from intent.reading import Reading
from intent.roles import OF_EN, OF_SELF
from intent.scan import Scan
from intent.speech import asks, tells
from intent.styles import Found

_PROBLEM = frozenset({"upscale", "enhance", "restore", "extend", "retouch", "slim", "replace_bg"})
_SENTENCE = gate(r"[.!?\n]+(?!\d)|\band (?=(?:i|we) (?:want|need|would)\b)|\bso (?=can|could|please|i want)")


def told_where_asked(scan: Scan, asked: str | None) -> float:
    """How far the sentence that asks tells something, where one of several sentences asks: the others are the story."""
    text = scan.text[:800]
    edges = [0, *(m.end() for m in _SENTENCE.finditer(text)), len(text)]
    spans = [(a, b) for a, b in pairwise(edges) if any(ch.isalnum() for ch in text[a:b])]
    if not text.isascii() and len(spans) < 2:
        edges = [0, *scan.cuts[:12], len(text)]
        spans = list(pairwise(edges))
    least = 99.0
    if len(spans) < 2 or not (asked or scan.photos):
        return least
    for a, b in spans[:8]:
        part = Scan(text[a:b].strip(" ,"), scan.photos)
        if asks(part) or (scan.photos and OF_SELF.match(part.text)):
            least = min(least, tells(part)[0])
    return least


def only_said(
    r: Reading,
    found: Found,
    acts: list[Act],
    top: float,
    strongest: float,
    asked: str | None,
    told: float,
    custom: bool,
    drawn: float,
) -> bool:
    """Whether the message only says something."""
    scan, c = r.scan, r.c
    domain = top > 0.3 or bool(found.ask) or strongest > 0
    for_us = 0.0
    if asked:
        for_us += 3.0
        if scan.has("nonpic") and not (found.named or found.ask or strongest >= 3 or drawn >= 2 or scan.has("pic")):
            for_us -= 3.5
        else:
            told *= 0.7
    if c.chosen:
        for_us += 1.2 if domain or custom else 0.4
    if found.ask or found.named:
        for_us += 1.5
    elif top > 0:
        for_us += 0.8
    if strongest >= 2.5:
        for_us += 1.5 if asked or scan.photos else 1.0
    elif strongest:
        for_us += 0.5
    if scan.photos and found.strong and not scan.text.isascii() and scan.has("me", "relative"):
        for_us += 0.5
    if scan.photos:
        for_us += 0.4 if scan.has("past") else 0.8
        if any(a.key in _PROBLEM for a in acts):
            for_us += 1.0
    if custom:
        for_us += 1.5
    if drawn >= 1.5:
        for_us += min(drawn, 3.5) * 0.7
    size = len(scan.text)
    if scan.photos and OF_EN.search(scan.text):
        for_us += 1.0
    if told < 0.7 and domain and (size <= 8 if not scan.text.isascii() else size <= 24):
        for_us += 1.0
    if not domain and not custom and drawn < 1.5:
        changing = scan.has("change", "remove", "add") or "把" in scan.text
        if scan.photos and told < 1.0 and (scan.has("pic", "me", "relative", "bg") or asked or changing):
            return False
        if scan.photos and told < 0.3 and _says_enough(scan):
            return False
        if scan.photos and told < 1.0 and own_change(scan):
            return False
        if not (scan.photos and (asked or changing)) and not (
            asked and scan.has("pic", "me") and scan.has("make", "want", "pic") and told < 1
        ):
            return True
    r.note("weigh", f"asking {for_us:.1f} against telling {told:.1f}")
    return told >= for_us


def _says_enough(scan: Scan) -> bool:
    """More than a word or two of chat: beside a photo such words are likelier a wish than a remark."""
    if scan.text.isascii():
        return len(scan.text.split()) >= 3 and not scan.has("question", "opinion", "mood", "possessive")
    return sum("\u4e00" <= ch <= "\u9fff" for ch in scan.text) >= 4 and not scan.has(
        "question", "opinion", "possessive", "when"
    )
