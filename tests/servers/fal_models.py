"""What fal's endpoints take and give: fields as the reference lists them, for the fake queue in `tests/servers/fal.py`.

Stricter than fal in one thing: a field that an endpoint does not know is refused, so that nothing is sent in vain.
"""

import base64
import binascii
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

Size = tuple[int, int]
RATIOS = {"1:1": (1, 1), "3:4": (3, 4), "4:3": (4, 3), "9:16": (9, 16), "16:9": (16, 9)}
PRESETS: dict[str, Size] = {
    "square_hd": (1024, 1024),
    "square": (512, 512),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768),
    "landscape_16_9": (1024, 576),
}
RESOLUTIONS = {"0.5K": 512, "1K": 1024, "2K": 2048, "4K": 4096}


@dataclass(frozen=True, kw_only=True)
class Model:
    """One endpoint. `pictures`: fields that hold an image, or a list of them; `one`: answers `image`, not `images`."""

    required: frozenset[str]
    optional: frozenset[str] = frozenset()
    pictures: frozenset[str] = frozenset()
    ratios: frozenset[str] = frozenset(RATIOS)
    presets: frozenset[str] = frozenset(PRESETS)
    enums: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    most: int = 4
    one: bool = False


def _of(words: str) -> frozenset[str]:
    return frozenset(words.split())


_FLUX = "image_size num_images seed guidance_scale num_inference_steps output_format enable_safety_checker sync_mode"
_NANO = "num_images aspect_ratio resolution output_format safety_tolerance seed sync_mode limit_generations"
_GPT = "image_size quality num_images output_format sync_mode"
_AUTO = frozenset({*RATIOS, "auto"})
_URL = _of("image_url")
_MASKED = _of("image_url mask_url")
_NANO_TEXT = Model(required=_of("prompt"), optional=_of(_NANO), ratios=_AUTO)
_NANO_EDIT = Model(required=_of("prompt image_urls"), optional=_of(_NANO), pictures=_of("image_urls"), ratios=_AUTO)
_QUALITY = {"quality": ("auto", "low", "medium", "high")}

