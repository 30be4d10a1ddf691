"""A WebP decoded at the size that is wanted, by libwebp's own scaling: `WebPDecode` of its header `webp/decode.h`.

Pillow decodes every WebP as an animation, at 16 bytes a pixel: a gigabyte for 62 megapixels of a few hundred kilobytes.
The library that Pillow brings along is asked directly instead. Where it is linked into Pillow so that it cannot be
(Windows), `available` is False and such files are too large.
"""

import ctypes
from functools import cache

import numpy as np
from PIL import Image, _webp

_ABI_VERSION = 0x0209
"""Of the structures here. The library compares the upper byte and refuses another."""
_RGB, _RGBA = 0, 1
_OK, _OUT_OF_MEMORY = 0, 1


class _Features(ctypes.Structure):
    _fields_ = (
        ("width", ctypes.c_int),
        ("height", ctypes.c_int),
        ("has_alpha", ctypes.c_int),
        ("has_animation", ctypes.c_int),
        ("format", ctypes.c_int),
        ("pad", ctypes.c_uint32 * 5),
    )


class _Rows(ctypes.Structure):
    _fields_ = (("pixels", ctypes.c_void_p), ("stride", ctypes.c_int), ("size", ctypes.c_size_t))


class _Planes(ctypes.Structure):
    _fields_ = (
        ("planes", ctypes.c_void_p * 4),
        ("strides", ctypes.c_int * 4),
        ("sizes", ctypes.c_size_t * 4),
    )


class _Either(ctypes.Union):
    _fields_ = (("rows", _Rows), ("planes", _Planes))


class _Buffer(ctypes.Structure):
    _fields_ = (
        ("colorspace", ctypes.c_int),
        ("width", ctypes.c_int),
        ("height", ctypes.c_int),
        ("is_external_memory", ctypes.c_int),
        ("u", _Either),
        ("pad", ctypes.c_uint32 * 4),
        ("private_memory", ctypes.c_void_p),
    )


class _Options(ctypes.Structure):
    _fields_ = (
        ("bypass_filtering", ctypes.c_int),
        ("no_fancy_upsampling", ctypes.c_int),
        ("use_cropping", ctypes.c_int),
        ("crop", ctypes.c_int * 4),
        ("use_scaling", ctypes.c_int),
        ("scaled_width", ctypes.c_int),
        ("scaled_height", ctypes.c_int),
        ("use_threads", ctypes.c_int),
        ("dithering_strength", ctypes.c_int),
        ("flip", ctypes.c_int),
        ("alpha_dithering_strength", ctypes.c_int),
        ("pad", ctypes.c_uint32 * 5),
    )


class _Config(ctypes.Structure):
    _fields_ = (("input", _Features), ("output", _Buffer), ("options", _Options))


class CannotDecode(Exception):
    """The library's word for why: a `VP8StatusCode`."""


@cache
def _library() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(_webp.__file__)
        prepare, run = library.WebPInitDecoderConfigInternal, library.WebPDecode
        features = library.WebPGetFeaturesInternal
    except (AttributeError, OSError, TypeError):
        return None
    prepare.argtypes = (ctypes.POINTER(_Config), ctypes.c_int)
    features.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.POINTER(_Features), ctypes.c_int)
    run.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.POINTER(_Config))
    return library if prepare(ctypes.byref(_Config()), _ABI_VERSION) else None


def available() -> bool:
    return _library() is not None


def decode_scaled(data: bytes, size: tuple[int, int]) -> Image.Image:
    """The still picture in `data` (RGB, or RGBA where it says it has transparency) at `size`, which is no larger.

    Raises CannotDecode, MemoryError. Only where `available`.
    """
    library = _library()
    if library is None:
        raise CannotDecode("not available")
    config = _Config()
    library.WebPInitDecoderConfigInternal(ctypes.byref(config), _ABI_VERSION)
    _checked(library.WebPGetFeaturesInternal(data, len(data), ctypes.byref(config.input), _ABI_VERSION))
    bands = 4 if config.input.has_alpha else 3
    pixels = np.empty((size[1], size[0], bands), np.uint8)
    output = config.output
    output.colorspace = _RGBA if bands == 4 else _RGB
    output.is_external_memory = 1
    output.u.rows = _Rows(pixels.ctypes.data, size[0] * bands, pixels.nbytes)
    if size != (config.input.width, config.input.height):
        config.options.use_scaling = 1
        config.options.scaled_width, config.options.scaled_height = size
    _checked(library.WebPDecode(data, len(data), ctypes.byref(config)))
    return Image.fromarray(pixels)


def _checked(status: int) -> None:
    if status == _OUT_OF_MEMORY:
        raise MemoryError
    if status != _OK:
        raise CannotDecode(status)
