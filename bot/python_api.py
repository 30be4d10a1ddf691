"""`providers.edit_image` as scripts and the command line call it: text is read by `intent`, as in a chat.

Providers do not read text, so this is above them; `providers/__init__.py` exports it under the contract's name.
"""

import asyncio
from functools import wraps
from pathlib import Path
from typing import Any

from handlers.jobs.parameters import Size, parameters_of
from providers.api import functions
from providers.api.options import Source
from providers.api.results import Result
from providers.media.decode import size_told


@wraps(functions.edit_image)
async def edit_image(
    image: Source | None = None, prompt: str | None = None, action: str = "edit", *others: Any, **options: Any
) -> Result:
    if prompt and options.get("parameters") is None:
        photo = image if image is not None else options.get("image_path")
        size = await asyncio.to_thread(_size, photo) if action == "extend" else None
        options["parameters"] = parameters_of(action, prompt, size=size)
    return await functions.edit_image(image, prompt, action, *others, **options)


def _size(photo: Source | None) -> Size | None:
    """Of a picture in a file; otherwise unknown, and anything but a picture is reported when it is accepted."""
    if photo is None or str(photo)[:8].lower().startswith(("http://", "https://", "data:")):
        return None
    return size_told(Path(photo).expanduser())
