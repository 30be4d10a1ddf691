"""Several portraits of different kinds in one message."""

import re
from itertools import pairwise

from intent.controls import Controls
from intent.cut import content, residue
from intent.intent import SeriesItem
from intent.patterns import gated, pattern
from intent.scan import Scan
from intent.styles import DATING, ID, Found, negated

_SPLIT = pattern("series", "split")
_ONE = gated("series", "one")
_LISTED = re.compile(r"[+&、]|\band\b|和(?!服)|跟|以及|,| n |还有|加")
_CUSTOM = re.compile(r"\bone (?:of me )?(?:as|in|with|like|where|at|on|dressed)\b")
_CUSTOM_ZH = re.compile(r"([^,、;.:]{2,18}?)(?:的)?(?:各)?一张")


def _marks(scan: Scan, found: Found) -> list[tuple[int, str]]:
    """(place, style key) for everything in the message that could be one picture of a series."""
    if sum(found.scores.get(k, 0) >= 6 for k in DATING) >= 2:
        marks = [(found.at[k].start, k) for k in DATING if found.scores.get(k, 0) >= 6]
        for h in scan.kinds.get("style", ()):
            if (
                h.key not in DATING
                and not h.weak
                and not negated(scan, h)
                and not h.key.startswith(("travel", "night"))
            ):
                marks.append((h.start, h.key))
        return sorted(marks)
    if sum(found.scores.get(k, 0) >= 6 for k in ID) >= 2:
        return sorted((found.at[k].start, k) for k in ID if found.scores.get(k, 0) >= 6)
    marks = [(h.start, h.key) for h in scan.kinds.get("style", ()) if not negated(scan, h)]
    for key, hit in found.at.items():
        if (key.startswith(("dating_", "id_photo_")) and found.scores[key] >= 6) or (
            key in ("winter_chinese", "hongkong_vintage") and key in found.named
        ):
            marks.append((hit.start, key))
    for h in scan.kinds.get("hint", ()):
        if all(abs(h.start - p) > 1 for p, _ in marks):
            marks.append((h.start, h.key))
    return sorted(marks)


def _segments(text: str) -> list[tuple[int, int]]:
    cuts = [m.start() if m.group() not in ("张", ":") else m.end() for m in _SPLIT.finditer(text)]
    edges = [0, *[c for c in cuts if c], len(text)]
    return [(a, b) for a, b in pairwise(edges) if a < b]


def series(scan: Scan, found: Found, c: Controls) -> tuple[list[SeriesItem], str] | None:
    """The pictures in the order asked for, and what says that they are several; None where it is one kind."""
    text = scan.text[:600]
    marks = _marks(scan, found)
    custom = _custom(scan, found, c)
    if custom:
        return custom, "one as …, one as …"
    if len({k for _, k in marks}) < 2:
        return None
    strong = {h.start for h in scan.kinds.get("style", ())} | {
        p for p, k in marks if k.startswith(("dating_", "id_photo_"))
    }
    strong |= {p for p, k in marks if k in found.named}
    picked: list[tuple[int, int, str]] = []
    for a, b in _segments(text) if not _family(marks) else [(p, p + 1) for p, _ in marks]:
        inside = [(p, k) for p, k in marks if a <= p < b]
        solid = [(p, k) for p, k in inside if p in strong]
        if not inside or (not solid and not _ONE.search(text[a:b])):
            continue
        p, key = max(solid or inside, key=lambda pk: found.scores.get(pk[1], 0.0))
        if key not in [k for _, _, k in picked]:
            picked.append((a, p, key))
    if len(picked) < 2:
        return None
    ones = len(_ONE.findall(text))
    spans = [(h.start, h.end) for h in scan.hits if h.kind in ("style", "hint", "group")]
    rest = residue(scan, c, 0, len(scan.text), spans)
    han = sum("\u4e00" <= ch <= "\u9fff" for ch in rest)
    size = han + (len(rest) - han) / 3
    n = len(picked)
    between = [text[picked[i][1] : picked[i + 1][1]] for i in range(n - 1)]
    listed = _family(marks) or all(_LISTED.search(b) for b in between)
    joined = all(re.search(r"[+&、]|\band\b|和(?!服)|以及| n |还有", b) for b in between[-1:])
    said = scan.has("series") or any(v == n for _, _, v in c.counts)
    reason = None
    if ones >= 2 and (ones >= n or size <= 12):
        reason = "one … one …"
    elif said and listed:
        reason = "a number or a word for several kinds"
    elif (listed and joined and size <= 3) or (listed and n >= 3 and size <= 4):
        reason = "a list of styles"
    if reason is None:
        return None
    items = []
    for i, (a, _, key) in enumerate(picked):
        start = a if i else 0
        end = picked[i + 1][0] if i + 1 < n else len(scan.text)
        items.append(SeriesItem(style=key, scene=content(scan, c, spans, start, end)))
    return items[:8], reason


def _family(marks: list[tuple[int, str]]) -> bool:
    """ID photos on several grounds: the colours are the list, whatever stands between them."""
    return all(k in ID for _, k in marks)


def _custom(scan: Scan, found: Found, c: Controls) -> list[SeriesItem] | None:
    """ "one as a pirate, one as a samurai": descriptions of one's own, or styles among them."""
    starts = [m.start() for m in _CUSTOM.finditer(scan.text)]
    if len(starts) < 2 and not scan.text.isascii():
        starts = [m.start() for m in _CUSTOM_ZH.finditer(scan.text)]
    if len(starts) < 2:
        return None
    items = []
    for i, start in enumerate(starts):
        end = starts[i + 1] if i + 1 < len(starts) else len(scan.text)
        keys = [h.key for h in scan.kinds.get("style", ()) if start <= h.start < end and not h.weak]
        keys += [
            k for k in (*DATING, *ID) if k in found.at and found.scores[k] >= 6 and start <= found.at[k].start < end
        ]
        hints = [h.key for h in scan.kinds.get("style", ()) if start <= h.start < end] or [
            h.key for h in scan.kinds.get("hint", ()) if start <= h.start < end and h.key != "child_portrait"
        ]
        words = content(scan, c, [], start, end)
        key = (
            max(keys, key=lambda k: found.scores.get(k, 0))
            if keys
            else hints[0]
            if hints and not re.search(r"\bas\b", scan.text[start:end])
            else None
        )
        if key is None and not words:
            return None
        items.append(SeriesItem(style=key, scene=words if key else None, prompt=None if key else words))
    kinds = [(i.style, i.prompt) for i in items]
    return items[:8] if len(set(kinds)) == len(kinds) else None
