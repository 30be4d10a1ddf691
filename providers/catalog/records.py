"""The records of the catalog and how they are read: `styles.toml`, `actions.toml`, `models.toml`, one table a record.

A field that is missing or misspelt in a file is a TypeError when the catalog is first used, never a silent default.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, Literal, TypeVar

Language = Literal["zh", "en"]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Named:
    """Anything with a key and a name in both languages."""

    key: str
    name_zh: str
    name_en: str

    def name(self, language: Language) -> str:
        return self.name_zh if language == "zh" else self.name_en


@dataclass(frozen=True, kw_only=True, slots=True)
class _Used(_Named):
    """Named, and with one line saying what it is good for."""

    use_zh: str
    use_en: str

    def use(self, language: Language) -> str:
        return self.use_zh if language == "zh" else self.use_en


@dataclass(frozen=True, kw_only=True, slots=True)
class Group(_Named):
    """A page of the menu. Groups and the records in them are shown in the order of the files."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Style(_Used):
    """A kind of portrait.

    The seven parts of its prompt are clauses without a final stop; `{who}` in `subject` becomes the person in the
    photo, or one person where there is no photo.
    `likeness`: whether a reference photo's face is to be kept (false for the avatars, which are drawn freely).
    `several`: shows everybody in the photo or photos, not one person.
    `exact`: backdrop, pose and light are prescribed (ID photos), so a scene cannot change them.
    `adult`: not of children.
    `presets`: provider → variant (`female`, `male`) → that provider's own key for this style.
    """

    group: str
    subject: str
    dress: str
    pose: str
    expression: str
    background: str
    light: str
    finish: str
    aspect_ratio: str
    likeness: bool = True
    several: bool = False
    exact: bool = False
    adult: bool = False
    presets: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)

    @property
    def setting(self) -> tuple[str, ...]:
        """What a scene may replace, as sentences: dress and pose and expression, background, light."""
        person = f"{self.dress}; {self.pose}, {self.expression}"
        return (sentence(person), f"Background: {self.background}.", f"Light: {self.light}.")

    @property
    def prompt(self) -> str:
        """The whole prompt as sentences, `{who}` still in it."""
        return " ".join((sentence(self.subject), *self.setting, sentence(self.finish)))

    @property
    def variants(self) -> frozenset[str]:
        """The genders that services have presets of this style for."""
        return frozenset(variant for presets in self.presets.values() for variant in presets)

    @property
    def needs(self) -> tuple[str, ...]:
        """What the person must send: a photo (the command line and Python may do without)."""
        return ("photo",)


@dataclass(frozen=True, kw_only=True, slots=True)
class Action(_Used):
    """A kind of edit.

    `change`, `keep`, `finish` are whole sentences; `change` holds `{request}`.
    `framing`: the picture keeps its framing, unless another aspect ratio is asked for. False for every edit that asks
    for another layout, whose `keep` says nothing of composition.
    `photos`: how many pictures it needs. `several`: said to the model when more than that came along.
    `default_prompt` is done when no words came, `default_with_second` when no words but a further photo came.
    `needs_text`: nothing sensible can be done without words; `default_prompt` is then empty.
    `letters`: the words are to be written on the picture letter for letter.
    `aspect_ratio`: default ratio, None for that of the photo.
    `operation`: which of `providers.task.Operation` it is where no mask is given.
    `adult`: not of children.
    `makes`: what its picture is called in its label (`providers.media.labels.SourceType`), where a service makes it.
    """

    group: str
    change: str
    keep: str
    finish: str
    framing: bool
    default_prompt: str = ""
    default_with_second: str = ""
    several: str
    needs_text: bool = False
    letters: bool = False
    photos: int = 1
    aspect_ratio: str | None = None
    operation: str = "edit"
    adult: bool = False
    makes: Literal["enhanced", "composite", "generated"] = "generated"

    @property
    def prompt(self) -> str:
        """The whole prompt, `{request}` still in it."""
        return " ".join((self.change, self.keep, self.finish))

    @property
    def needs(self) -> tuple[str, ...]:
        """What the person must send, of `photo`, `second_photo`, `text`."""
        return ("photo", *(("second_photo",) if self.photos > 1 else ()), *(("text",) if self.needs_text else ()))

    def text_needed(self, photos: int) -> bool:
        """Whether words must be asked for, given how many photos there are."""
        return not self.default_for(photos)

    def default_for(self, photos: int) -> str:
        """What is asked for when no words came; empty where words are needed."""
        return (self.default_with_second if photos > self.photos else "") or self.default_prompt


@dataclass(frozen=True, kw_only=True, slots=True)
class Model(_Used):
    """A quality of picture. `seconds`: how long one picture typically takes with it."""

    seconds: int


def sentence(clause: str) -> str:
    """A clause as a sentence: first letter large, a full stop at the end."""
    clause = clause.strip()
    return clause[:1].upper() + clause[1:] + ("" if clause.endswith((".", "!", "?", "。", "！", "？", "…")) else ".")


class Table(Mapping[str, T], Generic[T]):
    """Records by key, in the order of the file, read when they are first looked at."""

    def __init__(self, load: Callable[[], Mapping[str, T]]) -> None:
        self._load = load

    def __getitem__(self, key: str) -> T:
        return self._load()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._load())

    def __len__(self) -> int:
        return len(self._load())

    def __repr__(self) -> str:
        return f"<{', '.join(self)}>"


def _freeze(value: Any) -> Any:
    if isinstance(value, dict):
        return MappingProxyType({key: _freeze(inner) for key, inner in value.items()})
    return value


@cache
def _file(name: str) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    return tomllib.loads((Path(__file__).parent / f"{name}.toml").read_text("utf-8"))


def _record(kind: Callable[..., T], file: str, key: str, data: Mapping[str, Any]) -> T:
    try:
        return kind(key=key, **{name: _freeze(value) for name, value in data.items()})
    except TypeError as error:  # a field that is missing, or one that there is not
        raise ValueError(f"{key} in providers/catalog/{file}.toml: {error}") from None


def table(file: str, name: str, kind: Callable[..., T]) -> Table[T]:
    """The records of `[name.KEY]` in `file`.toml, as `kind`."""

    @cache
    def load() -> Mapping[str, T]:
        records = _file(file)[name].items()
        return {key: _record(kind, file, key, data) for key, data in records}

    return Table(load)


STYLES: Mapping[str, Style] = table("styles", "styles", Style)
STYLE_GROUPS: Mapping[str, Group] = table("styles", "groups", Group)
ACTIONS: Mapping[str, Action] = table("actions", "actions", Action)
ACTION_GROUPS: Mapping[str, Group] = table("actions", "groups", Group)
MODELS: Mapping[str, Model] = table("models", "models", Model)


def styles_in(group: str) -> tuple[Style, ...]:
    """The styles of a group, in the order they are shown."""
    return tuple(style for style in STYLES.values() if style.group == group)


def actions_in(group: str) -> tuple[Action, ...]:
    """The actions of a group, in the order they are shown."""
    return tuple(action for action in ACTIONS.values() if action.group == group)