MODELS: dict[str, Model] = {
    "fal-ai/nano-banana-2": _NANO_TEXT,
    "fal-ai/nano-banana-2/edit": _NANO_EDIT,
    "fal-ai/nano-banana-pro": _NANO_TEXT,
    "fal-ai/nano-banana-pro/edit": _NANO_EDIT,
    "openai/gpt-image-2": Model(required=_of("prompt"), optional=_of(_GPT), enums=_QUALITY),
    "openai/gpt-image-2/edit": Model(
        required=_of("prompt image_urls"),
        optional=_of(f"{_GPT} mask_url"),
        pictures=_of("image_urls mask_url"),
        presets=frozenset({*PRESETS, "auto"}),
        enums=_QUALITY,
    ),
    "fal-ai/flux/dev": Model(required=_of("prompt"), optional=_of(_FLUX)),
    "fal-ai/flux-pro/v1.1": Model(required=_of("prompt"), optional=_of(f"{_FLUX} safety_tolerance enhance_prompt")),
    "fal-ai/flux-pro/v1.1-ultra": Model(
        required=_of("prompt"), optional=_of("aspect_ratio num_images seed raw output_format safety_tolerance")
    ),
    "fal-ai/flux-2-pro": Model(required=_of("prompt"), optional=_of("image_size seed safety_tolerance output_format")),
    "fal-ai/flux-2-pro/edit": Model(
        required=_of("prompt image_urls"),
        optional=_of("image_size seed safety_tolerance output_format"),
        pictures=_of("image_urls"),
        presets=frozenset({*PRESETS, "auto"}),
    ),
    **{
        endpoint: Model(
            required=_of("prompt image_url"),
            optional=_of("aspect_ratio guidance_scale safety_tolerance num_images output_format seed enhance_prompt"),
            pictures=_URL,
        )
        for endpoint in ("fal-ai/flux-pro/kontext", "fal-ai/flux-pro/kontext/max")
    },
    "fal-ai/flux-pro/v1/fill": Model(
        required=_of("prompt image_url mask_url"),
        optional=_of("safety_tolerance num_images seed output_format"),
        pictures=_MASKED,
    ),
    "fal-ai/qwen-image-edit/inpaint": Model(
        required=_of("prompt image_url mask_url"),
        optional=_of("strength num_images seed output_format"),
        pictures=_MASKED,
    ),
    "fal-ai/bria/eraser": Model(
        required=_of("image_url mask_url"),
        optional=_of("mask_type"),
        pictures=_MASKED,
        enums={"mask_type": ("manual", "automatic")},
        one=True,
    ),
    "fal-ai/bria/expand": Model(
        required=_of("image_url canvas_size"),
        optional=_of("original_image_size original_image_location aspect_ratio prompt seed"),
        pictures=_URL,
        one=True,
    ),
    "fal-ai/image-apps-v2/outpaint": Model(
        required=_URL,
        optional=_of(
            "expand_left expand_right expand_top expand_bottom zoom_out_percentage prompt num_images output_format"
        ),
        pictures=_URL,
    ),
    "fal-ai/esrgan": Model(
        required=_URL,
        optional=_of("scale model face tile output_format"),
        pictures=_URL,
        enums={"model": ("RealESRGAN_x4plus", "RealESRGAN_x2plus", "RealESRGAN_x4plus_anime_6B")},
        one=True,
    ),
    "fal-ai/seedvr/upscale/image": Model(
        required=_URL,
        optional=_of("upscale_mode upscale_factor target_resolution output_format"),
        pictures=_URL,
        enums={"upscale_mode": ("factor", "target")},
        one=True,
    ),
    "fal-ai/aura-sr": Model(
        required=_URL,
        optional=_of("upscale_factor overlapping_tiles checkpoint"),
        pictures=_URL,
        enums={"upscale_factor": (4,), "checkpoint": ("v1", "v2")},
        one=True,
    ),
    "fal-ai/clarity-upscaler": Model(
        required=_URL, optional=_of("upscale_factor prompt creativity resemblance seed"), pictures=_URL, one=True
    ),
    **{
        endpoint: Model(
            required=_URL, optional=_of("image_size num_images seed guidance_scale output_format"), pictures=_URL
        )
        for endpoint in ("fal-ai/flux-1/dev/redux", "fal-ai/flux/schnell/redux")
    },
    "fal-ai/image-apps-v2/style-transfer": Model(
        required=_URL,
        optional=_of("target_style style_reference_image_url aspect_ratio"),
        pictures=_of("image_url style_reference_image_url"),
    ),
    "fal-ai/birefnet/v2": Model(
        required=_URL,
        optional=_of("model operating_resolution output_format refine_foreground output_mask"),
        pictures=_URL,
        enums={"model": ("General Use (Light)", "General Use (Heavy)", "Matting", "Portrait")},
        one=True,
    ),
    "fal-ai/bria/background/remove": Model(required=_URL, pictures=_URL, one=True),
    "fal-ai/bria/background/replace": Model(
        required=_URL,
        optional=_of("prompt ref_image_url num_images fast refine_prompt"),
        pictures=_of("image_url ref_image_url"),
    ),
    "fal-ai/flux-pulid": Model(
        required=_of("prompt reference_image_url"),
        optional=_of("id_weight start_step true_cfg image_size negative_prompt max_sequence_length seed"),
        pictures=_of("reference_image_url"),
        enums={"max_sequence_length": ("128", "256", "512")},
    ),
    "fal-ai/pulid": Model(
        required=_of("prompt reference_images"),
        optional=_of("id_scale mode id_mix num_images image_size negative_prompt seed"),
        pictures=_of("reference_images"),
        enums={"mode": ("fidelity", "extreme style")},
    ),
    "fal-ai/ip-adapter-face-id": Model(
        required=_of("prompt face_image_url"),
        optional=_of("model_type width height num_samples negative_prompt seed"),
        pictures=_of("face_image_url"),
        enums={"model_type": ("SDXL-v1", "SDXL-v2-plus", "1_5-v1", "1_5-v2-plus")},
        one=True,
    ),
    "fal-ai/codeformer": Model(
        required=_URL, optional=_of("fidelity upscale_factor face_upscale"), pictures=_URL, one=True
    ),
    "fal-ai/ddcolor": Model(required=_URL, pictures=_URL, one=True),
}


