"""Finds a font that has the letters to be written.

LIKENESS_FONT                 a file named by the operator, when it has them
the system's                  Debian, Fedora, Arch, Alpine, macOS and Windows keep them in known places
pylopdf-fonts-zh-cn           a package of Noto Sans SC and Noto Serif SC (SIL Open Font License); used by path
"""

import os
import sys
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

from providers.errors import AskPerson

_FOLDERS: tuple[str, ...] = (
    "/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts",
    "/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts",
    "C:/Windows/Fonts", "~/AppData/Local/Microsoft/Windows/Fonts",
)  # fmt: skip

# File names without their ending, best first, in three manners.
_SANS: tuple[str, ...] = (
    "NotoSansCJK-Bold", "NotoSansCJKsc-Bold", "NotoSansSC-Bold", "SourceHanSansSC-Bold", "SourceHanSansCN-Bold",
    "PingFang", "msyhbd",
    "Hiragino Sans GB", "STHeiti Medium", "NotoSansCJK-Regular", "NotoSansSC-Regular",
    "NotoSansSC[wght]", "SourceHanSansSC-Regular",
    "SourceHanSansCN-Regular", "msyh", "wqy-microhei", "wqy-zenhei",
    "DroidSansFallbackFull", "DroidSansFallback", "simhei", "Arial Unicode",
)  # fmt: skip
_SERIF: tuple[str, ...] = (
    "NotoSerifCJK-Bold", "NotoSerifCJKsc-Bold", "NotoSerifSC-Bold", "SourceHanSerifSC-Bold", "SourceHanSerifCN-Bold",
    "Songti",
    "NotoSerifCJK-Regular", "STSong", "simsun", "uming",
)  # fmt: skip
_LATIN: tuple[str, ...] = (
    "DejaVuSans-Bold", "LiberationSans-Bold", "Arial Bold", "arialbd", "HelveticaNeue", "Helvetica", "DejaVuSans",
    "LiberationSans-Regular", "Arial", "arial",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Font:
    """A font file; `index`: which face of a collection."""

    path: str
    index: int = 0

    def at(self, size: int) -> ImageFont.FreeTypeFont:
        return ImageFont.truetype(self.path, size, index=self.index)


def font_for(letters: str, *, serif: bool = False) -> Font:
    """A font that has every visible letter. Raises AskPerson `font_missing` with the letters that none has."""
    best: tuple[int, Font | None] = (sys.maxsize, None)
    for path in _candidates(serif):
        for index in _faces(path):
            missing = _missing(path, index, letters)
            if not missing:
                return Font(path=path, index=index)
            best = min(best, (len(missing), Font(path=path, index=index)), key=lambda b: b[0])
    if best[1] is not None and best[0] * 5 < len(set(letters)):
        # Most of it can be written: emoji and rare signs are left to the caller, who drops what no font has.
        return best[1]
    raise AskPerson("no font has these letters", code="font_missing", params={"letters": letters[:20]})


def without_missing(letters: str, font: Font) -> str:
    """`letters` without those that `font` has not."""
    missing = _missing(font.path, font.index, letters)
    return "".join(c for c in letters if c not in missing)


def _candidates(serif: bool) -> list[str]:
    own = os.environ.get("LIKENESS_FONT")
    names = (*(_SERIF if serif else ()), *_SANS, *(() if serif else _SERIF), *_LATIN)
    there = _installed()
    found = [there[name.lower()] for name in names if name.lower() in there]
    return [*([own] if own and Path(own).is_file() else []), *found, *_packaged(serif)]


@cache
def _installed() -> dict[str, str]:
    """File name without ending, in lower case → path."""
    fonts: dict[str, str] = {}
    for folder in _FOLDERS:
        root = Path(folder).expanduser()
        if not root.is_dir():
            continue
        for path in sorted(root.rglob("*")):
            if path.suffix.lower() in (".ttf", ".ttc", ".otf"):
                fonts.setdefault(path.stem.lower(), str(path))
    return fonts


def _packaged(serif: bool) -> list[str]:
    """Found without importing: the package is files."""
    spec = find_spec("pylopdf_fonts_zh_cn")
    if spec is None or not spec.origin:
        return []
    names = ("NotoSansSC-Regular.otf", "NotoSerifSC-Regular.otf")
    paths = [Path(spec.origin).with_name(name) for name in (reversed(names) if serif else names)]
    return [str(path) for path in paths if path.is_file()]


@cache
def _faces(path: str) -> tuple[int, ...]:
    """The faces of a collection that are worth trying: for Noto's that is Simplified Chinese, which stands third."""
    if not path.lower().endswith(".ttc"):
        return (0,)
    names: list[str] = []
    for index in range(10):
        try:
            names.append(str(ImageFont.truetype(path, 12, index=index).getname()[0]))
        except OSError:
            break
    chinese = [i for i, name in enumerate(names) if name.endswith((" SC", " GB")) and "Mono" not in name]
    return tuple(chinese or [0]) if names else ()


@cache
def _absent(path: str, index: int) -> bytes:
    """How the font draws a letter it has not."""
    return bytes(ImageFont.truetype(path, 24, index=index).getmask("\U0010fffd"))


def _missing(path: str, index: int, letters: str) -> frozenset[str]:
    try:
        font = ImageFont.truetype(path, 24, index=index)
        absent = _absent(path, index)
    except OSError:
        return frozenset(letters)
    visible = {c for c in letters if not c.isspace() and c.isprintable()}
    return frozenset(c for c in visible if bytes(font.getmask(c)) == absent)
