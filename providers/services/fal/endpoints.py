"""The body a request gets at its endpoint. Pure, but for reading photos.

    nano2, nanopro    aspect_ratio as it is, none given: `auto` on edits, 1:1 on text; resolution 2K or 4K for upscale
    gpt               image_size instead of a ratio; quality always said, because fal's own default is the dearest one

With photos the request goes to `<endpoint>/edit`. A mask goes only with `gpt` (`mask_url`).
"""

import base64
import io
import json
from pathlib import Path
from typing import Any

from PIL import Image

from providers.base import Request
from providers.errors import AskPerson
from providers.media.preview import dimensions
from providers.media.upstream import data_uri
from providers.offers import Offer
from providers.services.fal.offers import GPT, offers

RESOLUTIONS = {None: "1K", 2: "2K", 4: "4K"}
SIZES = {
    "1:1": "square_hd",
    "3:4": "portrait_4_3",
    "4:3": "landscape_4_3",
    "9:16": "portrait_16_9",
    "16:9": "landscape_16_9",
}
QUALITY = "high"
GPT_SIDE_STEP = 16
GPT_LONGEST = 3840
GPT_PIXELS = (655_360, 8_294_400)
GPT_RATIO = 3.0


def offer_for(request: Request) -> Offer:
    """The offer by which it is made. Raises AskPerson `provider_cannot`."""
    offer = offers().find(request.task)
    if offer is None:
        raise AskPerson(str(offers().reason_not(request.task)), code="provider_cannot", params={"given": "fal"})
    return offer


def body_of(request: Request, offer: Offer) -> dict[str, Any]:
    """The model's input, photos as data URIs. Blocks: it reads and encodes files. Raises AskPerson."""
    body: dict[str, Any] = {"prompt": request.prompt, "num_images": request.count}
    body |= _gpt(request) if offer.model.startswith(GPT) else _nano(request)
    if request.photos:
        body["image_urls"] = [data_uri(photo) for photo in request.photos]
    return body


def encoded_body(request: Request, offer: Offer) -> bytes:
    """`body_of` as JSON. Blocks: with photos these are many megabytes."""
    return json.dumps(body_of(request, offer), ensure_ascii=False).encode("utf-8", "replace")


def _nano(request: Request) -> dict[str, Any]:
    resolution = RESOLUTIONS[request.task.scale]
    # A PNG of 4096 x 4096 is larger than what chats take.
    out: dict[str, Any] = {"output_format": "jpeg" if resolution == "4K" else "png"}
    if request.task.aspect_ratio is not None:
        out["aspect_ratio"] = request.task.aspect_ratio
    if request.task.scale is not None:
        out["resolution"] = resolution
    return out


def _gpt(request: Request) -> dict[str, Any]:
    out: dict[str, Any] = {"quality": QUALITY, "output_format": "png"}
    if request.task.scale is not None and request.photos:
        width, height = enlarged(*dimensions(request.photos[0]), request.task.scale)
        out["image_size"] = {"width": width, "height": height}
    elif request.task.aspect_ratio is not None:
        out["image_size"] = SIZES[request.task.aspect_ratio]
    else:
        out["image_size"] = "auto" if request.photos else "square_hd"
    if request.mask is not None:
        out["mask_url"] = mask_uri(request.mask)
    return out


def enlarged(width: int, height: int, scale: int) -> tuple[int, int]:
    """The photo's size times `scale`, as near as gpt-image allows: steps of 16, at most 3840 a side, 0.6 to 8.3 MP."""
    width, height = width * scale, height * scale
    width, height = min(width, round(height * GPT_RATIO)), min(height, round(width * GPT_RATIO))
    factor = min(1.0, GPT_LONGEST / max(width, height), (GPT_PIXELS[1] / (width * height)) ** 0.5)
    factor = max(factor, (GPT_PIXELS[0] / (width * height)) ** 0.5)
    rounding = _down if factor <= 1 else _up
    return rounding(width * factor), rounding(height * factor)


def _down(side: float) -> int:
    return max(GPT_SIDE_STEP, int(side // GPT_SIDE_STEP) * GPT_SIDE_STEP)


def _up(side: float) -> int:
    return -int(-side // GPT_SIDE_STEP) * GPT_SIDE_STEP


def mask_uri(mask: Path) -> str:
    """The mask (white = change) as a PNG that says the same in both languages: white *and* transparent = change.

    OpenAI's own endpoint reads the alpha channel; which of the two fal's reads is not written down anywhere.
    """
    with Image.open(mask) as image:
        grey = image.convert("L")
    keep = grey.point([255 - value for value in range(256)])
    both = Image.merge("RGBA", (grey, grey, grey, keep))
    out = io.BytesIO()
    both.save(out, "PNG")
    return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode('ascii')}"
