"""The form of a request to OpenAI. All of it blocks: it reads photos, and lays them on canvases.

    without a photo     POST /images/generations, JSON
    with photos         POST /images/edits, a form: `image`, or `image[]` for several; `mask` (transparent = change)

`model` and `quality` are always said: their defaults are a retired model and whatever the service thinks.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from providers.base import Request
from providers.errors import AskPerson
from providers.media.canvas import Layout, Sides, as_alpha, bring_back, ground, lay_out, mask_on
from providers.media.decode import Undecodable, decode
from providers.media.encode import jpeg, png
from providers.media.files import read_regular_file, write_file
from providers.media.fitting import Room, size_of, to_fit
from providers.media.upstream import READ_BYTES
from providers.net.bodies import FormFile
from providers.offers import Offer
from providers.outpainting import sides_of
from providers.services.openai.offers import kind_of
from providers.services.openai.sizes import like, of_ratio, whole
from providers.task import Consistency, Operation, Task

WHOLE = Room(max_pixels=36_000_000, min_side=16)
PHOTO_BYTES = 45 * 1024 * 1024
"""Each photo must be below 50 MB: nearly all go as they are."""
MASK_BYTES = 4 * 1024 * 1024
CUT_OUT = (
    "Cut the main subject of this picture out: whoever or whatever stands in front stays exactly as it is, in the same "
    "place and size, down to single hairs; everything else becomes fully transparent, without shadow or halo."
)
"""Not the request's own prompt, which speaks of a new background."""
_MASKED = frozenset({Operation.INPAINT, Operation.OUTPAINT})


@dataclass(frozen=True, kw_only=True)
class Form:
    """`layout`: of a canvas whose result has to be brought back into the photo."""

    fields: dict[str, Any]
    files: tuple[FormFile, ...] = field(default=(), repr=False)
    layout: Layout | None = None


def form_of(request: Request, offer: Offer, folder: Path) -> Form:
    """`folder`: for copies of photos that had to be made to fit; needed until the form was sent. Raises AskPerson."""
    task = request.task
    fields: dict[str, Any] = {
        "model": offer.model, "prompt": request.prompt, "n": request.count, "quality": offer.notes["quality"],
        "output_format": "png",
    }  # fmt: skip
    if task.operation is Operation.REMOVE_BACKGROUND:
        words = f"{CUT_OUT} Asked for: {request.text}" if request.text else CUT_OUT
        fields |= {"background": "transparent", "prompt": words}
    if not request.photos:
        free = kind_of(offer.model).free_sizes
        return Form(fields=fields | {"size": _written(of_ratio(task.aspect_ratio or "1:1", free=free))})
    fields |= _fidelity(task, offer.model)
    if task.operation in _MASKED:
        return _masked(request, offer, fields, folder)
    photos = [to_fit(photo, WHOLE, into=folder, max_bytes=PHOTO_BYTES) for photo in request.photos]
    return Form(fields=fields | {"size": _size(task, photos[0], offer.model)}, files=_images(photos))


def _fidelity(task: Task, model: str) -> dict[str, str]:
    """How closely the photos are read, for the models that can be told; the others do it by themselves."""
    if "high" not in kind_of(model).fidelity or task.consistency is Consistency.LOOSE:
        return {}
    return {"input_fidelity": "high"}


def _size(task: Task, photo: Path, model: str) -> str:
    free = kind_of(model).free_sizes
    return _written(of_ratio(task.aspect_ratio, free=free) if task.aspect_ratio else like(size_of(photo), free=free))


def _written(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _images(photos: list[Path]) -> tuple[FormFile, ...]:
    name = "image" if len(photos) == 1 else "image[]"
    return tuple(_file(name, photo, number) for number, photo in enumerate(photos))


def _file(name: str, path: Path, number: int = 0) -> FormFile:
    """The name a person gave their file is nobody's business; the type must be right, or the file is refused."""
    with path.open("rb") as file:
        start = file.read(12)
    type_ = "png" if start.startswith(b"\x89PNG") else "webp" if start[8:12] == b"WEBP" else "jpeg"
    return FormFile(name=name, filename=f"{name.strip('[]')}-{number}.{type_}", type=f"image/{type_}", data=path)


def _masked(request: Request, offer: Offer, fields: dict[str, Any], folder: Path) -> Form:
    """The first photo on a canvas of a size the model takes, its mask, and the other photos beside it."""
    photo, mask = opened(request.photos[0]), _mask_of(request)
    free = kind_of(offer.model).free_sizes
    layout = lay_out(photo.size, _sides(request, photo.size), lambda size: whole(size, free=free))
    canvas = ground(photo, layout)
    opaque = canvas.mode == "RGB"
    first = write_file(jpeg(canvas) if opaque else png(canvas), into=folder, name="canvas")
    alpha = png(as_alpha(mask_on(layout, mask)))
    if len(alpha) >= MASK_BYTES:  # grey edges of a large, ragged mask: hard ones are smaller by far
        hard = mask_on(layout, mask).point([0] * 128 + [255] * 128)
        alpha = png(as_alpha(hard))
    others = [to_fit(other, WHOLE, into=folder, max_bytes=PHOTO_BYTES) for other in request.photos[1:]]
    marked = FormFile(name="mask", filename="mask.png", type="image/png", data=alpha)
    fields |= {"size": _written(layout.canvas)}
    return Form(fields=fields, files=(*_images([first, *others]), marked), layout=layout)


def _sides(request: Request, size: tuple[int, int]) -> Sides:
    return sides_of(request.task, size) if request.task.operation is Operation.OUTPAINT else Sides()


def _mask_of(request: Request) -> Image.Image | None:
    if request.task.operation is Operation.OUTPAINT:
        return None
    if request.mask is None:
        raise AskPerson("an inpaint without a mask", code="bad_mask")
    with Image.open(request.mask) as mask:
        return mask.convert("L")


def opened(path: Path) -> Image.Image:
    """Decoded, upright. Raises AskPerson."""
    return decode(read_regular_file(path, max_bytes=READ_BYTES)).image


def brought_back(pictures: list[bytes], request: Request, layout: Layout) -> list[bytes]:
    """What was made on a canvas, in the photo, as PNG; what is no picture stays as it is, for the fetch to say so."""
    photo, mask = opened(request.photos[0]), _mask_of(request)
    finished = []
    for data in pictures:
        try:
            made = decode(data).image
        except Undecodable:
            finished.append(data)
            continue
        finished.append(png(bring_back(made, photo, layout, mask)))
    return finished
