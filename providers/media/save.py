"""Pictures that a provider made."""

from pathlib import Path

from providers.base import PictureFile


def save_picture(data: bytes, *, into: Path, stem: str, provider: str, request_id: str) -> PictureFile:
    """Decode `data` in full and save it under a new name in `into`. Raises MadeNothing `bad_picture`."""
    raise NotImplementedError
