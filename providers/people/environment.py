"""What worker processes read from the environment, for a value from `.env` is in no environment yet."""

import os

from providers.settings import ProviderSettings


def hand_to_workers(settings: ProviderSettings) -> None:
    """Before the first worker is started. What stands in the environment already is not replaced."""
    for name in ("likeness_font", "likeness_models", "likeness_cutout_model"):
        path = getattr(settings, name)
        if path is not None:
            os.environ.setdefault(name.upper(), str(path.absolute()))
    if settings.likeness_cutout_model is not None:
        os.environ.setdefault("LIKENESS_CUTOUT_KIND", settings.likeness_cutout_kind)
