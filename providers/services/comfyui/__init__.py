"""ComfyUI: a server of the operator's own, driven by graphs."""

from providers.base import Provider
from providers.offers import Tier
from providers.registry import Dependencies, Service
from providers.services.comfyui.offers import KEY, possible


def _build(dependencies: Dependencies) -> Provider:
    from providers.services.comfyui.provider import ComfyUIProvider

    settings = dependencies.settings
    assert settings.stable_diffusion_local_base_url is not None  # noqa: S101  # configured
    return ComfyUIProvider(
        root=settings.stable_diffusion_local_base_url,
        files=dependencies.folder(KEY),
        graphs=settings.comfyui_graphs_dir,
        model=settings.stable_diffusion_model,
        sleep=dependencies.sleep,
    )


SERVICE = Service(
    key=KEY,
    label="ComfyUI",
    setting="STABLE_DIFFUSION_LOCAL_BASE_URL",
    offers=possible,
    build=_build,
    tier=Tier.OWN,
    alias="local",
    place=80,
    next_step="look at STABLE_DIFFUSION_LOCAL_BASE_URL, and whether the server runs",
)
