"""Makes `intent/model.npz` out of `intent/data/`: `python -m intent.train`. The same data give the same file.

1. A ridge regression of the cores upon the hashed features, by conjugate gradients.
2. The same with a fifth of the writers left out at a time, for scores on messages of writers it has not seen.
3. Upon those scores and the rules' evidence, the weights of the mix: a conditional logit, so that what comes out are
   probabilities. Messages the rules were made with have no part in this: there the rules are right too often.
"""

import sys
import time
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

from intent.core import core, core_of
from intent.corpus import Labelled, digest, messages_of, writers
from intent.decision_state import DecisionState
from intent.evidence import gather
from intent.features import features
from intent.model import SIGNALS, Floats, known, signals_of
from intent.rules import by_rules
from intent.scan import Scan

FEWEST = 2
"""Messages that have a feature: what one alone has says nothing about the others."""
RIDGE = 1.0
ROUNDS = 20
"""Steps of the conjugate gradients: more changes nothing that a held-out writer would notice."""
FOLDS = 5
WRITTEN_FOR_THIS = 1.0
"""How much a message of the writers counts against one of the shorter ones that the rules were made with."""
VARIED = {"none": 0.3}
SAME_WISH = 0.8
"""… and a variation of one of theirs against itself: the same wish without its photo, the same word to the bot beside
one. Who writes such messages puts a photo beside nearly every wish; in a chat the words often come first. A remark
(`VARIED`) counts less: beside a photo many a remark would be a wish."""
MIX_RIDGE = 1e-3

Ints = NDArray[np.int64]


def label(row: Labelled) -> str:
    expect = row.accepted[0]
    key = expect.get("style") or expect.get("action") or expect.get("command")
    return core(expect["operation"], key, tuple(expect.get("ask") or ()))


def variations(row: Labelled) -> list[Labelled]:
    """The same words where the photos are another number and what is asked stays the same."""
    operation = row.operation
    if operation in ("portrait", "edit", "series") and row.photos:
        return [replace(row, photos=0)]
    return [replace(row, photos=1)] if operation in ("none", "command") and not row.photos else []


def vocabulary_of(found: list[list[int]]) -> tuple[NDArray[np.uint32], Ints]:
    """The features that several messages have, and how many have each."""
    names, often = np.unique(np.concatenate([np.array(f, np.uint32) for f in found]), return_counts=True)
    kept = often >= FEWEST
    return names[kept], often[kept]


def matrix(found: list[list[int]], vocabulary: NDArray[np.uint32], rarity: Floats) -> csr_matrix:
    """One row a message, each of length 1 (or 0 where nothing in it is known)."""
    places = [known(vocabulary, f) for f in found]
    starts = np.cumsum([0, *map(len, places)])
    values = [rarity[at] / np.sqrt((rarity[at] ** 2).sum() or 1) for at in places]
    flat = np.concatenate(values).astype(np.float32), np.concatenate(places), starts
    return csr_matrix(flat, shape=(len(found), len(vocabulary)))


def ridge(x: csr_matrix, y: Ints, cores: int, weight: Floats) -> Floats:
    """Feature by core."""
    target = np.zeros((x.shape[0], cores), np.float32)
    target[np.arange(len(y)), y] = 1
    back, by = x.T.tocsr(), weight[:, None]
    residual = back @ (by * target)
    out = np.zeros_like(residual)
    step, size = residual.copy(), (residual * residual).sum(0)
    for _ in range(ROUNDS):
        pushed = back @ (by * (x @ step)) + RIDGE * step
        far = size / np.maximum((step * pushed).sum(0), 1e-12)
        out += far * step
        residual -= far * pushed
        new = (residual * residual).sum(0)
        step = residual + new / np.maximum(size, 1e-12) * step
        size = new
    return np.asarray(out, np.float32)


def fitted_mix(signals: Floats, y: Ints, weight: Floats) -> Floats:
    """The weights under which the right cores are likeliest."""
    at, share = np.arange(len(y)), weight / weight.sum()

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = signals @ weights
        scores -= scores.max(1, keepdims=True)
        likely = np.exp(scores)
        likely /= likely.sum(1, keepdims=True)
        likely_signals = np.einsum("nk,nks->ns", likely, signals)
        slope = -(share[:, None] * (signals[at, y] - likely_signals)).sum(0)
        value = -(share * np.log(likely[at, y] + 1e-12)).sum() + MIX_RIDGE * (weights @ weights)
        return float(value), np.asarray(slope + 2 * MIX_RIDGE * weights, np.float64)

    found = minimize(loss, np.zeros(len(SIGNALS)), jac=True, method="L-BFGS-B")
    return np.asarray(np.round(found.x, 3), np.float32)  # the last digits are the processor's


def evidence_signals(cores: tuple[str, ...], rows: list[Labelled], scores: Floats) -> Floats:
    out = np.zeros((len(rows), len(cores), len(SIGNALS)), np.float32)
    for i, row in enumerate(rows):
        state = DecisionState(Scan(row.text, row.photos))
        e = gather(state.scan, state.c)
        rules = by_rules(state, e)
        out[i] = signals_of(cores, scores[i], e, core_of(rules), rules.confidence)
    return out


def train(path: Path) -> None:
    started = time.perf_counter()
    written = [row for w in writers().values() if not w.held_out for row in messages_of(w)]
    varied = [other for row in written if not row.writer.for_rules for other in variations(row)]
    rows = [*written, *varied]
    labels = [label(row) for row in rows]
    cores = tuple(sorted(set(labels)))
    y = np.array([cores.index(name) for name in labels])
    found = [features(Scan(row.text, row.photos)) for row in rows]
    vocabulary, often = vocabulary_of(found[: len(written)])
    rarity = np.sqrt(np.log((1 + len(written)) / (1 + often))).astype(np.float32)
    x = matrix(found, vocabulary, rarity)
    weight = np.array([1.0 if row.writer.for_rules else WRITTEN_FOR_THIS for row in rows], np.float32)
    weight[len(written) :] *= [VARIED.get(row.operation, SAME_WISH) for row in varied]

    strangers = [w.name for w in writers().values() if not w.held_out and not w.for_rules]
    scores = np.zeros((len(rows), len(cores)), np.float32)
    for fold in range(FOLDS):
        left = set(strangers[fold::FOLDS])
        out = np.array([row.writer.name in left for row in rows])
        scores[out] = x[out] @ ridge(x[~out], y[~out], len(cores), weight[~out])
    seen = np.array([not row.writer.for_rules for row in rows])
    mixed = [row for row in rows if not row.writer.for_rules]
    mix = fitted_mix(evidence_signals(cores, mixed, scores[seen]), y[seen], weight[seen])

    weights = ridge(x, y, len(cores), weight) * rarity[:, None]
    scale = np.abs(weights).max(0) / 127
    np.savez_compressed(
        path,
        cores=np.array(cores),
        vocabulary=vocabulary,
        weights=np.round(weights / scale).astype(np.int8),
        scale=scale.astype(np.float32),
        norms=(rarity * rarity).astype(np.float16),
        mix=mix,
        digest=np.array(digest()),
    )
    for name, value in zip(SIGNALS, mix, strict=True):
        print(f"  {value:6.2f}  {name}")
    print(
        f"{len(written)} messages and {len(varied)} variations, {len(cores)} cores, "
        f"{path.stat().st_size / 1e6:.2f} MB, {time.perf_counter() - started:.0f} s"
    )


if __name__ == "__main__":
    train(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(str(files("intent"))) / "model.npz")
