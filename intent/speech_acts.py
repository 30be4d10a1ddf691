"""Asking or telling: how far a message asks for something, and how far it only says something."""

import re
from collections.abc import Sequence
from itertools import pairwise

from intent.lexicon.patterns import pattern, prefilter, prefiltered
from intent.personas import OF_SELF
from intent.prefilter import any_of
from intent.scan import Scan

_ASK_ZH = prefiltered("speech_acts", "ask_zh")
_ASK_EN = prefiltered("speech_acts", "ask_en")
_NOTICE = pattern("speech_acts", "notice")
"""What a notice to many asks for: nothing of ours."""
_OTHER_FAVOUR = pattern("speech_acts", "other_favour")
"""What people ask each other for in chats."""
FAVOUR = prefiltered("create", "favour")
"""Orders and bookings and help with the sofa: asked of somebody, but no picture."""
_NO_WISH = pattern("speech_acts", "no_wish")
_TELLING = (
    ("past", 1.5, 2),
    ("opinion", 1.8, 2),
    ("finite", 1.0, 2),
    ("mood", 0.6, 2),
    ("nonpic", 1.2, 1),
    ("when", 0.8, 1),
    ("possessive", 0.5, 1),
)
"""Words that tell: class, points each, how many count."""
_VERBS = frozenset({"make", "change", "remove", "add", "createverb"})
_GO_ON = frozenset({"please", "canyou", "want", "then", "free", "negation"})
_SUBJECT_ZH = prefilter(
    r"^(?:我|他|她|我们|咱|我家|我弟|我妹|我哥|我姐|我妈|我爸|我老公|我老婆|你|你们|大家|这家|那家|这件|那件|隔壁|楼)"
)
_GO_ZH = prefilter(
    r"^我(?:们)?在[^,照相图拍]{1,8}$|(?:我们|咱们?|一起)去(?![^,.!?]{0,8}[拍照])|想去|想吃|想买|想睡|想回|想瞓|要去|去不去|要上班|要考试|要开会|得去|想见|想学|想出去"
)
_EXCLAIM_ZH = prefilter(
    r"(?<![最更要别不没])[真好太超][^,.!?]{1,4}(?:啊|了|呀|哦|喔|$|[,!.?~])|多(?:可爱|好看|漂亮|美)|好多人|得真|得好(?!看点|看一点|一点|些)|真的(?:好|很|太)|好好|好攰|攰"
)
_PRICE_ZH = prefilter(r"多少钱|什么价|价位")
_DONE_ZH = prefiltered("speech_acts", "done_zh")
_TOLD_ZH = any_of(_SUBJECT_ZH, _GO_ZH, _EXCLAIM_ZH, _DONE_ZH)
_COMMENT = prefiltered("speech_acts", "comment")
"""What people say about photos in general, their price, or how well one was taken."""
STATEMENT = prefiltered("speech_acts", "statement")
_THIS_IS = prefiltered("speech_acts", "this_is")
_SUBJECT_EN = prefiltered("speech_acts", "subject_en")
_ING = re.compile(
    r"\b(?:anyone|who|who's|whos|what|when|where|why|which|how|did|does|do|is|are|was|has|have|should|shall)\b"
)


