"""The bodies of DashScope's image models.

    qwen-image…        /services/aigc/multimodal-generation/generation    one message: pictures, then words
    wan2.6, wan2.7     the same message, as a task: /services/aigc/image-generation/generation
    wan2.5             /services/aigc/image2image/image-synthesis         prompt and images
    wanx2.1-imageedit  the same path                                      a function on one picture

Sizes are written `W*H`. Masks are white where something is to change, as ours are.
"""

from collections.abc import Sequence
from typing import Any

from providers.media.canvas import Sides

GENERATION = "/services/aigc/multimodal-generation/generation"
WAN = "/services/aigc/image-generation/generation"
SYNTHESIS = "/services/aigc/image2image/image-synthesis"
SIZES = {"1:1": "1328*1328", "3:4": "1104*1472", "4:3": "1472*1104", "9:16": "928*1664", "16:9": "1664*928"}
MAX_PROMPT = 800
MAX_NEGATIVE = 500
MAX_FACTOR = 2.0
"""How many times its width or height a picture may grow on one side."""


def message(
    *,
    model: str,
    prompt: str,
    images: Sequence[Any] = (),
    count: int = 1,
    ratio: str | None = None,
    negative: str = "",
    seed: int | None = None,
) -> dict[str, Any]:
    """`images`: whatever stands for an address or a data URI in the body. Without a ratio an edit keeps its photo's."""
    content = [*({"image": image} for image in images), {"text": prompt}]
    parameters: dict[str, Any] = {"n": count, "watermark": False}
    if ratio is not None or not images:
        parameters["size"] = SIZES[ratio or "1:1"]
    if model.startswith("qwen"):
        parameters["prompt_extend"] = False  # our prompts are finished, and the person's words are to be kept
    if negative:
        parameters["negative_prompt"] = negative[:MAX_NEGATIVE]
    if seed is not None:
        parameters["seed"] = seed
    return {
        "model": model,
        "input": {"messages": [{"role": "user", "content": content}]},
        "parameters": parameters,
    }


def by_images(
    *, model: str, prompt: str, images: Sequence[str], count: int, ratio: str | None, seed: int | None
) -> dict[str, Any]:
    """wan2.5: the same without a message."""
    parameters: dict[str, Any] = {"n": count, "watermark": False}
    if ratio is not None:
        parameters["size"] = SIZES[ratio]
    if seed is not None:
        parameters["seed"] = seed
    return {"model": model, "input": {"prompt": prompt, "images": list(images)}, "parameters": parameters}


def function(model: str, name: str, *, prompt: str, photo: str, count: int = 1, **more: Any) -> dict[str, Any]:
    """wanx2.1-imageedit. `photo`: its address. `more`: `mask_image_url` of the input, the rest parameters."""
    given = {"function": name, "prompt": prompt, "base_image_url": photo}
    given |= {key: more.pop(key) for key in ("mask_image_url",) if key in more}
    return {"model": model, "input": given, "parameters": {"n": count, "watermark": False, **more}}


def factors(sides: Sides, size: tuple[int, int]) -> dict[str, float] | None:
    """`expand`'s scales: how far the picture grows on each side, 1 to 2; None where a side is to grow further."""
    width, height = size
    found = {
        "left_scale": 1 + sides.left / width,
        "right_scale": 1 + sides.right / width,
        "top_scale": 1 + sides.top / height,
        "bottom_scale": 1 + sides.bottom / height,
    }
    if max(found.values()) > MAX_FACTOR:
        return None
    return {name: round(value, 4) for name, value in found.items()}
