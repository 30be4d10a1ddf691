"""The order in which candidates are asked. Pure.

A request's own preferences come before the settings; within each, names before lots before priority:

    1   this request's `prefer`, in its order
    2   this request's `weights`, drawn by lot
    3   this request's `priority`
    4   PROVIDERS_PREFERRED, in its order
    5   PROVIDERS_WEIGHTS, drawn by lot; a weight of 0 comes after those without one
    6   what a person's words put first, else PROVIDERS_PRIORITY; what it leaves equal by quality, price and time
    7   the place at which the services are registered

The lot is seeded with the request's key, so a repeated run and all pieces of a request draw the same.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from providers.offers import Offer, Tier
from providers.preferences import Preferences, Priority
from providers.task import Task

Rank = tuple[Any, ...]
"""Smaller comes first."""
_FARTHER = {Tier.OWN: 0, Tier.LOCAL: 1, Tier.SERVICE: 2}


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """One candidate as it is ranked. `names`: its key, and what else it is called."""

    names: tuple[str, ...]
    tier: Tier
    offer: Offer
    place: int


def rank(candidate: Ranked, task: Task, own: Preferences, settings: Preferences, lot: str) -> Rank:
    """`own` are the request's preferences; of `settings` the same fields are looked at."""
    base = own.wished or settings.priority or Priority.QUALITY
    return (
        _named(candidate.names, own.prefer),
        _drawn(candidate.names, own.weights, lot),
        _score(candidate, task, own.priority) if own.priority else (),
        _named(candidate.names, settings.prefer),
        _drawn(candidate.names, settings.weights if own.weights is None else None, lot),
        _score(candidate, task, base),
        candidate.place,
    )


def _named(names: Sequence[str], preferred: Sequence[str]) -> int:
    return next((n for n, name in enumerate(preferred) if name in names), len(preferred))


def _drawn(names: Sequence[str], weights: Mapping[str, float] | None, lot: str) -> tuple[int, float]:
    weight = next((weights[name] for name in names if name in weights), None) if weights else None
    if weight is None:
        return 1, 0.0
    return (0, _lot(lot, names[0]) / weight) if weight > 0 else (2, 0.0)


def _score(candidate: Ranked, task: Task, priority: Priority) -> Rank:
    offer = candidate.offer
    estimate = offer.estimate(task)
    cost = estimate.cost.amount
    match priority:
        case Priority.SPEED:
            return estimate.seconds, -offer.quality, cost
        case Priority.COST:
            return cost, -offer.quality, estimate.seconds
        case Priority.PRIVACY:
            return _FARTHER[candidate.tier], -offer.quality, cost, estimate.seconds
    return -offer.quality, cost, estimate.seconds


def _lot(key: str, name: str) -> float:
    """An exponential draw: the smallest of draw / weight falls on each provider in proportion to its weight.

    Drawn from the request's key without the number of the piece, so all pieces go to the same provider.
    """
    digest = hashlib.sha256(f"{key.partition('#')[0]}\0{name}".encode()).digest()
    uniform = (int.from_bytes(digest[:8], "big") + 1) / 2**64
    return -math.log(uniform)