def imperative(scan: Scan) -> bool:
    """A Latin clause that starts with a verb of making or changing, politeness aside."""
    if not scan.has(*_VERBS, "want") and "action" not in scan.kinds:
        return False
    hits = scan.hits
    i = 0
    for n in range(min(len(scan.cuts), 12) + 1):
        a, b = scan.clause_span(n)
        at = a
        while i < len(hits) and hits[i].start < a:
            i += 1
        j = i
        while j < len(hits) and hits[j].start < b:
            h = hits[j]
            j += 1
            if h.start < at or not scan.text[h.start].isascii():
                continue
            if scan.text[at : h.start].strip(" ,;.!?\n:-|/") not in (
                "",
                "to",
                "now",
                "and",
                "then",
                "just",
                "maybe",
                "so",
            ):
                break
            if (h.kind == "word" and h.key in _VERBS) or (h.kind == "action" and not h.weak):
                return True
            if (
                h.kind == "word"
                and h.key == "want"
                and scan.text[h.start : h.end] in ("need", "want", "require", "looking for", "needed", "wanted")
                and not re.match(r" to (?!be\b|look\b|get a\b|have a\b)", scan.text[h.end : h.end + 12])
            ):
                return True
            if h.kind == "word" and h.key == "want" and _NO_WISH.match(scan.text, h.end):
                break
            if h.kind == "word" and h.key in _GO_ON:
                at = h.end
            elif h.kind not in ("word", "command"):
                break
    return False


def asks(scan: Scan) -> str | None:
    """The words that ask, where there are any."""
    text = scan.text
    if scan.may & _ASK_ZH.needed and not scan.ascii and not (scan.may & _PRICE_ZH.needed and _PRICE_ZH.search(text)):
        for m in _ASK_ZH.finditer(text):
            n = scan.clause(m.start())
            if not any(scan.clause(h.start) == n and h.start < m.start() for h in scan.words("past")):
                if _GO_ZH.search(text):
                    break
                return m.group()
    if scan.may & FAVOUR.needed and FAVOUR.search(text):
        return None
    for m in _ASK_EN.each(text) if scan.latin and scan.may & _ASK_EN.needed else ():
        said = m.group()
        if not (said.startswith("pl") and _NOTICE.match(text, m.end())) and not (
            said.endswith((" you", " u", " ya")) and _OTHER_FAVOUR.match(text, m.end())
        ):
            return said
    if imperative(scan):
        return "(an order)"
    if scan.has("askdo"):
        return "(go ahead)"
    return None


def tells(scan: Scan, wishes: Sequence[tuple[int, int]] = ()) -> tuple[float, list[str]]:
    """How far the words only tell something: 0 for a bare wish, above 1 for a remark. And which words say so.

    `wishes`: spans that are known to wish for something ("exactly the same face"): a word in them tells nothing.
    """
    text = scan.text
    score = 0.0
    why: list[str] = []

    def say(points: float, reason: str) -> None:
        nonlocal score
        score += points
        why.append(reason)

    for key, points, most in _TELLING if scan.classes else ():
        if key in scan.classes and (
            hits := [h for h in scan.words(key) if not (scan.quoted(h) or any(a <= h.start < b for a, b in wishes))]
        ):
            say(points * min(most, len(hits)), f"{key}: {text[hits[0].start : hits[0].end]}")
    if scan.has("question"):
        say(1.5, "a question")
    if text.rstrip().endswith("?"):
        say(0.6, "?")
    if not scan.ascii and scan.may & _TOLD_ZH:
        for pattern, points in ((_SUBJECT_ZH, 0.7), (_GO_ZH, 1.5), (_EXCLAIM_ZH, 1.4), (_DONE_ZH, 1.1)):
            m = pattern.search(text)
            if m and not (scan.photos and m.start() == 0 and m.group().startswith(("我在", "我们在"))):
                say(points, m.group())  # beside a photo 我在弹钢琴 says what is to be seen
    m = _SUBJECT_EN.search(text) if scan.may & _SUBJECT_EN.needed and scan.latin else None
    if m is None and not scan.photos and scan.may & STATEMENT.needed:
        m = STATEMENT.search(text)
    if m:
        say(1.0, m.group())
    if scan.may & _COMMENT.needed and (m := _COMMENT.search(text)):
        say(3.5, m.group())
    if scan.may & _THIS_IS.needed and (m := _THIS_IS.search(text)):
        say(1.7, m.group())
    return score, why


_SENTENCE = prefilter(r"[.!?\n]+(?!\d)|\band (?=(?:i|we) (?:want|need|would)\b)|\bso (?=can|could|please|i want)")


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
