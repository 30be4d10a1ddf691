"""The list of services. Each registers itself, in its own module and nowhere else:

    SERVICE = Service(key="fal", label="fal", setting="FAL_KEY", offers=…, build=…)

in a module or package of `providers.services`, or in `providers.embedded`. Whoever wants to know what there is (router,
menus, command line, doctor, settings) reads `services()`; no other module names a service.
"""

import asyncio
import pkgutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from providers.base import Provider
from providers.errors import AskPerson
from providers.offers import Offer, Offers, Reason, Tier
from providers.settings import ProviderSettings
from providers.task import Task

if TYPE_CHECKING:
    from providers.media.download import Downloader

Sleep = Callable[[float], Awaitable[None]]

PICTURE_BYTES = 40 * 1024 * 1024
"""A 4K result; larger than what a person may send."""
_PLACES = ("providers.services", "providers.embedded")


@dataclass(frozen=True, kw_only=True)
class Dependencies:
    """What a service is built from, besides its settings.

    `sleep`: for the waits between two looks at a running job. `hooks`: the address of the door for services' webhooks,
    to which the service's key is added; None where nobody out there reaches this process.
    """

    settings: ProviderSettings
    sleep: Sleep = asyncio.sleep
    hooks: str | None = None

    def downloader(self) -> "Downloader":
        """For the results of one service; it is the service's to close."""
        from providers.media.download import Downloader

        return Downloader(trusted_origins=self.settings.trusted_origins, max_bytes=PICTURE_BYTES)

    def folder(self, key: str) -> Path:
        """Where the service may store files of its own across restarts."""
        return self.settings.data_dir / key

    def hook(self, key: str) -> str | None:
        return f"{self.hooks.rstrip('/')}/{key}" if self.hooks else None


def _by_setting(service: "Service", settings: ProviderSettings) -> bool:
    return not service.setting or bool(getattr(settings, service.setting.lower(), None))


@dataclass(frozen=True, kw_only=True)
class Service:
    """One service.

    `key`: its stable name, in settings, options and results. `label`: its name for people.
    `setting`: the setting that turns it on; empty for what is always there.
    `offers`: what it could do; for the services that are not configured, so that it can be said who could.
    `build` makes its provider; no network, and what is heavy is imported there.
    `alias`: another name in options and settings, which several services may share: the one that answers is meant.
    `place`: smaller comes first where nothing else tells two services apart.
    `next_step`: what the operator looks at where it does not work.
    `invites`: what is said where it is not set up, to an operator who may want it.
    """

    key: str
    label: str
    setting: str
    offers: Callable[[], Offers]
    build: Callable[[Dependencies], Provider]
    tier: Tier = Tier.SERVICE
    alias: str | None = None
    place: int = 100
    is_configured: Callable[["Service", ProviderSettings], bool] = field(default=_by_setting)
    next_step: str = ""
    invites: str = ""

    def configured(self, settings: ProviderSettings) -> bool:
        """Whether the settings turn it on."""
        return self.is_configured(self, settings)

    def called(self, name: str) -> bool:
        return name in (self.key, self.alias)


@cache
def services() -> Mapping[str, Service]:
    """Every service by its key, in the order of `place`. A module without `SERVICE` is something they share."""
    found = [
        service for name in _modules() if isinstance(service := getattr(import_module(name), "SERVICE", None), Service)
    ]
    return {service.key: service for service in sorted(found, key=lambda s: (s.place, s.key))}


def _modules() -> list[str]:
    names = []
    for place in _PLACES:
        package = import_module(place)
        if isinstance(getattr(package, "SERVICE", None), Service):
            names.append(place)
        else:
            names += [f"{place}.{module.name}" for module in pkgutil.iter_modules(package.__path__)]
    return names


def service(name: str) -> Service | None:
    """By key, or the first by an alias."""
    return next((s for s in services().values() if s.called(name)), None)


def known_names() -> tuple[str, ...]:
    """Every key and alias."""
    found = services().values()
    return tuple(dict.fromkeys([*(s.key for s in found), *(s.alias for s in found if s.alias)]))


def is_local(name: str) -> bool:
    """Whether this provider's pictures are made on this machine."""
    known = services().get(name)
    return known is not None and known.tier is Tier.LOCAL


def is_company(name: str) -> bool:
    """Whether what this provider receives leaves the operator's machines."""
    known = services().get(name)
    return known is None or known.tier is Tier.SERVICE


def label_of(name: str) -> str:
    """A service's name for people."""
    known = services().get(name)
    return known.label if known is not None else name


def cannot(service: str, reason: Reason) -> Mapping[str, str]:
    """What the sentences of `provider_cannot` have room for."""
    return {"given": label_of(service), "reason": str(reason)}


def offer_for(offers: Offers, task: Task) -> Offer:
    """What a service makes this task with. Raises AskPerson `provider_cannot` with the reason of the row that comes
    nearest: the router asks before, but a server's offers may have changed since."""
    if (offer := offers.find(task)) is not None:
        return offer
    reason = offers.reason_not(task) or Reason.OPERATION
    raise AskPerson(str(reason), code="provider_cannot", params=cannot(offers.service, reason))
