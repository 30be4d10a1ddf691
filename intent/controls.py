"""What the words choose besides the picture itself: model, count, shape, and whether it is to be the free one."""

import re
from dataclasses import dataclass, field
from typing import Literal, cast

from intent import numbers
from intent.lexicon.patterns import pattern, prefilter, prefiltered
from intent.parameter_words import ParameterWords
from intent.parameters import Consistency, Priority
from intent.scan import Hit, Scan
from intent.services import wanted_and_refused

# One-word ways of asking for speed or quality that also describe things: they count alone or beside a picture word.
_LOOSE = frozenset(
    {
        "quick",
        "draft",
        "drafts",
        "rush",
        "rapid",
        "speedy",
        "premium",
        "finest",
        "stat",
        "hurry",
        "fastest",
        "quickest",
        "urgent",
        "high-end",
        "快",
        "急",
        "极致",
        "顶级",
        "马上",
        "极速",
        "最优",
        "旗舰",
        "拉满",
        "立即",
        "立刻",
        "最快",
        "赶紧",
    }
)
_LOOSE_AFTER = pattern("controls", "loose_after")
_LOOSE_BEFORE = re.compile(
    r"(?:^|[,.!;\n]\s*|\b(?:\d|two|three|four|five|six|few|some|couple) |make it |"
    r"in |do it |need it |do a |a |一版|出|just a |very |super |请|比较|有点|很|好|要|点|得)$"
)
# Shape words that are also ordinary words.
_LOOSE_SHAPE = frozenset(
    {
        "square",
        "story",
        "stories",
        "vertical",
        "horizontal",
        "upright",
        "header",
        "panoramic",
        "reel",
        "reels",
        "shorts",
        "banner",
        "thumbnail",
        "squared",
        "horizontally",
        "vertically",
        "横着",
        "竖着",
        "横的",
        "竖的",
        "方的",
        "抖音",
        "快手",
        "头图",
        "方块",
        "横向",
    }
)
_FLIPPED = re.compile(r"\b(?:flip|mirror|rotate)(?:ped|ed|d)?\b[^,.]{0,14}$|(?:翻转|镜像|旋转)[^,.]{0,4}$")
_A_PLACE = re.compile(r"\b(?:red|times|trafalgar|union|tiananmen|town|market|city|public|village|st mark's) $|小$")
"""Before "square": a place, or what blurs into small squares."""
_WANTED_SHAPE = re.compile(r"(?:[扩改变做换裁弄转]成|我要做|\b(?:into|to) (?:an? )?)$")
_SHAPE_AS_IT_IS = re.compile(r"(?:这是|这张是|本来是|原图是)$")
_SHAPE_AFTER = pattern("controls", "shape_after")
_LANDSCAPE = prefilter(
    r"(?:^|[,.;!]\s*|\b(?:in|make it|to|into)\s+)landscape(?=\s*(?:$|[,.;!?]|please|pls|plz|and\b|x\d))"
)


_FREE_ALONE = re.compile(r"(?:^|[,.;:(]\s*)(free)(?=\s*(?:$|[,.;:!)]))")
_TOGETHER = prefiltered("controls", "together")
_EACH = prefiltered("controls", "each")


@dataclass(slots=True)
class Controls:
    model: str = "nanopro"
    count: int = 1
    counted: bool = False
    ratio: str | None = None
    ratio_word: str | None = None
    provider: str | None = None
    consistency: Consistency | None = None
    priority: Priority | None = None
    service: str | None = None
    not_services: tuple[str, ...] = ()
    wishes: list[tuple[int, int]] = field(default_factory=list)
    """Where it was said how far the face must stay, and who is to make it."""
    count_said: int | None = None
    photos_as: Literal["each", "together"] | None = None
    counts: list[tuple[int, int, int]] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(default_factory=list)
    """What was said to choose these, in the normalized text."""
    evidence: list[str] = field(default_factory=list)

    @property
    def chosen(self) -> bool:
        return self.counted or self.ratio is not None or self.model != "nanopro"


def _model(scan: Scan, c: Controls) -> None:
    for hit in scan.kinds.get("model", ()):
        if scan.quoted(hit) or hit.key.startswith("weak_"):
            continue
        word = scan.text[hit.start : hit.end]
        if word in _LOOSE:
            if not _LOOSE_AFTER.match(scan.text, hit.end):
                continue
            if not _LOOSE_BEFORE.search(scan.text[max(0, hit.start - 12) : hit.start]) and (
                word.isascii() or word in ("快", "急", "马上", "立刻")
            ):
                continue
        if word == "拉满" and re.search(r"[感围情绪氛度色]$", scan.text[: hit.start][-2:]):
            continue
        if re.search(r"(?:不|没有|别|no |not )(?:那么|太|很|用|要|着)?$", scan.text[max(0, hit.start - 5) : hit.start]):
            continue
        if c.model != "gpt":
            c.model = hit.key
        c.spans.append((hit.start, hit.end))
        c.evidence.append(f"model {hit.key}: {word}")


