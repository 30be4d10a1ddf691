"""From settings to providers: which services are turned on, and the router over them."""

import asyncio
import logging
from collections.abc import Sequence

from providers.base import Provider
from providers.breaker import Breaker
from providers.finishing import Finisher
from providers.media.credentials import ContentCredentials, CredentialsUnusable
from providers.media.labels import allowed
from providers.moderation.endpoint import ModerationEndpoint
from providers.moderation.moderation import Judge, Moderation
from providers.people import own_model
from providers.people.inspector import Inspector
from providers.people.model_files import are_there
from providers.registry import Dependencies, Sleep, known_names, services
from providers.router import Router
from providers.settings import ProviderSettings

log = logging.getLogger(__name__)


def build_providers(settings: ProviderSettings, *, hooks: str | None = None) -> list[Provider]:
    """Every configured provider, the ones on this machine last. No network.

    `hooks`: see `Dependencies`.
    """
    dependencies = Dependencies(settings=settings, sleep=paced(settings.poll_scale), hooks=hooks)
    return [service.build(dependencies) for service in services().values() if service.configured(settings)]


def build_router(
    settings: ProviderSettings,
    providers: Sequence[Provider] | None = None,
    *,
    hooks: str | None = None,
    inspector: Inspector | None = None,
) -> Router:
    """The router over `providers` (default: those the settings name), with the preferences of the settings.

    `inspector`: one that the process has already; its networks are loaded once.
    """
    for problem in problems(settings):
        log.warning("%s", problem)
    return Router(
        build_providers(settings, hooks=hooks) if providers is None else providers,
        preferred=settings.providers_preferred,
        weights=settings.providers_weights,
        blocked=settings.providers_blocked,
        producer=settings.label_producer,
        watermark=settings.label_watermark == "on",
        credentials=_credentials(settings),
        priority=settings.providers_priority,
        moderation=build_moderation(settings),
        finisher=Finisher(inspector or Inspector()),
        breaker=Breaker(settings.data_dir, failures=settings.breaker_failures, seconds=settings.breaker_seconds),
    )


def build_credentials(settings: ProviderSettings) -> ContentCredentials | None:
    """What pictures are signed with; None where the settings name nothing. Raises CredentialsUnusable."""
    certificate, key = settings.label_c2pa_certificate, settings.label_c2pa_key
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise CredentialsUnusable("LABEL_C2PA_CERTIFICATE and LABEL_C2PA_KEY belong together")
    return ContentCredentials.of_files(certificate, key)


def _credentials(settings: ProviderSettings) -> ContentCredentials | None:
    """Pictures are made and labelled also where they cannot be signed; the log and `doctor` say so."""
    try:
        return build_credentials(settings)
    except CredentialsUnusable as unusable:
        log.error("pictures are not signed: %s", unusable)
        return None


def build_moderation(settings: ProviderSettings) -> Moderation:
    """The built-in word policy, and what the settings add to it."""
    judges: list[Judge] = []
    if settings.moderation_pictures == "on":
        from providers.moderation.nudity import NudityCheck  # loads OpenCV

        judges.append(NudityCheck())
    if settings.moderation_base_url:
        judges.append(
            ModerationEndpoint(
                base_url=settings.moderation_base_url,
                key=settings.moderation_api_key,
                model=settings.moderation_model,
            )
        )
    return Moderation(judges)


def paced(scale: float) -> Sleep:
    """A sleep of `scale` times as long (POLL_SCALE)."""

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds * scale)

    return sleep


def problems(settings: ProviderSettings) -> list[str]:
    """Settings that have no effect, as sentences for the operator. Names only, never values."""
    known = known_names()
    lists = {
        "PROVIDERS_PREFERRED": settings.providers_preferred,
        "PROVIDERS_WEIGHTS": tuple(settings.providers_weights),
        "PROVIDERS_BLOCKED": settings.providers_blocked,
    }
    found = []
    if settings.likeness_font is not None and not settings.likeness_font.is_file():
        found.append("LIKENESS_FONT names no file; the fonts of the system are used")
    if wrong := own_model.problem(settings.likeness_cutout_model, settings.likeness_cutout_kind):
        found.append(wrong)
    if allowed(settings.label_producer) != settings.label_producer:
        found.append("LABEL_PRODUCER has characters that a label may not have; they are left out")
    if settings.moderation_pictures == "on" and not are_there(("nudity",)):
        found.append("MODERATION_PICTURES=on needs `likeness models fetch nudity`; until then nothing is made")
    if settings.moderation_base_url and not settings.moderation_company:
        found.append("MODERATION_COMPANY is empty: people are not told who looks at their words and photos")
    for setting, names in lists.items():
        if unknown := [name for name in names if name not in known]:
            found.append(f"{setting} names {len(unknown)} unknown provider(s); known are {', '.join(known)}")
    return found
