"""What a provider sent counts as a picture once it was decoded, and is saved where it replaces nothing."""

import re
import stat
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from providers.base import PictureFile
from providers.errors import MadeNothing
from providers.media.files import delete_quietly, write_file, write_new_file
from providers.media.save import safe_stem, save_picture
from tests.providers.media import pictures
from tests.providers.media.pictures import P3, SECRET, as_srgb, close, encoded, exif, quarters, scene


def save(data: bytes, into: Path, stem: str = "portrait") -> PictureFile:
    return save_picture(data, into=into, stem=stem, provider="fal", request_id="r-1")


def pixels(source: Path | bytes) -> bytes:
    with tempfile.TemporaryFile() as file:
        file.write(source if isinstance(source, bytes) else source.read_bytes())
        file.seek(0)
        with Image.open(file) as image:
            return image.convert("RGBA").tobytes()


def lossless(kind: str) -> dict[str, bool]:
    return {"lossless": True} if kind == "WEBP" else {}


@pytest.mark.parametrize(
    ("kind", "mime", "suffix"),
    [("JPEG", "image/jpeg", ".jpg"), ("PNG", "image/png", ".png"), ("WEBP", "image/webp", ".webp")],
)
@pytest.mark.parametrize("alpha", [False, True])
def test_a_picture_keeps_its_format_and_its_very_pixels(
    kind: str, mime: str, suffix: str, alpha: bool, tmp_path: Path
) -> None:
    picture = scene()
    if alpha and kind != "JPEG":
        picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    data = encoded(picture, kind, **lossless(kind))
    saved = save(data, tmp_path / "new" / "folder")
    assert (saved.width, saved.height, saved.mime, saved.path.suffix) == (96, 64, mime, suffix)
    assert (saved.provider, saved.request_id) == ("fal", "r-1")
    assert saved.size_bytes == saved.path.stat().st_size
    assert stat.S_IMODE(saved.path.stat().st_mode) == 0o600
    assert pixels(saved.path) == pixels(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("variant", ["plain", "progressive", "alpha"])
def test_what_the_service_wrote_about_the_picture_is_gone(kind: str, variant: str, tmp_path: Path) -> None:
    picture = scene()
    options: dict[str, object] = {"exif": exif(), **lossless(kind)}
    if variant == "alpha" and kind != "JPEG":
        picture.putalpha(200)
    if variant == "progressive" and kind == "JPEG":
        options["progressive"] = True
    if kind == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_text("prompt", SECRET.decode())
        info.add_itxt("workflow", SECRET.decode())
        info.add(b"caBX", SECRET)
        options["pnginfo"] = info
    else:
        options["xmp"] = SECRET
        options["icc_profile"] = pictures.profile(pictures.SRGB, b"sRGB of " + SECRET)
    if kind == "JPEG":
        options["comment"] = SECRET
    data = encoded(picture, kind, **options) + SECRET
    assert data.count(SECRET) > 2
    saved = save(data, tmp_path)
    assert SECRET not in saved.path.read_bytes()
    assert pixels(saved.path) == pixels(data)
    with Image.open(saved.path) as image:
        assert not image.getexif()
        assert not set(image.info) & {"exif", "xmp", "icc_profile", "comment", "prompt", "workflow"}


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "HEIF", "AVIF"])
def test_any_other_format_becomes_png(kind: str, tmp_path: Path) -> None:
    saved = save(encoded(scene(), kind), tmp_path)
    assert (saved.mime, saved.path.suffix, saved.width) == ("image/png", ".png", 96)
    with Image.open(saved.path) as image:
        assert close(quarters(image), quarters(scene()), 12)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_lying_on_its_side_is_put_upright(kind: str, tmp_path: Path) -> None:
    saved = save(encoded(pictures.stored_as(scene(), 6), kind, exif=exif(6)), tmp_path)
    assert (saved.width, saved.height) == (96, 64)
    with Image.open(saved.path) as image:
        assert close(quarters(image), quarters(scene()), 12)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_colours_other_than_srgb_are_converted(kind: str, tmp_path: Path) -> None:
    picture = Image.new("RGB", (64, 64), (180, 120, 90))
    saved = save(encoded(picture, kind, icc_profile=pictures.profile(P3, b"Display P3"), **lossless(kind)), tmp_path)
    with Image.open(saved.path) as image:
        assert close(image.convert("RGB").getpixel((30, 30)), as_srgb((180, 120, 90), P3), 4)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])
