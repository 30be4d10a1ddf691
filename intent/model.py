"""The learned half of the choice: a linear model over hashed features, and the weights that mix it with the rules.

The arrays are made by `python -m intent.train` out of `intent/data/` and lie in `model.npz`. Scores of the linear
model (`scores`) and the rules' own evidence are mixed log-linearly (`mix`), with a few weights that all cores share,
fitted on writers the linear model had not seen; so a probability of 0.8 is right about eight times in ten.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intent.core import core, operation_of
from intent.evidence import Evidence
from intent.features import features
from intent.thresholds import ID_NAMED

Floats = NDArray[np.float32]

_CHOICES = ("portrait", "ask", "edit", "create", "series", "command", "none")
SIGNALS = (
    "learned score", "learned score, squared", "the rules are sure of it", "the rules choose its operation",
    "the rules choose it, in few words",
    "the rules choose it, of words they know", "style found", "style named by two words", "action found",
    "a style found, learned",
    "an action found, learned", "drawn from words", "tells", "asks", "is nothing", "a persona", "asked back about",
    "a command's words", "is a series", "a command beside a photo",
    *(f"the rules choose it: {operation}" for operation in _CHOICES),
)  # fmt: skip
_FEW = 6.0
"""Characters: so short a message says what it says."""
_AT = {name: i for i, name in enumerate(SIGNALS)}
"""What is weighed of each core, in the order of the mix's weights."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """`vocabulary`: the hashes of the features that are known, sorted; `weights`: feature by core, int8; `scale`: what
    one step is worth, by core; `norms`: the square of each feature's rarity; `mix`: one weight a signal; `digest`: that
    of the messages it was made from."""

    cores: tuple[str, ...]
    vocabulary: NDArray[np.uint32]
    weights: NDArray[np.int8]
    scale: Floats
    norms: Floats
    mix: Floats
    digest: str

    def scores(self, found: list[int]) -> Floats:
        """The linear model's score of each core: about 1 for the right one, 0 for the others."""
        places = known(self.vocabulary, found)
        total = self.weights.take(places, 0).sum(axis=0, dtype=np.int32)
        length = float(np.sqrt(self.norms.take(places).sum())) or 1.0
        return np.asarray(total * self.scale / length, np.float32)

    def scores_of(self, e: Evidence) -> Floats:
        return self.scores(features(e.scan))

    def probabilities(self, e: Evidence, rules: str, confidence: float) -> Floats:
        """How likely each core is, given what the rules chose and how sure they are."""
        signals = signals_of(self.cores, self.scores_of(e), e, rules, confidence)
        weighed = signals @ self.mix
        weighed -= weighed.max()
        likely = np.exp(weighed)
        return np.asarray(likely / likely.sum(), np.float32)


def known(vocabulary: NDArray[np.uint32], found: list[int]) -> NDArray[np.intp]:
    """The places of those features that are in the vocabulary."""
    sought = np.array(found, np.uint32)
    places = vocabulary.searchsorted(sought)
    return np.asarray(places[vocabulary.take(places, mode="clip") == sought], np.intp)


def signals_of(cores: tuple[str, ...], scores: Floats, e: Evidence, rules: str, confidence: float) -> Floats:
    """One row of `SIGNALS` for each core."""
    place, operations = _places(cores)
    out = np.zeros((len(cores), len(SIGNALS)), np.float32)
    out[:, _AT["learned score"]] = scores
    out[:, _AT["learned score, squared"]] = scores * np.abs(scores)
    chosen = operation_of(rules)
    if (at := place.get(rules)) is not None:
        out[at, _AT[f"the rules choose it: {chosen}"]] = 1
        out[at, _AT["the rules are sure of it"]] = confidence
        out[at, _AT["the rules choose it, in few words"]] = min(1.0, _FEW / max(1, len(e.scan.text)))
        out[at, _AT["the rules choose it, of words they know"]] = _known_share(e)
    out[operations == chosen, _AT["the rules choose its operation"]] = 1
    for style in e.found.scores:
        if (at := place.get(f"portrait:{style}")) is not None:
            out[at, _AT["style found"]] = max(0.0, e.found.worth(style)) / 4
            out[at, _AT["style named by two words"]] = e.found.scores[style] >= ID_NAMED
            out[at, _AT["a style found, learned"]] = max(0.0, float(scores[at]))
    for act in e.acts:
        if (at := place.get(f"edit:{act.key}")) is not None:
            out[at, _AT["action found"]] = act.score / 4
            out[at, _AT["an action found, learned"]] = max(0.0, float(scores[at]))
    out[place["create"], _AT["drawn from words"]] = max(-4.0, min(4.0, e.drawn)) / 4
    none = place["none"]
    out[none, _AT["tells"]] = min(4.0, e.told) / 4
    out[none, _AT["asks"]] = bool(e.asked)
    out[none, _AT["is nothing"]] = 1
    out[place["portrait:"], _AT["a persona"]] = e.persona
    if e.found.ask and (at := place.get(core("portrait", None, e.found.ask))) is not None:
        out[at, _AT["asked back about"]] = 1
    if e.command and (at := place.get(f"command:{e.command[0]}")) is not None:
        out[at, _AT["a command's words"]] = e.command[1]
    out[place["series"], _AT["is a series"]] = 1
    if e.photos:
        out[operations == "command", _AT["a command beside a photo"]] = 1
    return out


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
def _places(cores: tuple[str, ...]) -> tuple[dict[str, int], NDArray[np.str_]]:
    return {name: i for i, name in enumerate(cores)}, np.array([operation_of(name) for name in cores])


@cache
def model() -> Model:
    """Read once, at the first message."""
    with files("intent").joinpath("model.npz").open("rb") as file:
        arrays: Any = np.load(file)
        return Model(
            cores=tuple(str(name) for name in arrays["cores"]),
            vocabulary=arrays["vocabulary"],
            weights=arrays["weights"],
            scale=arrays["scale"],
            norms=arrays["norms"].astype(np.float32),
            mix=arrays["mix"],
            digest=str(arrays["digest"]),
        )
