"""Providers of pictures, and the Python API. What is named here is imported when it is first used.

`edit_image` is handed out as `bot.python_api` has it: its words are read by `intent`, which nothing in here knows.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from providers.api.faces import check_faces, delete_face, list_faces, train_face
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
    "check_faces",
    "delete_face",
    "edit_image",
    "generate_image",
    "generate_portrait",
    "generate_series",
    "list_faces",
    "list_requests",
    "remove_background",
    "resume_request",
    "train_face",
    "transfer_style",
    "upscale_image",
    "variate_image",
]

_CATALOG = frozenset({"ACTIONS", "MODELS", "STYLES"})
_READ_FIRST = frozenset({"edit_image"})
_FACES = frozenset({"check_faces", "delete_face", "list_faces", "train_face"})


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "providers.catalog" if name in _CATALOG else f"providers.api.{'faces' if name in _FACES else 'functions'}"
    if name in _READ_FIRST:
        module = "bot.python_api"
    return getattr(import_module(module), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
