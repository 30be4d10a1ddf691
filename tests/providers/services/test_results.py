"""Pictures that an interrupted fetch left in a job's folder."""

import io
from pathlib import Path

from PIL import Image

from providers.base import Submission
from providers.services.results import already_saved, save, stem_of

SUBMISSION = Submission(provider="fal", request_id="r1", model="gpt")


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (32, 24), "teal").save(out, "PNG")
    return out.getvalue()


async def test_a_picture_that_an_interrupted_fetch_saved_is_found_as_it_was(tmp_path: Path) -> None:
    saved = await save(picture(), 0, SUBMISSION, tmp_path)
    assert await already_saved(tmp_path, stem_of("fal", "r1", 0), SUBMISSION) == saved
    assert await already_saved(tmp_path, stem_of("fal", "r1", 1), SUBMISSION) is None


async def test_what_a_power_cut_left_of_a_picture_is_no_picture_and_goes(tmp_path: Path) -> None:
    saved = await save(picture(), 0, SUBMISSION, tmp_path)
    for left in (b"", picture()[: len(picture()) // 2]):
        saved.path.write_bytes(left)
        assert await already_saved(tmp_path, stem_of("fal", "r1", 0), SUBMISSION) is None
        assert not saved.path.exists()
