"""Finished pictures to files: PNG where pixels must be exact, JPEG elsewhere; ID photos by their preset."""

import io
from pathlib import Path
from typing import Any

from PIL import Image

from providers.embedded.id_presets import Preset
from providers.embedded.print_sheet import DPI
from providers.media.pixels import Picture

_QUALITIES = (95, 92, 88, 82, 75, 65, 50)


def written(
    picture: Picture, into: Path, stem: str, *, preset: Preset | None = None, sheet: bool = False, exact: bool = False
) -> str:
    """The name of the file, `stem.png` or `stem.jpg` in `into`.

    An ID photo by a preset, or a `sheet` of it, names its dots an inch; the photo keeps to the portal's file limit
    where there is one.
    """
    image = Image.fromarray(picture)
    limit = None if preset is None or preset.most_kb is None or sheet else 1000 * preset.most_kb
    dpi: dict[str, Any] = {}
    if preset is not None:
        dpi = {"dpi": (DPI, DPI) if sheet else (round(preset.dpi),) * 2}
    png = picture.shape[2] == 4 or (exact and not sheet and limit is None)
    buffer = io.BytesIO()
    if png:
        image.save(buffer, "PNG", compress_level=6, **dpi)
    else:
        for quality in _QUALITIES:
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", quality=quality, subsampling=0, optimize=True, **dpi)
            if limit is None or buffer.tell() <= limit:
                break
    name = f"{stem}.{'png' if png else 'jpg'}"
    (into / name).write_bytes(buffer.getvalue())
    return name
