"""Makes `intent/model.npz` out of `intent/data/`: `python -m intent.train`. The same data give the same file.

1. A ridge regression of the cores upon the hashed features, by conjugate gradients.
2. The same with a fifth of the writers left out at a time, for scores on messages of writers it has not seen.
3. Upon those scores and the rules' evidence, the network that chooses (`intent.choosing`). Messages the rules were made
   with count less here: there the rules are right too often.
"""

import re
import sys
import time
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

from intent.choosing import Seen, fitted, looked_at
from intent.controls import controls
from intent.core import core
from intent.corpus import Labelled, digest, messages_of, writers
from intent.evidence import gather
from intent.features import features
from intent.model import CHOICE, LINEAR, Choice, Linear, known
from intent.scan import Scan
from intent.signals import Floats
from intent.thresholds import CREATE

FEWEST = 2
"""Messages that have a feature: what one alone has says nothing about the others."""
RIDGE = 1.0
ROUNDS = 14
"""Steps of the conjugate gradients: more changes nothing that a held-out writer would notice."""
FOLDS = 5
VARIED = {"none": 0.3}
SAME_WISH = 0.8
"""How much a variation of a message counts against itself: the same wish without its photo, the same word to the bot
beside one. Who writes such messages puts a photo beside nearly every wish; in a chat the words often come first. A
remark (`VARIED`) counts less: beside a photo many a remark would be a wish."""

MADE_WITH = 0.7
"""How much a message that the rules were made with counts where the rules are weighed: those are short and plain, as
most that people write are, and those of the writers mostly hard on purpose."""

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def label(row: Labelled) -> str:
    expect = row.accepted[0]
    key = expect.get("style") or expect.get("action") or expect.get("command")
    return core(expect["operation"], key, tuple(expect.get("ask") or ()))


def variations(row: Labelled) -> list[Labelled]:
    """The same words where the photos are another number and what is asked stays the same: of a style's words without a
    person in them ("a galleon, in oils") it does not, without a photo they are a picture from words alone."""
    operation = row.operation
    if operation in ("portrait", "edit", "series") and row.photos:
        without = Scan(row.text, 0)
        drawn = operation == "portrait" and gather(without, controls(without)).drawn >= CREATE
        return [] if drawn else [replace(row, photos=0)]
    return [replace(row, photos=1)] if operation in ("none", "command") and not row.photos else []


@dataclass(frozen=True, kw_only=True)
class Material:
    """All that is trained on. `rows`: as written, then their variations. `fold`: by writer; the messages that the rules
    were made with are dealt out one by one. `strangers`: of writers the rules were not made with."""

    rows: list[Labelled]
    written: int
    cores: tuple[str, ...]
    y: Ints
    weight: Floats
    fold: Ints
    vocabulary: NDArray[np.uint32]
    rarity: Floats
    x: csr_matrix
    strangers: Bools

    def linear(self, kept: Bools) -> Linear:
        """Taught the rows that are `kept`."""
        weights = ridge(self.x[kept], self.y[kept], len(self.cores), self.weight[kept]) * self.rarity[:, None]
        scale = np.maximum(np.abs(weights).max(0) / 127, 1e-9)
        return Linear(
            vocabulary=self.vocabulary,
            weights=np.round(weights / scale).astype(np.int8),
            scale=scale.astype(np.float32),
            norms=(self.rarity * self.rarity).astype(np.float16).astype(np.float32),
        )

    def looked_at(self, linear: Linear, which: Bools) -> Seen:
        """What the network sees of the rows `which`, by a model that has not seen their writers."""
        at = np.flatnonzero(which)
        weight = self.weight[at] * np.where(self.strangers[at], np.float32(1), np.float32(MADE_WITH))
        return looked_at(self.cores, linear, [self.rows[i] for i in at], self.y[at], weight)


def material() -> Material:
    written = [row for w in writers().values() if not w.held_out for row in messages_of(w)]
    varied = [other for row in written if not row.writer.for_rules for other in variations(row)]
    rows = [*written, *varied]
    labels = [label(row) for row in rows]
    cores = tuple(sorted(set(labels)))
    found = [features(Scan(row.text, row.photos)) for row in rows]
    vocabulary, often = vocabulary_of(found[: len(written)])
    rarity = np.sqrt(np.log((1 + len(written)) / (1 + often))).astype(np.float32)
    weight = np.ones(len(rows), np.float32)
    weight[len(written) :] = [VARIED.get(row.operation, SAME_WISH) for row in varied]
    hands = sorted({_hand(row) for row in written if not row.writer.for_rules})
    fold_of = {hand: i % FOLDS for i, hand in enumerate(hands)}
    return Material(
        rows=rows,
        written=len(written),
        cores=cores,
        y=np.array([cores.index(name) for name in labels]),
        weight=weight,
        fold=np.array([i % FOLDS if row.writer.for_rules else fold_of[_hand(row)] for i, row in enumerate(rows)]),
        strangers=np.array([not row.writer.for_rules for row in rows]),
        vocabulary=vocabulary,
        rarity=rarity,
        x=matrix(found, vocabulary, rarity),
    )


def _hand(row: Labelled) -> str:
    """A second file of the same kind of writer (`en_dating2`) is left out together with the first."""
    return re.sub(r"\d+$", "", row.writer.name)


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


def write(path: Path, m: Material, linear: Linear, choice: Choice) -> None:
    arrays = {name: getattr(linear, name) for name in LINEAR} | {name: getattr(choice, name) for name in CHOICE}
    halves = {name: arrays[name].astype(np.float16) for name in ("norms", "into", "of_core")}
    np.savez_compressed(path, cores=np.array(m.cores), digest=np.array(digest()), **(arrays | halves))


def train(path: Path) -> None:
    started = time.perf_counter()
    m = material()
    seen = [m.looked_at(m.linear(m.fold != fold), m.fold == fold) for fold in range(FOLDS)]
    write(path, m, m.linear(np.ones(len(m.rows), np.bool_)), fitted(Seen.together(seen), len(m.cores)))
    print(
        f"{m.written} messages and {len(m.rows) - m.written} variations, {len(m.cores)} cores, "
        f"{path.stat().st_size / 1e6:.2f} MB, {time.perf_counter() - started:.0f} s"
    )


if __name__ == "__main__":
    train(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(str(files("intent"))) / "model.npz")
