"""Whether a message only says something: its telling weighed against its asking."""

import re

from intent.decision_state import DecisionState
from intent.evidence import Evidence
from intent.free_edits import free_edit
from intent.personas import OF_EN
from intent.scan import Scan
from intent.styles import negated

_PROBLEM = frozenset({"upscale", "enhance", "restore", "extend", "retouch", "slim", "replace_bg"})


def only_said(r: DecisionState, e: Evidence) -> bool:
    """Whether the message only says something."""
    scan, c, found, acts, asked, told, drawn = e.scan, e.controls, e.found, e.acts, e.asked, e.told, e.drawn
    top, strongest, custom, domain = e.top, e.strongest, e.persona, e.in_our_field
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
        if scan.photos and told < 1.0 and free_edit(scan):
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


_ALL_BUT = re.compile(r"(?:\b(?:any|every)thing (?:but|except)|\ball (?:but|except)|除了|除)\s*(?:an?\s+)?$")
_REFUSAL_REST = re.compile(
    r"(?:any|every)thing (?:but|except)|all (?:but|except)|[除都]|都(?:行|可以|好|成|ok)|就行|以外|之外|千万|可别|"
    r"没必要|"
    r"[再吧了啊的成那种画做弄变换给我这张个它]|风格?|"
    r"\b(?:is fine|works|will do|would do|it|this|that|me|us|him|her|into|as|like|an?|the|any|i|do|want|wanna|need|"
    r"really|style|look|thing|stuff|anymore|again|one|of|to|be|turn|make|go|in|please|pls|plz)\b"
)
_SAYS_ITSELF = ("negation", "make", "change", "want", "pic", "me", "thispic", "please", "canyou", "opinion", "mood")


def refuses_only(scan: Scan) -> bool:
    """Whether the words say what is not wanted, and nothing else: "anything but anime", 别做成动漫."""
    named = [*scan.kinds.get("style", ()), *(h for h in scan.kinds.get("action", ()) if not h.weak)]
    if not named or len(scan.text) > 60:
        return False
    if not all(negated(scan, h) or _ALL_BUT.search(scan.text[: h.start]) for h in named):
        return False
    text = list(scan.text)
    for h in (*named, *scan.words(*_SAYS_ITSELF), *scan.kinds.get("hint", ())):
        text[h.start : h.end] = " " * (h.end - h.start)
    return not any(ch.isalnum() for ch in _REFUSAL_REST.sub(" ", "".join(text)))
