"""The body of a request to Black Forest Labs, per model. All of it blocks: it reads photos, and makes them fit.

    FLUX.2      prompt, input_image … input_image_8, width and height (multiples of 16; left out: those of the photo)
    Kontext     prompt, input_image, aspect_ratio
    FLUX1.1     prompt, image_prompt, width and height (multiples of 32, at most 1440); ultra: aspect_ratio
    Fill        image, mask (white = change, of the photo's size), prompt
    Expand      image, top, bottom, left, right, prompt

Pictures are base64 without a prefix, read from their files while they are sent.
"""

from pathlib import Path
from typing import Any

from providers.base import Request
from providers.errors import AskPerson
from providers.media.fitting import Room, mask_to_fit, size_of, to_fit
from providers.net.bodies import Base64File
from providers.offers import Offer
from providers.outpainting import sides_of
from providers.prompts import shortened
from providers.services.bfl.offers import EXPAND, FILL, WORDS_ONLY
from providers.task import Operation

SIZES_16 = {
    "1:1": (1024, 1024), "3:4": (960, 1280), "4:3": (1280, 960), "9:16": (864, 1536), "16:9": (1536, 864),
}  # fmt: skip
SIZES_32 = {
    "1:1": (1024, 1024), "3:4": (960, 1280), "4:3": (1280, 960), "9:16": (768, 1344), "16:9": (1344, 768),
}  # fmt: skip
SENT = Room(max_pixels=1_572_864, step=16, min_side=64)
"""FLUX.2 charges for each megapixel sent, and makes pictures of the size of the first photo."""
WHOLE = Room(max_pixels=16_777_216, min_side=256)
REDUX_ROOM = Room(max_side=1440, min_side=256, step=32, max_pixels=1440 * 1088)
MAX_SIDE_ADDED = 2048
MAX_PROMPT = 2_000
"""Characters of the older models' prompts; FLUX.2 takes far more than anybody's 4 000."""


def body_of(request: Request, offer: Offer, folder: Path) -> dict[str, Any]:
    """`folder`: for copies of photos that had to be made to fit; needed until the body was sent. Raises AskPerson."""
    body: dict[str, Any] = {"output_format": "png"}
    if request.seed is not None:
        body["seed"] = request.seed % 2**32
    if offer.model == FILL:
        return body | _fill(request, folder)
    if offer.model == EXPAND:
        return body | _expand(request, folder)
    if request.task.operation is Operation.VARIATIONS:
        return body | _redux(request, folder)
    if offer.model in WORDS_ONLY:
        return body | _words(request, offer.model)
    return body | _with_photos(request, offer.model, folder)


def _with_photos(request: Request, model: str, folder: Path) -> dict[str, Any]:
    body: dict[str, Any] = {"prompt": request.prompt}
    for number, photo in enumerate(request.photos, start=1):
        name = "input_image" if number == 1 else f"input_image_{number}"
        body[name] = Base64File(path=to_fit(photo, SENT, into=folder))
    ratio = request.task.aspect_ratio
    if model.startswith("flux-kontext"):
        return body | ({"aspect_ratio": ratio} if ratio else {})
    size = SIZES_16.get(ratio or ("" if request.photos else "1:1"))
    return body | ({"width": size[0], "height": size[1]} if size else {})


def _words(request: Request, model: str) -> dict[str, Any]:
    ratio = request.task.aspect_ratio or "1:1"
    if model.endswith("-ultra"):
        return {"prompt": request.prompt, "aspect_ratio": ratio}
    width, height = SIZES_32[ratio]
    return {"prompt": request.prompt, "width": width, "height": height}


def _redux(request: Request, folder: Path) -> dict[str, Any]:
    """The photo is the prompt; the words are the person's own, if there are any."""
    photo = to_fit(request.photos[0], WHOLE, into=folder)
    ratio = request.task.aspect_ratio
    width, height = SIZES_32[ratio] if ratio else REDUX_ROOM.size_for(*size_of(photo))
    words = {"prompt": shortened(request.text, MAX_PROMPT)} if request.text else {}
    return words | {"image_prompt": Base64File(path=photo), "width": width, "height": height}


def _fill(request: Request, folder: Path) -> dict[str, Any]:
    if request.mask is None:
        raise AskPerson("an inpaint without a mask", code="bad_mask")
    photo = to_fit(request.photos[0], WHOLE, into=folder)
    mask = mask_to_fit(request.mask, size_of(photo), into=folder)
    words = shortened(request.text or request.prompt, MAX_PROMPT)
    return {"image": Base64File(path=photo), "mask": Base64File(path=mask), "prompt": words}


def _expand(request: Request, folder: Path) -> dict[str, Any]:
    photo = to_fit(request.photos[0], WHOLE, into=folder)
    before, now = size_of(request.photos[0]), size_of(photo)
    sides = sides_of(request.task, before).scaled(now[0] / before[0], now[1] / before[1])
    words = {"prompt": shortened(request.text, MAX_PROMPT)} if request.text else {}
    added = {"left": sides.left, "right": sides.right, "top": sides.top, "bottom": sides.bottom}
    return words | {"image": Base64File(path=photo)} | {k: min(v, MAX_SIDE_ADDED) for k, v in added.items()}
