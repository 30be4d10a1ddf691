"""The fake ComfyUI's graphs: refused as the real one refuses them, and run node by node."""

from collections.abc import Mapping
from typing import Any

from PIL import Image

from tests.servers.comfyui_nodes import Node, Room


def choices(kind: Any, room: Room) -> list[str] | None:
    """The values a list input takes, or None where it is no list."""
    if isinstance(kind, list):
        return kind
    if kind == "file":
        return sorted(name for type_, folder, name in room.pictures if type_ == "input" and not folder)
    return room.models.get(kind.removeprefix("files:"), []) if kind.startswith("files:") else None


def refusal(graph: Mapping[str, Any], nodes: Mapping[str, Node], room: Room) -> tuple[Any, dict[str, Any]] | None:
    """The `error` and `node_errors` of the 400, or None for a graph that may run."""

    def error(kind: str, message: str, details: str = "") -> dict[str, Any]:
        return {"type": kind, "message": message, "details": details, "extra_info": {}}

    for id_, node in graph.items():
        if "class_type" not in node:
            said = "Cannot execute because a node is missing the class_type property."
            return error("invalid_prompt", said, f"Node ID '#{id_}'"), {}
        if node["class_type"] not in nodes:
            said = f"Cannot execute because node {node['class_type']} does not exist."
            return error("invalid_prompt", said, f"Node ID '#{id_}'"), {}
    outputs = [id_ for id_, node in graph.items() if nodes[node["class_type"]].output]
    if not outputs:
        return error("prompt_no_outputs", "Prompt has no outputs"), {}
    found: dict[str, Any] = {}
    for id_, node in graph.items():
        if problems := [error(*p) for p in _problems(node, graph, nodes, room)]:
            found[id_] = {"errors": problems, "dependent_outputs": outputs, "class_type": node["class_type"]}
    if not found:
        return None
    details = "\n".join(f"{p['message']}: {p['details']}" for node in found.values() for p in node["errors"])
    return error("prompt_outputs_failed_validation", "Prompt outputs failed validation", details), found


def _problems(
    node: Mapping[str, Any], graph: Mapping[str, Any], nodes: Mapping[str, Node], room: Room
) -> list[tuple[str, str, str]]:
    spec, given = nodes[node["class_type"]], node.get("inputs", {})
    found: list[tuple[str, str, str]] = []
    for name, (kind, options) in spec.inputs.items():
        if name not in given:
            if name not in spec.optional:
                found.append(("required_input_missing", "Required input is missing", name))
            continue
        value, values = given[name], choices(kind, room)
        if isinstance(value, list):
            found += _bad_link(name, value, kind, graph, nodes)
        elif kind == "file":
            if room.stored(str(value)) is None:
                said = f"{name} - Invalid image file: {value}"
                found.append(("custom_validation_failed", "Custom validation failed for node", said))
        elif values is not None:
            if value not in values:
                listed = str(values) if len(values) <= 20 else f"(list of length {len(values)})"
                found.append(("value_not_in_list", "Value not in list", f"{name}: '{value}' not in {listed}"))
        elif kind in ("INT", "FLOAT"):
            found += _bad_number(name, value, kind, options)
    return found


def _bad_number(name: str, value: Any, kind: str, options: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    try:
        number = int(value) if kind == "INT" else float(value)
    except (TypeError, ValueError) as error:
        said = f"Failed to convert an input value to a {kind} value"
        return [("invalid_input_type", said, f"{name}, {value}, {error}")]
    if number < options["min"]:
        return [("value_smaller_than_min", f"Value {number} smaller than min of {options['min']}", name)]
    if number > options["max"]:
        return [("value_bigger_than_max", f"Value {number} bigger than max of {options['max']}", name)]
    return []


def _bad_link(
    name: str, link: list[Any], kind: Any, graph: Mapping[str, Any], nodes: Mapping[str, Node]
) -> list[tuple[str, str, str]]:
    if len(link) != 2:
        said = "Bad linked input, must be a length-2 list of [node_id, slot_index]"
        return [("bad_linked_input", said, name)]
    source = graph.get(str(link[0]))
    if source is None or link[1] >= len(nodes[source["class_type"]].returns):
        return [("exception_during_inner_validation", "Exception when validating inner node", repr(link[0]))]
    given = nodes[source["class_type"]].returns[link[1]]
    wanted = "COMBO" if isinstance(kind, list) or kind.startswith("file") else kind
    if given != wanted:
        said = f"{name}, received_type({given}) mismatch input_type({wanted})"
        return [("return_type_mismatch", "Return type mismatch between linked nodes", said)]
    return []


# --- running one


class Broke(Exception):
    """A node failed. `args`: its id, its class, the type and the text of the fault."""


def run(graph: Mapping[str, Any], nodes: Mapping[str, Node], room: Room) -> dict[str, list[Image.Image]]:
    """The pictures of each output node. Raises Broke."""
    done: dict[str, tuple[Any, ...]] = {}

    def value(id_: str) -> tuple[Any, ...]:
        if id_ not in done:
            node = graph[id_]
            spec = nodes[node["class_type"]]
            inputs = {
                name: value(str(given[0]))[given[1]] if isinstance(given, list) else _typed(spec, name, given)
                for name, given in node.get("inputs", {}).items()
            }
            try:
                done[id_] = spec.run(room, inputs)
            except (OSError, TypeError, KeyError, ValueError, AttributeError) as error:
                raise Broke(id_, node["class_type"], type(error).__name__, str(error)) from None
        return done[id_]

    return {id_: value(id_)[0] for id_, node in graph.items() if nodes[node["class_type"]].output}


def _typed(spec: Node, name: str, given: Any) -> Any:
    kind = spec.inputs.get(name, ("", {}))[0]
    return int(given) if kind == "INT" else float(given) if kind == "FLOAT" else given
