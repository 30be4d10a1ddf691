"""Where people end and the background begins: the hard outline, grown from their faces.

Three shapes are laid around every face in units of its pupil distance: what surely is person (face, neck, chest),
what probably is, and what may be. Colours and places of the sure parts train two Gaussian mixtures; what they say,
the shape's prior and the picture's edges are weighed by a minimum cut, and both are repeated. OpenCV's GrabCut has no
room for a prior, and tears collars that have the background's colour; so the cut is solved here, in its convex form
(total variation, Chambolle and Pock 2011).
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from providers.media.pixels import Floats, Mask, Picture, blurred, disc, floats, inside_distance, pixels
from providers.people.face import Face

_ROUNDS = 4
_MIXTURE = 10
_PLACE_WEIGHTS = (0.2, 0.4)
"""What a unit of distance weighs against colour. Two opinions, averaged, err less than either."""
_CERTAIN = 8.0


@dataclass(frozen=True, kw_only=True)
class Shapes:
    """What surely, probably and possibly is a person, by the faces alone. `unit`: the largest face's."""

    sure: Mask
    likely: Mask
    possible: Mask
    head: Mask
    """From the crown to the collar, generously: where the outline is hair."""
    crown: Mask
    """The part of the head above the eyes."""
    unit: float
    faces: tuple[Face, ...]


@dataclass(frozen=True, kw_only=True)
class Outline:
    """The person as a hard mask, and how well photo and mask agree (each 0 to 1, higher is better).

    `contrast`: share of the outline with a visible step of colour. `agreement`: share of the doubtful area whose
    colour says what the mask says. `free`: share of the outline that the photo drew and not the limit of the shapes.
    """

    mask: Mask
    contrast: float
    agreement: float
    free: float

    @property
    def clear(self) -> bool:
        """Whether the cut is good enough to be shown."""
        return self.contrast > 0.82 and self.agreement > 0.88 and self.free > 0.9


_Points = tuple[tuple[float, float], ...]
_SURE_BODY: _Points = ((-0.45, 1.4), (0.45, 1.4), (0.5, 2.4), (1.0, 3.2), (1.5, 4.5), (1.7, 30),
                       (-1.7, 30), (-1.5, 4.5), (-1.0, 3.2), (-0.5, 2.4))  # fmt: skip
_LIKELY_BODY: _Points = ((-0.8, 1.2), (0.8, 1.2), (0.9, 2.2), (2.4, 2.9), (3.2, 4.0), (3.6, 30),
                         (-3.6, 30), (-3.2, 4.0), (-2.4, 2.9), (-0.9, 2.2))  # fmt: skip
_POSSIBLE_BODY: _Points = ((-1.9, 0), (1.9, 0), (2.4, 1.6), (4.2, 2.2), (5.2, 3.6), (6.5, 30),
                           (-6.5, 30), (-5.2, 3.6), (-4.2, 2.2), (-2.4, 1.6))  # fmt: skip


def shapes_around(faces: tuple[Face, ...], height: int, width: int) -> Shapes:
    """Shapes of all faces together, as masks of `height` x `width`. Heads lean with the face; bodies stand upright."""
    masks = [np.zeros((height, width), np.uint8) for _ in range(5)]
    for face in faces:
        _ellipse(masks[0], face, (0, 0.55), (0.9, 1.25))
        _ellipse(masks[1], face, (0, -0.05), (1.35, 2.0))
        _ellipse(masks[2], face, (0, -0.1), (2.6, 3.3))
        _ellipse(masks[3], face, (0, -0.1), (2.2, 2.8))
        _ellipse(masks[4], face, (0, -0.2), (2.2, 2.8), start=180)
        for mask, body in zip(masks[:3], (_SURE_BODY, _LIKELY_BODY, _POSSIBLE_BODY), strict=True):
            ox, oy = face.along(0, 0)
            points = np.array([(ox + x * face.unit, oy + y * face.unit) for x, y in body])
            cv2.fillPoly(mask, [points.round().astype(np.int32)], 1)
    sure, likely, possible, head, crown = (mask > 0 for mask in masks)
    return Shapes(
        sure=sure,
        likely=likely,
        possible=possible,
        head=head,
        crown=crown,
        unit=max(f.unit for f in faces),
        faces=faces,
    )


