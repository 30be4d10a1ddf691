"""Several portraits of different kinds in one message."""

import re
from itertools import pairwise

from intent.controls import Controls
from intent.extract import content, name_spans, residue
from intent.intent import SeriesItem
from intent.lexicon.patterns import prefilter, prefiltered
from intent.scan import Scan
from intent.styles import DATING, ID, Found, negated

_SPLIT = prefiltered("series", "split")
_ONE = prefiltered("series", "one")
_LISTED = re.compile(r"[+&、]|\b(?:and|plus|then|also)\b|和(?!服)|跟|以及|,| n |还有|加")
_CUSTOM = prefilter(r"\bone (?:of me )?(?:as|in|with|like|where|at|on|dressed)\b")
_PICTURE = re.compile(r"\ban? (?:photo|pic|picture|portrait|shot|selfie)\b")
_NEXT = prefiltered("series", "next")
"""What puts one picture after another: "first …, then a …", 先…再来…"""
_NUMBERED = prefilter(r"(?:^|[\s,;:])([1-8])[.):、]\s*(?=\D)")
ROLES = "several roles"
_AROUND = re.compile(r"(?:的)?(?:门口|门前|前面|外面|旁边|旁|台阶)|\s*(?:behind|in the back|around)\b")
"""After a place: it is where the picture is taken, not another picture."""
_ROLES_EN = prefilter(r"\b(?:me|us|him|her|my \w+)(?: dressed(?: up)?)? as (?=an?\b|the\b)")
_ROLES_ZH = prefilter(r"(?:变成|扮成|打扮成|变身|装扮成|cos成?|当|做成)(?=[^,.!?]{1,8}[、,和跟])")
_ROLE_CUT = re.compile(r",? and (?:then )?|,? then |[,;、&+]|和(?!服|尚)|跟")
_ROLE_EN = re.compile(r"\s*(?:(?:me|us|him|her|my \w+)? ?as )?(?:an?|the) [\w' -]{2,40}$")
_ONE_EACH = re.compile(r"(?:^|[,;]\s*|\band )one\b(?! of (?:them|us|these)\b)")
_PAIR_ZH = re.compile(r"[^一,]{0,5}(?:一[个张][^一,;、版]{2,8}[,、;和跟]?){2,4}")
_FIRST_ZH = re.compile(r"一张(?:当|变|扮|穿|做|像|是|在)[^,;]{1,14}")
_CUSTOM_ZH = prefilter(r"([^,、;.:]{2,18}?)(?:的)?(?:各)?一张")


def _marks(scan: Scan, found: Found) -> list[tuple[int, str]]:
    """(place, style key) for everything in the message that could be one picture of a series."""
    several = sum(v >= 6 for v in found.scores.values()) >= 2
    if several and sum(found.scores.get(k, 0) >= 6 for k in DATING) >= 2:
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
    if several and sum(found.scores.get(k, 0) >= 6 for k in ID) >= 2:
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
    custom = _custom(scan, found, c)
    if custom:
        return custom, "one as …, one as …"
    roles = _roles(scan, found, c)
    if roles:
        return roles, ROLES
    if len(found.at) < 2 and len(scan.kinds.get("style", ())) + len(scan.kinds.get("hint", ())) < 2:
        return None
    marks = _marks(scan, found)
    if len({k for _, k in marks}) < 2:
        return None
    marks = [(p, k) for p, k in marks if not _AROUND.match(text, _end(scan, p))]
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
        if not inside or (
            not solid and not _ONE.search(text[a:b]) and not _PICTURE.search(text[a:b]) and not _bare(scan, a, b)
        ):
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
    joined = all(re.search(r"[+&、]|\b(?:and|plus|then)\b|和(?!服)|以及| n |还有", b) for b in between[-1:])
    said = scan.has("series") or any(v == n for _, _, v in c.counts)
    reason = None
    if ones >= 2 and (ones >= n or size <= 12):
        reason = "one … one …"
    elif all(_NEXT.search(b) for b in between):
        reason = "one after the other"
    elif len(numbers := [int(m.group(1)) for m in _NUMBERED.finditer(text)]) >= n and numbers[:2] == [1, 2]:
        reason = "a numbered list"
    elif all(re.search(r"(?<![\w.])(?:1|one|an?) $", text[:p]) for _, p, _ in picked) and size <= 12:
        reason = "one of each"
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


