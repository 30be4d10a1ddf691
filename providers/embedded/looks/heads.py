"""Where the people of a picture are: masks of faces, of eyes and mouths, of head and shoulders, all soft planes."""

import cv2
import numpy as np

from providers.embedded.looks.canvas import Canvas, Image, Plane, blur, clamp, grid, smoothstep, to_lab, vignette
from providers.media.guided import guided
from providers.people.face import Face


def ellipses(canvas: Canvas, *, grow: float = 1.0, soft: float = 0.35) -> Plane:
    """1 within every face (an ellipse somewhat taller than its box, times `grow`), fading to 0 around it."""
    mask = np.zeros((canvas.height, canvas.width), np.float32)
    for face in canvas.people:
        across, down = axes(canvas, face, face.centre)
        distance = np.hypot(across / (face.w * 0.5 * grow), down / (face.h * 0.62 * grow))
        np.maximum(mask, 1 - smoothstep(1 - soft / 2, 1 + soft, distance), out=mask)
    return mask


def features(canvas: Canvas) -> Plane:
    """1 on the eyes and the mouth of every face, fading to 0 around them."""
    mask = np.zeros((canvas.height, canvas.width), np.float32)
    for face in canvas.people:
        # Where from between the eyes, how wide, how tall; in distances between the pupils.
        for drop, wide, tall in ((0.0, 1.0, 0.32), (0.98, 0.6, 0.32)):
            across, down = axes(canvas, face, face.along(0.0, drop))
            distance = np.hypot(across / (face.unit * wide), down / (face.unit * tall))
            np.maximum(mask, 1 - smoothstep(0.8, 1.6, distance), out=mask)
    return mask


def axes(canvas: Canvas, face: Face, place: tuple[float, float]) -> tuple[Plane, Plane]:
    """How far every pixel lies to the right of a place and below it, along the axes of a head that leans."""
    rows, columns = grid(canvas.image)
    right, down = columns - np.float32(place[0]), rows - np.float32(place[1])
    cosine, sine = np.float32(np.cos(np.radians(face.roll))), np.float32(np.sin(np.radians(face.roll)))
    return right * cosine + down * sine, down * cosine - right * sine


def focus(canvas: Canvas) -> tuple[float, float]:
    """Where the eye should go, in shares of width and height: the largest face, or a little above the middle."""
    if not canvas.faces:
        return 0.5, 0.45
    x, y, w, h = max(canvas.faces, key=lambda face: face[2] * face[3])
    return (x + w / 2) / canvas.width, (y + h / 2) / canvas.height


def presence(canvas: Canvas) -> Plane:
    """Roughly where the people are, soft: head and shoulders under every face, or the middle where there is none."""
    mask = np.zeros((canvas.height, canvas.width), np.float32)
    rows = np.arange(canvas.height, dtype=np.float32)[:, None]
    columns = np.arange(canvas.width, dtype=np.float32)[None, :]
    for x, y, w, h in canvas.faces:
        head = np.hypot((columns - (x + w / 2)) / (w * 0.85), (rows - (y + h * 0.45)) / (h * 1.0))
        below = np.maximum(rows - (y + h * 1.05), 0) / h
        body = np.abs(columns - (x + w / 2)) / (w * (0.6 + 1.1 * np.minimum(below, 1)))
        body = np.where(rows < y + h * 1.05, 9, body).astype(np.float32)
        np.maximum(mask, 1 - smoothstep(0.75, 1.45, np.minimum(head, body).astype(np.float32)), out=mask)
    if not canvas.faces:
        return 1 - vignette(canvas, start=0.25, centre=(0.5, 0.52))
    return blur(mask, 0.3 * max(face[2] for face in canvas.faces))


def lit_faces(canvas: Canvas, image: Image) -> Plane:
    """The faces by place and colour: 1 on the face itself, 0 on the wall or the hair that its ellipse takes in.

    Away from the middle of a face a pixel belongs to it as far as it has the face's own colour; the mask then follows
    the edges of the picture.
    """
    core, wide = ellipses(canvas, grow=0.72), ellipses(canvas, grow=1.08)
    lab = to_lab(image)
    mask = np.zeros_like(core)
    for x, y, w, h in canvas.faces:
        inside = lab[y + h // 4 : y + h - h // 6, x + w // 4 : x + w - w // 4].reshape(-1, 3)
        own = np.median(inside, axis=0)
        apart = lab - own.astype(np.float32)
        distance = np.sqrt((apart[..., 0] * 0.45) ** 2 + apart[..., 1] ** 2 + apart[..., 2] ** 2)
        np.maximum(mask, 1 - smoothstep(9, 20, distance), out=mask)
        # A highlight or a shadow on the skin is no hole in the face.
        hole = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (max(3, w // 7) | 1, max(3, w // 7) | 1))
        mask = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, hole), dtype=np.float32)
    mask = np.maximum(core, wide * mask)
    soft = guided(image, mask, max(3, round(6 * canvas.unit)), 0.0008)
    return clamp(soft) * wide