def _ellipse(
    mask: Picture, face: Face, centre: tuple[float, float], radii: tuple[float, float], start: int = 0
) -> None:
    x, y = face.along(*centre)
    axes = (round(radii[0] * face.unit), round(radii[1] * face.unit))
    cv2.ellipse(mask, (round(x), round(y)), axes, face.roll, start, 360, 1, -1)


def outline(rgb: Picture, shapes: Shapes) -> Outline:
    """The outline of the people in `rgb`. Best where a unit is about 36 pixels; deterministic."""
    lab = floats(cv2.cvtColor(blurred(rgb, 0.8) / 255, cv2.COLOR_RGB2LAB))
    views = [_features(lab, shapes.unit, weight) for weight in _PLACE_WEIGHTS]
    prior = 0.8 * _prior(shapes)
    across, down = _edge_weights(lab)
    x = shapes.likely.astype(np.float32)
    evidence, cost = np.zeros_like(x), np.zeros_like(x)
    rng = np.random.default_rng(7)
    cv2.setRNGSeed(7)
    for turn in range(_ROUNDS):
        labels = _first_labels(shapes) if turn == 0 else _next_labels(x, cost, shapes)
        evidence = floats(np.mean([_evidence(view, labels, rng) for view in views], axis=0))
        cost = -(evidence + prior * 0.8**turn)
        if turn > 0:
            cost += _mirrored_doubt(evidence, shapes)
        cost[shapes.sure], cost[~shapes.possible] = -_CERTAIN, _CERTAIN
        x = _minimum_cut(cost, across, down, x)
    mask = _tidy(x > 0.5, evidence, shapes)
    return _judged(mask, lab, evidence, shapes)


def _evidence(features: Floats, labels: Picture, rng: np.random.Generator) -> Floats:
    """-4 (background) to 4 (person) by colour and place, learnt from the labelled pixels."""
    back, fore = (_mixture(features[labels.ravel() == side], rng) for side in (0, 1))
    odds = 0.5 * (_likelihood(features, fore) - _likelihood(features, back))
    return floats(np.clip(odds, -4, 4).reshape(labels.shape))


def _features(lab: Floats, unit: float, place_weight: float) -> Floats:
    height, width = lab.shape[:2]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    place = np.stack([columns, rows], -1) / unit * place_weight
    both: Floats = np.concatenate([lab * (0.08, 0.12, 0.12), place], -1).reshape(-1, 5).astype(np.float32)
    return both


def _prior(shapes: Shapes) -> Floats:
    """Log odds by shape alone: steep around heads, gentle around shoulders, whose width nobody knows."""
    unit = shapes.unit
    rows = np.arange(shapes.sure.shape[0], dtype=np.float32)[:, None]
    chin = np.flatnonzero(shapes.sure.any(1))[0] + 2.6 * unit
    ramp = (np.clip((rows - chin) / unit, 0, 1) * 0.9 + 0.5) * unit
    odds: Floats = np.clip(inside_distance(shapes.likely) / ramp, -2, 1.2).astype(np.float32)
    return odds


