"""“crop it to a square” was refused where only this machine makes pictures, though cropping is something it does."""

from pathlib import Path

import pytest
from PIL import Image

from handlers.jobs.parameters import parameters_of
from providers import edit_image
from providers.base import Request
from providers.embedded import provider
from providers.settings import ProviderSettings
from providers.task import Operation
from tests.providers.wanted import wanted


def asked(text: str, ratio: str | None) -> Request:
    return wanted(
        operation=Operation.EDIT,
        text=text,
        action="edit",
        parameters=parameters_of("edit", text),
        aspect_ratio=ratio,
        photos=(Path("me.jpg"),),
    )


@pytest.mark.parametrize(
    ("text", "ratio", "possible"),
    [
        ("crop it to a square", "1:1", True),
        ("裁剪成正方形", "1:1", True),
        ("裁剪成", "1:1", True),
        ("please crop this photo to 16:9", "16:9", True),
        ("crop it", None, True),
        ("crop out the man", "1:1", False),
        ("remove the background and crop it", "1:1", False),
        ("裁掉左边的人", "1:1", False),
        ("make it night", "1:1", False),
    ],
)
def test_only_words_that_ask_for_nothing_but_a_crop_are_taken(
    tmp_path: Path, text: str, ratio: str | None, possible: bool
) -> None:
    reach = provider.EmbeddedProvider(tmp_path).offers
    assert (reach.reason_not(asked(text, ratio).task) is None) is possible


async def test_the_crop_has_the_ratio_and_the_pixels_of_the_photo(tmp_path: Path) -> None:
    photo = tmp_path / "me.png"
    Image.radial_gradient("L").resize((400, 300)).convert("RGB").save(photo)
    settings = ProviderSettings(data_dir=tmp_path / "data", output_dir=tmp_path / "out")
    result = await edit_image(photo, "crop it to a square", aspect_ratio="1:1", settings=settings)
    assert result["success"], result
    assert (result["images"][0]["width"], result["images"][0]["height"]) == (300, 300)
