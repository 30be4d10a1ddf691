"""Where faces are, as boxes, found in a worker of its own."""

from pathlib import Path

import pytest
from PIL import Image
from skimage import data

from providers.errors import MadeNothing
from providers.people.boxes import FaceBoxes


async def test_the_face_of_a_portrait_is_boxed_and_a_broken_file_is_told(tmp_path: Path) -> None:
    portrait = tmp_path / "portrait.png"
    Image.fromarray(data.astronaut()).save(portrait)  # type: ignore[no-untyped-call]
    (tmp_path / "junk.png").write_bytes(b"junk")
    boxes = FaceBoxes()
    try:
        (box, *_) = await boxes(portrait)
        assert box.x < 222 < box.x + box.width
        assert box.y < 120 < box.y + box.height
        with pytest.raises(MadeNothing):
            await boxes(tmp_path / "junk.png")
    finally:
        await boxes.aclose()
