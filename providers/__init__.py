"""Makers of pictures, and the Python API. What is named here is imported when it is first used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from providers.api.functions import (
        edit_image,
        generate_image,
        generate_portrait,
        generate_series,
        list_requests,
        remove_background,
        resume_request,
        transfer_style,
        upscale_image,
        variate_image,
    )
    from providers.catalog import ACTIONS, MODELS, STYLES

__all__ = [
    "ACTIONS",
    "MODELS",
    "STYLES",
    "edit_image",
    "generate_image",
    "generate_portrait",
    "generate_series",
    "list_requests",
    "remove_background",
    "resume_request",
    "transfer_style",
    "upscale_image",
    "variate_image",
]

_CATALOG = frozenset({"ACTIONS", "MODELS", "STYLES"})


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("providers.catalog" if name in _CATALOG else "providers.api.functions"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
