"""How far a picture grows on each side: an outpaint's request as pixels of the photo."""

from providers.media.canvas import Sides
from providers.task import MAX_OUTPAINT, Outpaint, Task

SHARE = 0.25
"""Of each side, if nothing is said."""
ABOVE = 0.6
"""Of the height that a ratio needs goes above: portraits want air there."""


def sides_of(task: Task, size: tuple[int, int]) -> Sides:
    """For a photo of this size, each at most 2000. Sides that are named win over a ratio; without either all four grow.

    A ratio that the photo has already adds nothing on any side, and so is treated as if it had not been named.
    """
    asked = task.parameters.outpaint
    if asked:
        return Sides(left=asked.left, right=asked.right, top=asked.top, bottom=asked.bottom)
    if task.aspect_ratio is not None and (sides := _to_ratio(size, task.aspect_ratio)) != Sides():
        return sides
    x, y = (min(MAX_OUTPAINT, round(side * SHARE)) for side in size)
    return Sides(left=x, right=x, top=y, bottom=y)


def in_words(sides: Outpaint) -> str:
    """For services that take words instead of numbers."""
    where = {"to the left": sides.left, "to the right": sides.right, "above": sides.top, "below": sides.bottom}
    named = ", ".join(f"{pixels} pixels {side}" for side, pixels in where.items() if pixels)
    return f"by {named}, continuing naturally what is there"


def _to_ratio(size: tuple[int, int], ratio: str) -> Sides:
    """The smallest extension that gives the photo this ratio."""
    width, height = size
    across, down = (int(part) for part in ratio.split(":"))
    wide = min(2 * MAX_OUTPAINT, max(0, round(height * across / down) - width))
    high = min(round(MAX_OUTPAINT / ABOVE), max(0, round(width * down / across) - height))
    left, top = wide // 2, round(high * ABOVE)
    return Sides(left=left, right=wide - left, top=top, bottom=high - top)
