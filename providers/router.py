"""Who makes a task: the configured providers that can, best first.

    named                 only this one; blocked or unknown is an error, and so is one that cannot
    else, in this order   PROVIDERS_PREFERRED, in its order
                          PROVIDERS_WEIGHTS, drawn by lot weighted so; the lot is the request's key, so a repeated run
                          and all pieces of a request draw the same
                          the others, in the order of `providers.registry`
    last resort           this machine: only where no configured service can do the task at all

A provider whose account was refused (key, balance, rights) stands at the end for five minutes.
"""

import hashlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from providers.base import Provider
from providers.catalog.keys import shown
from providers.errors import AskPerson, NotTaken, TellOperator
from providers.media.labels import DEFAULT_PRODUCER
from providers.offers import Estimate, Offer, Tier
from providers.preferences import ANYONE, Preferences
from providers.registry import Service, known_names, service, services
from providers.task import Task

ACCOUNT_COOLDOWN = 300.0
"""Seconds for which a provider with a refused account is asked last."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A provider that can do a task, and the offer by which it would."""

    provider: Provider
    offer: Offer

    @property
    def name(self) -> str:
        return self.provider.name

    def estimate(self, task: Task) -> Estimate:
        return self.offer.estimate(task)


class Router:
    """Holds the configured providers for one process. `producer`: who the labels of pictures name. `clock`: monotonic
    seconds."""

    def __init__(
        self,
        providers: Sequence[Provider],
        *,
        preferred: Sequence[str] = (),
        weights: Mapping[str, float] | None = None,
        blocked: Sequence[str] = (),
        producer: str = DEFAULT_PRODUCER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.producer = producer
        self._providers = tuple(providers)
        self._preferred = tuple(preferred)
        self._weights = {name: weight for name, weight in (weights or {}).items() if weight >= 0}
        self._blocked = frozenset(blocked)
        self._clock = clock
        self._refused_at: dict[str, float] = {}

    @property
    def providers(self) -> tuple[Provider, ...]:
        return self._providers

    def candidates(self, task: Task, preferences: Preferences = ANYONE, *, lot: str = "") -> tuple[Candidate, ...]:
        """Who could do it, best first, never empty. `lot`: the request's key, by which the weighted draw is made.

        Raises AskPerson: `provider_blocked`, `unknown_provider`, `provider_not_configured`, `provider_cannot`,
        `no_provider` (with `could`: who could, and by which setting), `nobody_can`.
        """
        named = preferences.provider or task.service
        if named is not None:
            return (self._named(named, task),)
        able = [
            Candidate(provider=provider, offer=offer)
            for provider in self._providers
            if not self._is_blocked(provider.name) and (offer := provider.offers.find(task)) is not None
        ]
        if not able:
            raise self._nobody(task)
        elsewhere = [candidate for candidate in able if candidate.provider.tier is not Tier.LOCAL]
        ranks = {c.name: self._rank(c.name, lot) for c in able}
        return tuple(sorted(elsewhere or able, key=lambda c: ranks[c.name]))

    def provider(self, name: str) -> Provider:
        """The configured provider of this name, blocked or not: its jobs are still fetched.

        Raises TellOperator `provider_gone`, where a job waits at a service that is no longer configured.
        """
        found = self._configured(name)
        if found is None:
            raise TellOperator(f"{shown(name)} is no longer configured", code="provider_gone")
        return found

    def estimate(self, task: Task, preferences: Preferences = ANYONE) -> Estimate:
        """Price and time with the first candidate. Raises AskPerson."""
        return self.candidates(task, preferences)[0].estimate(task)

    def failed(self, name: str, error: NotTaken) -> None:
        """A refused account is remembered: the next requests go elsewhere first."""
        if isinstance(error, TellOperator):
            self._refused_at[name] = self._clock()

    def _configured(self, name: str) -> Provider | None:
        known = services().get(name)
        exact = next((p for p in self._providers if p.name == name), None)
        if exact is not None or known is not None:
            return exact
        return next((p for p in self._providers if name in _names(p.name)), None)

    def _is_blocked(self, name: str) -> bool:
        return not self._blocked.isdisjoint(_names(name))

    def _named(self, name: str, task: Task) -> Candidate:
        if self._is_blocked(name):
            raise AskPerson("named but blocked", code="provider_blocked", params={"given": shown(name)})
        provider = self._configured(name)
        if provider is None:
            raise self._not_there(name)
        offer = provider.offers.find(task)
        if offer is None:
            reason = provider.offers.reason_not(task) or "operation"
            params = {"given": shown(name), "reason": str(reason), "could": self._could(task)}
            raise AskPerson(str(reason), code="provider_cannot", params=params)
        return Candidate(provider=provider, offer=offer)

    def _not_there(self, name: str) -> AskPerson:
        if (known := service(name)) is not None:
            params = {"given": shown(name), "setting": known.setting}
            return AskPerson("named but not configured", code="provider_not_configured", params=params)
        configured = [p.name for p in self._providers]
        names = list(dict.fromkeys([*configured, *known_names()]))
        near = get_close_matches(name.lower(), names, n=3, cutoff=0.5) or configured or names
        return AskPerson(
            "no such provider", code="unknown_provider", params={"given": shown(name), "nearest": ", ".join(near)}
        )

    def _nobody(self, task: Task) -> AskPerson:
        could = self._could(task)
        return AskPerson(
            "no configured provider can",
            code="no_provider" if could else "nobody_can",
            params={"could": could} if could else {},
        )

    def _could(self, task: Task) -> str:
        """`fal (FAL_KEY)`: services not configured, and not blocked, that could do it, each with its setting."""
        configured = {provider.name for provider in self._providers}
        return ", ".join(
            f"{known.label} ({known.setting})" if known.setting else known.label
            for known in services().values()
            if known.key not in configured and not self._is_blocked(known.key) and _could_do(known, task)
        )

    def _rank(self, name: str, lot: str) -> tuple[bool, int, float, int]:
        """Smaller comes first: in favour, then the tier, then within it."""
        order = [*services(), *(p.name for p in self._providers if p.name not in services())]
        place = order.index(name)
        out = self._out_of_favour(name)
        called = _names(name)
        if preferred := [n for n, p in enumerate(self._preferred) if p in called]:
            return out, 0, preferred[0], place
        weight = next((self._weights[n] for n in called if n in self._weights), None)
        if weight:
            return out, 1, _lot(lot, name) / weight, place
        return out, 3 if weight == 0 else 2, 0.0, place

    def _out_of_favour(self, name: str) -> bool:
        refused = self._refused_at.get(name)
        return refused is not None and self._clock() - refused < ACCOUNT_COOLDOWN


def _could_do(known: Service, task: Task) -> bool:
    return known.offers().find(task) is not None


def _names(name: str) -> tuple[str, ...]:
    """A service's key, and the other name it goes by."""
    known = services().get(name)
    return (name, known.alias) if known is not None and known.alias else (name,)


def _lot(key: str, name: str) -> float:
    """An exponential draw: the smallest of draw / weight falls on each provider in proportion to its weight.

    Drawn from the request's key without the number of the piece, so all pieces go to the same provider.
    """
    digest = hashlib.sha256(f"{key.partition('#')[0]}\0{name}".encode()).digest()
    uniform = (int.from_bytes(digest[:8], "big") + 1) / 2**64
    return -math.log(uniform)
