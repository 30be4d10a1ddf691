"""Who makes a request: the configured providers that can, best first.

    named                 only this one; blocked or unknown is an error, and so is one that cannot
    else, in this order   PROVIDERS_PREFERRED, in its order
                          PROVIDERS_WEIGHTS, drawn by lot weighted so; the lot is the request's key, so a repeated run
                          and all pieces of a request draw the same
                          the others, in the order of `providers.known`
    last resort           the embedded provider: only where no configured service can do the request at all

A provider whose account was refused (key, balance, rights) stands at the end for five minutes.
"""

import hashlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches

from providers.base import Estimate, Provider, Request
from providers.catalog.keys import shown
from providers.errors import AskPerson, NotTaken, TellOperator
from providers.known import KNOWN

EMBEDDED = "embedded"
LAST_RESORTS = frozenset({EMBEDDED})
OUT_OF_FAVOUR = 300.0
"""Seconds for which a provider with a refused account is asked last."""


class Router:
    """Holds the configured providers for one process. `clock`: monotonic seconds."""

    def __init__(
        self,
        providers: Sequence[Provider],
        *,
        preferred: Sequence[str] = (),
        weights: Mapping[str, float] | None = None,
        blocked: Sequence[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._providers = {p.name: p for p in providers}
        self._preferred = tuple(preferred)
        self._weights = {name: weight for name, weight in (weights or {}).items() if weight >= 0}
        self._blocked = frozenset(blocked)
        self._clock = clock
        self._refused_at: dict[str, float] = {}

    @property
    def providers(self) -> tuple[Provider, ...]:
        return tuple(self._providers.values())

    def candidates(self, request: Request, named: str | None = None) -> tuple[Provider, ...]:
        """Who could do it, best first, never empty.

        Raises AskPerson: `provider_blocked`, `unknown_provider`, `provider_not_configured`, `provider_cannot`,
        `no_provider` (with `could`: who could, and by which setting), `nobody_can`.
        """
        if named is not None:
            return (self._named(named, request),)
        able = [
            p
            for p in self._providers.values()
            if p.name not in self._blocked and p.capabilities.reason_not(request) is None
        ]
        services = [p for p in able if p.name not in LAST_RESORTS]
        if not able:
            raise self._nobody(request)
        ranks = self._ranks(request)
        return tuple(sorted(services or able, key=lambda p: ranks[p.name]))

    def provider(self, name: str) -> Provider:
        """The configured provider of this name, blocked or not: its jobs are still fetched.

        Raises TellOperator `provider_gone`, where a job waits at a service that is no longer configured.
        """
        try:
            return self._providers[name]
        except KeyError:
            raise TellOperator(f"{shown(name)} is no longer configured", code="provider_gone") from None

    def estimate(self, request: Request, named: str | None = None) -> Estimate:
        """Price and time with the first candidate. Raises AskPerson."""
        return self.candidates(request, named)[0].estimate(request)

    def failed(self, name: str, error: NotTaken) -> None:
        """A refused account is remembered: the next requests go elsewhere first."""
        if isinstance(error, TellOperator):
            self._refused_at[name] = self._clock()

    def _named(self, name: str, request: Request) -> Provider:
        if name in self._blocked:
            raise AskPerson("named but blocked", code="provider_blocked", params={"given": shown(name)})
        provider = self._providers.get(name)
        if provider is None and name in KNOWN:
            params = {"given": shown(name), "setting": KNOWN[name].setting}
            raise AskPerson("named but not configured", code="provider_not_configured", params=params)
        if provider is None:
            names = [*self._providers, *(n for n in KNOWN if n not in self._providers)]
            near = get_close_matches(name.lower(), names, n=3, cutoff=0.5) or list(self._providers) or names
            raise AskPerson(
                "no such provider", code="unknown_provider", params={"given": shown(name), "nearest": ", ".join(near)}
            )
        if reason := provider.capabilities.reason_not(request):
            params = {"given": shown(name), "reason": reason, "could": self._could(request)}
            raise AskPerson(reason, code="provider_cannot", params=params)
        return provider

    def _nobody(self, request: Request) -> AskPerson:
        could = self._could(request)
        return AskPerson(
            "no configured provider can",
            code="no_provider" if could else "nobody_can",
            params={"could": could} if could else {},
        )

    def _could(self, request: Request) -> str:
        """`fal (FAL_KEY)`: services not configured, and not blocked, that could do it, each with its setting.

        Where only services could that this version does not use, their names: no setting here would help.
        """
        able = [
            known
            for name, known in KNOWN.items()
            if name not in self._providers
            and name not in self._blocked
            and known.capabilities.reason_not(request) is None
        ]
        usable = [f"{known.label} ({known.setting})" for known in able if known.supported]
        return ", ".join(usable or [known.label for known in able])

    def _ranks(self, request: Request) -> dict[str, tuple[bool, int, float, int]]:
        order = [*KNOWN, *(name for name in self._providers if name not in KNOWN)]
        return {name: self._rank(name, order.index(name), request) for name in self._providers}

    def _rank(self, name: str, place: int, request: Request) -> tuple[bool, int, float, int]:
        """Smaller comes first: in favour, then the tier, then within it."""
        out = self._out_of_favour(name)
        if name in self._preferred:
            return out, 0, self._preferred.index(name), place
        weight = self._weights.get(name)
        if weight:
            return out, 1, _lot(request.key, name) / weight, place
        return out, 3 if weight == 0 else 2, 0.0, place

    def _out_of_favour(self, name: str) -> bool:
        refused = self._refused_at.get(name)
        return refused is not None and self._clock() - refused < OUT_OF_FAVOUR


def _lot(key: str, name: str) -> float:
    """An exponential draw: the smallest of draw / weight falls on each provider in proportion to its weight.

    Drawn from the request's key without the number of the piece, so all pieces go to the same provider.
    """
    digest = hashlib.sha256(f"{key.partition('#')[0]}\0{name}".encode()).digest()
    uniform = (int.from_bytes(digest[:8], "big") + 1) / 2**64
    return -math.log(uniform)
