"""What this machine makes by itself: registered like a service, and asked last."""

from providers.base import Provider
from providers.embedded.offers import KEY, offers
from providers.offers import Tier
from providers.registry import Dependencies, Service


def _build(dependencies: Dependencies) -> Provider:
    from providers.embedded.provider import EmbeddedProvider
    from providers.people.environment import hand_to_workers

    hand_to_workers(dependencies.settings)
    return EmbeddedProvider(dependencies.folder(KEY))


SERVICE = Service(
    key=KEY,
    label="this machine",
    setting="",
    offers=offers,
    build=_build,
    tier=Tier.LOCAL,
    place=1000,
    next_step="install again: make clean, then make run",
)
