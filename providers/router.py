"""Which provider makes a task: the configured ones that can, best first (see `providers.ranking` for the order).

    named                 only this one; blocked or unknown is an error, and so is one that cannot
    blocked               never, whatever else is said, by the settings or by the request
    last resort           this machine: only where no configured service can do the task at all, where it is preferred
                          by name, or where photos must not leave the operator's machines
    privacy asked for     with photos in it, only this machine and the operator's own servers

Nothing is asked here: `providers.submission` goes through the candidates.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from providers.base import Provider
from providers.breaker import Breaker
from providers.catalog.keys import shown
from providers.errors import AskPerson, LikenessError, TellOperator
from providers.finishing import Finisher
from providers.media.credentials import ContentCredentials
from providers.media.labels import DEFAULT_PRODUCER
from providers.moderation.moderation import WORDS_ONLY, Moderation
from providers.offers import Estimate, Offer, Tier
from providers.preferences import ANYONE, Preferences, Priority
from providers.ranking import Ranked, rank
from providers.registry import Service, known_names, service, services
from providers.task import LEVELS, Task


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
    """Holds the configured providers for one process. What is given besides is what the settings say; `producer`: who
    the labels of pictures name; `watermark`: whether their pixels carry their number; `credentials`: what they are
    signed with; `moderation`: what looks at requests and pictures; `finisher`: what is done to pictures afterwards."""

    def __init__(
        self,
        providers: Sequence[Provider],
        *,
        preferred: Sequence[str] = (),
        weights: Mapping[str, float] | None = None,
        blocked: Sequence[str] = (),
        priority: Priority = Priority.QUALITY,
        breaker: Breaker | None = None,
        producer: str = DEFAULT_PRODUCER,
        watermark: bool = False,
        credentials: ContentCredentials | None = None,
        moderation: Moderation = WORDS_ONLY,
        finisher: Finisher | None = None,
    ) -> None:
        self.producer = producer
        self.watermark = watermark
        self.credentials = credentials
        self.moderation = moderation
        self.finisher = finisher
        self._providers = tuple(providers)
        self._settings = Preferences(
            prefer=tuple(preferred),
            weights={name: weight for name, weight in (weights or {}).items() if weight >= 0},
            block=frozenset(blocked),
            priority=priority,
        )
        self.breaker = breaker or Breaker()
        self._answered: dict[str, bool] = {}
        self._away: dict[str, LikenessError] = {}

    async def discover(self) -> None:
        """Ask the operator's own servers what they have: before that they offer nothing. Free; the answers are cached.

        One that is away offers what it was last seen to have, and is told as being away where it is named.
        """
        await asyncio.gather(*(self._discovered(provider) for provider in self._providers))

    async def _discovered(self, provider: Provider) -> None:
        self._away.pop(provider.name, None)
        try:
            self._answered[provider.name] = await provider.discover()
        except LikenessError as error:
            self._away[provider.name] = error

    def is_another(self, name: str) -> bool:
        """Whether, as was discovered, another service answers at the address that both are configured with."""
        shared = [p.name for p in self._providers if p.name != name and not _aliases(name).isdisjoint(_aliases(p.name))]
        return self._answered.get(name) is False and any(self._answered.get(other) for other in shared)

    @property
    def providers(self) -> tuple[Provider, ...]:
        return self._providers

    def candidates(self, task: Task, preferences: Preferences = ANYONE, *, lot: str = "") -> tuple[Candidate, ...]:
        """Who could do it, best first, never empty. `lot`: the request's key, by which the weighted draw is made.

        Raises AskPerson: `provider_blocked`, `unknown_provider`, `provider_not_configured`, `provider_cannot`,
        `no_provider` (with `could`: who could, and by which setting).
        """
        named = preferences.provider or task.service
        if named is not None:
            return (self._named(named, task, preferences),)
        able = [
            Candidate(provider=provider, offer=offer)
            for provider in self._providers
            if not self._is_blocked(provider.name, preferences)
            and (offer := provider.offers.find(task)) is not None
            and not _leaves(provider, task, preferences)
        ]
        if not able:
            raise self._nobody(task, preferences)
        chosen = _without_last_resort(able, preferences)
        places = {name: n for n, name in enumerate(dict.fromkeys([*services(), *(c.name for c in chosen)]))}

        def order(candidate: Candidate) -> Any:
            ranked = Ranked(
                names=_names(candidate.name),
                tier=candidate.provider.tier,
                offer=candidate.offer,
                place=places[candidate.name],
            )
            return rank(ranked, task, preferences, self._settings, lot)

        return tuple(sorted(chosen, key=order))

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

    def _configured(self, name: str) -> Provider | None:
        known = services().get(name)
        exact = next((p for p in self._providers if p.name == name), None)
        if exact is not None or known is not None:
            return exact
        meant = [p for p in self._providers if name in _names(p.name)]
        return next((p for p in meant if p.offers.rows), next(iter(meant), None))

    def _is_blocked(self, name: str, preferences: Preferences) -> bool:
        blocked = self._settings.block | preferences.block
        return not blocked.isdisjoint(_names(name))

    def _named(self, name: str, task: Task, preferences: Preferences) -> Candidate:
        if self._is_blocked(name, preferences):
            raise AskPerson("named but blocked", code="provider_blocked", params={"given": shown(name)})
        provider = self._configured(name)
        if provider is None:
            raise self._not_there(name)
        if self._is_blocked(provider.name, preferences):
            raise AskPerson("named but blocked", code="provider_blocked", params={"given": shown(name)})
        offer = provider.offers.find(task)
        if offer is None and not provider.offers.rows and (away := self._away.get(provider.name)) is not None:
            away.away = provider.name
            raise away
        if offer is None:
            raise self._cannot(name, provider, task, preferences)
        if _leaves(provider, task, preferences):
            params = {"given": shown(name), "reason": "privacy"}
            raise AskPerson(
                "photos must not leave", code="provider_cannot", text_key="error.provider_private", params=params
            )
        return Candidate(provider=provider, offer=offer)

    def _cannot(self, name: str, provider: Provider, task: Task, preferences: Preferences) -> AskPerson:
        reason = str(provider.offers.reason_not(task) or "operation")
        could = self._could(task, preferences)
        params = {"given": shown(name), "reason": reason, "could": self._as_words(could)}
        error = AskPerson(reason, code="provider_cannot", params=params)
        error.could = could
        return error

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

    def _nobody(self, task: Task, preferences: Preferences) -> AskPerson:
        could = self._could(task, preferences)
        if not could:
            return AskPerson("nobody can", code="no_provider", text_key="error.nobody_can")
        error = AskPerson("no configured provider can", code="no_provider", params={"could": self._as_words(could)})
        error.could = could
        return error

    def _could(self, task: Task, preferences: Preferences) -> tuple[str, ...]:
        """The keys of services, configured or not, but not blocked, that could do it."""
        offers = {known.key: known.offers() for known in services().values() if not _leaves(known, task, preferences)}
        offers |= {p.name: p.offers for p in self._providers if not _leaves(p, task, preferences)}
        return tuple(
            key
            for key, rows in offers.items()
            if not self._is_blocked(key, preferences) and rows.find(replace(task, model=_level(task))) is not None
        )

    def _as_words(self, could: Sequence[str]) -> str:
        """`OpenAI, fal (FAL_KEY)`: what is not set up with the setting that turns it on."""
        configured = {provider.name for provider in self._providers}
        return ", ".join(_in_words(key, services().get(key), there=key in configured) for key in could)


def _aliases(name: str) -> frozenset[str]:
    return frozenset(_names(name)) - {name}


def _in_words(key: str, known: Service | None, *, there: bool) -> str:
    if known is None:
        return key
    return known.label if there or not known.setting else f"{known.label} ({known.setting})"


def _level(task: Task) -> str:
    """A level of quality in place of one service's model: other services have other models."""
    return task.model if task.service is None else LEVELS[0]


def _leaves(who: Provider | Service, task: Task, preferences: Preferences) -> bool:
    """Whether photos would leave the operator's machines though the request says that they must not."""
    return preferences.private and task.photos > 0 and who.tier is Tier.SERVICE


def _without_last_resort(able: Sequence[Candidate], preferences: Preferences) -> Sequence[Candidate]:
    """This machine only where nobody else can, where it is preferred by name, or where privacy was asked for."""
    if preferences.private:
        return able
    wanted = [
        c for c in able if c.provider.tier is not Tier.LOCAL or not set(preferences.prefer).isdisjoint(_names(c.name))
    ]
    return wanted or able


def _names(name: str) -> tuple[str, ...]:
    """A service's key, and its alias."""
    known = services().get(name)
    return (name, known.alias) if known is not None and known.alias else (name,)
