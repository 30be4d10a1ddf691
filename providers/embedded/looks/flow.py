"""The direction a picture runs in, and what can be done along it.

The smoothed structure tensor gives a tangent at every pixel (Brox et al.; Kyprianidis and Döllner 2008). Along the
tangent one can smooth, draw bristles (line integral convolution, Cabral and Leedom 1993) or make the lines of a
difference of Gaussians hang together (Kang 2007; Winnemöller's XDoG 2012).
"""

from dataclasses import dataclass

import cv2
import numpy as np

from providers.embedded.looks.canvas import Image, Plane, blur, grid


@dataclass(frozen=True, kw_only=True)
class Flow:
    """Unit tangent (`across`, `down`), how one-directional the picture is there (0..1), and how strong its edge is."""

    across: Plane
    down: Plane
    anisotropy: Plane
    strength: Plane


def flow_of(image: Image, *, sigma: float, reach: float, faint: float = 2e-4) -> Flow:
    """Tangents of an RGB image.

    `sigma` in pixels smooths the tensor where edges are clear; where the picture is flat the tangent comes from the
    surroundings, up to some `reach` pixels away, so that strokes in a plain wall still follow its frame. `faint` is
    the squared slope below which an edge is taken for none.
    """
    soft = blur(image, 0.8)
    horizontal, vertical = cv2.Scharr(soft, cv2.CV_32F, 1, 0) / 32, cv2.Scharr(soft, cv2.CV_32F, 0, 1) / 32
    tensor = np.dstack(
        [
            (horizontal * horizontal).sum(2),
            (horizontal * vertical).sum(2),
            (vertical * vertical).sum(2),
        ]
    ).astype(np.float32)
    del horizontal, vertical, soft
    near = blur(tensor, sigma)
    trace = near[..., 0] + near[..., 2]
    far = blur(tensor, reach)
    share = (np.float32(faint) / (trace + np.float32(faint)))[..., None]
    e, f, g = np.moveaxis(near * (1 - share) + far * share * np.float32(0.5), 2, 0)
    difference, root = e - g, np.sqrt((e - g) ** 2 + 4 * f * f)
    angle = np.float32(0.5) * np.arctan2(2 * f, difference) + np.float32(np.pi / 2)
    # Of a flat area a blur leaves sums that are a rounding below 0.
    anisotropy = np.minimum(root / (np.maximum(e + g, 0) + np.float32(1e-7)), 1)
    return Flow(across=np.cos(angle), down=np.sin(angle), anisotropy=anisotropy, strength=np.sqrt(np.maximum(trace, 0)))


def turned(flow: Flow, angle: Plane) -> Flow:
    """The same flow with every tangent turned by `angle` radians."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return Flow(
        across=flow.across * cosine - flow.down * sine,
        down=flow.across * sine + flow.down * cosine,
        anisotropy=flow.anisotropy,
        strength=flow.strength,
    )


def along(image: Image, flow: Flow, *, sigma: float, step: float = 1.0) -> Image:
    """Smooth a one- or three-channel image along the tangents with a Gaussian of `sigma` pixels."""
    tangents = np.dstack([flow.across, flow.down])
    rows, columns = grid(flow.across)
    total: Image = image.astype(np.float32, copy=True)
    weights = 1.0
    steps = max(1, round(2 * sigma / step))
    for sign in (1.0, -1.0):
        x, y = columns.copy(), rows.copy()
        heading = tangents * np.float32(sign * step)
        for number in range(1, steps + 1):
            x += heading[..., 0]
            y += heading[..., 1]
            weight = float(np.exp(-0.5 * (number * step / sigma) ** 2))
            sample = cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
            total = cv2.scaleAdd(sample, weight, total)
            weights += weight
            if number < steps:
                heading = _next_heading(tangents, heading, x, y, step)
    return np.asarray(total / np.float32(weights), dtype=np.float32)


def _next_heading(tangents: Image, heading: Image, x: Plane, y: Plane, step: float) -> Image:
    """The tangent at a new place, turned so that the path goes on and does not turn back."""
    found = cv2.remap(tangents, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT)
    turn = found[..., 0] * heading[..., 0] + found[..., 1] * heading[..., 1]
    found *= np.copysign(np.float32(step), turn)[..., None]
    return np.asarray(found, dtype=np.float32)


def bristles(flow: Flow, dice: np.random.Generator, *, width: float, length: float) -> Plane:
    """Streaks along the flow, `width` and `length` pixels, mean 0 and standard deviation 1."""
    height, columns = flow.across.shape
    noise = dice.standard_normal((height, columns), dtype=np.float32)
    streaks = along(blur(noise, width * 0.5), flow, sigma=length / 2, step=max(1.0, length / 11))
    streaks = streaks - np.float32(streaks.mean())
    return np.asarray(streaks / np.float32(streaks.std() + 1e-6), dtype=np.float32)


def edges(light: Plane, flow: Flow, *, sigma: float, coherence: float) -> Plane:
    """Signed difference of Gaussians made coherent along the flow: above 0 on the dark side of an edge or a line.

    `sigma` is the line's half width and `coherence` how far along it is smoothed, both in pixels. A full step from
    black to white answers about 0.2.
    """
    difference = blur(light, sigma * 1.6) - blur(light, sigma)
    return along(difference, flow, sigma=coherence)
