"""The nodes of the fake ComfyUI: what each takes and gives.

Each node really works on pictures, with Pillow: a mask read the wrong way round, a link to the wrong output or a
picture that was never used shows in the result. Where a model would paint, the colour is that of words and seed.
"""

import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image, ImageFilter, ImageOps

MAX_SIDE = 16384
SAMPLERS = ["euler", "euler_ancestral", "dpmpp_2m", "dpmpp_2m_sde", "uni_pc"]
SCHEDULERS = ["simple", "normal", "karras", "sgm_uniform"]
METHODS = ["nearest-exact", "bilinear", "area", "bicubic", "lanczos"]
Inputs = Mapping[str, Any]


@dataclass(kw_only=True)
class Room:
    """What lies on the server: model files by folder, and pictures by (type, subfolder, name)."""

    models: dict[str, list[str]] = field(default_factory=dict)
    pictures: dict[tuple[str, str, str], bytes] = field(default_factory=dict)

    def stored(self, name: str) -> bytes | None:
        """`sub/name.png` of the uploads, or `name.png [output]`."""
        name, _, kind = name.partition(" [")
        folder, _, name = name.rpartition("/")
        return self.pictures.get((kind.rstrip("]") or "input", folder, name))


@dataclass(frozen=True, kw_only=True)
class Node:
    """`inputs`: name → (type, or a list of choices, or `files:FOLDER`; its options). `optional` ones may be missing."""

    inputs: dict[str, tuple[Any, dict[str, Any]]]
    returns: tuple[str, ...]
    run: Callable[[Room, Inputs], tuple[Any, ...]]
    optional: frozenset[str] = frozenset()
    output: bool = False
    combo: bool = False
    """Told in the newer form, `["COMBO", {"options": …}]`."""


def _int(least: int = 0, most: int = MAX_SIDE) -> tuple[str, dict[str, Any]]:
    return "INT", {"min": least, "max": most}


def _float(least: float = 0.0, most: float = 1.0) -> tuple[str, dict[str, Any]]:
    return "FLOAT", {"min": least, "max": most}


def _of(*types: str, **named: Any) -> dict[str, tuple[Any, dict[str, Any]]]:
    """`MODEL` is the input `model`; anything else is named."""
    plain: dict[str, tuple[Any, dict[str, Any]]] = {t.lower(): (t, {}) for t in types}
    return plain | {name: (kind if isinstance(kind, tuple) else (kind, {})) for name, kind in named.items()}


# --- pictures


def _colour(words: str, seed: int, n: int) -> tuple[int, int, int]:
    red, green, blue = hashlib.sha256(f"{words}|{seed}|{n}".encode()).digest()[:3]
    return red, green, blue


def _stretched(mask: Image.Image, size: tuple[int, int]) -> Image.Image:
    return mask if mask.size == size else mask.resize(size, Image.Resampling.BILINEAR)


def _load(room: Room, inputs: Inputs) -> tuple[Any, ...]:
    with Image.open(io.BytesIO(room.stored(inputs["image"]) or b"")) as file:
        image = ImageOps.exif_transpose(file)
    if "A" in image.getbands():
        return [image.convert("RGB")], ImageOps.invert(image.getchannel("A"))
    return [image.convert("RGB")], Image.new("L", (64, 64), 0)


def _load_mask(room: Room, inputs: Inputs) -> tuple[Any, ...]:
    with Image.open(io.BytesIO(room.stored(inputs["image"]) or b"")) as file:
        image = file.convert("RGBA")
    channel = image.getchannel(inputs["channel"][0].upper())
    return (ImageOps.invert(channel) if inputs["channel"] == "alpha" else channel,)


def _sample(_: Room, inputs: Inputs) -> tuple[Any, ...]:
    latent = inputs["latent_image"]
    made = []
    for n, image in enumerate(latent["images"]):
        painted = Image.new("RGB", image.size, _colour(inputs["positive"]["text"], inputs["seed"], n))
        for reference in inputs["positive"].get("references", ()):
            painted = Image.blend(painted, reference.resize(image.size), 0.25)
        changed = Image.blend(image, painted, 1.0 if latent["empty"] else inputs["denoise"])
        mask = latent["mask"]
        made.append(changed if mask is None else Image.composite(changed, image, _stretched(mask, image.size)))
    return ({**latent, "images": made, "empty": False},)


