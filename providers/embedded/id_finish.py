"""An ID photo that a service made, finished in the worker: mended, of its preset's size, on a sheet on request.

Called by name from `providers/finishing.py`. Files in, plain values out.
"""

from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from providers.embedded.encoding import written
from providers.embedded.id_check import id_colour, mended
from providers.embedded.id_presets import presets
from providers.embedded.print_sheet import print_sheet
from providers.media.decode import Undecodable, decode
from providers.people.find import by_models
from providers.task import IdPhoto

_WANTED: TypeAdapter[IdPhoto | None] = TypeAdapter(IdPhoto | None)


def finish(path: str, style: str, wanted: Any) -> dict[str, Any] | None:
    """`{"remarks", "name"}`: what is still wrong, and the name of the finished file beside `path`, None where the
    picture stays as it is. None where it cannot be told: without networks, or of a picture that cannot be read."""
    if not by_models():
        return None
    id_photo = _WANTED.validate_python(wanted)
    preset = presets()[id_photo.size] if id_photo else None
    colour = id_colour(style, preset, id_photo)
    file = Path(path)
    try:
        rgb = np.asarray(decode(file.read_bytes()).image.convert("RGB")).copy()
    except (OSError, Undecodable):
        return None
    made, report = mended(rgb, preset, colour)
    fits = preset is not None and (made.shape[1], made.shape[0]) == preset.pixels
    paper = id_photo.paper if id_photo and fits else None
    name = None
    if fits or made is not rgb:
        done = print_sheet(made, preset, paper, id_photo.copies) if preset and paper and id_photo else made
        name = written(done, file.parent, f"{file.stem}-id", preset=preset, sheet=bool(paper), exact=True)
    return {"remarks": [fault.value for fault in report.faults], "name": name}
