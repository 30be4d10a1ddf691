"""The learned half of the choice: a linear model over hashed features, and a small network that weighs its scores with
what the rules found.

The arrays are made by `python -m intent.train` out of `intent/data/` and lie in `model.npz`. The linear model scores
every core (`Linear.scores`); of the likely ones, the network (`Choice`) makes probabilities out of those scores and
the rules' evidence (`intent.signals`). It was fitted on scores of writers whom the linear model had not seen; so a
probability of 0.8 is right about eight times in ten.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intent.evidence import Evidence
from intent.features import features
from intent.signals import Floats, Places, likely, signals


@dataclass(frozen=True, kw_only=True, slots=True)
class Linear:
    """`vocabulary`: the hashes of the features that are known, sorted; `weights`: feature by core, int8; `scale`: what
    one step is worth, by core; `norms`: the square of each feature's rarity."""

    vocabulary: NDArray[np.uint32]
    weights: NDArray[np.int8]
    scale: Floats
    norms: Floats

    def scores(self, found: list[int]) -> Floats:
        """The score of each core: about 1 for the right one, 0 for the others."""
        places = known(self.vocabulary, found)
        total = self.weights.take(places, 0).sum(axis=0, dtype=np.int32)
        length = float(np.sqrt(self.norms.take(places).sum())) or 1.0
        return np.asarray(total * self.scale / length, np.float32)


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One hidden layer beside a straight way through, for each likely core by itself. `into`: signal by hidden unit;
    `of_core`: what each core adds to them; `out`: hidden unit; `straight`: signal; `bias`: core."""

    into: Floats
    into_bias: Floats
    of_core: Floats
    out: Floats
    straight: Floats
    bias: Floats

    def probabilities(self, rows: Floats, at: Places) -> Floats:
        hidden = rows @ self.into
        hidden += self.of_core[at] + self.into_bias
        np.maximum(hidden, 0, out=hidden)
        weighed = hidden @ self.out + rows @ self.straight + self.bias[at]
        weighed -= weighed.max()
        shares = np.exp(weighed)
        return np.asarray(shares / shares.sum(), np.float32)


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """`digest`: that of the messages it was made from."""

    cores: tuple[str, ...]
    linear: Linear
    choice: Choice
    digest: str

    def scores(self, found: list[int]) -> Floats:
        return self.linear.scores(found)

    def scores_of(self, e: Evidence) -> Floats:
        return self.linear.scores(features(e.scan))

    def probabilities(self, e: Evidence, rules: str, confidence: float) -> Floats:
        """How likely each core is, given what the rules chose and how sure they are."""
        scores = self.scores_of(e)
        at = likely(self.cores, scores, e, rules, confidence)
        out = np.zeros(len(self.cores), np.float32)
        out[at] = self.choice.probabilities(signals(self.cores, at, scores, e, rules, confidence), at)
        return out


def known(vocabulary: NDArray[np.uint32], found: list[int]) -> NDArray[np.intp]:
    """The places of those features that are in the vocabulary."""
    sought = np.array(found, np.uint32)
    places = vocabulary.searchsorted(sought)
    return np.asarray(places[vocabulary.take(places, mode="clip") == sought], np.intp)


LINEAR = ("vocabulary", "weights", "scale", "norms")
CHOICE = ("into", "into_bias", "of_core", "out", "straight", "bias")


@cache
def model() -> Model:
    """Read once, at the first message."""
    with files("intent").joinpath("model.npz").open("rb") as file:
        arrays: Any = np.load(file)
        return Model(
            cores=tuple(str(name) for name in arrays["cores"]),
            linear=Linear(**{name: whole_numbers(arrays[name]) for name in LINEAR}),
            choice=Choice(**{name: whole_numbers(arrays[name]) for name in CHOICE}),
            digest=str(arrays["digest"]),
        )


def whole_numbers(array: NDArray[Any]) -> NDArray[Any]:
    """Halves are what the file keeps; they are reckoned with as whole numbers of 32 bits."""
    return array.astype(np.float32) if array.dtype == np.float16 else array
