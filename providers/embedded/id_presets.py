"""The sizes of ID photos by country (`id_presets.toml`) as values."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

Range = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Preset:
    """One kind of ID photo. Lengths in millimetres on paper; see the head of `id_presets.toml`."""

    key: str
    name: Mapping[str, str]
    size_mm: Range
    pixels: tuple[int, int]
    head_mm: Range
    source: str
    eyes_mm: Range | None = None
    above_mm: Range | None = None
    background: tuple[int, int, int] | None = None
    most_kb: int | None = None

    @property
    def ratio(self) -> float:
        """Width over height of the picture that is written."""
        return self.pixels[0] / self.pixels[1]

    @property
    def dpi(self) -> float:
        return self.pixels[1] / self.size_mm[1] * 25.4

    @property
    def head(self) -> Range:
        """Height of the head as shares of the picture's height."""
        return self.head_mm[0] / self.size_mm[1], self.head_mm[1] / self.size_mm[1]

    @property
    def eyes(self) -> Range | None:
        """The eyes' distance from the lower edge as shares of the height."""
        return self.eyes_mm and (self.eyes_mm[0] / self.size_mm[1], self.eyes_mm[1] / self.size_mm[1])

    @property
    def above(self) -> Range | None:
        """Room above the crown as shares of the height."""
        return self.above_mm and (self.above_mm[0] / self.size_mm[1], self.above_mm[1] / self.size_mm[1])


@cache
def presets() -> Mapping[str, Preset]:
    """Every preset by its key."""
    table = tomllib.loads(files("providers.embedded").joinpath("id_presets.toml").read_text(encoding="utf-8"))
    return MappingProxyType({key: _preset(key, entry) for key, entry in table.items()})


def _preset(key: str, entry: Mapping[str, Any]) -> Preset:
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}
    return Preset(key=key, **values)
