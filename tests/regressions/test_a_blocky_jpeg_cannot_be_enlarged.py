"""Enlarging a JPEG with visible blocks ended in an OpenCV error: whole numbers and fractions were mixed."""

import io

import numpy as np
import pytest
from PIL import Image

from providers.embedded.enlarge import enlarged


@pytest.mark.parametrize("scale", [2, 4])
def test_a_jpeg_with_visible_blocks_is_enlarged(scale: int) -> None:
    smooth = Image.linear_gradient("L").resize((160, 128)).convert("RGB")
    noisy = np.asarray(smooth, np.int16) + np.random.default_rng(1).integers(-30, 30, (128, 160, 3))
    squeezed = io.BytesIO()
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(squeezed, "JPEG", quality=8)
    blocky = np.asarray(Image.open(squeezed).convert("RGB"))

    large = enlarged(blocky, scale)

    assert large.shape == (128 * scale, 160 * scale, 3)
    assert abs(float(large.mean()) - float(blocky.mean())) < 3
