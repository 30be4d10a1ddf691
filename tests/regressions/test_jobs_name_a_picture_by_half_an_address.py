"""`likeness jobs show --json` gave `output/images/…`, which leads nowhere from another folder."""

from pathlib import Path

from bot.cli.jobs import _image
from providers.base import PictureFile


def test_the_local_path_of_a_picture_is_whole() -> None:
    picture = PictureFile(
        path=Path("output/images/a.png"),
        width=1,
        height=1,
        size_bytes=1,
        mime="image/png",
        request_id="r",
        provider="fal",
    )
    assert _image(picture)["local_path"] == str(Path.cwd() / "output/images/a.png")
