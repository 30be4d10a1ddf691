"""Replicate: other people's models, at api.replicate.com."""

from providers.base import Provider
from providers.registry import Dependencies, Service
from providers.services.replicate.offers import KEY, offers


def build(given: Dependencies) -> Provider:
    from providers.services.replicate.provider import ReplicateProvider

    settings = given.settings
    assert settings.replicate_api_token is not None  # noqa: S101  # configured
    return ReplicateProvider(
        token=settings.replicate_api_token,
        base_url=settings.replicate_base_url,
        model=settings.replicate_model or "",
        downloader=given.downloader(),
        sleep=given.sleep,
        hook=given.hook(KEY),
    )


SERVICE = Service(
    key=KEY,
    label="Replicate",
    setting="REPLICATE_API_TOKEN",
    offers=offers,
    build=build,
    place=50,
    next_step="look at REPLICATE_API_TOKEN and the billing page at replicate.com",
)
