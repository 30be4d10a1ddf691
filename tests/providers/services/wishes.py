"""Requests of every operation, with real files, for the tests of services."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from providers.base import Request
from providers.task import Operation, Outpaint, Parameters, Task

PROMPT = "A finished instruction."
_TWO = {Operation.STYLE_TRANSFER: 2}
_ACTIONS = {
    Operation.EDIT: "edit",
    Operation.INPAINT: "local_edit",
    Operation.OUTPAINT: "extend",
    Operation.UPSCALE: "upscale",
    Operation.VARIATIONS: "variations",
    Operation.STYLE_TRANSFER: "transfer_style",
    Operation.REMOVE_BACKGROUND: "replace_bg",
    Operation.REPLACE_BACKGROUND: "replace_bg",
}


def photo(folder: Path, size: tuple[int, int] = (640, 480), name: str = "photo.png") -> Path:
    """A picture whose every pixel differs from its neighbours'."""
    path = folder / name
    across = Image.linear_gradient("L").rotate(90).resize(size)
    Image.merge("RGB", (across, Image.linear_gradient("L").resize(size), across)).save(path)
    return path


def mask(folder: Path, size: tuple[int, int] = (640, 480)) -> Path:
    """White in the middle: from a quarter to three quarters of each side."""
    path = folder / "mask.png"
    image = Image.new("L", size, 0)
    image.paste(255, (size[0] // 4, size[1] // 4, size[0] * 3 // 4, size[1] * 3 // 4))
    image.save(path)
    return path


def wish(
    operation: Operation,
    folder: Path,
    *,
    photos: int | None = None,
    size: tuple[int, int] = (640, 480),
    text: str = "a red hat",
    sides: Outpaint | None = None,
    scale: int | None = None,
    key: str = "job-1",
    prompt: str = PROMPT,
    seed: int | None = None,
    **task: Any,
) -> Request:
    """One request; `photos`: None for as many as the operation needs."""
    count = (0 if operation is Operation.CREATE else _TWO.get(operation, 1)) if photos is None else photos
    files = tuple(photo(folder, size if n == 0 else (512, 384), f"photo-{n}.png") for n in range(count))
    masked = mask(folder, size) if operation is Operation.INPAINT else None
    parameters = Parameters(outpaint=sides, scale=scale or (4 if operation is Operation.UPSCALE else None))
    task = {"action": _ACTIONS.get(operation)} | task
    wanted = Task(
        operation=operation, parameters=parameters, photos=count,
        mask=masked is not None, **task,
    )  # fmt: skip
    return Request(key=key, task=wanted, prompt=prompt, text=text, photos=files, mask=masked, seed=seed)


def counted(request: Request, count: int) -> Request:
    return replace(request, task=replace(request.task, count=count))
