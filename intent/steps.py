"""Edits one after the other, clause by clause: each clause that asks for a change is read by the same two sides."""

import re
from dataclasses import replace

from intent.chain import scale_of
from intent.edits import actions, choose
from intent.evidence import Evidence
from intent.extract import tidy
from intent.features import features
from intent.intent import Intent, ThenEdit
from intent.model import Model
from intent.parameter_reading import parameters_of
from intent.scan import Scan
from intent.thresholds import ACTION_CLEAR

_NEXT = re.compile(
    r"[\s,;.、]*(?P<next>然后|接着|跟住|之后|以后(?!都|每)|完了|先(?=[,再后])|再(?!来|给我|出|多|要|嚟)|并且|并(?!排)|顺便|同时|另外|"
    r"(?<=[痕裂补完去好修])后|\b(?:and then|then|after that|afterwards|and after(?:wards)?|and later|and also|plus|"
    r"and (?=get|make|put|add|turn|fix|give|write|remove|take|warm|sharpen|slim|up|attach|colou?r|enlarge|"
    r"stretch|swap)|"
    r"with (?=[\"“「']))\b)[\s,;、]*|[,;。]\s*"
)
"""What stands between two steps: a word that says so (`next`), or a mere comma."""
_KEPT = re.compile(
    r"别动|不要|不用|不动|不变|别改|保持|保留|留着|\b(?:keep|leave|untouched|no|not|without|don'?t (?:touch|change))\b"
)
"""A clause of what is to stay as it is, or is not wanted at all: no step."""
_SAID = 0.4
"""The learned score from which a clause after a word such as "then" is a step though its words are in no list."""
_LISTED = 0.6
"""… and one after a mere comma, which more often says again what was said before it."""
_NEAR = 0.1
"""In the middle of a chain a clause is a step though by itself it would sooner be something else, by so little."""
_NO_STEP = frozenset({"local_edit", "variations", "blend", "transfer_style", "multi_angle", "character_sheet"})
_BACK = frozenset({"edit", "remove_person", "before_after", "comparison", "retouch"})
"""What a clause after a comma may seem to ask for that says "remove it" or "side by side" of what was said before."""
_ALIKE = frozenset({"before_after", "comparison"})
_MOST = 4
_LONGEST = 160
"""Characters: a longer message is a story, and its clauses are no steps."""
_SHORTEST = 3
"""Characters: 背景 before 再换成 is what the one step is about, no step."""
_SHORT = 40
"""… and where only commas stand between them, a message longer than this."""


def with_steps(e: Evidence, reading: Intent, learned: Model) -> Intent:
    """The reading with the further edits that the rules did not find; itself where there is one step only."""
    scan = e.scan
    if reading.then or len(scan.text) > _LONGEST:
        return reading
    pieces = _pieces(scan)
    if len(pieces) < 2 or (len(scan.text) > _SHORT and not any(said for _, _, said in pieces)):
        return reading
    steps: list[tuple[str, str]] = []
    for a, b, after_next in pieces:
        if b - a < _SHORTEST:
            continue
        key = _step(scan, a, b, learned, after_next=after_next, first=not steps)
        if key is not None and key not in [k for k, _ in steps]:
            raw_a, raw_b = scan.normalized.raw_span(a, b)
            steps.append((key, tidy(scan.raw[raw_a:raw_b]) or ""))
    keys = {k for k, _ in steps}
    if not 2 <= len(steps) <= _MOST or reading.action not in keys or keys >= _ALIKE:
        return reading
    (first, words), *further = steps
    return replace(
        reading,
        action=first,
        prompt=words or reading.prompt,
        scale=scale_of(scan) if first == "upscale" else None,
        parameters=parameters_of(first, words),
        then=tuple(
            ThenEdit(
                action=key,
                prompt=said or None,
                scale=scale_of(scan) if key == "upscale" else None,
                parameters=parameters_of(key, said),
            )
            for key, said in further
        ),
    )


def _pieces(scan: Scan) -> list[tuple[int, int, bool]]:
    """(start, end, whether a word that says so stands before it) of each clause."""
    out: list[tuple[int, int, bool]] = []
    start, said = 0, False
    for m in _NEXT.finditer(scan.text):
        if any(a < m.start() and m.end() <= b for a, b in scan.quotes):
            continue
        if scan.text[start : m.start()].strip():
            out.append((start, m.start(), said))
            said = False
        start, said = m.end(), said or m["next"] is not None
    if scan.text[start:].strip():
        out.append((start, len(scan.text), said))
    return out


def _step(scan: Scan, a: int, b: int, learned: Model, *, after_next: bool, first: bool) -> str | None:
    """The edit that one clause asks for."""
    said = scan.text[a:b]
    if _KEPT.search(said):
        return None
    piece = Scan(said, max(1, scan.photos))
    acts = [act for act in choose(piece, actions(piece)) if act.score >= ACTION_CLEAR]
    if acts and acts[0].key not in _NO_STEP:
        return acts[0].key if first or after_next or acts[0].key not in _BACK else None
    scores = learned.scores(features(piece))
    best = max((i for i, core in enumerate(learned.cores) if core.startswith("edit:")), key=lambda i: float(scores[i]))
    key = learned.cores[best].partition(":")[2]
    if (
        scores[best] < scores.max() - _NEAR
        or key in _NO_STEP
        or scores[best] < (_SAID if first or after_next else _LISTED)
    ):
        return None
    return key if first or after_next or key not in _BACK else None
