"""`MediaRef`: the name of a stored file that every process understands, wherever its folders are.

Stored data holds refs, never paths: `data/photos/1f0c…/9a2b….jpg`, `pictures/4be1…/anime-20261130-x.png`. In memory
a value holds the path of the file on this machine (`MediaStore.path`). The two meet where a value is written or read
as JSON: a field of the type `StoredPath` is a ref in JSON wherever a `MediaStore` is given as the context.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, Protocol, Self

from pydantic import BeforeValidator, PlainSerializer, SerializationInfo, ValidationInfo

Area = Literal["data", "pictures"]
"""`data`: what people sent, and what belongs to no result. `pictures`: what was made."""
AREAS: tuple[Area, ...] = ("data", "pictures")


@dataclass(frozen=True, slots=True, order=True)
class MediaRef:
    """`name`: where in its area, with `/`; it never leads out of it. Raises ValueError for a name that would."""

    area: Area
    name: str

    def __post_init__(self) -> None:
        parts = PurePosixPath(self.name).parts
        if not parts or self.name.startswith("/") or any(part in ("..", ".") for part in self.name.split("/")):
            raise ValueError("not the name of a stored file")

    def __str__(self) -> str:
        return f"{self.area}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError for what is no ref."""
        area, _, name = text.partition("/")
        if area not in AREAS:
            raise ValueError("not the ref of a stored file")
        return cls(area, name)


class Places(Protocol):
    """Between refs and this machine's paths. Pure: no file is looked at."""

    def ref(self, path: Path) -> MediaRef:
        """Raises ValueError for a file that lies elsewhere: another process could not find it."""

    def path(self, ref: MediaRef) -> Path: ...


def stored_name(path: Path, places: Places | None) -> str:
    """How a path is written down: as a ref where there are places, else as it is."""
    return str(path) if places is None else str(places.ref(path))


def path_of(name: str, places: Places | None) -> Path:
    """The path of what was written down."""
    return Path(name) if places is None else places.path(MediaRef.parse(name))


def _written(path: Path, info: SerializationInfo) -> str:
    return stored_name(path, info.context)


def _read(value: Any, info: ValidationInfo) -> Any:
    return str(path_of(value, info.context)) if isinstance(value, str) and info.context is not None else value


def _written_notes(notes: Mapping[str, Any], info: SerializationInfo) -> dict[str, Any]:
    photos = notes.get("photos")
    if info.context is None or not isinstance(photos, list):
        return dict(notes)
    return {**notes, "photos": [stored_name(Path(photo), info.context) for photo in photos]}


def _read_notes(notes: Any, info: ValidationInfo) -> Any:
    photos = notes.get("photos") if isinstance(notes, dict) else None
    if info.context is None or not isinstance(photos, list):
        return notes
    return {**notes, "photos": [str(path_of(photo, info.context)) for photo in photos]}


StoredNotes = Annotated[
    Mapping[str, Any], BeforeValidator(_read_notes), PlainSerializer(_written_notes, when_used="json")
]
"""A provider's own notes; `photos` in them is a list of local files, which are refs in JSON as of `StoredPath`."""
StoredPath = Annotated[Path, BeforeValidator(_read), PlainSerializer(_written, when_used="json")]
"""A local file; in JSON its `MediaRef`, where the JSON is written and read with a `Places` as its context."""
