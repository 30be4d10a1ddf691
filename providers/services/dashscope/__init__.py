"""DashScope, Alibaba's Model Studio: qwen-image, wan and wanx."""

from providers.base import Provider
from providers.registry import Dependencies, Service
from providers.services.dashscope.offers import KEY, offers


def _build(dependencies: Dependencies) -> Provider:
    from providers.services.dashscope.provider import DashScopeProvider

    settings = dependencies.settings
    assert settings.dashscope_api_key is not None  # noqa: S101  # configured
    return DashScopeProvider(
        key=settings.dashscope_api_key,
        root=settings.dashscope_base_url,
        model=settings.dashscope_model,
        downloader=dependencies.downloader(),
        files=dependencies.folder(KEY),
        sleep=dependencies.sleep,
    )


SERVICE = Service(
    key=KEY,
    label="DashScope",
    setting="DASHSCOPE_API_KEY",
    offers=offers,
    build=_build,
    place=60,
    next_step="look at DASHSCOPE_API_KEY and DASHSCOPE_BASE_URL: a key belongs to one region",
)