def problem(endpoint: str, body: Any) -> tuple[str, str] | None:
    """The type and the field of what the endpoint's schema would refuse, or None."""
    model = MODELS[endpoint]
    if not isinstance(body, dict):
        return "missing", "prompt"
    for name in sorted(model.required):
        if not body.get(name):
            return "missing", name
    if unknown := set(body) - model.required - model.optional:
        return "extra_forbidden", sorted(unknown)[0]
    for name in ("prompt", "negative_prompt"):
        if not isinstance(body.get(name, ""), str):
            return "string_type", name
    if not 1 <= body.get("num_images", 1) <= model.most:
        return "less_than_equal", "num_images"
    for name, allowed in model.enums.items():
        if name in body and body[name] not in allowed:
            return "enum", name
    return _shape_problem(model, body) or _picture_problem(model, body)


def _shape_problem(model: Model, body: Mapping[str, Any]) -> tuple[str, str] | None:
    ratio = body.get("aspect_ratio", "1:1")
    if isinstance(ratio, dict):
        ratio = ratio.get("ratio")
    if ratio not in model.ratios or body.get("resolution", "1K") not in RESOLUTIONS:
        return "enum", "aspect_ratio"
    size = body.get("image_size", "square_hd")
    if not (size in model.presets if isinstance(size, str) else {"width", "height"} == set(size)):
        return "enum", "image_size"
    for side in ("left", "right", "top", "bottom"):
        if not 0 <= body.get(f"expand_{side}", 0) <= 700:
            return "less_than_equal", f"expand_{side}"
    canvas = body.get("canvas_size", [1, 1])
    if len(canvas) != 2 or not all(isinstance(side, int) and 0 < side < 5000 for side in canvas):
        return "less_than", "canvas_size"
    return ("value_error", "prompt") if "ref_image_url" in body and "prompt" in body else None


def _picture_problem(model: Model, body: Mapping[str, Any]) -> tuple[str, str] | None:
    sizes: dict[str, Size] = {}
    for name in sorted(model.pictures & set(body)):
        given = body[name] if isinstance(body[name], list) else [body[name]]
        for link in given:
            size = size_of(link["image_url"] if isinstance(link, dict) else link)
            if size is None:
                return "image_load_error", name
            sizes.setdefault(name, size)
    if "mask_url" in sizes and sizes["mask_url"] != sizes.get("image_url", sizes.get("image_urls")):
        return "value_error", "mask_url"
    return None


def size_of(link: str) -> Size | None:
    """Of a picture that is sent along; None where it is none. An address stands for any picture."""
    head, _, data = link.partition(";base64,")
    if not head.startswith("data:image/"):
        return (1024, 1024) if link.startswith("https://") else None
    try:
        with Image.open(io.BytesIO(base64.b64decode(data, validate=True))) as image:
            image.load()
            return image.size
    except (OSError, binascii.Error):
        return None


def output_size(endpoint: str, body: Mapping[str, Any]) -> Size:
    """As the endpoint would make it."""
    if "canvas_size" in body:
        return body["canvas_size"][0], body["canvas_size"][1]
    source = size_of(body["image_url"]) if "image_url" in body else None
    if source is not None and endpoint.endswith("/outpaint"):
        return (
            source[0] + body.get("expand_left", 0) + body.get("expand_right", 0),
            source[1] + body.get("expand_top", 0) + body.get("expand_bottom", 400),
        )
    if source is not None and "image_size" not in body and "aspect_ratio" not in body:
        factor = body.get("scale") or body.get("upscale_factor") or 1
        return source[0] * factor, source[1] * factor
    return _asked_size(body)


def _asked_size(body: Mapping[str, Any]) -> Size:
    asked = body.get("image_size")
    if isinstance(asked, dict):
        return int(asked["width"]), int(asked["height"])
    if "width" in body:
        return int(body["width"]), int(body["height"])
    if asked is not None:
        return PRESETS.get(asked, (1024, 1024))
    ratio = body.get("aspect_ratio", "1:1")
    across, down = RATIOS.get(ratio["ratio"] if isinstance(ratio, dict) else ratio, (1, 1))
    longest = RESOLUTIONS[body.get("resolution", "1K")]
    return longest * across // max(across, down), longest * down // max(across, down)
