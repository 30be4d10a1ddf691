"""Retouching faces: skin evened with its texture kept, blemishes healed, eyes and teeth a little brighter."""

import cv2
import numpy as np

from providers.embedded.light import face_mask, spot
from providers.media.guided import guided
from providers.media.pixels import Floats, Picture, blurred, clipped, disc, floats, lab_of, pixels, rgb_of
from providers.people.face import Face
from providers.people.regions import region


def retouched(rgb: Picture, faces: tuple[Face, ...], strength: float = 1.0) -> Picture:
    """Every face retouched; what is no face stays as it was. Without faces nothing changes."""
    out = rgb
    for face in faces:
        out = _retouched_face(out, face, strength)
    return out


def _retouched_face(rgb: Picture, face: Face, strength: float) -> Picture:
    x, y = face.along(0, 0.6)
    reach = 3.2 * face.unit
    left, top = max(0, round(x - reach)), max(0, round(y - reach))
    right, bottom = min(rgb.shape[1], round(x + reach)), min(rgb.shape[0], round(y + reach))
    patch = rgb[top:bottom, left:right]
    moved = face.shifted(-left, -top)
    mask = skin_mask(patch, moved)
    healed = _healed(patch, mask, moved)
    smooth = _evened(healed, mask, moved, strength)
    bright = _eyes_and_teeth(smooth, moved, strength)
    out = rgb.copy()
    out[top:bottom, left:right] = bright
    return out


def skin_mask(rgb: Picture, face: Face) -> Floats:
    """0 to 1: skin of the face, by this face's own colours; not eyes, brows, lips, hair or glasses."""
    lab = lab_of(rgb)
    samples = []
    for right, down in ((-0.55, 0.65), (0.55, 0.65), (0.0, -0.55), (0.0, 0.45), (-0.35, 0.95), (0.35, 0.95)):
        px, py = face.along(right, down)
        r = max(2, round(0.14 * face.unit))
        samples.append(lab[max(0, round(py) - r) : round(py) + r, max(0, round(px) - r) : round(px) + r].reshape(-1, 3))
    skin = np.concatenate(samples)
    if len(skin) < 20:
        return np.zeros(rgb.shape[:2], np.float32)
    middle = np.median(skin, 0)
    spread = np.maximum(1.4826 * np.median(np.abs(skin - middle), 0), (7.0, 3.0, 3.5))
    distance = (((lab - middle) / (spread * (2.2, 1.8, 1.8))) ** 2).sum(-1)
    by_colour = np.exp(-np.maximum(0, distance - 1.0) * 0.8).astype(np.float32)
    meshed = face.mesh is not None
    mask = by_colour * (region(face, "oval", rgb.shape, soft=0.06) if meshed else face_mask(rgb.shape, (face,), 1.12))
    for part in _features(rgb.shape[:2], face):
        mask *= 1 - part
    soft: Floats = blurred(mask, max(0.8, 0.03 * face.unit))
    return soft


def _features(shape: tuple[int, int], face: Face) -> tuple[Floats, ...]:
    """Eyes with brows, nostrils, mouth: along the mesh, where there is one, else where they usually are."""
    if face.mesh is not None:
        return (
            region(face, "eyes", shape, grow=0.09),
            region(face, "brows", shape, grow=0.05),
            region(face, "lips", shape, grow=0.03),
            spot(shape, face, (0.0, 0.78), (0.30, 0.10)),
        )
    return (
        spot(shape, face, (-0.5, -0.06), (0.36, 0.26)),
        spot(shape, face, (0.5, -0.06), (0.36, 0.26)),
        spot(shape, face, (0.0, 0.78), (0.30, 0.10)),
        spot(shape, face, (0.0, 1.14), (0.52, 0.24)),
    )


