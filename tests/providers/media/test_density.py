"""Dots an inch: read and written in PNG and JPEG, nothing else of the metadata with them."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from providers.media.density import density_of, with_density
from providers.media.save import save_picture
from providers.media.strip import stripped


def picture(kind: str, **more: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (60, 80), (67, 142, 219)).save(buffer, kind, **more)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("dpi", [72, 300, 350, 600])
def test_what_is_written_is_read_here_and_by_others(kind: str, dpi: int) -> None:
    data = with_density(stripped(picture(kind), kind), dpi)
    assert density_of(data) == dpi
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        assert image.info["dpi"] == pytest.approx((dpi, dpi), abs=0.02)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_picture_that_names_none_has_none(kind: str) -> None:
    assert density_of(picture(kind)) is None


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("keep", [True, False])
def test_a_saved_picture_keeps_it_only_where_asked(tmp_path: Path, kind: str, keep: bool) -> None:
    saved = save_picture(
        picture(kind, dpi=(300, 300)), into=tmp_path, stem="x", provider="p", request_id="r", keep_density=keep
    )
    data = saved.path.read_bytes()
    assert density_of(data) == (300 if keep else None)
    assert saved.size_bytes == len(data)


@given(st.binary(max_size=200))
def test_no_bytes_break_it(data: bytes) -> None:
    density_of(data)
    density_of(b"\x89PNG\r\n\x1a\n" + data)
    density_of(b"\xff\xd8\xff\xe0\0\x10JFIF\0" + data)
    assert len(with_density(data, 300)) >= len(data)
