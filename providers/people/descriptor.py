"""128 numbers that say which face it is: dlib's ResNet, from its 8-bit weights, in numpy.

OpenCV could run it as ONNX, but writing such a file takes more code than the network itself. Vectors are compared by
their Euclidean distance and live no longer than the job that asked: nobody is ever looked up by one.
"""

import json
from functools import cache

import cv2
import numpy as np

from providers.media.pixels import Floats, Picture, floats
from providers.people.face import Face
from providers.people.model_files import read

_SIDE = 150
_MEAN = (122.782, 117.001, 104.298)
_EYES_AND_MOUTH = ((0.30, 0.37), (0.70, 0.37), (0.50, 0.74))
"""Where eyes and mouth lie in the square; the detector's points rank better than the mesh's."""
_BLOCKS = (
    "32_1", "32_2", "32_3", "64_down", "64_1", "64_2", "64_3", "128_down", "128_1", "128_2", "256_down", "256_1",
    "256_2", "256_down_out",
)  # fmt: skip


def descriptor(rgb: Picture, face: Face) -> Floats:
    """128 numbers for a face with the detector's points. Raises ValueError for one of the floor, which has none."""
    if face.points is None:
        raise ValueError("the floor's faces have no points to set them by")
    square = floats(_aligned(rgb, face))
    return _network((square - floats(_MEAN)) / np.float32(255))


def _aligned(rgb: Picture, face: Face) -> Picture:
    """The face turned, scaled and shifted so that its eyes and mouth lie where the network wants them."""
    assert face.points is not None  # noqa: S101 - asked for above
    there = np.array(_EYES_AND_MOUTH) * _SIDE
    here = np.array([face.points[0], face.points[1], face.points[3]])
    a, b = here - here.mean(0), there - there.mean(0)
    turn = complex((a * b).sum(), (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / (a**2).sum()
    matrix = np.array([[turn.real, -turn.imag, 0.0], [turn.imag, turn.real, 0.0]])
    matrix[:, 2] = there.mean(0) - matrix[:, :2] @ here.mean(0)
    source = rgb
    if abs(turn) < 0.5:
        shrink = 2 * abs(turn)
        source = cv2.resize(rgb, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA).astype(np.uint8)
        matrix[:, 0] *= rgb.shape[1] / source.shape[1]
        matrix[:, 1] *= rgb.shape[0] / source.shape[0]
    return cv2.warpAffine(source, matrix, (_SIDE, _SIDE), borderMode=cv2.BORDER_REPLICATE).astype(np.uint8)


@cache
def _weights() -> dict[str, Floats]:
    """By the manifest's names; 8-bit values unfolded. Raises FileNotFoundError where the files are not there."""
    data, manifest = read("face_descriptor", 0), json.loads(read("face_descriptor", 1))
    found: dict[str, Floats] = {}
    at = 0
    for entry in manifest[0]["weights"]:
        count = int(np.prod(entry["shape"]))
        packed = entry.get("quantization")
        if packed:
            values = floats(np.frombuffer(data, np.uint8, count, at)) * np.float32(packed["scale"])
            values, at = values + np.float32(packed["min"]), at + count
        else:
            values, at = np.frombuffer(data, "<f4", count, at).astype(np.float32), at + 4 * count
        found[entry["name"]] = values.reshape(entry["shape"])
    return found


def _convolved(x: Floats, name: str, stride: int, pad: int) -> Floats:
    """H x W x C through a convolution and its scale per channel."""
    w = _weights()
    filters = w[f"{name}/conv/filters"]
    size = filters.shape[0]
    if pad:
        x = np.pad(x, ((pad, pad), (pad, pad), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(0, 1))[::stride, ::stride]
    rows, columns = windows.shape[:2]
    flat = windows.transpose(0, 1, 3, 4, 2).reshape(rows * columns, -1)
    out = flat @ filters.reshape(-1, filters.shape[3]) + w[f"{name}/conv/bias"]
    out = out * w[f"{name}/scale/weights"] + w[f"{name}/scale/biases"]
    return floats(out.reshape(rows, columns, -1))


def _block(x: Floats, name: str, *, down: bool) -> Floats:
    """Two 3 x 3 convolutions beside a shortcut; `down` halves the size and fills new channels with zeros."""
    path = np.maximum(_convolved(x, f"{name}/conv1", 2 if down else 1, 0 if down else 1), 0)
    path = _convolved(floats(path), f"{name}/conv2", 1, 1)
    if down:
        rows, columns = x.shape[0] // 2, x.shape[1] // 2
        x = floats(x[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2, -1).mean((1, 3)))
        high, wide = max(x.shape[0], path.shape[0]), max(x.shape[1], path.shape[1])
        path = np.pad(path, ((0, high - path.shape[0]), (0, wide - path.shape[1]), (0, 0)))
        x = np.pad(x, ((0, high - x.shape[0]), (0, wide - x.shape[1]), (0, path.shape[2] - x.shape[2])))
    return floats(np.maximum(path + x, 0))


def _network(x: Floats) -> Floats:
    x = floats(np.maximum(_convolved(x, "conv32_down", 2, 0), 0))
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(0, 1))[::2, ::2]
    x = floats(windows.max((3, 4)))
    for name in _BLOCKS:
        x = _block(x, f"conv{name}", down="_down" in name)
    return floats(x.mean((0, 1)) @ _weights()["fc"])
