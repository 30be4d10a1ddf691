"""Anisotropic Kuwahara filtering with polynomial weights (Kyprianidis, Semmo, Kang and Döllner 2010).

Each pixel takes its colour from the calmest of eight overlapping sectors of an ellipse that lies along the flow:
texture goes, edges stay, shapes are drawn out in their own direction. The ellipse is sampled at fixed places of the
unit disc, so the sector weights are constants and every sample is one remap of the picture.
"""

from dataclasses import replace

import cv2
import numpy as np

from providers.embedded.looks.canvas import Canvas, Image, grid, mix, shrunk
from providers.embedded.looks.flow import Flow
from providers.embedded.looks.heads import ellipses

SECTORS = 8
RINGS = ((0.35, 8), (0.7, 12), (1.0, 16))
"""Radius and number of samples of each ring; the centre is one more."""
SHARPNESS = 4
"""Exponent of the choice: higher takes the calmest sector alone, lower blends them."""


def kuwahara(image: Image, flow: Flow, *, radius: float, stretch: float = 1.0) -> Image:
    """Filter RGB with ellipses of about `radius` pixels, longer by up to 1 + `stretch` where the flow is clear."""
    height, width = image.shape[:2]
    rows, columns = grid(image)
    ratio = 1 + np.float32(stretch) * np.minimum(flow.anisotropy, 1)
    major, minor = np.float32(radius) * ratio, np.float32(radius) / np.sqrt(ratio)
    major_x, major_y = major * flow.across, major * flow.down
    minor_x, minor_y = -minor * flow.down, minor * flow.across
    squares = np.dstack([image, (image * image).sum(2)])
    sums = [np.zeros((height, width, 4), np.float32) for _ in range(SECTORS)]
    totals = np.zeros(SECTORS)
    for u, v in _places():
        x = columns + np.float32(u) * major_x + np.float32(v) * minor_x
        y = rows + np.float32(u) * major_y + np.float32(v) * minor_y
        sample = cv2.remap(squares, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        for sector, weight in enumerate(_weights(u, v)):
            if weight > 1e-3:
                cv2.scaleAdd(sample, float(weight), sums[sector], sums[sector])
                totals[sector] += weight
    return _blend(sums, totals)


def _places() -> list[tuple[float, float]]:
    places = [(0.0, 0.0)]
    for ring, (radius, count) in enumerate(RINGS):
        angles = (np.arange(count) + 0.5 * (ring % 2)) * (2 * np.pi / count)
        places += [(float(radius * np.cos(a)), float(radius * np.sin(a))) for a in angles]
    return places


def _weights(u: float, v: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """How much a place of the unit disc belongs to each sector: the polynomial [(x + zeta) - eta y^2]^2."""
    zeta = 1 / 3
    eta = (zeta + np.cos(np.pi / SECTORS)) / np.sin(np.pi / SECTORS) ** 2
    angles = np.arange(SECTORS) * (2 * np.pi / SECTORS)
    x = u * np.cos(angles) + v * np.sin(angles)
    y = -u * np.sin(angles) + v * np.cos(angles)
    polynomial = np.maximum(0, (x + zeta) - eta * y * y) ** 2
    weights = polynomial / max(float(polynomial.sum()), 1e-9) * np.exp(-1.5 * (u * u + v * v))
    return np.asarray(weights, dtype=np.float64)


def _blend(sums: list[Image], totals: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Image:
    result = np.zeros_like(sums[0][..., :3])
    weights = np.zeros(result.shape[:2], np.float32)
    for number in range(SECTORS):
        mean = sums[number] * np.float32(1 / totals[number])
        colour = mean[..., :3]
        variance = np.maximum(mean[..., 3] - (colour * colour).sum(2), 0)
        weight = 1 / (1 + (np.float32(255 / 3) * np.sqrt(variance)) ** SHARPNESS)
        result += colour * weight[..., None]
        weights += weight
    return np.asarray(result / weights[..., None], dtype=np.float32)


def kuwahara_small(image: Image, flow: Flow, *, radius: float, stretch: float = 1.0, pixels: int = 360_000) -> Image:
    """The same on a copy of at most `pixels` pixels, then enlarged: for wide radii, where nothing finer is left."""
    height, width = image.shape[:2]
    factor = min(1.0, (pixels / (height * width)) ** 0.5)
    if factor > 0.9:
        return kuwahara(image, flow, radius=radius, stretch=stretch)
    size = (max(4, round(width * factor)), max(4, round(height * factor)))

    small = Flow(
        across=cv2.resize(flow.across, size, interpolation=cv2.INTER_NEAREST),
        down=cv2.resize(flow.down, size, interpolation=cv2.INTER_NEAREST),
        anisotropy=shrunk(flow.anisotropy, size),
        strength=shrunk(flow.strength, size),
    )
    filtered = kuwahara(shrunk(image, size), small, radius=radius * factor, stretch=stretch)
    return np.asarray(cv2.resize(filtered, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def abstract(canvas: Canvas, image: Image, flow: Flow, *, radius: float) -> Image:
    """The whole picture with a wide brush, and every face again with one that fits it, so that it keeps its features.

    `radius` in pixels is the wide brush; a face gets a sixtieth of its width, within 2 pixels and the wide one.
    """
    result = kuwahara_small(image, flow, radius=radius)
    for face, (x, y, w, h) in zip(canvas.people, canvas.faces, strict=True):
        top, left = max(0, y - h // 3), max(0, x - w // 4)
        part = np.s_[top : y + h + h // 3, left : x + w + w // 4]
        here_face = replace(face, x=face.x - left, y=face.y - top, eyes=None)
        inside = Canvas(image=image[part], people=(here_face,), seed=canvas.seed)
        here = Flow(
            across=flow.across[part],
            down=flow.down[part],
            anisotropy=flow.anisotropy[part],
            strength=flow.strength[part],
        )
        finer = kuwahara_small(inside.image, here, radius=min(radius, max(2.0, w / 60)))
        result[part] = mix(result[part], finer, ellipses(inside))
    return result
