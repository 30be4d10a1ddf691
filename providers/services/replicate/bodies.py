"""A model's inputs and the files among them. All of it blocks: it reads photos, and makes them fit.

A file stands in the inputs as its `Path`, alone or in a list; `files.Uploads` puts the address of its upload there.
"""

from pathlib import Path
from typing import Any

from PIL import Image

from providers.base import Request
from providers.errors import AskPerson, NotTaken
from providers.media.canvas import ground, lay_out, mask_on
from providers.media.decode import decode
from providers.media.encode import encode_to_fit, png
from providers.media.files import read_regular_file, write_file
from providers.media.fitting import Room, mask_to_fit, size_of, to_fit
from providers.media.upstream import MAX_BYTES, READ_BYTES
from providers.offers import Offer, Reason
from providers.outpainting import sides_of
from providers.registry import cannot
from providers.services.replicate.offers import (
    BANANA,
    BANANA_PRO,
    CUTOUT,
    DEV,
    ESRGAN,
    FLUX_2,
    KEY,
    PRO,
    PULID,
    REDUX,
    SCHNELL,
)
from providers.task import Operation

WHOLE = Room(max_pixels=36_000_000, min_side=64)
PHOTO_BYTES = 45 * 1024 * 1024
"""An upload may have 100 MB: nearly all photos go as they are."""
FILLED = Room(max_pixels=4_194_304, min_side=256)
ESRGAN_PIXELS = 2_096_704
"""What fits into the memory of the hardware that real-esrgan runs on; a larger photo fails there, for money."""
FACE_SIZES = {"1:1": (1024, 1024), "3:4": (896, 1152), "4:3": (1152, 896), "9:16": (768, 1344), "16:9": (1344, 768)}
RATIOS = {"1:1": 1.0, "3:4": 3 / 4, "4:3": 4 / 3, "9:16": 9 / 16, "16:9": 16 / 9, "2:3": 2 / 3, "3:2": 3 / 2,
          "4:5": 4 / 5, "5:4": 5 / 4, "21:9": 21 / 9, "9:21": 9 / 21}  # fmt: skip
GREY = (128, 128, 128)
PNG = {"output_format": "png"}


def inputs_of(request: Request, offer: Offer, folder: Path) -> dict[str, Any]:
    """`folder`: for copies of photos that had to be made to fit. Raises AskPerson, NotTaken."""
    match request.task.operation:
        case Operation.INPAINT:
            return _fill(request, folder)
        case Operation.OUTPAINT:
            return _wider(request, folder)
    match offer.model:
        case model if model == ESRGAN:
            return _enlarged(request, folder)
        case model if model == CUTOUT:
            return {"image": to_fit(request.photos[0], WHOLE, into=folder, max_bytes=PHOTO_BYTES)}
        case model if model == REDUX:
            return _seeded(request, _redux(request, folder))
        case model if model == PULID:
            return _seeded(request, _face(request, folder))
    return _words(request, offer.model, folder)


def _seeded(request: Request, values: dict[str, Any]) -> dict[str, Any]:
    return values if request.seed is None else values | {"seed": request.seed % 2**31}


def _words(request: Request, model: str, folder: Path) -> dict[str, Any]:
    """Words and photos, as each family names them."""
    photos = [to_fit(photo, WHOLE, into=folder, max_bytes=PHOTO_BYTES) for photo in request.photos]
    values: dict[str, Any] = {"prompt": request.prompt, "output_format": "png"}
    if ratio := request.task.aspect_ratio:
        values["aspect_ratio"] = ratio
    if model in (SCHNELL, DEV):
        return _seeded(request, values | {"num_outputs": request.count})
    if model in (BANANA, BANANA_PRO):
        resolution = {"resolution": "2K" if request.task.model == "gpt" else "1K"} if model == BANANA_PRO else {}
        return values | resolution | ({"image_input": photos} if photos else {})
    if not photos:
        return _seeded(request, values)
    if model == FLUX_2:
        return _seeded(request, {"aspect_ratio": "match_input_image"} | values | {"input_images": photos})
    if model == PRO:
        return _seeded(request, values | {"image_prompt": photos[0]})
    return _seeded(request, values | {"input_image": photos[0]})


def _redux(request: Request, folder: Path) -> dict[str, Any]:
    """The photo is the prompt: there is none in words."""
    photo = to_fit(request.photos[0], WHOLE, into=folder, max_bytes=PHOTO_BYTES)
    ratio = request.task.aspect_ratio or _nearest_ratio(size_of(photo))
    values = {"num_outputs": request.count, "aspect_ratio": ratio, "output_format": "png"}
    return {"redux_image": photo} | values


def _nearest_ratio(size: tuple[int, int]) -> str:
    shape = size[0] / size[1]
    return min(RATIOS, key=lambda name: max(RATIOS[name] / shape, shape / RATIOS[name]))


def _face(request: Request, folder: Path) -> dict[str, Any]:
    width, height = FACE_SIZES[request.task.aspect_ratio or "3:4"]
    face = to_fit(request.photos[0], WHOLE, into=folder, max_bytes=PHOTO_BYTES)
    size = {"width": width, "height": height}
    return {"main_face_image": face, "prompt": request.prompt, "num_outputs": request.count, **size} | PNG


def _enlarged(request: Request, folder: Path) -> dict[str, Any]:
    photo = to_fit(request.photos[0], WHOLE, into=folder, max_bytes=PHOTO_BYTES)
    width, height = size_of(photo)
    if width * height > ESRGAN_PIXELS:
        raise NotTaken(
            "a photo larger than the enlarger takes", code="provider_cannot", params=cannot(KEY, Reason.PHOTOS)
        )
    return {"image": photo, "scale": request.task.scale or 2, "face_enhance": False}


def _fill(request: Request, folder: Path) -> dict[str, Any]:
    if request.mask is None:
        raise AskPerson("an inpaint without a mask", code="bad_mask")
    photo = to_fit(request.photos[0], WHOLE, into=folder, max_bytes=PHOTO_BYTES)
    mask = mask_to_fit(request.mask, size_of(photo), into=folder)
    words = request.text or request.prompt
    return _seeded(request, {"image": photo, "mask": mask, "prompt": words, "output_format": "png"})


def _wider(request: Request, folder: Path) -> dict[str, Any]:
    image = decode(read_regular_file(request.photos[0], max_bytes=READ_BYTES)).image
    layout = lay_out(image.size, sides_of(request.task, image.size), lambda size: FILLED.size_for(*size))
    canvas = ground(image, layout)
    flat = Image.new("RGB", canvas.size, GREY)
    flat.paste(canvas, mask=canvas.getchannel("A") if canvas.mode == "RGBA" else None)
    photo = write_file(encode_to_fit(flat, max_bytes=MAX_BYTES).data, into=folder, name="canvas.jpg")
    mask = write_file(png(mask_on(layout)), into=folder, name="mask.png")
    words = request.text or request.prompt
    return _seeded(request, {"image": photo, "mask": mask, "prompt": words, "output_format": "png"})
