"""Where people are, by MediaPipe's selfie segmentation: asked for the whole, for each person and for each head.

It marks whatever stands in front, a cat or an empty landscape too: it is asked only where a face is proven. Each
question is asked mirrored as well and averaged; the answers for the smaller parts are laid softly over the larger.
"""

import cv2
import numpy as np

from providers.media.pixels import Floats, Picture, floats
from providers.people.face import Face
from providers.people.nets import net_of, outputs
from providers.people.own_model import named
from providers.people.own_network import mask_by

_SIDE = 256
_BODY = (3.6, 3.2, 5.5)
"""To each side, up and down from between the eyes, in units of the pupil distance."""
_HEAD = (3.0, 3.0, 3.0)
_SHARE = 0.8
"""A part that is more than this of the picture is not asked for on its own: nothing would be seen any finer."""


def mask_of(rgb: Picture, faces: tuple[Face, ...], most: int = 8) -> Floats:
    """0 background to 1 person as the network has it, of the size of `rgb`; who shows no face is marked as well."""
    own = named()
    if own is not None:
        return mask_by(rgb, *own)
    height, width = rgb.shape[:2]
    mask = _asked(rgb)
    for reach in (_BODY, _HEAD):
        for face in faces[:most]:
            left, top, right, bottom = _part(face, reach, width, height)
            w, h = right - left, bottom - top
            if w < 24 or h < 24 or w * h > _SHARE * width * height:
                continue
            finer = _asked(rgb[top:bottom, left:right])
            sides = (left > 0, top > 0, right < width, bottom < height)
            weight = _feathered(w, h, sides)
            mask[top:bottom, left:right] += weight * (finer - mask[top:bottom, left:right])
    return mask


def body_of(face: Face, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns of head and upper body, cut at the picture."""
    left, top, right, bottom = _part(face, _BODY, shape[1], shape[0])
    return slice(top, bottom), slice(left, right)


def _part(face: Face, reach: tuple[float, float, float], width: int, height: int) -> tuple[int, int, int, int]:
    (x, y), u = face.between_eyes, face.unit
    aside, up, down = reach
    return (
        max(0, round(x - aside * u)), max(0, round(y - up * u)),
        min(width, round(x + aside * u)), min(height, round(y + down * u)),
    )  # fmt: skip


def _asked(part: Picture) -> Floats:
    """The network's answer for a picture, stretched to its square and back, averaged with that for its mirror."""
    size = (part.shape[1], part.shape[0])
    way = cv2.INTER_AREA if min(size) > _SIDE else cv2.INTER_LINEAR
    blob = floats(cv2.resize(part, (_SIDE, _SIDE), interpolation=way)).transpose(2, 0, 1)[None] / np.float32(255)
    net = net_of("selfie_segmentation")
    plain = outputs(net, np.ascontiguousarray(blob))[0].reshape(_SIDE, _SIDE)
    mirrored = outputs(net, np.ascontiguousarray(blob[..., ::-1]))[0].reshape(_SIDE, _SIDE)
    both = (plain + mirrored[:, ::-1]) / 2
    return floats(np.clip(cv2.resize(both, size, interpolation=cv2.INTER_LINEAR), 0, 1))


_BINS = 20


def decided_by_colour(rgb: Picture, mask: Floats) -> Floats:
    """`mask`, where the network is in doubt weighed with what the colours of the sure parts say.

    Bokeh, a grey studio wall between arm and body, a ring lamp are what the network hesitates about.
    """
    lab = cv2.cvtColor(floats(rgb) / 255, cv2.COLOR_RGB2LAB)
    steps = np.stack([lab[..., 0] / 5, (lab[..., 1] + 100) / 10, (lab[..., 2] + 100) / 10], -1)
    cells = np.clip(steps, 0, _BINS - 1).astype(np.int32)
    flat = (cells[..., 0] * _BINS + cells[..., 1]) * _BINS + cells[..., 2]
    person, wall = (_histogram(flat[side]) for side in (mask > 0.97, mask < 0.03))
    odds = np.clip(np.log((person + 1e-5) / (wall + 1e-5)), -_COLOUR_SAYS, _COLOUR_SAYS)[flat]
    odds = cv2.blur(floats(odds), (5, 5))
    m = np.clip(mask, 0.001, 0.999)
    weighed = 1 / (1 + np.exp(-(np.log(m / (1 - m)) + odds)))
    doubt = np.clip(np.minimum(mask, 1 - mask) / 0.06, 0, 1)
    return floats(mask + doubt * (weighed - mask))


_COLOUR_SAYS = 2.5
"""How much colour may say at most, as log odds: 12 to 1."""


def _histogram(cells: "np.ndarray[tuple[int, ...], np.dtype[np.int32]]") -> Floats:
    """Share of each colour cell, spread to its neighbours; flat."""
    counts = floats(np.bincount(cells, minlength=_BINS**3)).reshape(_BINS, _BINS, _BINS)
    for axis in range(3):
        counts = floats(np.roll(counts, 1, axis) + 2 * counts + np.roll(counts, -1, axis)) / np.float32(4)
    return floats(counts.ravel() / max(1.0, float(counts.sum())))


def _feathered(width: int, height: int, sides: tuple[bool, bool, bool, bool]) -> Floats:
    """1 in the middle of a part, falling to 0 at those of its sides that lie inside the picture."""
    ramps = []
    for length, (first, last) in ((width, (sides[0], sides[2])), (height, (sides[1], sides[3]))):
        t, reach = np.arange(length, dtype=np.float32) + 0.5, 0.14 * length
        ramp = np.ones(length, np.float32)
        if first:
            ramp = np.minimum(ramp, t / reach)
        if last:
            ramp = np.minimum(ramp, (length - t) / reach)
        ramps.append(np.clip(ramp, 0, 1))
    return floats(ramps[1][:, None] * ramps[0][None, :])


def parted(mask: Floats, faces: tuple[Face, ...], kept: Face) -> Floats:
    """`mask` without the people of the other faces: each pixel belongs to the head or body whose axis is nearest.

    Distances are counted in each person's own units, so that a small face behind does not eat a large one's shoulder.
    Soft across a tenth of a unit.
    """
    others = [face for face in faces if face is not kept]
    if not others:
        return mask
    own = _away(mask.shape[:2], kept)
    nearest = np.min([_away(mask.shape[:2], face) for face in others], axis=0)
    share = np.clip((nearest - own) / 0.1 + 0.5, 0, 1)
    return floats(mask * share)


def _away(shape: tuple[int, ...], face: Face) -> Floats:
    """How far each pixel is from a person's head and body, in that person's units."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    (x, y), u = face.along(0, 0.4), face.unit
    head = np.hypot(columns - x, rows - y) / u - 1.3
    down = np.maximum(rows - y - 2.2 * u, 0)
    aside = np.maximum(np.abs(columns - x) - np.minimum(down, 1.6 * u), 0)
    body = np.hypot(aside, np.minimum(rows - y - 2.2 * u, 0)) / u
    return floats(np.minimum(head, body))
