"""Graphs as files: ours beside this module, an operator's own in a folder of theirs, both in ComfyUI's API format.

A file is what ComfyUI saves by "Export (API)", with values to be filled in, and a table of its own beside the nodes:

    {
      "likeness": {"operations": {"edit": {}, "portrait": {"consistency": ["strict", "balanced"]}}, "seconds": 60},
      "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "$prompt", "clip": ["4", 1]}},
      …
    }

    $prompt $negative          the words, also within others: "masterpiece, $prompt"
    $photo $photo2 … $mask     the uploaded files; a node whose photo is not given is left out, with the links to it
    $width $height             the size a model works at; $full_width $full_height the size the picture is to have
    $count                     how many
    $left $top $right $bottom $feathering              the border of an outpaint
    $seed $steps $cfg $denoise                         of the sampler
    $checkpoint $upscaler      model files, as chosen
    $file:*kontext*|*fill*     the first model file of this input like one of the patterns

Without a table the file's name says what it is for: `edit.json`, or `edit.my-own.json`. A graph is offered when all
its classes, values and files are there, so that what a server can do is read from the server.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from providers.errors import TellOperator
from providers.services.comfyui.inventory import Inventory

OURS = Path(__file__).parent / "graphs"
Nodes = Mapping[str, Mapping[str, Any]]
_FILLED = frozenset(
    {
        "$prompt", "$negative", "$mask", "$width", "$height", "$full_width", "$full_height", "$count", "$left", "$top",
        "$right", "$bottom", "$feathering", "$seed", "$steps", "$cfg", "$denoise", "$checkpoint", "$upscaler",
    }
)  # fmt: skip
_PHOTO = re.compile(r"\$photo(\d?)")
_WORDS = ("$prompt", "$negative")
_TABLE = frozenset({"operations", "photos", "pixels", "step", "quality", "seconds", "model"})
_USE = frozenset({"support", "how", "consistency", "identity", "denoise", "photos", "actions"})


@dataclass(frozen=True, kw_only=True)
class Use:
    """What a graph is for. `denoise`: how much of the photo is painted anew, 0 to 1."""

    operation: str
    support: str = "native"
    how: str = ""
    consistency: tuple[str, ...] = ("balanced", "loose")
    identity: str = ""
    denoise: float = 1.0
    photos: tuple[int, int] = (1, 1)
    actions: frozenset[str] | None = None
    """Of an edit; None: every one."""


@dataclass(frozen=True, kw_only=True)
class Graph:
    """`pixels`, `step`: of the photos it works on; None: those of the checkpoint. `model`: as it stands in results."""

    name: str
    nodes: Nodes
    uses: tuple[Use, ...]
    model: str = ""
    pixels: int | None = None
    step: int = 8
    quality: int = 2
    seconds: float = 60.0

    @property
    def any_shape(self) -> bool:
        """Whether it makes pictures of another shape than its photo's."""
        return any(node["inputs"].get("width") == "$width" for node in self.nodes.values() if _is_empty(node))

    def wants(self, placeholder: str) -> bool:
        return any(value == placeholder for *_, value in _values(self.nodes))


def read(folder: Path) -> tuple[tuple[Graph, ...], tuple[TellOperator, ...]]:
    """The graphs of a folder, by name, and `provider_endpoint` for each that cannot be read. Blocks."""
    graphs: list[Graph] = []
    problems: list[TellOperator] = []
    for path in sorted(folder.glob("*.json")):
        try:
            graphs.append(_graph(path))
        except TellOperator as problem:
            problems.append(problem)
    return tuple(graphs), tuple(problems)


@cache
def ours() -> tuple[Graph, ...]:
    """Those shipped, which are examples too."""
    return read(OURS)[0]


