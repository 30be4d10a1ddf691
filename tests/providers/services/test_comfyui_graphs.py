"""Graphs of the operator's own: read from their folder, offered where all is there, told where they are broken."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from providers.errors import TellOperator
from providers.services.comfyui.graphs import OURS, missing, ours, read
from providers.services.comfyui.inventory import Inventory
from providers.services.comfyui.provider import ComfyUIProvider
from providers.task import Operation
from tests.providers.services.wishes import PROMPT, wish
from tests.servers.comfyui import CHECKPOINTS, FakeComfyUI

(CHECKPOINT,) = CHECKPOINTS["checkpoints"]


@pytest.fixture
def fake() -> Iterator[FakeComfyUI]:
    with FakeComfyUI.serving() as serving:
        yield serving


@asynccontextmanager
async def provider_of(fake: FakeComfyUI, folder: Path, *, graphs: Path) -> AsyncIterator[ComfyUIProvider]:
    provider = ComfyUIProvider(root=fake.origin, files=folder / "files", graphs=graphs)
    try:
        yield provider
    finally:
        await provider.aclose()


def graph_of(fake: FakeComfyUI) -> dict[str, Any]:
    graph: dict[str, Any] = list(fake.jobs.values())[-1].graph
    return {node["class_type"]: node["inputs"] for node in graph.values()}


def test_those_that_come_with_it_can_all_be_read() -> None:
    graphs, problems = read(OURS)
    assert not problems
    assert graphs == ours()
    assert {missing(graph, Inventory()) is None for graph in graphs} == {False}


def own_graph(folder: Path, name: str, **nodes: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(nodes))
    return folder


async def test_a_graph_of_ones_own_comes_first_and_is_read_from_its_folder(fake: FakeComfyUI, tmp_path: Path) -> None:
    folder = own_graph(
        tmp_path / "graphs", "edit.mine.json",
        a={"class_type": "LoadImage", "inputs": {"image": "$photo"}},
        b={"class_type": "ImageScaleBy", "inputs": {"image": ["a", 0], "upscale_method": "area", "scale_by": 0.5}},
        c={"class_type": "SaveImage", "inputs": {"images": ["b", 0], "filename_prefix": "of $prompt"}},
    )  # fmt: skip
    async with provider_of(fake, tmp_path, graphs=folder) as provider:
        submission = await provider.submit(wish(Operation.EDIT, tmp_path))
    assert submission.model == "edit.mine"
    assert graph_of(fake)["SaveImage"]["filename_prefix"] == f"of {PROMPT}"


async def test_a_graph_that_needs_what_is_not_there_is_not_offered(fake: FakeComfyUI, tmp_path: Path) -> None:
    folder = own_graph(tmp_path / "graphs", "edit.json", a={"class_type": "NobodyHasThis", "inputs": {}})
    async with provider_of(fake, tmp_path, graphs=folder) as provider:
        assert (await provider.submit(wish(Operation.EDIT, tmp_path))).model == CHECKPOINT


@pytest.mark.parametrize(
    "text", ["{", '{"a": {"inputs": {}}}', '{"a": {"class_type": "X", "inputs": {"text": "$nothing"}}}', "[]"]
)
async def test_a_graph_that_cannot_be_read_is_told_to_the_operator(
    fake: FakeComfyUI, tmp_path: Path, text: str
) -> None:
    folder = own_graph(tmp_path / "graphs", "edit.json")
    (folder / "edit.json").write_text(text)
    async with provider_of(fake, tmp_path, graphs=folder) as provider:
        with pytest.raises(TellOperator) as raised:
            await provider.check()
    assert raised.value.code == "provider_endpoint"
    assert "edit.json" in str(raised.value)
