"""What runs in the worker process: one job, photos in, picture files out. Knows neither asyncio nor providers.

Only this module and what it imports load OpenCV; the main process never does.
"""

import json
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image
from pydantic import TypeAdapter

from providers.embedded.adjust import MOVING, Step, adjusted
from providers.embedded.backdrop import replaced, studio_portrait
from providers.embedded.changes import graded, side_by_side_edit
from providers.embedded.encoding import written
from providers.embedded.enlarge import enlarged
from providers.embedded.extend import extended, margins_for
from providers.embedded.fill import filled
from providers.embedded.flat_ground import keeping_flat_ground
from providers.embedded.geometry import cropped
from providers.embedded.id_check import TOLD_OF_OUR_OWN, id_colour, id_report
from providers.embedded.id_photo import COLOURS, id_photo
from providers.embedded.id_presets import Preset, presets
from providers.embedded.lettering import lettered
from providers.embedded.light import balanced, enhanced, vivid
from providers.embedded.looks import FILTERS, LOOKS
from providers.embedded.print_sheet import print_sheet
from providers.embedded.repair import restored
from providers.embedded.skin import retouched
from providers.embedded.toning import own_colours, toned
from providers.errors import AskPerson
from providers.media.files import make_folder
from providers.media.pixels import Picture
from providers.people.face import Face
from providers.people.find import by_models, find_faces, upright
from providers.task import NO_PARAMETERS, Background, Outpaint, Parameters

TIME_LIMIT = 300
"""Seconds after which a job ends its own worker (where the system has alarms): a hung filter blocks nobody for long."""
LONGEST_SIDE = 4096
"""What a photo keeps of its resolution: a larger one is reduced to it before it is worked on."""
_STUDIO = frozenset({"professional", "light_portrait"})
_EXACT = frozenset({*COLOURS, "replace_bg"})

PARAMETERS = TypeAdapter(Parameters)
_OF_EARLIER_VERSIONS = frozenset({"text", "scale", "id_preset", "id_colour", "sheet", "per_sheet"})
_BY_WORDS = frozenset({"replace_bg", "filter", "colorize", "extend", "text_render", "before_after"})

_progress: "Synchronized[float] | None" = None


def start(progress: "Synchronized[float]") -> None:
    """Once per worker: one OpenCV thread, polite priority, and where to report to."""
    global _progress
    _progress = progress
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(5)


def ready() -> str:
    """OpenCV's version, after a face cascade was really loaded."""
    find_faces(np.zeros((64, 64, 3), np.uint8))
    return str(cv2.__version__)


@dataclass(frozen=True, kw_only=True)
class Job:
    """The part of a `Request` that a worker needs, JSON-serialisable."""

    operation: str
    parameters: Parameters = NO_PARAMETERS
    language: str | None = None
    """Of the labels on a before and after; None for none."""
    style: str | None = None
    action: str | None = None
    count: int = 1
    aspect_ratio: str | None = None
    photos: tuple[str, ...] = ()
    take: int = 0
    draft: bool = False
    """Small and quick, to choose by."""
    adjustments: tuple[Step, ...] = ()
    """Simple changes, done in order in place of what the action itself would do."""
    mask: str | None = None
    """The file that marks in white what is to go."""

    @property
    def preset(self) -> Preset | None:
        """An ID photo's size and framing; None for an ordinary 3:4."""
        return presets()[self.parameters.id_photo.size] if self.parameters.id_photo else None

    @property
    def sheet(self) -> str | None:
        """The paper to lay several ID photos on, a key of `print_sheet.PAPERS`."""
        return self.parameters.id_photo.paper if self.parameters.id_photo else None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Job":
        """Raises AskPerson for the handle of an earlier version that can only be carried out by reading words."""
        parameters = data["parameters"] if "parameters" in data else _of_earlier_version(data)
        own = {
            "parameters": PARAMETERS.validate_python(parameters),
            "photos": tuple(data["photos"]),
            "adjustments": tuple(Step(**step) for step in data.get("adjustments", ())),
        }
        return cls(**{name: value for name, value in data.items() if name not in _OF_EARLIER_VERSIONS} | own)


