"""From settings to providers: the one place that knows which setting turns on which."""

import logging
import os
from collections.abc import Sequence

from providers.base import Provider
from providers.known import KNOWN
from providers.people import own_model
from providers.router import EMBEDDED, Router
from providers.services.fal.addresses import FAL_QUEUE
from providers.settings import ProviderSettings

log = logging.getLogger(__name__)

PICTURE_BYTES = 40 * 1024 * 1024
"""A 4K result; larger than what a person may send."""
SUPPORTED = frozenset(name for name, known in KNOWN.items() if known.supported)


def build_providers(settings: ProviderSettings) -> list[Provider]:
    """Every configured provider, the embedded one last. No network; imports only what is configured."""
    found: list[Provider] = []
    if configured("fal", settings):
        found.append(_fal(settings))
    found.append(_embedded(settings))
    return found


def build_router(settings: ProviderSettings, providers: Sequence[Provider] | None = None) -> Router:
    """The router over `providers` (default: those the settings name), with the preferences of the settings."""
    for problem in problems(settings):
        log.warning("%s", problem)
    return Router(
        build_providers(settings) if providers is None else providers,
        preferred=settings.providers_preferred,
        weights=settings.providers_weights,
        blocked=settings.providers_blocked,
    )


def configured(name: str, settings: ProviderSettings) -> bool:
    """Whether the settings turn this service on."""
    if name == "fal" and settings.fal_queue_url.rstrip("/") != FAL_QUEUE:
        return True
    return bool(getattr(settings, KNOWN[name].setting.lower()))


def not_yet_supported(settings: ProviderSettings) -> tuple[str, ...]:
    """Services that are set up here but that this version cannot use."""
    return tuple(name for name in KNOWN if name not in SUPPORTED and configured(name, settings))


def problems(settings: ProviderSettings) -> list[str]:
    """What in the settings has no effect, as sentences for the operator. Names and settings only, never values."""
    found = [
        f"{KNOWN[name].setting} is set, but this version does not use {KNOWN[name].label} yet"
        for name in not_yet_supported(settings)
    ]
    lists = {
        "PROVIDERS_PREFERRED": settings.providers_preferred,
        "PROVIDERS_WEIGHTS": tuple(settings.providers_weights),
        "PROVIDERS_BLOCKED": settings.providers_blocked,
    }
    if settings.likeness_font is not None and not settings.likeness_font.is_file():
        found.append("LIKENESS_FONT names no file; the fonts of the system are used")
    if wrong := own_model.problem(settings.likeness_cutout_model, settings.likeness_cutout_kind):
        found.append(wrong)
    for setting, names in lists.items():
        if unknown := [name for name in names if name not in KNOWN and name != EMBEDDED]:
            found.append(
                f"{setting} names {len(unknown)} unknown provider(s); known are {', '.join([*KNOWN, EMBEDDED])}"
            )
    return found


def _fal(settings: ProviderSettings) -> Provider:
    from providers.media.download import Downloader
    from providers.services.fal import FalProvider

    return FalProvider(
        key=settings.fal_key,
        queue_url=settings.fal_queue_url,
        downloader=Downloader(trusted_origins=settings.trusted_origins, max_bytes=PICTURE_BYTES),
    )


def hand_to_workers(settings: ProviderSettings) -> None:
    """What worker processes read from the environment; a value from .env is in no environment yet."""
    for name in ("likeness_font", "likeness_models", "likeness_cutout_model"):
        path = getattr(settings, name)
        if path is not None:
            os.environ.setdefault(name.upper(), str(path.absolute()))
    if settings.likeness_cutout_model is not None:
        os.environ.setdefault("LIKENESS_CUTOUT_KIND", settings.likeness_cutout_kind)


def _embedded(settings: ProviderSettings) -> Provider:
    from providers.embedded.provider import EmbeddedProvider

    hand_to_workers(settings)
    return EmbeddedProvider(settings.data_dir / "embedded")