def _healed(rgb: Picture, mask: Floats, face: Face) -> Picture:
    """Small spots darker or redder than the skin around them are painted over from their surroundings."""
    unit = face.unit
    if unit < 24:
        return rgb
    lab = lab_of(rgb)
    odd = np.zeros(rgb.shape[:2], np.float32)
    for size in (0.03, 0.06):
        fine = blurred(lab, max(0.7, size * unit))
        around = blurred(lab, max(2.0, 3.2 * size * unit))
        odd = np.maximum(odd, (around - fine)[..., 0] / 5.5 + np.maximum(0, (fine - around)[..., 1]) / 5.0)
    around_too = _closed(mask, 0.12 * unit)
    marks = ((odd > 1.0) & (around_too > 0.75)).astype(np.uint8)
    # Opened, so that a spot beside a smile line is not taken for part of the line.
    marks = pixels(cv2.morphologyEx(marks, cv2.MORPH_OPEN, disc(0.04 * unit)))
    count, parts, stats, _ = cv2.connectedComponentsWithStats(marks, connectivity=4)
    spots = np.zeros_like(marks)
    for i in range(1, count):
        w, h, area = stats[i, cv2.CC_STAT_WIDTH], stats[i, cv2.CC_STAT_HEIGHT], stats[i, cv2.CC_STAT_AREA]
        round_enough = max(w, h) < 2.2 * min(w, h) and area > 0.4 * w * h
        if round_enough and max(w, h) < 0.22 * unit:
            spots[parts == i] = 1
    if not spots.any():
        return rgb
    spots = pixels(cv2.dilate(spots, np.ones((3, 3), np.uint8), iterations=max(1, round(0.02 * unit))))
    return cv2.inpaint(rgb, spots, max(2, round(0.05 * unit)), cv2.INPAINT_TELEA).astype(np.uint8)


def _closed(mask: Floats, radius: float) -> Floats:
    """`mask` with its small dark spots filled; a wide disc is laid over a smaller copy."""
    shrink = max(1, int(radius / 6))
    height, width = mask.shape
    small = cv2.resize(mask, (-(-width // shrink), -(-height // shrink)), interpolation=cv2.INTER_AREA)
    small = cv2.morphologyEx(small, cv2.MORPH_CLOSE, disc(radius / shrink))
    return floats(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))


def _evened(rgb: Picture, mask: Floats, face: Face, strength: float) -> Picture:
    """Frequency separation: tones evened edge-aware, the finest texture given back, blotches of colour softened."""
    x = rgb.astype(np.float32)
    unit = face.unit
    # Tones of skin change slowly: on a large face they are found on a smaller copy, in a quarter of the time.
    shrink = max(1, int(unit / 55))
    height, width = rgb.shape[:2]
    small = cv2.resize(rgb, (-(-width // shrink), -(-height // shrink)), interpolation=cv2.INTER_AREA)
    tone = guided(small, small, max(2, round(0.16 * unit / shrink)), (0.055 * 255) ** 2)
    wide = guided(small, small, max(3, round(0.4 * unit / shrink)), (0.05 * 255) ** 2)
    smooth = floats(cv2.resize(0.65 * tone + 0.35 * wide, (width, height), interpolation=cv2.INTER_CUBIC))
    texture = x - blurred(x, max(0.8, 0.02 * unit))
    amount = (0.85 * strength * mask)[..., None]
    out = x * (1 - amount) + (smooth + 0.5 * texture) * amount
    lift = 1 + 0.03 * strength * mask[..., None]
    return clipped(out * lift)


def _eyes_and_teeth(rgb: Picture, face: Face, strength: float) -> Picture:
    lab = lab_of(rgb)
    shape = rgb.shape[:2]
    for eye in _irises(shape, face):
        light = lab[..., 0]
        detail = light - blurred(light, max(1.0, 0.08 * face.unit))
        lab[..., 0] = light + strength * eye * (0.35 * detail + 1.5 * (light > 35))
    inside = face.mesh is not None
    mouth = region(face, "mouth", shape, soft=0.02) if inside else spot(shape, face, (0.0, 1.14), (0.42, 0.2))
    teeth = np.clip((lab[..., 0] - 52) / 18, 0, 1) * np.clip((16 - lab[..., 1]) / 8, 0, 1) * mouth
    lab[..., 2] -= strength * teeth * np.clip(lab[..., 2] - 4, 0, 12) * 0.5
    lab[..., 0] += strength * teeth * 2.5
    return rgb_of(lab)


def _irises(shape: tuple[int, ...], face: Face) -> tuple[Floats, ...]:
    """The open eyes themselves, without their lids."""
    if face.mesh is not None:
        return (region(face, "eyes", shape),)
    return tuple(spot(shape, face, (side, 0.02), (0.22, 0.11)) for side in (-0.5, 0.5)) if face.eyes else ()
