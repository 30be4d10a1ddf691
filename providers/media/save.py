"""Saving a provider's pictures: decoded in full before they count, then saved under names of our own."""

import re
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from providers.base import PictureFile
from providers.errors import MadeNothing
from providers.media.colour import is_srgb
from providers.media.decode import MAX_PIXELS, Header, Undecodable, decode, inspect
from providers.media.density import density_of, with_density
from providers.media.encode import jpeg, png
from providers.media.files import write_new_file
from providers.media.integrity import jpeg_is_sound, png_is_sound
from providers.media.labels import foreign_packet
from providers.media.strip import Malformed, stripped
from providers.media.xmp import with_packet

_KEPT = {"JPEG": ("image/jpeg", ".jpg"), "PNG": ("image/png", ".png"), "WEBP": ("image/webp", ".webp")}
_STEM_LENGTH = 60
_TOKEN_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # noqa: S105 - no secret: letters that are not mistaken
_TRIES = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class _Finished:
    data: bytes
    mime: str
    suffix: str
    width: int
    height: int


def save_picture(
    data: bytes,
    *,
    into: Path,
    stem: str,
    provider: str,
    request_id: str,
    model: str = "",
    keep_density: bool = False,
    synced: bool = True,
) -> PictureFile:
    """Save `data` as a new file in `into`, which is made where it is missing. Blocks.

    The name is `<stem>-<date>-<random>.<type>`; of `stem` only a–z, 0–9, `_` and `-` remain, so it may be anything.
    JPEG, PNG and WebP keep their very pixels and lose their metadata (EXIF, text, thumbnails: services write prompts
    and addresses there); of XMP what is well-formed stays, without a label: the picture gets one of ours when it is
    collected (`providers/labelling.py`). A colour profile other than sRGB, an orientation, any other format, and
    pixels that are not coded as they should be but can be decoded, are turned into an upright sRGB JPEG (from JPEG)
    or PNG.
    `keep_density`: the dots an inch that the file names stay, as print shops and portals want them.
    Never replaces a file; whole or not there at all, with `synced=False` only as long as the power lasts.
    Raises MadeNothing `bad_picture` where the bytes are not a whole picture.
    """
    try:
        finished = _finished(data)
    except Undecodable as error:
        raise MadeNothing(error.code, code="bad_picture") from None
    dpi = density_of(data) if keep_density else None
    if dpi is not None:
        finished = replace(finished, data=with_density(finished.data, dpi))
    path = _write(finished, into, stem, synced=synced)
    return PictureFile(
        path=path,
        width=finished.width,
        height=finished.height,
        size_bytes=len(finished.data),
        mime=finished.mime,
        provider=provider,
        request_id=request_id,
        model=model,
    )


def safe_stem(text: str) -> str:
    """`text` reduced to a–z, 0–9, `_`, `-`, at most 60 characters; `picture` where nothing remains."""
    return re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-_")[:_STEM_LENGTH].rstrip("-_") or "picture"


def _finished(data: bytes) -> _Finished:
    finished = _pixels(data)
    packet = foreign_packet(data)
    return finished if packet is None else replace(finished, data=with_packet(finished.data, packet))


def _pixels(data: bytes) -> _Finished:
    header = inspect(data)
    kept = _without_metadata(data, header)
    if kept is not None:
        return _of(header.size, kept, *_KEPT[header.format])
    decoded = decode(data)
    if decoded.source_format in ("JPEG", "MPO"):
        return _of(decoded.image.size, jpeg(decoded.image), *_KEPT["JPEG"])
    return _of(decoded.image.size, png(decoded.image), *_KEPT["PNG"])


def _without_metadata(data: bytes, header: Header) -> bytes | None:
    """The same pixels without metadata, or None where the pixels themselves have to be turned, converted or judged."""
    if header.format not in _KEPT or header.orientation != 1 or header.frames != 1 or header.mode == "CMYK":
        return None
    if header.profile is not None and not is_srgb(header.profile):
        return None
    if header.size[0] * header.size[1] > MAX_PIXELS:
        return None
    try:
        kept = stripped(data, header.format)
    except Malformed:  # the decoder may be more lenient, and has the last word
        return None
    if header.format == "WEBP":
        decode(kept)
        return kept
    return kept if (jpeg_is_sound if header.format == "JPEG" else png_is_sound)(kept) else None


def _of(size: tuple[int, int], data: bytes, mime: str, suffix: str) -> _Finished:
    return _Finished(data=data, mime=mime, suffix=suffix, width=size[0], height=size[1])


def _write(finished: _Finished, into: Path, stem: str, *, synced: bool) -> Path:
    day = datetime.now(UTC).strftime("%Y%m%d")
    for _ in range(_TRIES):
        token = "".join(_TOKEN_ALPHABET[byte % len(_TOKEN_ALPHABET)] for byte in secrets.token_bytes(8))
        try:
            name = f"{safe_stem(stem)}-{day}-{token}{finished.suffix}"
            return write_new_file(finished.data, into=into, name=name, synced=synced)
        except FileExistsError:
            continue
    raise FileExistsError("no free name")
