"""fal: the queue at queue.fal.run, or a proxy in front of it."""

from providers.base import Provider
from providers.registry import Dependencies, Service
from providers.services.fal.addresses import FAL_QUEUE
from providers.services.fal.offers import KEY, offers
from providers.settings import ProviderSettings


def _configured(service: Service, settings: ProviderSettings) -> bool:
    """By the key; or by another address than fal's, which a proxy that adds the key itself stands at."""
    return settings.fal_key is not None or settings.fal_queue_url.rstrip("/") != FAL_QUEUE


def _build(dependencies: Dependencies) -> Provider:
    from providers.services.fal.provider import FalProvider

    settings = dependencies.settings
    return FalProvider(
        key=settings.fal_key,
        queue_url=settings.fal_queue_url,
        downloader=dependencies.downloader(),
        sleep=dependencies.sleep,
        hook=dependencies.hook(KEY),
    )


SERVICE = Service(
    key=KEY,
    label="fal",
    setting="FAL_KEY",
    offers=offers,
    build=_build,
    place=10,
    is_configured=_configured,
    next_step="look at FAL_KEY, FAL_QUEUE_URL and the network",
    invites="pictures are made on this machine; FAL_KEY adds fal's models",
)
