"""Any supported picture file → an upright sRGB picture of 8 bits a channel, or one reason why not.

The file's first bytes say which single decoder may look at it; its claimed size is checked before a pixel is decoded.
"""

import io
import threading
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    IcoImagePlugin,
    Image,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TgaImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from providers.media import webp_scaled
from providers.media.colour import in_srgb, reduced
from providers.media.containers import beside_pixels, boxes_missing, picture_in_icon, sniff, webp_size, whole_png
from providers.media.sizes import fitted
from providers.media.strip_jpeg import MAX_SCANNED, MAX_SCANS
from providers.media.structure_limits import jpeg_scans, too_many_pieces
from providers.media.weight import MOST_BYTES, in_turn, weight_of

# The plugins are imported so that Pillow never goes looking for all the others.
_PLUGINS = (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    IcoImagePlugin,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TgaImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

MAX_PIXELS = 64_000_000
"""Width × height of anything that is decoded whole: 256 MB at four bytes a pixel."""
MAX_PIXELS_JPEG = 120_000_000
"""JPEG that is decoded at half, a quarter or an eighth of its size (108-megapixel phones)."""
MIN_SIDE = 32

Image.MAX_IMAGE_PIXELS = MAX_PIXELS_JPEG


class Undecodable(Exception):
    """Why bytes are not a usable picture. `code` is one of `photo_*` and `not_a_photo`.

    `most_pixels`: of `photo_too_many_pixels`, what such a file may have.
    """

    def __init__(self, code: str, *, most_pixels: int | None = None) -> None:
        self.code = code
        self.most_pixels = most_pixels
        super().__init__(code)


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoded:
    """`image`: mode RGB, or RGBA where something is transparent; upright, sRGB, no metadata.

    `source_format`: Pillow's name. `source_size`: pixels as shown, before any reduction.
    """

    image: Image.Image
    source_format: str
    source_size: tuple[int, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """What a file says of itself. `size`: as shown. `profile`: its ICC profile. `frames`: 1 unless it moves."""

    format: str
    mode: str
    size: tuple[int, int]
    orientation: int
    profile: bytes | None
    metadata: bool
    frames: int


def inspect(data: bytes) -> Header:
    """What a file is, mostly without decoding it. Raises Undecodable."""
    data = _mended(data)
    image = _opened(data)
    name = image.format or ""
    try:
        beside = beside_pixels(data) if name == "PNG" else b""
        told = name != "PNG" or any(word in beside for word in _PNG_ORIENTATION)
        if name == "PNG" and told:
            image.load()  # the word may stand behind the pixels
        turn = orientation(image) if told else 1
        frames = int(getattr(image, "n_frames", 1)) if name in ("JPEG", "PNG", "WEBP") else 1
    except Exception as error:  # decoders raise whatever they like at broken input; each means the same here
        raise Undecodable(_broken(name, data, error)) from None
    profile = image.info.get("icc_profile")
    return Header(
        format=name,
        mode=image.mode,
        size=(image.height, image.width) if turn in _SIDEWAYS else image.size,
        orientation=turn,
        profile=profile if isinstance(profile, bytes) and profile else None,
        metadata=any(image.info.get(kind) for kind in ("exif", "xmp", "comment"))
        or any(word in beside for word in _PNG_TEXTS),
        frames=frames,
    )


def decode(data: bytes, *, max_side: int | None = None, min_side: int = 1) -> Decoded:
    """Decode in full; the long side is reduced to `max_side`. Raises Undecodable.

    Takes less than 500 MB whatever comes, and large ones wait for each other: see `weight`.
    """
    data = _mended(data)
    image = _opened(data, min_side=min_side)
    name = image.format or ""
    size = image.size
    try:
        profile = image.info.get("icc_profile")
        weight = _drafted(image, data, max_side)
        scaled = name == "WEBP" and weight > _WORTH_SCALING and webp_scaled.available()
        if not scaled:
            _check_weight(size, weight)
        with in_turn(weight):
            turn = orientation(image) if scaled else 1
            if scaled:
                small = webp_scaled.decode_scaled(data, fitted(size, max_side or max(size)))
            else:
                image.decodermaxblock = _PORTION
                image.load()
                turn = orientation(image)  # not before: Pillow may load a PNG for it, which fails only the first time
                small = reduced(image, max_side)
            del image  # up to 256 MB that nobody needs while the colours are converted
            converted = in_srgb(small, profile if isinstance(profile, bytes) else None)
        if turn in _TURNS:
            converted = converted.transpose(_TURNS[turn])
    except Undecodable:
        raise
    except (MemoryError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Undecodable("photo_too_many_pixels") from None
    except Exception as error:  # as above
        raise Undecodable(_broken(name, data, error)) from None
    return Decoded(image=converted, source_format=name, source_size=size[::-1] if turn in _SIDEWAYS else size)


def _drafted(image: ImageFile.ImageFile, data: bytes, max_side: int | None) -> int:
    """Have the decoder itself make it smaller where it can; what decoding it will weigh."""
    size = image.size
    if isinstance(image, Jpeg2KImagePlugin.Jpeg2KImageFile) and max_side is not None:
        halvings = 0
        while (size[0] >> halvings) * (size[1] >> halvings) > _JPEG2000_PIXELS:
            halvings += 1
        image.reduce = halvings
        return weight_of(image, data) >> 2 * halvings
    if image.format not in ("JPEG", "MPO"):
        return weight_of(image, data)
    scans = jpeg_scans(data)
    _check_scans(scans, size)
    coefficients = size if scans > 1 else None
    if max_side is not None:
        stays_whole = max(size) // max_side < 2
        if stays_whole and weight_of(image, data, coefficients_of=coefficients) > MOST_BYTES:
            max_side = int(max_side * _ALMOST)  # 8000 become 4000 where the whole is too much for 4096
        image.draft(None, fitted(size, max_side))
    _check_pixels(image.size, MAX_PIXELS)
    return weight_of(image, data, coefficients_of=coefficients)


def _check_weight(size: tuple[int, int], weight: int) -> None:
    if weight > MOST_BYTES:
        raise Undecodable("photo_too_many_pixels", most_pixels=size[0] * size[1] * MOST_BYTES // weight)


def orientation(image: Image.Image) -> int:
    """How the pixels lie, 1 to 8 as in EXIF; 1 where nothing is said, or nothing that can be read.

    Pillow and libheif turn TIFF and HEIF themselves.
    """
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return 1
    try:
        value = image.getexif().get(0x0112)
    except Exception:  # broken EXIF spoils no pixel
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


_PORTION = 1 << 22
"""Bytes decoded at a time. After each portion the thread waits for the interpreter again; Pillow's are of 64 KB."""
_WORTH_SCALING = 256_000_000
"""From such a weight on a WebP is decoded at the size that is wanted."""
_ALMOST = 0.9
_JPEG2000_PIXELS = 20_000_000
"""Above it a half, a quarter … is decoded: the format holds itself in halves."""
_PNG_ORIENTATION = (b"eXIf", b"Raw profile type", b"Orientation", b"iTXt")
_PNG_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_FAX = ("tiff_ccitt", "group3", "group4")
"""Black and white, so no photo; and the decoder writes a line to the log for each broken row, of millions."""
_SIDEWAYS = (5, 6, 7, 8)
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@cache
def _register_heif() -> None:
    """Explicit, and only once a HEIF comes: the library takes a while to load."""
    import pi_heif

    pi_heif.register_heif_opener(thumbnails=False)


def _mended(data: bytes) -> bytes:
    """What decoders should be given instead: an icon's largest picture, a PNG without what is broken beside its
    pixels."""
    data = picture_in_icon(data)
    return whole_png(data) if sniff(data) == "PNG" else data


def size_told(path: Path) -> tuple[int, int] | None:
    """Width and height as the file's head tells them, nothing decoded; None where it is no picture that we take."""
    try:
        return _opened(path.read_bytes()).size
    except (OSError, Undecodable):
        return None


def _opened(data: bytes, *, min_side: int = 1) -> ImageFile.ImageFile:
    """Open without decoding, with everything checked that can be. Raises Undecodable."""
    name = sniff(data)
    if name is None:
        raise Undecodable("not_a_photo")
    if name == "HEIF":
        _register_heif()
    _settle_warnings()
    try:
        _check_before_opening(name, data)
        image = Image.open(io.BytesIO(data), formats=(name,))
        _check_size(image, min_side)
    except Undecodable:
        raise
    except (MemoryError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Undecodable("photo_too_many_pixels") from None
    except Exception:  # as above; our own walks through damaged files included
        raise Undecodable(_broken(name, data)) from None
    return image


_warnings_lock = threading.Lock()
_ODD_METADATA = r"PIL\.|pi_heif"


def _settle_warnings() -> None:
    """Pillow warns of odd metadata, which we throw away anyway, and of huge pictures, which we refuse.

    `warnings.catch_warnings` is not safe in threads, so two entries of our own stay in the list, and are put there
    again where somebody restored the list.
    """
    with _warnings_lock:
        if not any(getattr(entry[3], "pattern", entry[3]) == _ODD_METADATA for entry in warnings.filters[:4]):
            warnings.filterwarnings("ignore", category=UserWarning, module=_ODD_METADATA)
            warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


def _check_before_opening(name: str, data: bytes) -> None:
    """What a decoder would allocate or compute from the header alone."""
    if name == "WEBP":
        _check_pixels(webp_size(data), MAX_PIXELS)
    if too_many_pieces(data, name):
        raise Undecodable("photo_unreadable")


def _check_size(image: ImageFile.ImageFile, min_side: int) -> None:
    cheap = image.format in ("JPEG", "MPO") and not image.info.get("progressive")
    _check_pixels(image.size, MAX_PIXELS_JPEG if cheap else MAX_PIXELS)
    if min(image.size) < min_side:
        raise Undecodable("photo_too_small")
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        tile = [image.tag_v2.get(tag, 1) for tag in (322, 323)]  # TileWidth, TileLength: allocated as claimed
        _check_pixels((int(tile[0]), int(tile[1])), MAX_PIXELS)
        if image.info.get("compression") in _FAX:
            raise Undecodable("photo_unreadable")


def _check_scans(scans: int, size: tuple[int, int]) -> None:
    if scans > MAX_SCANS or scans * size[0] * size[1] > MAX_SCANNED:
        raise Undecodable("photo_unreadable")
    if scans > 1:  # progressive or not: all pixels are held until the last scan
        _check_pixels(size, MAX_PIXELS)


def _check_pixels(size: tuple[int, int], limit: int) -> None:
    if size[0] * size[1] > limit:
        raise Undecodable("photo_too_many_pixels")


def _broken(name: str, data: bytes, error: Exception | None = None) -> str:
    """Cut off, or damaged in another way? Containers state their length; Pillow says "truncated" for the rest."""
    if name == "WEBP":
        cut = len(data) < 8 + int.from_bytes(data[4:8], "little")
    elif name in ("HEIF", "AVIF"):
        cut = boxes_missing(data)
    elif name == "PNG":
        cut = b"IEND" not in data[-12:]
    else:
        cut = error is not None and ("truncated" in str(error) or isinstance(error, EOFError))
    return "photo_truncated" if cut else "photo_unreadable"