def _shape(scan: Scan, c: Controls) -> None:
    digits = numbers.ratio(scan)
    if digits:
        c.ratio, start, end = digits
        c.spans.append((start, end))
        c.evidence.append(f"ratio: {scan.text[start:end]}")
        return
    best: Hit | None = None
    for hit in scan.kinds.get("ratio", ()):
        if scan.quoted(hit):
            continue
        word = scan.text[hit.start : hit.end]
        before = scan.text[max(0, hit.start - 20) : hit.start]
        if _FLIPPED.search(before) or (word in ("square", "方块") and _A_PLACE.search(before)):
            continue
        if _WANTED_SHAPE.search(before):
            best = hit
            break
        if _SHAPE_AS_IT_IS.search(before):
            continue
        if (
            word in _LOOSE_SHAPE
            and not _SHAPE_AFTER.match(scan.text, hit.end)
            and not any(h.start == hit.end + 1 for h in scan.kinds.get("style", ()))
        ):
            continue  # "square" counts beside a word for a picture, or before a style: "two square oil paintings"
        if best is None or hit.end - hit.start > best.end - best.start:
            best = hit
    if best is None:
        m = _LANDSCAPE.search(scan.text)
        if m:
            c.ratio = "4:3"
            c.spans.append((m.end() - 9, m.end()))
            c.evidence.append("ratio: landscape")
        return
    c.ratio, c.ratio_word = best.key, scan.text[best.start : best.end]
    if not any(h.start == best.start for h in scan.words("createnoun")):
        c.spans.append((best.start, best.end))  # "phone wallpaper" says what is made too: it stays in the words
    c.evidence.append(f"ratio: {scan.text[best.start : best.end]}")


def _before_style(scan: Scan) -> tuple[int, int, int] | None:
    """(start, end, how many) of "half a dozen watercolours", "4 anime": a number straight before a style."""
    for hit in scan.kinds.get("style", ()):
        if not hit.start or not scan.text[hit.start - 1].isspace():
            continue
        at = max(0, hit.start - 14)
        n = numbers.ending(scan.text[at : hit.start])
        if n:
            return at + n[0], hit.start, numbers.capped(n[1])
    return None


def _said_free(scan: Scan) -> list[tuple[int, int]]:
    """Where the free one is asked for. A bare "free" asks by itself ("anime (free)") or straight before a style."""
    found = [(h.start, h.end) for h in scan.words("free")] if scan.has("free") else []
    if "free" not in scan.text:
        return found
    found += [m.span(1) for m in _FREE_ALONE.finditer(scan.text)]
    starts = {hit.start for hit in scan.kinds.get("style", ())}
    if scan.text.startswith("free ") and len("free ") in starts:
        found.append((0, len("free")))
    return found


def controls(scan: Scan) -> Controls:
    c = Controls()
    if "ratio" in scan.kinds or ":" in scan.text or "landscape" in scan.text:
        _shape(scan, c)
    if "model" in scan.kinds:
        _model(scan, c)
    c.counts = numbers.counts(scan)
    if c.counts:
        c.counted, c.count = True, numbers.capped(c.counts[0][2])
        c.spans.extend((a, b) for a, b, _ in c.counts)
        c.evidence.append(f"count {c.count}: {scan.text[c.counts[0][0] : c.counts[0][1]]}")
    elif (counted := _before_style(scan)) is not None:
        c.count, c.counted = counted[2], True
        c.spans.append(counted[:2])
        c.evidence.append(f"count {c.count}")
    elif ("action", "upscale") not in scan.by:
        factor = numbers.times(scan)
        if factor and factor[2]:
            c.count, c.counted = numbers.capped(factor[2]), True
            c.spans.append(factor[:2])
            c.evidence.append(f"count {c.count}")
    if free := _said_free(scan):
        c.provider = "embedded"
        c.spans.extend(free)
        c.evidence.append("the free one")
    _wishes_of_service(scan, c)
    if scan.photos != 1:
        _several_photos(scan, c)
    if c.counts and c.counts[0][2] > numbers.MOST:
        c.count_said = c.counts[0][2]
    return c


def may_be_about_several(scan: Scan) -> bool:
    """Whether there is a word of several photos at all: where there is none, no reading has `photos_as`."""
    return bool(_TOGETHER.search(scan.text) or _EACH.search(scan.text))


def _several_photos(scan: Scan, c: Controls) -> None:
    """Each photo a picture of its own, or all of them one. "These 3 photos" counts the photos, not the pictures."""
    if _TOGETHER.search(scan.text):
        c.photos_as = "together"
        return
    for m in _EACH.finditer(scan.text):
        c.photos_as = "each"
        c.spans.append(m.span())
        if c.counts and c.counts[0][2] == scan.photos and m.start() < c.counts[0][1] and c.counts[0][0] < m.end():
            c.count = 1


def _wishes_of_service(scan: Scan, c: Controls) -> None:
    """How far the face must stay, which service is named, and what is put first when one is chosen."""
    said = ParameterWords(scan.text, "consistency", "priority", "services")
    wanted, refused = wanted_and_refused(said)
    for word in refused:
        c.not_services = (*c.not_services, word.key)
        c.spans.append((word.start, word.end))
        c.evidence.append(f"not by {word.key}: {scan.text[word.start : word.end]}")
    for word in wanted:
        c.service = word.key
        c.spans.append((word.start, word.end))
        c.evidence.append(f"by {word.key}: {scan.text[word.start : word.end]}")
    for word in said.words("priority"):
        c.priority = cast("Priority", word.key)
        c.spans.append((word.start, word.end))
        c.evidence.append(f"first of all {word.key}: {scan.text[word.start : word.end]}")
    for word in said.words("consistency"):
        c.consistency = cast("Consistency", word.key)
        start, end = scan.clause_span(scan.clause(word.start))
        if not any(ch.isalpha() for ch in scan.text[start : word.start] + scan.text[word.end : end]):
            c.spans.append((word.start, word.end))  # a clause of its own: "keep her face and dress" says more
        c.evidence.append(f"likeness {word.key}: {scan.text[word.start : word.end]}")
    c.wishes += [(w.start, w.end) for w in (*said.words("consistency"), *wanted, *refused)]
    if c.priority is None and c.model != "nanopro":
        c.priority = "fastest" if c.model == "nano2" else "best"