def _end(scan: Scan, start: int) -> int:
    return max((h.end for h in scan.hits if h.start == start), default=start)


def _bare(scan: Scan, a: int, b: int) -> bool:
    """Nothing but the words of one hit stand between two separators."""
    words = scan.text[a:b].strip(" ,、;+&/\n")
    return any(scan.text[h.start : h.end] == words for h in scan.kinds.get("hint", ()) if a <= h.start < b)


def _roles(scan: Scan, found: Found, c: Controls) -> list[SeriesItem] | None:
    """ "me as a knight, a wizard and an elf, three pics", "first me as a pirate, then me as an astronaut"."""
    text = scan.text[:600]
    starts = [m.end() for m in _ROLES_EN.finditer(text)]
    latin = bool(starts)
    if not latin:
        starts = [m.end() for m in _ROLES_ZH.finditer(text)]
    if not starts:
        return None
    parts: list[tuple[int, int]] = []
    at = starts[0]
    for m in [*_ROLE_CUT.finditer(text, at), None]:
        end = m.start() if m else len(text)
        words = text[at:end].strip()
        if latin and not _ROLE_EN.match(words):
            break
        if not latin and (not 1 < len(words) <= 8 or any(a < end and at < b for a, b, _ in c.counts)):
            if words and not re.match(r"各|分别|一共|都|每|[一二两三四五六七八\d]+张", words):
                last = re.match(r"([^各分一共都每,]{2,6})(?:各|分别|一共|都|每)", words)
                if last:
                    parts.append((at, at + last.end(1)))
            break
        parts.append((at, end))
        if m is None:
            break
        at = m.end()
    n = len(parts)
    told = any(v == n for _, _, v in c.counts) or scan.has("series")
    if n < 2 or not (told or len(starts) == n or text.count(" then ") == n - 1):
        return None
    items = []
    for a, b in parts:
        keys = [h.key for h in scan.kinds.get("style", ()) if a <= h.start < b and not h.weak]
        said = content(scan, c, [], a, b)
        if not said:
            return None
        scene = content(scan, c, name_spans(scan, keys[0]), a, b) if keys else None
        items.append(SeriesItem(style=keys[0] if keys else None, scene=scene, prompt=None if keys else said))
    return items[:8]


def _family(marks: list[tuple[int, str]]) -> bool:
    """ID photos on several grounds: the colours are the list, whatever stands between them."""
    return all(k in ID for _, k in marks)


def _custom(scan: Scan, found: Found, c: Controls) -> list[SeriesItem] | None:
    """ "one as a pirate, one as a samurai": descriptions of one's own, or styles among them."""
    starts = [m.start() for m in _CUSTOM.finditer(scan.text)]
    if len(starts) == 1 and len(each := [m.start() for m in _ONE_EACH.finditer(scan.text)]) >= 2:
        starts = each
    if len(starts) < 2 and _PAIR_ZH.fullmatch(scan.text):
        starts = [m.start() for m in re.finditer("一[个张]", scan.text)]
    if len(starts) < 2 and not scan.text.isascii():
        starts = [m.start() for m in _FIRST_ZH.finditer(scan.text)]
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
        scene = content(scan, c, name_spans(scan, key), start, end) if key else None
        items.append(SeriesItem(style=key, scene=scene, prompt=None if key else words))
    kinds = [(i.style, i.prompt) for i in items]
    return items[:8] if len(set(kinds)) == len(kinds) else None
