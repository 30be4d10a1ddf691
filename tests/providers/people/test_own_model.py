"""An operator's own ONNX network for cut-outs: run as its kind wants, its faults told. The network here is three bytes'
worth of arithmetic, written as ONNX by hand: one convolution that takes how red a pixel is, and a sigmoid."""

import struct
from pathlib import Path

import numpy as np
import pytest

from providers.errors import TellOperator
from providers.people.own_model import KINDS, problem
from providers.people.own_network import mask_by


def _field(number: int, payload: bytes | str | int) -> bytes:
    """One protobuf field."""
    if isinstance(payload, int):
        return _varint(number << 3) + _varint(payload)
    data = payload.encode() if isinstance(payload, str) else payload
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def _tensor(name: str, shape: tuple[int, ...], values: list[float]) -> bytes:
    dims = b"".join(_field(1, size) for size in shape)
    return dims + _field(2, 1) + _field(8, name) + _field(9, struct.pack(f"<{len(values)}f", *values))


def _value(name: str, shape: tuple[int, ...]) -> bytes:
    dims = b"".join(_field(1, _field(1, size)) for size in shape)
    return _field(1, name) + _field(2, _field(1, _field(1, 1) + _field(2, dims)))


def _node(kind: str, inputs: list[str], output: str) -> bytes:
    return b"".join(_field(1, one) for one in inputs) + _field(2, output) + _field(3, output) + _field(4, kind)


def onnx(side: int, last: str = "Sigmoid") -> bytes:
    """input 1 x 3 x side x side → sigmoid(6 r - 6 b), or that without the sigmoid: `last` is `Identity` then."""
    graph = (
        _field(1, _node("Conv", ["input", "w"], "c"))
        + _field(1, _node(last, ["c"], "mask"))
        + _field(2, "g")
        + _field(5, _tensor("w", (1, 3, 1, 1), [6.0, 0.0, -6.0]))
        + _field(11, _value("input", (1, 3, side, side)))
        + _field(12, _value("mask", (1, 1, side, side)))
    )
    return _field(1, 8) + _field(7, graph) + _field(8, _field(2, 13))


@pytest.mark.parametrize("kind", KINDS)
def test_the_red_half_is_the_person(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "own.onnx"
    path.write_bytes(onnx(KINDS[kind].side, "Identity" if KINDS[kind].answer == "logits" else "Sigmoid"))
    rgb = np.zeros((90, 120, 3), np.uint8)
    rgb[:, :60], rgb[:, 60:] = (230, 20, 20), (20, 20, 230)
    mask = mask_by(rgb, path, kind)
    assert mask.shape == (90, 120)
    assert mask[:, :50].mean() > mask[:, 70:].mean() + 0.3
    assert mask.min() >= 0
    assert mask.max() <= 1


def test_a_file_that_is_no_network_is_told(tmp_path: Path) -> None:
    path = tmp_path / "own.onnx"
    path.write_bytes(b"not a network")
    with pytest.raises(TellOperator) as told:
        mask_by(np.zeros((64, 64, 3), np.uint8), path, "modnet")
    assert "LIKENESS_CUTOUT_MODEL" in (told.value.hint or "")


def test_wrong_settings_are_a_sentence(tmp_path: Path) -> None:
    assert problem(None, "whatever") is None
    assert "LIKENESS_CUTOUT_KIND" in (problem(tmp_path / "a.onnx", "rembg") or "")
    assert "names no file" in (problem(tmp_path / "a.onnx", "modnet") or "")
    (tmp_path / "a.onnx").touch()
    assert problem(tmp_path / "a.onnx", "modnet") is None
