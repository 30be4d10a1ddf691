"""Which endpoint a request goes to, the body it gets, and what that costs. Pure, but for reading photos.

    nano2, nanopro    aspect_ratio as it is, none given: `auto` on edits, 1:1 on text; resolution 2K or 4K for upscale
    gpt               image_size instead of a ratio; quality always said, because fal's own default is the dearest one

With photos the request goes to `<endpoint>/edit`. A mask goes only with `gpt` (`mask_url`).
"""

import base64
import io
import json
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image

from providers.base import Estimate, Request
from providers.media.preview import dimensions
from providers.media.upstream import data_uri

RESOLUTIONS = {None: "1K", 2: "2K", 4: "4K"}
SIZES = {
    "1:1": "square_hd",
    "3:4": "portrait_4_3",
    "4:3": "landscape_4_3",
    "9:16": "portrait_16_9",
    "16:9": "landscape_16_9",
}
MEGAPIXEL = 1024 * 1024
GPT_SIDE_STEP = 16
GPT_LONGEST = 3840
GPT_PIXELS = (655_360, 8_294_400)
GPT_RATIO = 3.0


@dataclass(frozen=True, kw_only=True)
class Model:
    """One row of `models.toml`. `usd`: by resolution, or by `text` and `edit` for models priced by tokens."""

    endpoint: str
    seconds: float
    usd: dict[str, float]
    quality: str | None = None


@cache
def models() -> dict[str, Model]:
    rows = tomllib.loads((Path(__file__).parent / "models.toml").read_text("utf-8"))["models"]
    return {key: Model(**row) for key, row in rows.items()}


def endpoint_of(request: Request) -> str:
    endpoint = models()[request.model].endpoint
    return f"{endpoint}/edit" if request.photos else endpoint


def estimate(request: Request) -> Estimate:
    """By the price list. An upscale by gpt is priced at its largest size, so as not to promise too little."""
    model = models()[request.model]
    if model.quality is None:
        usd = model.usd[RESOLUTIONS[request.scale]]
    else:
        usd = model.usd["edit" if request.photos else "text"]
        usd *= 1 if request.scale is None else GPT_PIXELS[1] / MEGAPIXEL
    slower = {None: 1.0, 2: 1.3, 4: 1.8}[request.scale]
    return Estimate(usd=round(usd * request.count, 4), seconds=model.seconds * slower)


def body_of(request: Request) -> dict[str, Any]:
    """The model's input, photos as data URIs. Blocks: it reads and encodes files. Raises AskPerson."""
    body: dict[str, Any] = {"prompt": request.prompt, "num_images": request.count}
    if models()[request.model].quality is None:
        body |= _nano(request)
    else:
        body |= _gpt(request)
    if request.photos:
        body["image_urls"] = [data_uri(photo) for photo in request.photos]
    return body


def encoded_body(request: Request) -> bytes:
    """`body_of` as JSON. Blocks: with photos these are many megabytes."""
    return json.dumps(body_of(request), ensure_ascii=False).encode("utf-8", "replace")


def _nano(request: Request) -> dict[str, Any]:
    resolution = RESOLUTIONS[request.scale]
    # A PNG of 4096 x 4096 is larger than what chats take.
    out: dict[str, Any] = {"output_format": "jpeg" if resolution == "4K" else "png"}
    if request.aspect_ratio is not None:
        out["aspect_ratio"] = request.aspect_ratio
    if request.scale is not None:
        out["resolution"] = resolution
    return out


def _gpt(request: Request) -> dict[str, Any]:
    out: dict[str, Any] = {"quality": models()[request.model].quality, "output_format": "png"}
    if request.scale is not None and request.photos:
        width, height = enlarged(*dimensions(request.photos[0]), request.scale)
        out["image_size"] = {"width": width, "height": height}
    elif request.aspect_ratio is not None:
        out["image_size"] = SIZES[request.aspect_ratio]
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
