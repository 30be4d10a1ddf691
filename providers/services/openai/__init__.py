"""OpenAI: the GPT image models, at api.openai.com or whatever speaks its language."""

from providers.base import Provider
from providers.registry import Dependencies, Service
from providers.services.openai.offers import KEY, offers


def build(given: Dependencies) -> Provider:
    from providers.services.openai.provider import OpenAIProvider
    from providers.spool import Spool

    settings = given.settings
    assert settings.openai_api_key is not None  # noqa: S101  # configured
    return OpenAIProvider(
        key=settings.openai_api_key,
        base_url=settings.openai_base_url,
        model=settings.openai_model or "",
        steps=settings.openai_partial_images,
        spool=Spool(given.folder(KEY)),
    )


SERVICE = Service(
    key=KEY,
    label="OpenAI",
    setting="OPENAI_API_KEY",
    offers=offers,
    build=build,
    place=20,
    next_step="look at OPENAI_API_KEY, the organisation's verification and the limits at platform.openai.com",
)
