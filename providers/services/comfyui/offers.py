"""What a ComfyUI can do: a row for each use of each graph that it has everything for."""

from collections.abc import Iterator, Sequence

from providers.checkpoints import find
from providers.offers import FREE, Offer, Offers, Support
from providers.services.comfyui.graphs import Graph, Use, missing, ours
from providers.services.comfyui.inventory import Inventory, factor_of
from providers.task import SCALES, Consistency, Operation

KEY = "comfyui"
MAX_COUNT = 4
BY_NAME: frozenset[str] = frozenset()
_RESHAPED = frozenset({Operation.PORTRAIT, Operation.OUTPAINT})
"""A portrait's photo is cropped to the shape asked for, and an outpaint grows to it."""


def possible() -> Offers:
    """What one could do that has everything; for saying who could. Models are then the graphs' names."""
    rows = [_row(graph, use, model=graph.model or graph.name) for graph in _ordered(ours()) for use in graph.uses]
    return Offers(service=KEY, rows=tuple(rows))


def offers(has: Inventory, own: Sequence[Graph] = (), default: str | None = None) -> Offers:
    """`own`: the operator's graphs, which come first. `default`: the checkpoint, where they named one."""
    graphs = [graph for graph in (*own, *_ordered(ours())) if missing(graph, has) is None]
    rows = [row for graph in graphs for use in graph.uses for row in _rows(graph, use, has, default)]
    return Offers(service=KEY, rows=tuple(rows))


def _ordered(graphs: Sequence[Graph]) -> list[Graph]:
    """The better ones first."""
    return sorted(graphs, key=lambda graph: -graph.quality)


def _rows(graph: Graph, use: Use, has: Inventory, default: str | None) -> Iterator[Offer]:
    if graph.wants("$upscaler"):
        yield from _upscales(graph, use, has)
    elif graph.wants("$checkpoint"):
        chosen = find(has.checkpoints, default) if default else has.checkpoints[0]
        if chosen is not None:
            yield _row(graph, use, model=chosen)
        for name in has.checkpoints:
            if name != chosen:
                yield _row(graph, use, model=name, levels=BY_NAME)
    else:
        yield _row(graph, use, model=graph.model or graph.name)


def _upscales(graph: Graph, use: Use, has: Inventory) -> Iterator[Offer]:
    """For each scale the model made for it, else one made for more; the others by name."""
    for scale in SCALES:
        able = sorted((n for n in has.upscalers if factor_of(n) >= scale), key=factor_of)
        for place, name in enumerate(able):
            yield _row(graph, use, model=name, levels=BY_NAME if place else None, scales=frozenset({scale}))


def _row(
    graph: Graph,
    use: Use,
    *,
    model: str,
    levels: frozenset[str] | None = None,
    scales: frozenset[int] | None = None,
) -> Offer:
    return Offer(
        operation=Operation(use.operation),
        model=model,
        price=FREE,
        seconds=graph.seconds,
        levels=levels,
        support=Support(use.support),
        how=use.how,
        quality=graph.quality,
        max_count=MAX_COUNT if graph.wants("$count") else 1,
        min_photos=use.photos[0],
        max_photos=use.photos[1],
        actions=use.actions,
        ratios=None if graph.any_shape or use.operation in _RESHAPED else frozenset(),
        scales=scales,
        consistency=frozenset(Consistency(level) for level in use.consistency),
        identity=use.identity,
        notes={"graph": graph, "use": use},
    )
