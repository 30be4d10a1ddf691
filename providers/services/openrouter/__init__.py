"""OpenRouter: other makers' models behind one key."""

from providers.base import Provider
from providers.registry import Dependencies, Service
from providers.services.openrouter.offers import KEY, offers


def _build(dependencies: Dependencies) -> Provider:
    from providers.services.openrouter.provider import OpenRouterProvider
    from providers.spool import Spool

    settings = dependencies.settings
    assert settings.openrouter_api_key is not None  # noqa: S101  # configured
    return OpenRouterProvider(
        key=settings.openrouter_api_key,
        root=settings.openrouter_base_url,
        model=settings.openrouter_model,
        spool=Spool(dependencies.folder(KEY)),
    )


SERVICE = Service(
    key=KEY,
    label="OpenRouter",
    setting="OPENROUTER_API_KEY",
    offers=offers,
    build=_build,
    place=50,
    next_step="look at OPENROUTER_API_KEY and the credits at openrouter.ai",
)