def _graph(path: Path) -> Graph:
    try:
        nodes = json.loads(path.read_text("utf-8"))
        table = nodes.pop("likeness", {"operations": {path.name.split(".")[0]: {}}})
        if unknown := set(table) - _TABLE:
            raise ValueError(f"unknown {min(unknown)}")
        photos = _photos(nodes)
        uses = tuple(_use(name, row, table.get("photos", photos)) for name, row in table["operations"].items())
        more = {key: table[key] for key in ("pixels", "step", "quality", "seconds", "model") if key in table}
        graph = Graph(name=path.stem, nodes=nodes, uses=uses, **more)
        for node in nodes.values():
            _check(node["class_type"], node["inputs"].values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TellOperator(
            f"the graph {path.name} cannot be read: {type(error).__name__}", code="provider_endpoint"
        ) from None
    return graph


def _use(name: str, row: Mapping[str, Any], photos: tuple[int, int]) -> Use:
    if unknown := set(row) - _USE:
        raise ValueError(f"unknown {min(unknown)}")
    least, most = (0, 0) if name == "create" else row.get("photos", photos)
    if not most and name not in ("create", "portrait"):
        raise ValueError("a graph for photos that takes none")
    more = {key: row[key] for key in ("support", "how", "identity", "denoise") if key in row}
    if "consistency" in row:
        more["consistency"] = tuple(row["consistency"])
    if "actions" in row:
        more["actions"] = frozenset(row["actions"])
    return Use(operation=name, photos=(least, most), **more)


def _check(kind: Any, values: Iterable[Any]) -> None:
    if not isinstance(kind, str):
        raise TypeError("class_type")
    for value in values:
        plain = not isinstance(value, str) or not value.startswith("$") or any(word in value for word in _WORDS)
        if not plain and value not in _FILLED and not _PHOTO.fullmatch(value) and not value.startswith("$file:"):
            raise ValueError("a placeholder that is not known")


def _photos(nodes: Nodes) -> tuple[int, int]:
    numbers = [int(found[1] or 1) for *_, value in _values(nodes) if (found := _photo(value))]
    return (min(1, len(numbers)), max(numbers, default=0))


def _photo(value: Any) -> re.Match[str] | None:
    return _PHOTO.fullmatch(value) if isinstance(value, str) else None


def _is_empty(node: Mapping[str, Any]) -> bool:
    return "EmptyLatent" in node["class_type"] or "EmptySD3Latent" in node["class_type"]


def _values(nodes: Nodes) -> Iterator[tuple[str, Mapping[str, Any], str, Any]]:
    """(id, node, input, value) of every input that is no link."""
    for id_, node in nodes.items():
        for name, value in node["inputs"].items():
            if not isinstance(value, list):
                yield id_, node, name, value


def missing(graph: Graph, has: Inventory) -> str | None:
    """What the server lacks for this graph: a class, a value or a kind of file; None where nothing does."""
    for node in graph.nodes.values():
        if node["class_type"] not in has.lists:
            return str(node["class_type"])
    for _, node, name, value in _values(graph.nodes):
        kind = node["class_type"]
        choices = has.values(kind, name)
        if not isinstance(value, str) or _photo(value) or value == "$mask":
            continue
        if value.startswith("$file:"):
            if has.matching(kind, name, value.removeprefix("$file:")) is None:
                return value.removeprefix("$file:")
        elif value in ("$checkpoint", "$upscaler"):
            if not choices:
                return value.removeprefix("$")
        elif choices is not None and value not in _FILLED and not _is_file(kind) and value not in choices:
            return value
    return None


def _is_file(kind: str) -> bool:
    """Whether its list is of uploads, which changes all the time."""
    return kind.startswith("LoadImage")


def filled(graph: Graph, has: Inventory, values: Mapping[str, Any]) -> dict[str, Any]:
    """The graph to post. `values`: by placeholder; a photo that is not among them leaves its node out."""
    nodes: dict[str, Any] = {id_: deepcopy(dict(node)) for id_, node in graph.nodes.items()}
    absent = {id_ for id_, _, _, value in _values(nodes) if _photo(value) and value not in values}
    for id_ in absent:
        del nodes[id_]
    for node in nodes.values():
        inputs = {name: v for name, v in node["inputs"].items() if not (isinstance(v, list) and v[0] in absent)}
        node["inputs"] = {name: _fill(has, node["class_type"], name, v, values) for name, v in inputs.items()}
    return nodes


def _fill(has: Inventory, kind: str, name: str, value: Any, values: Mapping[str, Any]) -> Any:
    if not isinstance(value, str):
        return value
    if value in values:
        return values[value]
    if value.startswith("$file:"):
        return has.matching(kind, name, value.removeprefix("$file:"))
    return re.sub(r"\$(prompt|negative)\b", lambda found: str(values[found[0]]), value)