def _latent(images: list[Image.Image], mask: Image.Image | None = None, *, empty: bool = False) -> dict[str, Any]:
    eights = [i.crop((0, 0, i.width // 8 * 8, i.height // 8 * 8)) for i in images]
    return {"images": eights, "mask": mask, "empty": empty}


def _for_inpaint(_: Room, inputs: Inputs) -> tuple[Any, ...]:
    (image,) = inputs["pixels"]
    mask = _stretched(inputs["mask"], image.size)
    if inputs["grow_mask_by"]:
        mask = mask.filter(ImageFilter.MaxFilter(inputs["grow_mask_by"] // 2 * 2 + 1))
    hole = Image.composite(Image.new("RGB", image.size, (128, 128, 128)), image, mask)
    return (_latent([hole], mask),)


def _pad(_: Room, inputs: Inputs) -> tuple[Any, ...]:
    (image,) = inputs["image"]
    left, top = inputs["left"], inputs["top"]
    size = (image.width + left + inputs["right"], image.height + top + inputs["bottom"])
    padded = Image.new("RGB", size, (128, 128, 128))
    padded.paste(image, (left, top))
    mask = Image.new("L", size, 255)
    mask.paste(0, (left, top, left + image.width, top + image.height))
    return [padded], mask


def _scale(_: Room, inputs: Inputs) -> tuple[Any, ...]:
    def sized(image: Image.Image) -> Image.Image:
        width, height = inputs["width"], inputs["height"]
        width = width or round(image.width * height / image.height)
        height = height or round(image.height * width / image.width)
        if inputs["crop"] == "center":
            return ImageOps.fit(image, (width, height))
        return image.resize((width, height))

    return ([sized(image) for image in inputs["image"]],)


def _scale_by(_: Room, inputs: Inputs) -> tuple[Any, ...]:
    by = inputs["scale_by"]
    return ([i.resize((round(i.width * by), round(i.height * by))) for i in inputs["image"]],)


def _upscale(_: Room, inputs: Inputs) -> tuple[Any, ...]:
    by = 2 if "x2" in inputs["upscale_model"].lower() or "2x" in inputs["upscale_model"].lower() else 4
    return ([i.resize((i.width * by, i.height * by), Image.Resampling.NEAREST) for i in inputs["image"]],)


def _composite(_: Room, inputs: Inputs) -> tuple[Any, ...]:
    out = []
    for ground, source in zip(inputs["destination"], inputs["source"], strict=False):  # as many as there are grounds
        mask = _stretched(inputs["mask"], source.size) if "mask" in inputs else None
        image = ground.copy()
        image.paste(source, (inputs["x"], inputs["y"]), mask)
        out.append(image)
    return (out,)


def _cut_out(_: Room, inputs: Inputs) -> tuple[Any, ...]:
    """What a matting node does: the middle half of the picture is the subject."""
    (image,) = inputs["image"]
    subject = Image.new("L", image.size, 0)
    subject.paste(255, (image.width // 4, image.height // 4, image.width * 3 // 4, image.height * 3 // 4))
    return inputs["image"], subject


def _with_alpha(_: Room, inputs: Inputs) -> tuple[Any, ...]:
    out = []
    for image in inputs["image"]:
        image = image.copy()
        image.putalpha(ImageOps.invert(_stretched(inputs["alpha"], image.size)))
        out.append(image)
    return (out,)


def _refer(words: Mapping[str, Any], images: list[Image.Image]) -> dict[str, Any]:
    return {**words, "references": (*words.get("references", ()), *images)}


def _qwen(_: Room, inputs: Inputs) -> tuple[Any, ...]:
    images = [image for n in (1, 2, 3) for image in inputs.get(f"image{n}", [])]
    return (_refer({"text": inputs["prompt"]}, images),)


def _same(name: str) -> Callable[[Room, Inputs], tuple[Any, ...]]:
    return lambda _, inputs: (inputs[name],)


_MASKED = _of("MASK")
NODES: dict[str, Node] = {
    "CheckpointLoaderSimple": Node(
        inputs=_of(ckpt_name="files:checkpoints"), returns=("MODEL", "CLIP", "VAE"),
        run=lambda _, i: (i["ckpt_name"],) * 3,
    ),
    "UNETLoader": Node(
        inputs=_of(unet_name="files:diffusion_models", weight_dtype=["default", "fp8_e4m3fn", "fp8_e5m2"]),
        returns=("MODEL",), run=_same("unet_name"),
    ),
    "DualCLIPLoader": Node(
        inputs=_of(clip_name1="files:text_encoders", clip_name2="files:text_encoders", type=["sdxl", "sd3", "flux"]),
        returns=("CLIP",), run=_same("clip_name1"),
    ),
    "CLIPLoader": Node(
        inputs=_of(clip_name="files:text_encoders", type=["stable_diffusion", "sd3", "wan", "qwen_image"]),
        returns=("CLIP",), run=_same("clip_name"),
    ),
    "VAELoader": Node(inputs=_of(vae_name="files:vae"), returns=("VAE",), run=_same("vae_name")),
    "CLIPTextEncode": Node(
        inputs=_of("CLIP", text="STRING"), returns=("CONDITIONING",), run=lambda _, i: ({"text": i["text"]},),
    ),
    "TextEncodeQwenImageEditPlus": Node(
        inputs=_of("CLIP", "VAE", prompt="STRING", image1="IMAGE", image2="IMAGE", image3="IMAGE"),
        optional=frozenset({"vae", "image1", "image2", "image3"}), returns=("CONDITIONING",), run=_qwen,
    ),
    "FluxGuidance": Node(
        inputs=_of("CONDITIONING", guidance=_float(0, 100)), returns=("CONDITIONING",), run=_same("conditioning"),
    ),
    "ConditioningZeroOut": Node(
        inputs=_of("CONDITIONING"), returns=("CONDITIONING",), run=lambda _, i: ({"text": ""},),
    ),
    "ReferenceLatent": Node(
        inputs=_of("CONDITIONING", "LATENT"), optional=frozenset({"latent"}), returns=("CONDITIONING",),
        run=lambda _, i: (_refer(i["conditioning"], i["latent"]["images"]),),
    ),
    "CLIPVisionLoader": Node(inputs=_of(clip_name="files:clip_vision"), returns=("CLIP_VISION",),
                             run=_same("clip_name")),
    "CLIPVisionEncode": Node(
        inputs=_of("CLIP_VISION", "IMAGE", crop=["center", "none"]), returns=("CLIP_VISION_OUTPUT",),
        run=_same("image"),
    ),
    "StyleModelLoader": Node(
        inputs=_of(style_model_name="files:style_models"), returns=("STYLE_MODEL",), run=_same("style_model_name"),
    ),
    "StyleModelApply": Node(
        inputs=_of("CONDITIONING", "STYLE_MODEL", "CLIP_VISION_OUTPUT", strength=_float(0, 10),
                   strength_type=["multiply", "attn_bias"]),
        returns=("CONDITIONING",), run=lambda _, i: (_refer(i["conditioning"], i["clip_vision_output"]),),
    ),
    "EmptyLatentImage": Node(
        inputs=_of(width=_int(16), height=_int(16), batch_size=_int(1, 4096)), returns=("LATENT",),
        run=lambda _, i: (_latent([Image.new("RGB", (i["width"], i["height"]))] * i["batch_size"], empty=True),),
    ),
    "VAEEncode": Node(inputs=_of("VAE", pixels="IMAGE"), returns=("LATENT",), run=lambda _, i: (_latent(i["pixels"]),)),
    "VAEEncodeForInpaint": Node(
        inputs=_of("VAE", "MASK", pixels="IMAGE", grow_mask_by=_int(0, 64)), returns=("LATENT",), run=_for_inpaint,
    ),
    "SetLatentNoiseMask": Node(
        inputs=_of("MASK", samples="LATENT"), returns=("LATENT",),
        run=lambda _, i: ({**i["samples"], "mask": i["mask"]},),
    ),
    "RepeatLatentBatch": Node(
        inputs=_of(samples="LATENT", amount=_int(1, 64)), returns=("LATENT",),
        run=lambda _, i: ({**i["samples"], "images": i["samples"]["images"] * i["amount"]},),
    ),
    "KSampler": Node(
        inputs=_of("MODEL", seed=_int(0, 2**64 - 1), steps=_int(1, 10000), cfg=_float(0, 100), sampler_name=SAMPLERS,
                   scheduler=SCHEDULERS, positive="CONDITIONING", negative="CONDITIONING", latent_image="LATENT",
                   denoise=_float()),
        returns=("LATENT",), run=_sample,
    ),
    "VAEDecode": Node(inputs=_of("VAE", samples="LATENT"), returns=("IMAGE",),
                      run=lambda _, i: (i["samples"]["images"],)),
    "LoadImage": Node(inputs=_of(image="file"), returns=("IMAGE", "MASK"), run=_load),
    "LoadImageMask": Node(
        inputs=_of(image="file", channel=["alpha", "red", "green", "blue"]), returns=("MASK",), run=_load_mask,
    ),
    "ImagePadForOutpaint": Node(
        inputs=_of("IMAGE", left=_int(), top=_int(), right=_int(), bottom=_int(), feathering=_int()),
        returns=("IMAGE", "MASK"), run=_pad,
    ),
    "ImageScale": Node(
        inputs=_of("IMAGE", upscale_method=METHODS, width=_int(), height=_int(), crop=["disabled", "center"]),
        returns=("IMAGE",), run=_scale,
    ),
    "ImageScaleBy": Node(
        inputs=_of("IMAGE", upscale_method=METHODS, scale_by=_float(0.01, 8)), returns=("IMAGE",), run=_scale_by,
    ),
    "UpscaleModelLoader": Node(
        inputs=_of(model_name="files:upscale_models"), returns=("UPSCALE_MODEL",), run=_same("model_name"), combo=True,
    ),
    "ImageUpscaleWithModel": Node(
        inputs=_of("UPSCALE_MODEL", "IMAGE"), returns=("IMAGE",), run=_upscale, combo=True,
    ),
    "ImageCompositeMasked": Node(
        inputs=_of("MASK", destination="IMAGE", source="IMAGE", x=_int(), y=_int(), resize_source="BOOLEAN"),
        optional=frozenset({"mask"}), returns=("IMAGE",), run=_composite,
    ),
    "RepeatImageBatch": Node(
        inputs=_of("IMAGE", amount=_int(1, 4096)), returns=("IMAGE",), run=lambda _, i: (i["image"] * i["amount"],),
    ),
    "InvertMask": Node(inputs=_MASKED, returns=("MASK",), run=lambda _, i: (ImageOps.invert(i["mask"]),)),
    "GrowMask": Node(
        inputs=_of("MASK", expand=_int(-MAX_SIDE), tapered_corners="BOOLEAN"), returns=("MASK",),
        run=lambda _, i: (i["mask"].filter(ImageFilter.MaxFilter(i["expand"] // 2 * 2 + 1)),),
    ),
    "JoinImageWithAlpha": Node(inputs=_of("IMAGE", alpha="MASK"), returns=("IMAGE",), run=_with_alpha),
    "SaveImage": Node(
        inputs=_of(images="IMAGE", filename_prefix="STRING"), returns=(), output=True,
        run=lambda _, i: (i["images"],),
    ),
}  # fmt: skip
"""Those of the core."""

CUSTOM: dict[str, Node] = {
    "InspyrenetRembg": Node(
        inputs=_of("IMAGE", torchscript_jit=["default", "on"]), returns=("IMAGE", "MASK"), run=_cut_out,
    ),
    "IPAdapterUnifiedLoader": Node(
        inputs=_of("MODEL", preset=["STANDARD (medium strength)", "PLUS (high strength)", "PLUS FACE (portraits)"]),
        returns=("MODEL", "IPADAPTER"), run=lambda _, i: (i["model"], i["preset"]),
    ),
    "IPAdapterUnifiedLoaderFaceID": Node(
        inputs=_of("MODEL", preset=["FACEID", "FACEID PLUS V2"], lora_strength=_float(), provider=["CPU", "CUDA"]),
        returns=("MODEL", "IPADAPTER"), run=lambda _, i: (i["model"], i["preset"]),
    ),
    "IPAdapter": Node(
        inputs=_of("MODEL", "IPADAPTER", "IMAGE", weight=_float(-1, 3), start_at=_float(), end_at=_float(),
                   weight_type=["standard", "prompt is more important", "style transfer"]),
        returns=("MODEL",), run=_same("model"),
    ),
    "IPAdapterFaceID": Node(
        inputs=_of("MODEL", "IPADAPTER", "IMAGE", weight=_float(-1, 3), weight_faceidv2=_float(-1, 5),
                   weight_type=["linear", "ease in"], combine_embeds=["concat", "add", "average"], start_at=_float(),
                   end_at=_float(), embeds_scaling=["V only", "K+V"]),
        returns=("MODEL",), run=_same("model"),
    ),
}  # fmt: skip
"""Of packages that an operator installs; a fake has them where a test says so."""
