"""Fits the network that chooses among the likely cores: Adam over small batches, the same seed each time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from intent.core import core_of
from intent.corpus import Labelled
from intent.decision_state import DecisionState
from intent.evidence import gather
from intent.features import features
from intent.model import Choice, Linear
from intent.rules import by_rules
from intent.scan import Scan
from intent.signals import COLUMNS, LIKELY, Floats, Places, likely, signals

HIDDEN = 48
SEEDS = (0, 1)
"""Networks whose verdicts are averaged: they become one, of twice the width."""
ROUNDS = 10
BATCH = 256
STEP = 3e-3
SHRINK = 1e-2
"""How much each weight is drawn to nothing, against what a step of it is worth."""
CORE_STEP = 3.0
"""What a core's own name weighs as an input, against the other signals at a spread of 1."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """`rows`: message by likely core by signal; `at`: which cores they are; `right`: which of them is meant."""

    rows: Floats
    at: Places
    right: Places
    weight: Floats

    @staticmethod
    def together(parts: list["Seen"]) -> "Seen":
        return Seen(
            rows=np.concatenate([p.rows for p in parts]),
            at=np.concatenate([p.at for p in parts]),
            right=np.concatenate([p.right for p in parts]),
            weight=np.concatenate([p.weight for p in parts]),
        )


def looked_at(
    cores: tuple[str, ...], linear: Linear, rows: list[Labelled], y: NDArray[np.int64], weight: Floats
) -> Seen:
    """Messages of which what is meant is not among the likely cores teach nothing and are left out."""
    seen = np.zeros((len(rows), LIKELY, COLUMNS), np.float32)
    at = np.zeros((len(rows), LIKELY), np.intp)
    for i, row in enumerate(rows):
        state = DecisionState(Scan(row.text, row.photos))
        e = gather(state.scan, state.c)
        rules = by_rules(state, e)
        scores = linear.scores(features(e.scan))
        at[i] = likely(cores, scores, e, core_of(rules), rules.confidence)
        seen[i] = signals(cores, at[i], scores, e, core_of(rules), rules.confidence)
    right = at == y[:, None]
    kept = right.any(1)
    return Seen(rows=seen[kept], at=at[kept], right=right[kept].argmax(1), weight=weight[kept])


def fitted(seen: Seen, cores: int) -> Choice:
    """Under which the right cores are likeliest."""
    flat = seen.rows.reshape(-1, COLUMNS)
    middle, spread = flat.mean(0), flat.std(0) + 1e-3
    even = ((seen.rows - middle) / spread).astype(np.float32)
    nets = [_fit(even, seen, cores, seed) for seed in SEEDS]
    share = np.float32(1 / len(nets))
    into = np.concatenate([n[0] for n in nets], 1) / spread[:, None]
    return Choice(
        into=into,
        into_bias=np.concatenate([n[1] for n in nets]) - middle @ into,
        of_core=np.concatenate([n[2] for n in nets], 1) * np.float32(CORE_STEP),
        out=np.concatenate([n[3] for n in nets]) * share,
        straight=np.sum([n[4] for n in nets], 0) * share / spread,
        bias=np.sum([n[5] for n in nets], 0) * share * np.float32(CORE_STEP),
    )


def _fit(x: Floats, seen: Seen, cores: int, seed: int) -> list[Floats]:
    """[into, into_bias, of_core, out, straight, bias]."""
    chance = np.random.default_rng(seed)
    wide = COLUMNS + cores
    drawn: list[NDArray[np.float64]] = [
        chance.normal(0, wide**-0.5, (COLUMNS, HIDDEN)),
        np.zeros(HIDDEN),
        chance.normal(0, wide**-0.5, (cores, HIDDEN)),
        chance.normal(0, 0.5 * HIDDEN**-0.5, HIDDEN),
        chance.normal(0, 0.05, COLUMNS),
        np.zeros(cores),
    ]
    net: list[Floats] = [part.astype(np.float32) for part in drawn]
    first = [np.zeros_like(part) for part in net]
    second = [np.zeros_like(part) for part in net]
    batches = -(-len(x) // BATCH)
    for n in range(ROUNDS * batches):
        if n % batches == 0:
            order = np.array_split(chance.permutation(len(x)), batches)
        chosen = order[n % batches]
        step = STEP * (1 - n / (ROUNDS * batches))
        slopes = _slopes(net, x[chosen], seen.at[chosen], seen.right[chosen], seen.weight[chosen])
        for part, slope, a, b in zip(net, slopes, first, second, strict=True):
            a += 0.1 * (slope - a)
            b += 0.001 * (slope * slope - b)
            moved = (a / (1 - 0.9 ** (n + 1))) / (np.sqrt(b / (1 - 0.999 ** (n + 1))) + 1e-8)
            part -= step * (moved + SHRINK * part)
    return net


def _slopes(net: list[Floats], x: Floats, at: Places, right: Places, weight: Floats) -> list[Floats]:
    """Of the log-likelihood's loss, by each part of the network."""
    into, into_bias, of_core, out, straight, bias = net
    hidden = np.maximum(x @ into + into_bias + CORE_STEP * of_core[at], 0)
    weighed = hidden @ out + x @ straight + CORE_STEP * bias[at]
    weighed -= weighed.max(1, keepdims=True)
    off = np.exp(weighed)
    off /= off.sum(1, keepdims=True)
    off[np.arange(len(off)), right] -= 1
    off *= (weight / len(off))[:, None]
    back = (off[..., None] * out) * (hidden > 0)
    flat = back.reshape(-1, back.shape[-1])
    to_core, to_bias = np.zeros_like(of_core), np.zeros_like(bias)
    np.add.at(to_core, at.ravel(), CORE_STEP * flat)
    np.add.at(to_bias, at.ravel(), CORE_STEP * off.ravel())
    signals_flat = x.reshape(-1, x.shape[-1])
    return [
        signals_flat.T @ flat,
        flat.sum(0),
        to_core,
        hidden.reshape(len(flat), -1).T @ off.ravel(),
        signals_flat.T @ off.ravel(),
        to_bias,
    ]