def test_of_a_moving_result_the_first_frame_is_saved(kind: str, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    saved = save(encoded(frames[0], kind, save_all=True, append_images=frames[1:]), tmp_path)
    with Image.open(saved.path) as image:
        assert getattr(image, "n_frames", 1) == 1
        assert close(image.convert("RGB").getpixel((30, 30)), (255, 0, 0), 8)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html><body>502 Bad Gateway</body></html>", id="HTML"),
        pytest.param(b'{"detail": "expired"}', id="JSON"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", id="SVG"),
        pytest.param(encoded(scene(), "JPEG")[:-200], id="JPEG cut off"),
        pytest.param(encoded(scene(), "PNG")[:-60], id="PNG cut off"),
        pytest.param(encoded(scene(), "WEBP")[:-60], id="WebP cut off"),
        pytest.param(pictures.png_claiming(60_000, 60_000), id="bomb"),
        pytest.param(pictures.png_claiming(64, 64), id="PNG without pixels"),
    ],
)
def test_what_is_no_whole_picture_is_no_result_and_leaves_no_file(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(MadeNothing) as caught:
        save(data, tmp_path)
    assert caught.value.code == "bad_picture"
    assert list(tmp_path.iterdir()) == []


WHOLE = {kind: encoded(pictures.noise(64, 64), kind) for kind in ("JPEG", "PNG", "WEBP")}


@given(kind=st.sampled_from(sorted(WHOLE)), part=st.floats(0, 0.98))
@settings(max_examples=100, deadline=None)
def test_wherever_a_result_is_cut_it_is_no_result(kind: str, part: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with pytest.raises(MadeNothing):
            save(WHOLE[kind][: int(len(WHOLE[kind]) * part)], Path(folder))
        assert not list(Path(folder).iterdir())


@given(kind=st.sampled_from(sorted(WHOLE)), place=st.floats(0, 1), blow=st.binary(min_size=1, max_size=12))
@settings(max_examples=150, deadline=None)
def test_a_damaged_result_is_refused_or_saved_whole(kind: str, place: float, blow: bytes) -> None:
    data = bytearray(WHOLE[kind])
    at = int(place * (len(data) - len(blow)))
    data[at : at + len(blow)] = blow
    with tempfile.TemporaryDirectory() as folder:
        try:
            saved = save(bytes(data), Path(folder))
        except MadeNothing:
            return
        with Image.open(saved.path) as image:
            image.load()
            assert image.size == (saved.width, saved.height)


@given(st.text(max_size=200))
@settings(max_examples=200)
def test_whatever_the_words_the_name_is_safe(text: str) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,59}", safe_stem(text).lstrip("_-"))
    assert not set(safe_stem(text)) & set("/\\.: \0")


def test_words_with_slashes_stay_inside_the_folder(tmp_path: Path) -> None:
    for stem in ("../../etc/passwd", "a/b", "/", "..", "动漫风格", "", "x" * 500, "CON", "a\0b", "🙂"):
        saved = save(encoded(scene(), "JPEG"), tmp_path / "out", stem)
        assert saved.path.parent == tmp_path / "out"
        assert re.fullmatch(r"[a-z0-9_-]{1,60}-\d{8}-[a-z0-9]{8}\.jpg", saved.path.name)
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


def test_the_same_picture_saved_by_many_at_once_is_as_many_files(tmp_path: Path) -> None:
    data = encoded(scene(), "PNG")
    with ThreadPoolExecutor(8) as pool:
        saved = list(pool.map(lambda _: save(data, tmp_path), range(60)))
    assert len({picture.path for picture in saved}) == 60
    assert len(list(tmp_path.iterdir())) == 60


def test_a_new_file_never_replaces_another_and_leaves_nothing_behind(tmp_path: Path) -> None:
    write_new_file(b"first", into=tmp_path, name="a.png")
    with pytest.raises(FileExistsError):
        write_new_file(b"second", into=tmp_path, name="a.png")
    assert [(entry.name, entry.read_bytes()) for entry in tmp_path.iterdir()] == [("a.png", b"first")]


def test_a_link_lying_in_wait_is_replaced_and_not_followed(tmp_path: Path) -> None:
    victim, folder = tmp_path / "victim", tmp_path / "out"
    victim.write_bytes(b"mine")
    folder.mkdir()
    (folder / "a.png").symlink_to(victim)
    write_file(b"new", into=folder, name="a.png")
    assert victim.read_bytes() == b"mine"
    assert (folder / "a.png").read_bytes() == b"new"


def test_a_full_or_missing_place_raises_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match=r"."):
        write_file(b"x", into=tmp_path / "file", name="a.png")
    (tmp_path / "a.png").mkdir()
    with pytest.raises(OSError, match=r"."):
        write_file(b"x", into=tmp_path, name="a.png")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.png", "file"]


def test_deleting_is_quiet_about_what_is_not_there(tmp_path: Path) -> None:
    here = tmp_path / "a.jpg"
    here.write_bytes(b"x")
    delete_quietly([tmp_path / "none.jpg", tmp_path, tmp_path / "nul\0", here])
    assert not here.exists()
