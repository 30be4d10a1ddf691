"""The input that each shape of endpoint takes. Blocks: photos are read, made to fit and sent along as data URIs.

    nano              aspect_ratio as it is, none given: `auto` on edits, 1:1 on text; PNG
    gpt               image_size instead of a ratio; quality always said: fal's own default is the dearest one anyway,
                      and may change
    flux, flux_2 …    image_size as a preset; `flux_ratio` and `kontext` take the ratio itself

Masks are white = change on fal's own models; gpt-image reads the other way, see `both_ways`.
"""

import base64
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from providers.base import Request
from providers.catalog.records import ACTIONS
from providers.media.canvas import Sides
from providers.media.fitting import check_enlarged, mask_to_fit, size_of
from providers.media.upstream import data_uri
from providers.offers import Offer
from providers.outpainting import sides_of
from providers.services.fal.offers import APP_MARGIN

Body = dict[str, Any]

SIZES = {
    "1:1": "square_hd",
    "3:4": "portrait_4_3",
    "4:3": "landscape_4_3",
    "9:16": "portrait_16_9",
    "16:9": "landscape_16_9",
}
FACE_SIZES = {"1:1": (1024, 1024), "3:4": (896, 1152), "4:3": (1152, 896), "9:16": (768, 1344), "16:9": (1344, 768)}
"""SDXL's own sizes."""
QUALITY = "high"
EXPANDED_SIDE = 4992
"""Bria's canvas stays below 5000 pixels a side."""
PULID_PHOTO_WEIGHT = 1.0


def body_of(request: Request, offer: Offer) -> Body:
    """The model's input. Raises AskPerson where a photo cannot be sent."""
    return BODIES[offer.notes["body"]](request)


def encoded_body(request: Request, offer: Offer) -> bytes:
    """`body_of` as JSON: with photos these are many megabytes."""
    return json.dumps(body_of(request, offer), ensure_ascii=False).encode("utf-8", "replace")


def _words(request: Request) -> Body:
    body: Body = {"prompt": request.prompt, "num_images": request.count}
    return body if request.seed is None else body | {"seed": request.seed}


def _photo(request: Request) -> Body:
    return {"image_url": data_uri(request.photos[0])}


def _photos(request: Request) -> Body:
    return {"image_urls": [data_uri(photo) for photo in request.photos]} if request.photos else {}


def _mask(request: Request) -> Body:
    """White = change, of the photo's very size."""
    if request.mask is None:
        return {}
    fitting = mask_to_fit(request.mask, size_of(request.photos[0]), into=request.mask.parent)
    return {"mask_url": data_uri(fitting)}


def _nano(request: Request) -> Body:
    body = _words(request) | {"output_format": "png"} | _photos(request)
    return body if request.task.aspect_ratio is None else body | {"aspect_ratio": request.task.aspect_ratio}


def _gpt(request: Request) -> Body:
    given = SIZES.get(request.task.aspect_ratio or "")
    size = given or ("auto" if request.photos else "square_hd")
    body: Body = {"prompt": request.prompt, "num_images": request.count, "quality": QUALITY, "output_format": "png"}
    body |= {"image_size": size} | _photos(request)
    return body if request.mask is None else body | {"mask_url": both_ways(request.mask)}


def _flux(request: Request) -> Body:
    return _words(request) | {"image_size": SIZES[request.task.aspect_ratio or "1:1"], "output_format": "png"}


def _flux_ratio(request: Request) -> Body:
    return _words(request) | {"aspect_ratio": request.task.aspect_ratio or "1:1", "output_format": "png"}


def _flux_2(request: Request) -> Body:
    """No `num_images`: one picture a request."""
    size = SIZES.get(request.task.aspect_ratio or "") or ("auto" if request.photos else "square_hd")
    body = _words(request) | {"image_size": size, "output_format": "png"} | _photos(request)
    return {name: value for name, value in body.items() if name != "num_images"}


def _kontext(request: Request) -> Body:
    body = _words(request) | {"output_format": "png"} | _photo(request)
    return body if request.task.aspect_ratio is None else body | {"aspect_ratio": request.task.aspect_ratio}


def _flux_pulid(request: Request) -> Body:
    body: Body = {
        "prompt": request.prompt,
        "reference_image_url": data_uri(request.photos[0]),
        "id_weight": PULID_PHOTO_WEIGHT,
        "image_size": SIZES[request.task.aspect_ratio or "1:1"],
        "max_sequence_length": "512",
    }
    return body | _optional(request)


def _pulid(request: Request) -> Body:
    width, height = FACE_SIZES[request.task.aspect_ratio or "1:1"]
    body: Body = {
        "prompt": request.prompt,
        "reference_images": [{"image_url": data_uri(photo)} for photo in request.photos],
        "mode": "fidelity",
        "num_images": request.count,
        "image_size": {"width": width, "height": height},
    }
    return body | _optional(request)


def _face_id(request: Request) -> Body:
    width, height = FACE_SIZES[request.task.aspect_ratio or "1:1"]
    body: Body = {
        "prompt": request.prompt,
        "face_image_url": data_uri(request.photos[0]),
        "model_type": "SDXL-v2-plus",
        "width": width,
        "height": height,
    }
    return body | _optional(request)


