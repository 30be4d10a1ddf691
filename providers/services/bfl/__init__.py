"""Black Forest Labs: FLUX, at api.bfl.ai or one of its regions."""

from providers.base import Provider
from providers.registry import Dependencies, Service
from providers.services.bfl.offers import KEY, offers


def build(given: Dependencies) -> Provider:
    from providers.services.bfl.provider import BflProvider

    settings = given.settings
    assert settings.bfl_api_key is not None  # noqa: S101  # configured
    return BflProvider(
        key=settings.bfl_api_key,
        base_url=settings.bfl_base_url,
        model=settings.bfl_model or "",
        downloader=given.downloader(),
        sleep=given.sleep,
        hook=given.hook(KEY),
    )


SERVICE = Service(
    key=KEY,
    label="Black Forest Labs",
    setting="BFL_API_KEY",
    offers=offers,
    build=build,
    place=40,
    next_step="look at BFL_API_KEY and the credits at dashboard.bfl.ai",
)
