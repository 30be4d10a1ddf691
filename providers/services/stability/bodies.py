"""The form of a request to Stability, per endpoint. All of it blocks: it reads photos, and makes them fit.

Forms everywhere, also without a file. A request holds ten megabytes at most; a photo 9.4 megapixels, for the fast
upscaler one. The mask is grey, white = change, as ours.
"""

from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from providers.base import Request
from providers.errors import AskPerson, NotTaken
from providers.media.decode import decode
from providers.media.encode import png
from providers.media.fitting import Room, mask_to_fit, size_of, to_fit
from providers.net.bodies import FormFile
from providers.offers import Offer, Reason
from providers.outpainting import sides_of
from providers.registry import cannot
from providers.services.stability.offers import KEY, path_of
from providers.task import Operation

REQUEST_BYTES = 9 * 1024 * 1024
"""Of the ten megabytes of a request, for its pictures."""
WHOLE = Room(max_pixels=9_437_184, min_pixels=4_096, min_side=64, max_side=16_384)
PAINTED = Room(max_pixels=4_194_304, min_pixels=4_096, min_side=64, max_side=16_384)
"""What is painted over comes back with four megapixels at most: more need not be sent."""
FAST_SIDES, FAST_PIXELS = (32, 1536), (1_024, 1_048_576)
MAX_SIDE_ADDED = 2000
STRENGTH = "0.5"
"""Of a variation: how far it may go from the photo."""
RATIOS = {"1:1": "1:1", "3:4": "4:5", "4:3": "5:4", "9:16": "9:16", "16:9": "16:9"}
"""There is no 3:4 and no 4:3: the nearest."""
SEEDS = 4_294_967_295


@dataclass(frozen=True, kw_only=True)
class Form:
    """`halve`: to which size what is made has to be brought."""

    fields: dict[str, str]
    files: tuple[FormFile, ...] = field(default=(), repr=False)
    halve: tuple[int, int] | None = None


def form_of(request: Request, offer: Offer, folder: Path) -> Form:
    """`folder`: for copies of photos that had to be made to fit. Raises AskPerson, NotTaken."""
    common = {"output_format": "png"}
    seeded = common if request.seed is None else common | {"seed": str(request.seed % SEEDS)}
    words = {"prompt": request.text} if request.text else {}
    match request.task.operation:
        case Operation.CREATE:
            return _create(request, offer, seeded)
        case Operation.INPAINT:
            prompt = {} if offer.model == "erase" else {"prompt": request.text or request.prompt}
            return Form(fields=seeded | prompt, files=_masked(request, folder))
        case Operation.OUTPAINT:
            return _wider(request, seeded | words, folder)
        case Operation.UPSCALE:
            return _enlarged(request, common)
        case Operation.VARIATIONS:
            fields = seeded | {"prompt": request.text or request.prompt, "strength": STRENGTH}
            return Form(fields=fields, files=_photos(request, folder, "image"))
        case Operation.STYLE_TRANSFER:
            return Form(fields=seeded | words, files=_photos(request, folder, "init_image", "style_image"))
        case Operation.REMOVE_BACKGROUND:
            return Form(fields=common, files=_photos(request, folder, "image"))
        case Operation.REPLACE_BACKGROUND:
            return _relit(request, seeded, folder)
    raise NotTaken("no endpoint for this", code="provider_cannot", params=cannot(KEY, Reason.OPERATION))


def _create(request: Request, offer: Offer, fields: dict[str, str]) -> Form:
    fields |= {"prompt": request.prompt, "aspect_ratio": RATIOS[request.task.aspect_ratio or "1:1"]}
    if request.negative_prompt:
        fields |= {"negative_prompt": request.negative_prompt}
    if path_of(offer.model) == "generate/sd3":
        fields |= {"model": offer.model, "mode": "text-to-image"}
    return Form(fields=fields)


def _photos(request: Request, folder: Path, *names: str, room: Room = WHOLE) -> tuple[FormFile, ...]:
    """Each photo under its name; together they fit into one request."""
    share = REQUEST_BYTES // len(names)
    fitting = (to_fit(photo, room, into=folder, max_bytes=share) for photo in request.photos)
    return tuple(_file(name, path) for name, path in zip(names, fitting, strict=False))


def _file(name: str, path: Path) -> FormFile:
    with path.open("rb") as file:
        start = file.read(12)
    type_ = "png" if start.startswith(b"\x89PNG") else "webp" if start[8:12] == b"WEBP" else "jpeg"
    return FormFile(name=name, filename=f"{name}.{type_}", type=f"image/{type_}", data=path)


def _masked(request: Request, folder: Path) -> tuple[FormFile, ...]:
    if request.mask is None:
        raise AskPerson("an inpaint without a mask", code="bad_mask")
    (photo,) = _photos(request, folder, "image", room=PAINTED)
    assert isinstance(photo.data, Path)  # noqa: S101  # as `_file` makes it
    return photo, _file("mask", mask_to_fit(request.mask, size_of(photo.data), into=folder))


def _wider(request: Request, fields: dict[str, str], folder: Path) -> Form:
    (photo,) = _photos(request, folder, "image")
    assert isinstance(photo.data, Path)  # noqa: S101  # as `_file` makes it
    before, now = size_of(request.photos[0]), size_of(photo.data)
    sides = sides_of(request.task, before).scaled(now[0] / before[0], now[1] / before[1])
    added = {"left": sides.left, "right": sides.right, "up": sides.top, "down": sides.bottom}
    fields |= {name: str(min(MAX_SIDE_ADDED, pixels)) for name, pixels in added.items() if pixels}
    return Form(fields=fields, files=(photo,))


def _enlarged(request: Request, fields: dict[str, str]) -> Form:
    """As it is, or not at all: making it smaller first would throw away what is to be enlarged."""
    photo = request.photos[0]
    wide, high = size_of(photo)
    sides = all(FAST_SIDES[0] <= side <= FAST_SIDES[1] for side in (wide, high))
    if not sides or not FAST_PIXELS[0] <= wide * high <= FAST_PIXELS[1] or photo.stat().st_size > REQUEST_BYTES:
        raise NotTaken("a photo the enlarger does not take", code="provider_cannot", params=cannot(KEY, Reason.PHOTOS))
    halve = (wide * 2, high * 2) if request.task.scale == 2 else None
    return Form(fields=fields, files=(_file("image", photo),), halve=halve)


def _relit(request: Request, fields: dict[str, str], folder: Path) -> Form:
    """The second photo, if there is one, is the new background. The subject is to stay what it is."""
    names = ("subject_image", "background_reference")[: len(request.photos)]
    fields |= {"preserve_original_subject": "1"}
    if request.text or len(names) == 1:
        fields |= {"background_prompt": request.text or request.prompt}
    return Form(fields=fields, files=_photos(request, folder, *names))


def halved(data: bytes, size: tuple[int, int]) -> bytes:
    """A PNG of this size. Raises Undecodable."""
    return png(decode(data).image.resize(size, Image.Resampling.LANCZOS))