def _optional(request: Request) -> Body:
    """What only some models take."""
    body: Body = {} if request.seed is None else {"seed": request.seed}
    return body | ({"negative_prompt": request.negative_prompt} if request.negative_prompt else {})


def _fill(request: Request) -> Body:
    return _words(request) | {"output_format": "png"} | _photo(request) | _mask(request)


def _qwen_inpaint(request: Request) -> Body:
    return _words(request) | {"output_format": "png"} | _photo(request) | _mask(request)


def _eraser(request: Request) -> Body:
    return _photo(request) | _mask(request) | {"mask_type": "manual"}


def _sides(request: Request) -> tuple[tuple[int, int], Sides]:
    size = size_of(request.photos[0])
    return size, sides_of(request.task, size)


def _expand(request: Request) -> Body:
    """Everything smaller by the same factor where the canvas would be too large."""
    size, sides = _sides(request)
    canvas = sides.around(size)
    factor = min(1.0, EXPANDED_SIDE / max(canvas))
    scaled = sides.scaled(factor, factor)
    inner = [max(1, round(side * factor)) for side in size]
    return _photo(request) | {
        "canvas_size": list(scaled.around((inner[0], inner[1]))),
        "original_image_size": inner,
        "original_image_location": [scaled.left, scaled.top],
        "prompt": request.text,
    }


def _outpaint_app(request: Request) -> Body:
    """All four are said, for the bottom's default is 400; and the zoom's is 20 %."""
    _, sides = _sides(request)
    grown = {f"expand_{side}": min(APP_MARGIN, getattr(sides, side)) for side in ("left", "right", "top", "bottom")}
    body: Body = {"zoom_out_percentage": 0, "num_images": request.count, "output_format": "png"}
    body |= grown | _photo(request)
    return body | {"prompt": request.text} if request.text else body


def _factor(request: Request) -> int:
    scale = request.task.scale or 2
    check_enlarged(size_of(request.photos[0]), scale)
    return scale


def _esrgan(request: Request) -> Body:
    scale = _factor(request)
    model = "RealESRGAN_x2plus" if scale == 2 else "RealESRGAN_x4plus"
    return {"scale": scale, "model": model, "face": False, "output_format": "png"} | _photo(request)


def _seedvr(request: Request) -> Body:
    return {"upscale_mode": "factor", "upscale_factor": _factor(request), "output_format": "png"} | _photo(request)


def _aura(request: Request) -> Body:
    _factor(request)
    return {"upscale_factor": 4, "overlapping_tiles": True, "checkpoint": "v2"} | _photo(request)


def _clarity(request: Request) -> Body:
    return {"upscale_factor": _factor(request), "creativity": 0.2, "resemblance": 1.0} | _photo(request)


def _redux(request: Request) -> Body:
    """No words: the photo is the whole input."""
    body: Body = {"num_images": request.count, "output_format": "png"} | _photo(request)
    body |= {"image_size": _nearest_preset(size_of(request.photos[0]), request.task.aspect_ratio)}
    return body if request.seed is None else body | {"seed": request.seed}


def _nearest_preset(size: tuple[int, int], ratio: str | None) -> str:
    """Of the ratio asked for, else of the one nearest to the photo's."""
    if ratio is not None:
        return SIZES[ratio]

    def apart(name: str) -> float:
        across, down = (int(part) for part in name.split(":"))
        wanted, there = across / down, size[0] / size[1]
        return max(wanted / there, there / wanted)

    return SIZES[min(SIZES, key=apart)]


def _style_transfer(request: Request) -> Body:
    body = _photo(request) | {"style_reference_image_url": data_uri(request.photos[1])}
    ratio = request.task.aspect_ratio
    return body if ratio is None else body | {"aspect_ratio": {"ratio": ratio}}


def _birefnet(request: Request) -> Body:
    return {"model": "General Use (Heavy)", "refine_foreground": True, "output_format": "png"} | _photo(request)


def _bria_replace(request: Request) -> Body:
    """By words or by a second picture, never both."""
    body: Body = {"num_images": request.count} | _photo(request)
    if len(request.photos) > 1:
        return body | {"ref_image_url": data_uri(request.photos[1])}
    action = ACTIONS.get(request.task.action or "replace_bg")
    return body | {"prompt": request.text or (action.default_prompt if action else request.prompt)}


def _codeformer(request: Request) -> Body:
    return {"fidelity": 0.7, "upscale_factor": 1} | _photo(request)


def both_ways(mask: Path) -> str:
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


BODIES: Mapping[str, Callable[[Request], Body]] = {
    "nano": _nano,
    "gpt": _gpt,
    "flux": _flux,
    "flux_ratio": _flux_ratio,
    "flux_2": _flux_2,
    "kontext": _kontext,
    "flux_pulid": _flux_pulid,
    "pulid": _pulid,
    "face_id": _face_id,
    "fill": _fill,
    "qwen_inpaint": _qwen_inpaint,
    "eraser": _eraser,
    "expand": _expand,
    "outpaint_app": _outpaint_app,
    "esrgan": _esrgan,
    "seedvr": _seedvr,
    "aura": _aura,
    "clarity": _clarity,
    "redux": _redux,
    "style_transfer": _style_transfer,
    "birefnet": _birefnet,
    "photo_only": _photo,
    "bria_replace": _bria_replace,
    "codeformer": _codeformer,
}
