"""What is weighed of each core that a message may mean: how the learned scores stand, and what the rules found.

Each likely core gets one row of numbers, the same columns for all; `Choice` (`intent.model`) makes a probability of it.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from intent.core import core, operation_of
from intent.evidence import Evidence
from intent.thresholds import ID_NAMED

Floats = NDArray[np.float32]
Places = NDArray[np.intp]

OPERATIONS = ("ask", "command", "create", "edit", "none", "portrait", "series")
"""In the order of the alphabet, as the cores are: so the cores of one operation lie side by side."""
RANKED = (
    "learned score", "… squared", "is the best", "… by how much", "the best of its operation", "its share",
    "its operation's share", "its share of its operation's",
)  # fmt: skip
FOUND = (
    "the rules choose it", "the rules are sure of it", "… in few words", "… of words they know", "… its operation",
    "style found", "style named by two words", "action found", "drawn from words", "tells", "asks", "a persona",
    "asked back about", "a command's words", "a command beside a photo",
)  # fmt: skip
WHOLE = (
    "no photo", "one photo", "several photos", "length", "clauses", "a question mark", "tells", "asks", "drawn",
    "a persona", "best style", "best action", "a command", "how sure", "asks back", "styles", "actions", "me",
    "a picture's word", "this picture", "past", "a relative", "a count", "a shape", "learned: nothing", "learned: best",
)  # fmt: skip
"""Of the message as a whole: the same in every row."""
COLUMNS = len(RANKED) + len(FOUND) + len(OPERATIONS) + len(WHOLE)
LIKELY = 16
"""Cores that are weighed: what is meant is among them in 995 messages of 1,000."""
_AT = {name: len(RANKED) + i for i, name in enumerate(FOUND)}
_FEW = 6.0
"""Characters: so short a message says what it says."""
_SHARP = 6.0
"""How much likelier a core is whose learned score is 1 than one whose score is 0, as a power of e."""
_ASKING = ("?", "吗", "呢", "嗎", "咩")


def likely(cores: tuple[str, ...], scores: Floats, e: Evidence, rules: str, confidence: float) -> Places:
    """The places of the cores that are worth weighing; that of a remark is always among them."""
    place = _places(cores)
    worth = 4 * scores
    if (at := place.get(rules)) is not None:
        worth[at] += 2 * confidence
    for style in e.found.scores:
        if (at := place.get(f"portrait:{style}")) is not None:
            worth[at] += max(0.0, e.found.worth(style)) / 4
    for act in e.acts:
        if (at := place.get(f"edit:{act.key}")) is not None:
            worth[at] += act.score / 4
    worth[place["none"]] = np.inf
    return np.argsort(-worth, kind="stable")[:LIKELY]


def signals(cores: tuple[str, ...], at: Places, scores: Floats, e: Evidence, rules: str, confidence: float) -> Floats:
    """One row for each of the cores `at`: `RANKED`, `FOUND`, `OPERATIONS`, `WHOLE`."""
    out = np.zeros((len(cores), COLUMNS), np.float32)
    out[:, : len(RANKED)] = _ranked(cores, scores)
    _find(out, cores, e, rules, confidence)
    out[:, len(RANKED) + len(FOUND) :][:, : len(OPERATIONS)] = _of_operation(cores)
    rows: Floats = out[at]
    rows[:, -len(WHOLE) :] = _whole(e, float(scores[_places(cores)["none"]]), float(scores.max()))
    return rows


def _ranked(cores: tuple[str, ...], scores: Floats) -> Floats:
    """How each core's score stands among all: the columns of `RANKED`."""
    out = np.empty((len(cores), len(RANKED)), np.float32)
    starts, sizes = _blocks(cores)
    second, best = np.partition(scores, -2)[-2:]
    shares = np.exp(_SHARP * scores)
    shares /= shares.sum()
    operation = np.repeat(np.add.reduceat(shares, starts), sizes)
    out[:, 0] = scores
    out[:, 1] = scores * np.abs(scores)
    out[:, 2] = scores >= best
    out[:, 3] = scores - np.where(scores >= best, second, best)
    out[:, 4] = np.repeat(np.maximum.reduceat(scores, starts), sizes)
    out[:, 5] = shares
    out[:, 6] = operation
    out[:, 7] = shares / np.maximum(operation, 1e-6)
    return out


