"""Stability AI: the v2beta API at api.stability.ai."""

from providers.base import Provider
from providers.registry import Dependencies, Service
from providers.services.stability.offers import KEY, offers


def build(given: Dependencies) -> Provider:
    from providers.services.stability.provider import StabilityProvider
    from providers.spool import Spool

    settings = given.settings
    assert settings.stability_api_key is not None  # noqa: S101  # configured
    return StabilityProvider(
        key=settings.stability_api_key,
        base_url=settings.stability_base_url,
        model=settings.stability_model or "",
        spool=Spool(given.folder(KEY)),
        sleep=given.sleep,
    )


SERVICE = Service(
    key=KEY,
    label="Stability AI",
    setting="STABILITY_API_KEY",
    offers=offers,
    build=build,
    place=30,
    next_step="look at STABILITY_API_KEY and the credits at platform.stability.ai",
)