def _mirrored_doubt(evidence: Floats, shapes: Shapes) -> Floats:
    """Cost for being person where the other side of the same head is plainly background: heads are symmetric.

    It separates hair from what hangs beside it in the same colours, as long as one side of the head is clear.
    """
    height, width = evidence.shape
    cost = np.zeros_like(evidence)
    for face in shapes.faces:
        (x, y), angle = face.along(0, 0), np.radians(2 * face.roll + 180)
        c, s = float(np.cos(angle)), float(np.sin(angle))
        turn = np.array([[c, s], [s, -c]])
        matrix = np.column_stack([turn, np.array([x, y]) - turn @ np.array([x, y])])
        plain = np.clip(-evidence, 0, 4) * (inside_distance(shapes.sure) < 0)
        other = cv2.warpAffine(plain, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        other = cv2.erode(other, disc(0.12 * face.unit))
        region = np.zeros((height, width), np.uint8)
        _ellipse(region, face, (0, 0.0), (2.2, 2.6))
        cost = np.maximum(cost, 0.6 * other * region)
    return cost


def _edge_weights(lab: Floats, strength: float = 4.0) -> tuple[Floats, Floats]:
    """What it costs to cut between a pixel and its right, and its lower, neighbour: little across an edge."""
    across, down = np.zeros(lab.shape[:2], np.float32), np.zeros(lab.shape[:2], np.float32)
    dx, dy = ((lab[:, 1:] - lab[:, :-1]) ** 2).sum(-1), ((lab[1:] - lab[:-1]) ** 2).sum(-1)
    beta = 1 / (float(dx.mean() + dy.mean()) + 1e-6)
    across[:, :-1], down[:-1] = strength * np.exp(-beta * dx) + 0.15, strength * np.exp(-beta * dy) + 0.15
    return across, down


def _first_labels(shapes: Shapes) -> Picture:
    """0 background, 1 person, 2 do not learn from it: the doubtful ring would teach the background as person."""
    distance, labels = inside_distance(shapes.likely), np.full(shapes.sure.shape, 2, np.uint8)
    labels[distance < -0.35 * shapes.unit] = 0
    labels[distance > 0.35 * shapes.unit] = 1
    labels[shapes.sure], labels[~shapes.possible] = 1, 0
    return labels


def _next_labels(x: Floats, cost: Floats, shapes: Shapes) -> Picture:
    labels = np.full(x.shape, 2, np.uint8)
    labels[(x > 0.5) & (cost < -0.8)] = 1
    labels[(x < 0.5) & (cost > 0.8)] = 0
    labels[shapes.sure], labels[~shapes.possible] = 1, 0
    return labels


_Mixture = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def _mixture(samples: Floats, rng: np.random.Generator) -> _Mixture:
    """Means, weights and variances of a mixture fitted to at most 3000 samples."""
    if len(samples) < 50:
        samples = (
            np.repeat(samples, 50 // max(1, len(samples)) + 1, 0) if len(samples) else np.zeros((50, 5), np.float32)
        )
    chosen = samples[rng.choice(len(samples), min(3000, len(samples)), replace=False)]
    em = cv2.ml.EM.create()
    em.setClustersNumber(min(_MIXTURE, len(chosen) // 4))
    em.setCovarianceMatrixType(cv2.ml.EM_COV_MAT_DIAGONAL)
    em.setTermCriteria((cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 12, 0.1))
    em.trainEM(chosen.astype(np.float64))
    variances = np.array([np.diag(c) for c in em.getCovs()]) + 0.12
    return np.asarray(em.getMeans(), np.float64), np.asarray(em.getWeights(), np.float64).ravel(), variances


def _likelihood(features: Floats, mixture: _Mixture) -> Floats:
    """Log density; never below a floor, so that a colour nobody has seen speaks for neither side."""
    means, weights, variances = mixture
    each = np.empty((len(features), len(weights)), np.float32)
    for j, (mean, weight, variance) in enumerate(zip(means, weights, variances, strict=True)):
        spread = ((features - mean.astype(np.float32)) ** 2) @ (1 / variance).astype(np.float32)
        each[:, j] = np.log(weight + 1e-9) - 0.5 * np.log(variance).sum() - 0.5 * spread
    most = each.max(1)
    sums = np.exp(each - most[:, None]) @ np.ones(each.shape[1], np.float32)
    density: Floats = np.logaddexp(np.log(sums) + most, np.float32(-9.0))
    return density


def _minimum_cut(cost: Floats, across: Floats, down: Floats, start: Floats, rounds: int = 200) -> Floats:
    """The x in [0, 1] with the least sum of cost * x and of the weights between pixels that differ."""
    x, ahead, step = start.copy(), start.copy(), 0.35
    px, py = np.zeros_like(x), np.zeros_like(x)
    for _ in range(rounds):
        px[:, :-1] += step * (ahead[:, 1:] - ahead[:, :-1])
        py[:-1] += step * (ahead[1:] - ahead[:-1])
        np.clip(px, -across, across, out=px)
        np.clip(py, -down, down, out=py)
        divergence = px + py
        divergence[:, 1:] -= px[:, :-1]
        divergence[1:] -= py[:-1]
        new = np.clip(x + step * (divergence - cost), 0, 1)
        ahead, x = 2 * new - x, new
    return x


def _tidy(mask: Mask, evidence: Floats, shapes: Shapes) -> Mask:
    """Spikes off, loose pieces off, small holes filled, and bites whose colour does not speak for the background."""
    unit, m = shapes.unit, mask.astype(np.uint8)
    whole = pixels(cv2.morphologyEx(m, cv2.MORPH_CLOSE, disc(0.1 * unit))) & shapes.crown | m
    spikeless = pixels(cv2.dilate(cv2.morphologyEx(whole, cv2.MORPH_OPEN, disc(0.2 * unit)), disc(0.1 * unit))) & m
    thin = cv2.morphologyEx(m, cv2.MORPH_OPEN, disc(0.1 * unit))
    mask = (np.where(shapes.head, spikeless, thin) > 0) | shapes.sure
    mask = _attached(mask, shapes.sure)
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, disc(0.3 * unit)) > 0
    filled = _without_holes(closed, 1.5 * unit * unit)
    count, parts = cv2.connectedComponents((filled & ~mask).astype(np.uint8), connectivity=4)
    ring = np.ones((3, 3), np.uint8)
    for part in range(1, count):
        piece = (parts == part).astype(np.uint8)
        around = (cv2.dilate(piece, ring) > 0) & (piece == 0)
        if (around & ~filled).sum() < 0.25 * around.sum():
            mask = mask | (piece > 0)
    wide = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, disc(0.45 * unit)) > 0
    mask = mask | (wide & (cv2.blur(evidence, (3, 3)) > -1.2))
    return np.where(shapes.head, _without_holes(mask, 0.4 * unit * unit), mask)


def _attached(mask: Mask, seeds: Mask) -> Mask:
    _, parts = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    kept = np.unique(parts[seeds & mask])
    return np.isin(parts, kept[kept > 0])


def _without_holes(mask: Mask, largest: float) -> Mask:
    count, parts, stats, _ = cv2.connectedComponentsWithStats((~mask).astype(np.uint8), connectivity=4)
    edge = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
    open_ones = set(np.unique(edge).tolist())
    small = [i for i in range(1, count) if stats[i, cv2.CC_STAT_AREA] < largest and i not in open_ones]
    return mask | np.isin(parts, small)


def _judged(mask: Mask, lab: Floats, evidence: Floats, shapes: Shapes) -> Outline:
    """How well the outline is borne out by the photo; the picture's own border is no outline."""
    near, unit = inside_distance(mask), shapes.unit
    reach = 0.25 * unit
    inside = ((near > 0.06 * unit) & (near < reach)).astype(np.float32)
    outside = ((near < -0.06 * unit) & (near > -reach)).astype(np.float32)
    size = (2 * round(reach) + 1,) * 2
    mean_in = cv2.blur(lab * inside[..., None], size) / (cv2.blur(inside, size)[..., None] + 1e-6)
    mean_out = cv2.blur(lab * outside[..., None], size) / (cv2.blur(outside, size)[..., None] + 1e-6)
    border = np.abs(near) <= 1.0
    border[:3], border[-3:], border[:, :3], border[:, -3:] = False, False, False, False
    steps = np.sqrt(((mean_in - mean_out) ** 2).sum(-1))[border]
    doubt = shapes.possible & ~shapes.sure & (inside_distance(shapes.likely) > -1.0 * unit)
    says_person = evidence > 0
    agreement = float((says_person == mask)[doubt & (np.abs(evidence) > 0.5)].mean()) if doubt.any() else 1.0
    limit = np.abs(inside_distance(shapes.possible)) < 0.08 * unit
    free = 1.0 - float(limit[border].mean()) if border.any() else 0.0
    contrast = float((steps > 9.0).mean()) if steps.size else 0.0
    return Outline(mask=mask, contrast=contrast, agreement=agreement, free=free)
