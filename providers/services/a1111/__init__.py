"""AUTOMATIC1111's web UI: a server of the operator's own, started with --api."""

from providers.base import Provider
from providers.offers import Tier
from providers.registry import Dependencies, Service
from providers.services.a1111.offers import KEY, possible


def _build(dependencies: Dependencies) -> Provider:
    from providers.services.a1111.provider import A1111Provider
    from providers.spool import Spool

    settings = dependencies.settings
    assert settings.stable_diffusion_local_base_url is not None  # noqa: S101  # configured
    return A1111Provider(
        root=settings.stable_diffusion_local_base_url,
        auth=settings.stable_diffusion_local_auth,
        model=settings.stable_diffusion_model,
        spool=Spool(dependencies.folder(KEY)),
    )


SERVICE = Service(
    key=KEY,
    label="AUTOMATIC1111",
    setting="STABLE_DIFFUSION_LOCAL_BASE_URL",
    offers=possible,
    build=_build,
    tier=Tier.OWN,
    alias="local",
    place=70,
    next_step="look at STABLE_DIFFUSION_LOCAL_BASE_URL and STABLE_DIFFUSION_LOCAL_AUTH, and start it with --api",
)