def _find(out: Floats, cores: tuple[str, ...], e: Evidence, rules: str, confidence: float) -> None:
    place = _places(cores)
    of_operation = _of_operation(cores)
    chosen = operation_of(rules)
    if (at := place.get(rules)) is not None:
        out[at, _AT["the rules choose it"]] = 1
        out[at, _AT["the rules are sure of it"]] = confidence
        out[at, _AT["… in few words"]] = min(1.0, _FEW / max(1, len(e.scan.text)))
        out[at, _AT["… of words they know"]] = _known_share(e)
    out[:, _AT["… its operation"]] = of_operation[:, OPERATIONS.index(chosen)]
    for style in e.found.scores:
        if (at := place.get(f"portrait:{style}")) is not None:
            out[at, _AT["style found"]] = max(0.0, e.found.worth(style)) / 4
            out[at, _AT["style named by two words"]] = e.found.scores[style] >= ID_NAMED
    for act in e.acts:
        if (at := place.get(f"edit:{act.key}")) is not None:
            out[at, _AT["action found"]] = act.score / 4
    out[place["create"], _AT["drawn from words"]] = max(-4.0, min(4.0, e.drawn)) / 4
    out[place["none"], _AT["tells"]] = min(4.0, e.told) / 4
    out[place["none"], _AT["asks"]] = bool(e.asked)
    out[place["portrait:"], _AT["a persona"]] = e.persona
    if e.found.ask and (at := place.get(core("portrait", None, e.found.ask))) is not None:
        out[at, _AT["asked back about"]] = 1
    if e.command and (at := place.get(f"command:{e.command[0]}")) is not None:
        out[at, _AT["a command's words"]] = e.command[1]
    if e.photos:
        out[:, _AT["a command beside a photo"]] = of_operation[:, OPERATIONS.index("command")]


def _whole(e: Evidence, nothing: float, best: float) -> list[float]:
    scan, c = e.scan, e.controls
    text = scan.text
    return [
        scan.photos == 0, scan.photos == 1, scan.photos > 1,
        float(np.log1p(len(text) * (0.3 if text.isascii() else 1.0))) / 4, len(scan.cuts) / 5,
        any(sign in text for sign in _ASKING), e.told / 4, bool(e.asked), e.drawn / 4, e.persona,
        min(e.top, 6.0) / 4, min(e.strongest, 6.0) / 4, bool(e.command), e.command[1] if e.command else 0.0,
        bool(e.found.ask), len(e.found.scores) / 4, len(e.acts) / 4, scan.has("me"), scan.has("pic"),
        scan.has("thispic"), scan.has("past"), scan.has("relative"), c.count > 1, bool(c.ratio), nothing, best,
    ]  # fmt: skip


def _known_share(e: Evidence) -> float:
    """How much of the message the lexicon and what it chose (count, shape, model) account for: 1 for "oil painting,
    two of them", little for a story in which a style's word is said."""
    text, end, known = e.scan.text, 0, 0
    spans = [(hit.start, hit.end) for hit in e.scan.hits] + e.controls.spans
    for start, stop in sorted(spans):
        if stop > end:
            known += stop - max(start, end)
            end = stop
    return min(1.0, known / max(1, sum(ch.isalnum() or ch == " " for ch in text)))


@cache
def _places(cores: tuple[str, ...]) -> dict[str, int]:
    return {name: i for i, name in enumerate(cores)}


@cache
def _of_operation(cores: tuple[str, ...]) -> Floats:
    return np.array([[operation_of(name) == op for op in OPERATIONS] for name in cores], np.float32)


@cache
def _blocks(cores: tuple[str, ...]) -> tuple[Places, Places]:
    """Where the cores of each operation begin, and how many they are."""
    sizes = _of_operation(cores).sum(0).astype(np.intp)
    return np.cumsum(sizes) - sizes, sizes