def _of_earlier_version(handle: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters in a handle that kept them one by one, and the person's words for the rest."""
    if handle.get("text") and handle.get("action") in _BY_WORDS:
        raise AskPerson("an order of an earlier version", code="job_lost")
    given: dict[str, Any] = {"scale": handle.get("scale")}
    if handle.get("id_preset"):
        names = {"size": "id_preset", "background": "id_colour", "paper": "sheet", "copies": "per_sheet"}
        given["id_photo"] = {name: handle.get(old) for name, old in names.items()}
    return given


def make(data: Mapping[str, Any], spool: str) -> dict[str, Any]:
    """Do the job; its pictures lie in `spool` as `0.png`, `1.jpg`, … and `done.json` names them, with their remarks.

    Returns `{"files": [{"name", "remarks"}]}` or, as errors do not cross processes whole, `{"code", "params"}` of an
    AskPerson.
    """
    if hasattr(signal, "alarm"):
        signal.alarm(TIME_LIMIT)
    try:
        return _make(Job.of(data), Path(spool))
    except AskPerson as error:
        return {"code": error.code, "hint": error.hint, "text_key": error.text_key, "params": error.params}
    finally:
        if hasattr(signal, "alarm"):
            signal.alarm(0)


def _make(job: Job, spool: Path) -> dict[str, Any]:
    _tell(0.05)
    try:
        photos = tuple(_opened(path, job) for path in job.photos)
        marked = _mask_of(job.mask, photos[0]) if job.mask and photos else None
    except OSError:
        raise AskPerson("the photo is no longer there", code="photo_gone") from None
    if not photos:
        raise AskPerson("nothing to work on", code="need_photo", text_key="say.need_photo_bare")
    if marked is not None:
        return _all_made(job, spool, lambda take: (filled(photos[0], marked, take), ()))
    faces = find_faces(photos[0])
    if not job.adjustments:
        turned, faces = upright(photos[0], faces)
        photos = (turned, *photos[1:])
    return _all_made(job, spool, lambda take: _checked(job, photos, faces, take))


def _all_made(job: Job, spool: Path, one: Callable[[int], tuple[Picture, tuple[str, ...]]]) -> dict[str, Any]:
    """Every picture of a job, by `one`, in the spool; what `make` returns."""
    _tell(0.15)
    make_folder(spool)
    made: list[dict[str, Any]] = []
    for number in range(job.count):
        picture, remarks = one(job.take + number)
        made.append({"name": _written(picture, spool, number, job), "remarks": remarks})
        _tell(0.15 + 0.85 * (number + 1) / job.count)
    part = spool / "done.json.part"
    part.write_text(json.dumps(made), encoding="utf-8")
    part.replace(spool / "done.json")
    return {"files": made}


def _checked(
    job: Job, photos: tuple[Picture, ...], faces: tuple[Face, ...], take: int
) -> tuple[Picture, tuple[str, ...]]:
    """One picture of a job; of an ID photo also what is still wrong with it, looked at before it is laid on a sheet."""
    if job.operation != "portrait" or job.style not in COLOURS or job.draft or not by_models():
        return picture_of(job, photos, faces, take), ()
    photo = _id_photo(job, photos[0], faces, take)
    faults = id_report(photo, job.preset, id_colour(job.style, job.preset, job.parameters.id_photo)).faults
    return _laid(job, photo), tuple(fault.value for fault in faults if fault in TOLD_OF_OUR_OWN)


def picture_of(job: Job, photos: tuple[Picture, ...], faces: tuple[Face, ...], take: int = 0) -> Picture:
    """One picture of a job; `faces` are those of the first photo. Raises AskPerson."""
    make_it = _portrait if job.operation == "portrait" else _edit
    return make_it(job, photos, faces, take)


def _tell(fraction: float) -> None:
    if _progress is not None:
        _progress.value = fraction


def _opened(path: str, job: Job) -> Picture:
    """RGB, at most `LONGEST_SIDE` pixels long (a picture to be enlarged keeps its size); transparency becomes white."""
    with Image.open(path) as image:
        if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
            ground = Image.new("RGBA", image.size, (255, 255, 255, 255))
            ground.alpha_composite(image.convert("RGBA"))
            whole = ground.convert("RGB")
        else:
            whole = image.convert("RGB")
    if job.action != "upscale" and max(whole.size) > LONGEST_SIDE:
        whole.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    if min(whole.size) < 16:
        raise AskPerson("a picture of a few pixels", code="picture_too_small")
    return np.asarray(whole).copy()


def _mask_of(path: str, photo: Picture) -> Picture:
    """8-bit grey in the photo's size. Raises OSError."""
    with Image.open(path) as image:
        grey = image.convert("L")
    size = (photo.shape[1], photo.shape[0])
    return np.asarray(grey if grey.size == size else grey.resize(size, Image.Resampling.BILINEAR)).copy()


def _written(picture: Picture, spool: Path, number: int, job: Job) -> str:
    """PNG where there is transparency or the background must be exact, else JPEG at 95 with full colour."""
    exact = (job.style or job.action) in _EXACT
    return written(picture, spool, str(number), preset=job.preset, sheet=bool(job.sheet), exact=exact)


def _portrait(job: Job, photos: tuple[Picture, ...], faces: tuple[Face, ...], take: int) -> Picture:
    rgb, style = photos[0], job.style or ""
    if style in COLOURS:
        return _laid(job, _id_photo(job, rgb, faces, take))
    if style in _STUDIO:
        return studio_portrait(rgb, faces, style, job.aspect_ratio, take)
    if job.aspect_ratio:
        rgb, faces = cropped(rgb, job.aspect_ratio, faces)
    look = LOOKS[style] if style else FILTERS[job.parameters.filter or ""]
    painted = np.asarray(look(rgb, faces, take, draft=job.draft))
    return painted if job.draft else _as_large(painted, rgb)


def _id_photo(job: Job, rgb: Picture, faces: tuple[Face, ...], take: int) -> Picture:
    colour = id_colour(job.style or "", job.preset, job.parameters.id_photo)
    return id_photo(rgb, faces, colour, preset=job.preset, aspect_ratio=job.aspect_ratio, take=take)


def _laid(job: Job, photo: Picture) -> Picture:
    """On a print sheet, where one is asked for."""
    wanted = job.parameters.id_photo
    return (
        print_sheet(photo, job.preset, wanted.paper, wanted.copies) if job.preset and wanted and wanted.paper else photo
    )


def _as_large(painted: Picture, rgb: Picture) -> Picture:
    """What was painted smaller than the photo, at the photo's size: up to twice what was painted, which is some 2200
    pixels on the long side of a drawn look and 3200 of a photographic one."""
    has, wanted = max(painted.shape), min(max(rgb.shape), 2 * max(painted.shape))
    if wanted < 1.05 * has:
        return painted
    twice = enlarged(painted, 2)
    if wanted > 1.9 * has:
        return twice
    size = (round(painted.shape[1] * wanted / has), round(painted.shape[0] * wanted / has))
    return np.asarray(cv2.resize(twice, size, interpolation=cv2.INTER_AREA), np.uint8)


def _edit(job: Job, photos: tuple[Picture, ...], faces: tuple[Face, ...], take: int) -> Picture:
    if job.action in ("before_after", "comparison"):
        return side_by_side_edit(
            photos, faces, _change_of(job), language=job.language, aspect_ratio=job.aspect_ratio, take=take
        )
    rgb = photos[0]
    if job.action == "extend":
        wanted = job.parameters.outpaint or Outpaint()
        margins = margins_for(rgb.shape[1], rgb.shape[0], aspect_ratio=job.aspect_ratio, wanted=wanted)
        return graded(extended(rgb, margins), take)
    if job.aspect_ratio:
        rgb, faces = cropped(rgb, job.aspect_ratio, faces)
    if job.adjustments:
        return _adjusted(rgb, faces, job, take)
    return _EDITS[job.action or ""](rgb, faces, job, take)


_Edit = Callable[[Picture, tuple[Face, ...], Job, int], Picture]


def _adjusted(rgb: Picture, faces: tuple[Face, ...], job: Job, take: int) -> Picture:
    """The steps in order; the faces are looked for anew where a step moved them."""
    for step in job.adjustments:
        rgb = adjusted(rgb, step, faces)
        faces = find_faces(rgb) if step.kind in MOVING else faces
    return graded(rgb, take)


def _enhance(rgb: Picture, faces: tuple[Face, ...], job: Job, take: int) -> Picture:
    return graded(keeping_flat_ground(rgb, lambda picture: enhanced(picture, faces)), take)


def _retouch(rgb: Picture, faces: tuple[Face, ...], job: Job, take: int) -> Picture:
    if not faces:
        raise AskPerson("no face to retouch", code="no_face")
    return graded(retouched(rgb, faces, (1.0, 0.6, 1.25)[take % 3]), take)


def _restore(rgb: Picture, faces: tuple[Face, ...], job: Job, take: int) -> Picture:
    return graded(restored(rgb, faces), take)


def _upscale(rgb: Picture, faces: tuple[Face, ...], job: Job, take: int) -> Picture:
    return graded(enlarged(rgb, job.parameters.scale or 2), take)


def _colorize(rgb: Picture, faces: tuple[Face, ...], job: Job, take: int) -> Picture:
    tone = job.parameters.tone
    if tone is None and own_colours(rgb):  # nobody who asks for colour wants those of the photo taken away
        return graded(vivid(balanced(rgb, 0.7), 0.14), take)
    return toned(rgb, faces, tone if take == 0 else None, take)


def _filter(rgb: Picture, faces: tuple[Face, ...], job: Job, take: int) -> Picture:
    key = job.parameters.filter
    if key is None and not job.parameters.complete:
        raise AskPerson("no such filter", code="unknown_filter", params={"filters": ", ".join(FILTERS)})
    return _as_large(np.asarray(FILTERS[key or "film"](rgb, faces, take)), rgb)


def _replace_bg(rgb: Picture, faces: tuple[Face, ...], job: Job, take: int) -> Picture:
    background = job.parameters.background or Background(kind="transparent")
    if background.kind == "place":
        raise AskPerson("a scene", code="needs_other_provider")
    return replaced(rgb, faces, background, take)


def _text_render(rgb: Picture, faces: tuple[Face, ...], job: Job, take: int) -> Picture:
    lettering = job.parameters.lettering
    if lettering is None:
        raise AskPerson("no letters to write", code="need_text", text_key="say.need_text")
    return lettered(rgb, faces, lettering, take)


def _cropped(rgb: Picture, faces: tuple[Face, ...], job: Job, take: int) -> Picture:
    """A plain edit whose words ask for a crop and nothing else: it has its ratio already."""
    return graded(rgb, take)


_EDITS: dict[str, _Edit] = {
    "edit": _cropped,
    "enhance": _enhance,
    "retouch": _retouch,
    "restore": _restore,
    "upscale": _upscale,
    "colorize": _colorize,
    "filter": _filter,
    "replace_bg": _replace_bg,
    "text_render": _text_render,
}


def _change_of(job: Job) -> Callable[[Picture, tuple[Face, ...]], Picture]:
    """The change that a before-and-after shows; where none is named, better light and colour."""
    look = job.parameters.filter
    if look is not None:
        return lambda rgb, faces: np.asarray(FILTERS[look](rgb, faces, 0))
    action = job.parameters.change or "enhance"
    return lambda rgb, faces: _EDITS[action](rgb, faces, job, 0)
