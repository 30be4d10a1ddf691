"""The calls of every operation. All of it blocks: it makes photos fit and lays them on canvases.

    words               /sdapi/v1/txt2img
    img2img, style      /sdapi/v1/img2img     the photo painted over, with a ControlNet unit for the look
    face                /sdapi/v1/txt2img     with ControlNet units for the face
    mask, canvas        /sdapi/v1/img2img     with a mask, white = repaint; put back into the photo afterwards
    upscaler            /sdapi/v1/extra-single-image
    cut out             /rembg

Pictures are base64 without a prefix, read from their files while they are sent.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from providers.base import Request
from providers.checkpoints import Checkpoint
from providers.errors import MadeNothing
from providers.media.canvas import Layout, Sides, bring_back, ground, lay_out, mask_on
from providers.media.decode import Undecodable, decode
from providers.media.encode import png
from providers.media.files import read_regular_file, write_file
from providers.media.fitting import Room, check_enlarged, cropped, size_of, to_fit
from providers.media.upstream import READ_BYTES
from providers.net.bodies import Base64File
from providers.offers import Offer
from providers.outpainting import sides_of
from providers.services.a1111.inventory import API, Identity
from providers.services.a1111.offers import Way
from providers.task import Operation

TXT2IMG, IMG2IMG, UPSCALE, REMBG = f"{API}/txt2img", f"{API}/img2img", f"{API}/extra-single-image", "/rembg"
SAMPLER = "Euler a"
"""Every server has it."""
DENOISE = {Operation.PORTRAIT: 0.6, Operation.EDIT: 0.65, Operation.VARIATIONS: 0.5, Operation.STYLE_TRANSFER: 0.7}
"""How much of a photo is painted anew, 0 to 1."""
LARGE = Room(max_side=4096)
WHOLE_BYTES = 90 * 1024 * 1024
"""Nearly every photo goes to one's own server as it is."""
BLUR, PADDING = 4, 32
"""Pixels: of a mask's edge, and around what is repainted, for the model to see what it belongs to."""

Finish = Callable[[bytes], bytes]


@dataclass(frozen=True, kw_only=True)
class Call:
    """`finish`: what is done to each picture that comes back; blocks. Raises MadeNothing `bad_picture`."""

    path: str
    body: dict[str, Any]
    finish: Finish | None = None


def call_for(request: Request, offer: Offer, folder: Path, task_id: str) -> Call:
    """`folder`: for copies of photos, needed until the body was sent. Raises AskPerson.

    Not for a new background, which takes two calls: see `cut_out` and `around`.
    """
    match offer.notes["way"]:
        case Way.UPSCALER:
            return _upscale(request, offer, folder)
        case Way.CUT_OUT:
            return cut_out(request, folder, only_mask=False)
    body = _sampling(request, offer) | {"force_task_id": task_id}
    match offer.notes["way"]:
        case Way.WORDS:
            return Call(path=TXT2IMG, body=body)
        case Way.FACE:
            return Call(path=TXT2IMG, body=body | _face(request, offer.notes["identity"], folder))
        case Way.MASK:
            assert request.mask is not None  # noqa: S101  # an inpaint has one
            return _repainted(request, body, offer, folder, Sides(), _grey(request.mask))
        case Way.CANVAS:
            size = size_of(request.photos[0])
            return _repainted(request, body, offer, folder, sides_of(request.task, size), None)
    return Call(path=IMG2IMG, body=body | _painted_over(request, offer, folder))


def _sampling(request: Request, offer: Offer) -> dict[str, Any]:
    checkpoint = Checkpoint(name=offer.model)
    width, height = checkpoint.size(request.task.aspect_ratio)
    return {
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "seed": -1 if request.seed is None else request.seed,
        "steps": checkpoint.steps(request.task.model),
        "cfg_scale": checkpoint.cfg,
        "sampler_name": SAMPLER,
        "width": width,
        "height": height,
        "batch_size": 1,  # one after the other: as many at once as fit into the memory is for its owner to know
        "n_iter": request.count,
        "override_settings": {"sd_model_checkpoint": offer.model},
        "override_settings_restore_afterwards": True,
        "send_images": True,
        "save_images": False,
        "do_not_save_samples": True,
        "do_not_save_grid": True,
    }


def _painted_over(request: Request, offer: Offer, folder: Path) -> dict[str, Any]:
    task, photo = request.task, request.photos[0]
    if task.operation is Operation.PORTRAIT and task.aspect_ratio is not None:
        photo = cropped(photo, task.aspect_ratio, into=folder)
    photo = to_fit(photo, Checkpoint(name=offer.model).room, into=folder)
    width, height = size_of(photo)
    body = {
        "init_images": [Base64File(path=photo)],
        "denoising_strength": DENOISE[task.operation],
        "width": width,
        "height": height,
    }
    if offer.notes["way"] is Way.STYLE:
        module, model = offer.notes["unit"]
        look = to_fit(request.photos[1], Checkpoint(name=offer.model).room, into=folder)
        body |= _controlled([_unit(module, model, look)])
    return body


