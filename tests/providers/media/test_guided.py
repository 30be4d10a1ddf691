"""The guided filter against its definition: a least-squares plane in every square, averaged over the squares."""

import numpy as np
import pytest
from numpy.typing import NDArray

from providers.media.guided import guided

Doubles = NDArray[np.float64]


def by_definition(guide: Doubles, values: Doubles, radius: int, epsilon: float) -> Doubles:
    """Equations 4 to 8 of the paper, pixel by pixel; squares at the border are filled by reflection."""
    along = guide if guide.ndim == 3 else guide[..., None]
    height, width = values.shape

    def square(of: Doubles, y: int, x: int) -> Doubles:
        rows = [reflected(y + d, height) for d in range(-radius, radius + 1)]
        columns = [reflected(x + d, width) for d in range(-radius, radius + 1)]
        return of[np.ix_(rows, columns)]

    slopes, offsets = np.zeros(along.shape), np.zeros(values.shape)
    for y in range(height):
        for x in range(width):
            colours = square(along, y, x).reshape(-1, along.shape[2])
            wanted = square(values, y, x).ravel()
            covariance = np.cov(colours.T, bias=True).reshape(along.shape[2], -1)
            together = (colours * wanted[:, None]).mean(0) - colours.mean(0) * wanted.mean()
            slopes[y, x] = np.linalg.solve(covariance + epsilon * np.eye(along.shape[2]), together)
            offsets[y, x] = wanted.mean() - slopes[y, x] @ colours.mean(0)
    found = np.zeros(values.shape)
    for y in range(height):
        for x in range(width):
            mean_slope = square(slopes, y, x).reshape(-1, along.shape[2]).mean(0)
            found[y, x] = mean_slope @ along[y, x] + square(offsets, y, x).mean()
    return found


def reflected(place: int, size: int) -> int:
    return -1 - place if place < 0 else 2 * size - 1 - place if place >= size else place


@pytest.mark.parametrize("colours", [1, 3])
@pytest.mark.parametrize("scale", [1.0, 255.0])
def test_it_is_the_filter_of_the_paper_on_either_scale(colours: int, scale: float) -> None:
    dice = np.random.default_rng(colours)
    guide = dice.random((12, 9, colours)).squeeze() * scale
    mask = (dice.random((12, 9)) > 0.5).astype(np.float64)
    epsilon = 0.002 * scale**2
    assert np.abs(guided(guide, mask, 2, epsilon) - by_definition(guide, mask, 2, epsilon)).max() < 1e-3


def test_an_edge_of_the_guide_stays_and_noise_within_goes() -> None:
    edge = np.zeros((40, 40, 3), np.float32)
    edge[:, 20:] = (0.7, 0.5, 0.4)
    noisy = edge + np.random.default_rng(3).normal(0, 0.03, edge.shape).astype(np.float32)
    smooth = guided(edge, noisy, 4, 1e-4)
    assert smooth.shape == noisy.shape
    assert np.std(smooth[:, 2:16]) < 0.4 * np.std(noisy[:, 2:16])
    assert smooth[:, 21, 0].min() - smooth[:, 18, 0].max() > 0.6
