"""An edit as an answer: the first action, its words, and the further ones that are done on its result."""

import re
from collections.abc import Sequence
from itertools import pairwise

from intent import numbers
from intent.decision_state import DecisionState
from intent.edits import Act
from intent.extract import content
from intent.intent import Intent, ThenEdit
from intent.lexicon.patterns import prefiltered
from intent.parameter_reading import parameters_of
from intent.scan import Scan

_SEVERAL = prefiltered("chain", "several")
"""Views and expressions on one sheet are no count of pictures."""


def edit(r: DecisionState, acts: Sequence[Act]) -> Intent:
    scan, c = r.scan, r.c
    sure = [a for a in acts if a.score >= 2.5] or acts[:1]
    if len({a.score >= 2.5 for a in acts}) == 1 and acts[0].score < 2.5:
        sure = [max(acts, key=lambda a: a.score)]
    first, rest = sure[0], sure[1:4]
    scale = scale_of(scan) if first.key == "upscale" else None
    count = _count(r, first.key, scale)
    cuts = _boundary(scan, first, *rest) if rest else []
    spans = [(a.at, a.end) for a in sure] if first.key in ("upscale", "restore", "colorize") else []
    prompt = content(scan, c, spans, 0, cuts[0] if cuts else None)
    if first.key in ("local_edit", "edit", "text_render") and not prompt:
        prompt = r.whole()
    then = []
    for i, act in enumerate(rest):
        words = content(
            scan,
            c,
            [(act.at, act.end)] if act.key in ("upscale", "restore", "colorize") else [],
            cuts[i],
            cuts[i + 1] if i + 1 < len(cuts) else None,
        )
        then.append(
            ThenEdit(
                action=act.key,
                prompt=words,
                scale=scale_of(scan) if act.key == "upscale" else None,
                parameters=parameters_of(act.key, words),
            )
        )
    return r.make(
        "edit",
        0.5 + min(0.5, first.score / 7),
        action=first.key,
        scale=scale,
        prompt=prompt,
        then=tuple(then),
        count=count,
        **_shape(r, first.key),
    )


def _shape(r: DecisionState, key: str) -> dict[str, str | None]:
    """Nothing, or no shape: a banner that is enlarged or lettered is what it is for, no order to cut it to that."""
    return {} if key in _RESHAPED or r.c.ratio_word not in _USES else {"aspect_ratio": None}


_RESHAPED = frozenset({"extend", "edit", "local_edit", "replace_bg", "blend", "enhance", "variations", "filter"})
_USES = frozenset({"banner", "thumbnail", "header", "horizontal", "vertical", "横幅", "缩图"})
_ONE_SHEET = ("multi_angle", "character_sheet", "expression_sheet")
_ONE_OF_ALL = ("blend", "transfer_style", "before_after", "comparison", "character_sheet", "expression_sheet")


def _count(r: DecisionState, key: str, scale: int | None) -> int:
    """How many results: of views on one sheet, photos to combine and a factor of enlarging one, not so many."""
    scan, count = r.scan, r.c.count
    if key in _ONE_OF_ALL and count == scan.photos:
        return 1
    if key in _ONE_SHEET and _SEVERAL.search(scan.text):
        return 1
    if scale is not None and count == scale:
        return 1  # "4x", "four times"
    if key == "variations" and not r.c.counted:
        return numbers.others(scan.text)
    return count


def _boundary(scan: Scan, *acts: Act) -> list[int]:
    """Where the words of each further action begin: after the last separator before it."""
    out = []
    for before, act in pairwise(acts):
        between = scan.text[before.end : act.at]
        marks = [
            m.start() for m in re.finditer(r"[,;.、]|\band\b|\bthen\b|然后|再|并|顺便|接着|另外|和|同时|也", between)
        ]
        out.append(before.end + marks[-1] if marks else max(act.at, before.end))
    return out


def scale_of(scan: Scan) -> int:
    return (
        4
        if any(h.key == "4" for h in scan.kinds.get("scale", ()))
        or re.search(r"4k|四倍|4倍|4x|x4|8k|8倍|八倍|to 4k|in 4k", scan.text)
        else 2
    )
