"""The pictures that the fake DashScope makes of those it was given."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PIL import Image


class Refused(Exception):
    """`args`: the status, the code and the message of an error body."""


def size_of(asked: Any, given: Sequence[Image.Image]) -> tuple[int, int]:
    """Raises Refused."""
    if asked is None:
        return given[-1].size if given else (1024, 1024)
    if asked in ("1K", "2K", "4K"):
        return (int(asked[0]) * 1024,) * 2
    width, star, height = str(asked).partition("*")
    if not star or not width.isdigit() or not height.isdigit():
        raise Refused(400, "InvalidParameter", "size")
    return int(width), int(height)


def painted(size: tuple[int, int], words: str, given: Sequence[Image.Image] = ()) -> Image.Image:
    red, green, blue = hashlib.sha256(words.encode()).digest()[:3]
    image = Image.new("RGB", size, (red, green, blue))
    for picture in given:
        image = Image.blend(image, picture.convert("RGB").resize(size), 0.25)
    return image


def extended(
    base: Image.Image, left: int, top: int, right: int, bottom: int, words: str
) -> Callable[[int], Image.Image]:
    def make(n: int) -> Image.Image:
        image = painted((base.width + left + right, base.height + top + bottom), f"{words}{n}")
        image.paste(base, (left, top))
        return image

    return make


def edited(
    function: str, base: Image.Image, mask: Image.Image | None, factors: Mapping[str, float], by: int, words: str
) -> Callable[[int], Image.Image]:
    match function:
        case "super_resolution":
            return lambda n: base.resize((base.width * by, base.height * by))
        case "expand":
            across = [round(base.width * (factors[side] - 1)) for side in ("left", "right")]
            down = [round(base.height * (factors[side] - 1)) for side in ("top", "bottom")]
            return extended(base, across[0], down[0], across[1], down[1], words)
    if mask is not None:
        return lambda n: Image.composite(painted(base.size, f"{words}{n}"), base, mask)
    return lambda n: painted(base.size, f"{words}{n}", [base])