def _face(request: Request, identity: Identity, folder: Path) -> dict[str, Any]:
    photo = to_fit(request.photos[0], Room(max_side=1024), into=folder)
    body = _controlled([_unit(module, model, photo) for module, model in identity.units])
    return body | ({"prompt": f"{request.prompt} <lora:{identity.lora}:0.6>"} if identity.lora else {})


def _unit(module: str, model: str, image: Path) -> dict[str, Any]:
    return {
        "enabled": True,
        "module": module,
        "model": model,
        "image": Base64File(path=image),
        "weight": 1.0,
        "resize_mode": "Crop and Resize",
        "control_mode": "Balanced",
        "pixel_perfect": True,
        "save_detected_map": False,
    }


def _controlled(units: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"alwayson_scripts": {"controlnet": {"args": list(units)}}}


def _upscale(request: Request, offer: Offer, folder: Path) -> Call:
    photo, scale = to_fit(request.photos[0], LARGE, into=folder, max_bytes=WHOLE_BYTES), request.task.scale or 2
    check_enlarged(size_of(photo), scale)
    body = {
        "image": Base64File(path=photo),
        "resize_mode": 0,
        "upscaling_resize": scale,
        "upscaler_1": offer.model,
        "upscaler_2": "None",
        "extras_upscaler_2_visibility": 0,
        "gfpgan_visibility": 0,
        "codeformer_visibility": 0,
        "show_extras_results": True,
    }
    return Call(path=UPSCALE, body=body)


def cut_out(request: Request, folder: Path, *, only_mask: bool) -> Call:
    """`only_mask`: grey, white where the subject is."""
    photo = to_fit(request.photos[0], LARGE, into=folder, max_bytes=WHOLE_BYTES)
    body = {
        "input_image": Base64File(path=photo),
        "model": "u2net",
        "return_mask": only_mask,
        "alpha_matting": False,
    }
    return Call(path=REMBG, body=body)


def around(request: Request, offer: Offer, folder: Path, task_id: str, subject: bytes) -> Call:
    """Everything painted anew but the subject, whose mask a cut-out gave. Raises MadeNothing `bad_picture`."""
    mask = _image(subject).convert("L").point([255 - value for value in range(256)])
    size = size_of(request.photos[0])
    if mask.size != size:
        mask = mask.resize(size, Image.Resampling.BILINEAR)
    body = _sampling(request, offer) | {"force_task_id": task_id}
    call = _repainted(request, body, offer, folder, Sides(), mask)
    return Call(path=call.path, body=call.body | {"denoising_strength": 1.0}, finish=call.finish)


def _repainted(
    request: Request, body: dict[str, Any], offer: Offer, folder: Path, sides: Sides, mask: Image.Image | None
) -> Call:
    """The photo, on a larger canvas where `sides` say so, with a mask; what comes back is put into the whole photo."""
    photo = request.photos[0]
    room = Checkpoint(name=offer.model).room
    layout = lay_out(size_of(photo), sides, lambda size: room.size_for(*size))
    canvas = _filled(ground(_photo(photo), layout), layout)
    where = mask_on(layout, mask)
    kept_mask = None if mask is None else _kept(mask, folder, "whole-mask")
    body |= {
        "init_images": [Base64File(path=_kept(canvas, folder, "canvas"))],
        "mask": Base64File(path=_kept(where, folder, "mask")),
        "denoising_strength": 0.9,
        "width": layout.canvas[0],
        "height": layout.canvas[1],
        "mask_blur": BLUR,
        "inpainting_fill": 1,
        "inpaint_full_res": mask is not None,
        "inpaint_full_res_padding": PADDING,
        "inpainting_mask_invert": 0,
    }

    def finish(made: bytes) -> bytes:  # reads its files again: the call may take minutes, and they are large
        return png(bring_back(_image(made), _photo(photo), layout, None if kept_mask is None else _grey(kept_mask)))

    return Call(path=IMG2IMG, body=body, finish=finish)


def _photo(path: Path) -> Image.Image:
    return decode(read_regular_file(path, max_bytes=READ_BYTES)).image


def _grey(mask: Path) -> Image.Image:
    with Image.open(mask) as image:
        return image.convert("L")


def _filled(placed: Image.Image, layout: Layout) -> Image.Image:
    """The canvas without its empty border: there the photo's own edges, blurred, for the model to begin with."""
    if placed.mode != "RGBA":
        return placed.convert("RGB")
    left, top, right, bottom = layout.box
    inner = placed.crop(layout.box).convert("RGB")
    margins = ((top, placed.height - bottom), (left, placed.width - right), (0, 0))
    canvas = Image.fromarray(np.pad(np.asarray(inner), margins, mode="edge"))
    canvas = canvas.filter(ImageFilter.GaussianBlur(max(2.0, max(*margins[0], *margins[1]) / 16)))
    canvas.paste(inner, (left, top))
    return canvas


def _kept(image: Image.Image, folder: Path, name: str) -> Path:
    return write_file(png(image), into=folder, name=f"{name}.png", synced=False)


def _image(data: bytes) -> Image.Image:
    try:
        return decode(data).image
    except Undecodable as error:
        raise MadeNothing(error.code, code="bad_picture") from None
