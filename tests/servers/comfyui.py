"""A fake ComfyUI: uploads, graphs validated and run as the real one does, queue, history, interrupt, result files.

    with FakeComfyUI.running(models={"checkpoints": ["sd_xl_base_1.0.safetensors"]}) as comfy: …

A job steps on with each look at its history: `Plan.polls` looks before it is done, the first half of them in line.
`custom` names node classes of `comfyui_nodes.CUSTOM` that are installed. `restart()` forgets the line and the history.
"""

import io
import json
import struct
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.servers import serving as server
from tests.servers.comfyui_graphs import Broke, choices, refusal, run
from tests.servers.comfyui_nodes import CUSTOM, NODES, Node, Room
from tests.servers.service import FAULTS, FakeService, Plan, picture_bytes

CHECKPOINTS: Mapping[str, Sequence[str]] = {"checkpoints": ["sd_xl_base_1.0.safetensors"]}


@dataclass(kw_only=True)
class Job:
    """One prompt, and how often its history was asked for."""

    id: str
    number: float
    graph: dict[str, Any]
    plan: Plan
    looks: int = 0
    outputs: dict[str, Any] = field(default_factory=dict)
    status: dict[str, Any] | None = None
    """Set once it has ended."""

    @property
    def state(self) -> str:
        if self.status is not None:
            return "ended"
        return "pending" if self.looks < self.plan.polls / 2 else "running"


class FakeComfyUI(FakeService):
    """`jobs`: by prompt id, in the order they came; `room`: the model files, uploads and saved pictures."""

    FAULTS: ClassVar[Mapping[str, Plan]] = {
        **FAULTS,
        "out_of_memory": Plan(end="out_of_memory"),
        "interrupted": Plan(end="interrupted"),
    }

    def __init__(self, *, models: Mapping[str, Sequence[str]] | None = None, custom: Sequence[str] = ()) -> None:
        self.models = CHECKPOINTS if models is None else models
        self.nodes: dict[str, Node] = NODES | {name: CUSTOM[name] for name in custom}
        super().__init__()

    @classmethod
    @contextmanager
    def running(
        cls, *, models: Mapping[str, Sequence[str]] | None = None, custom: Sequence[str] = ()
    ) -> Iterator["FakeComfyUI"]:
        """`serving` with what lies on the server: model files by folder, further node classes."""
        fake = cls(models=models, custom=custom)
        with server.serving(fake.app, sockets=True) as origin:
            fake.origin = origin
            yield fake

    @classmethod
    @contextmanager
    def serving(cls, *, key: str = "") -> Iterator["FakeComfyUI"]:
        del key  # it has none
        with cls.running() as fake:
            yield fake

    def reset(self) -> None:
        super().reset()
        self.room = Room(models={folder: list(names) for folder, names in self.models.items()})
        self.jobs: dict[str, Job] = {}
        self.cache: dict[str, dict[str, Any]] = {}
        self.frames: Sequence[str] = ()
        """Of whose prompt the socket sends a preview, in order: `ours` or `others`."""

    def restart(self) -> None:
        self.jobs, self.cache = {}, {}

    def routes(self) -> Sequence[BaseRoute]:
        paths = {
            ("/prompt", "POST"): self._prompt,
            ("/prompt", "GET"): self._waiting,
            ("/queue", "GET"): self._queue,
            ("/queue", "POST"): self._unqueue,
            ("/interrupt", "POST"): self._interrupt,
            ("/history/{id}", "GET"): self._history,
            ("/history", "POST"): self._forget,
            ("/view", "GET"): self._view,
            ("/upload/image", "POST"): self._upload,
            ("/object_info", "GET"): self._object_info,
            ("/object_info/{name}", "GET"): self._object_info,
            ("/system_stats", "GET"): self._system_stats,
            ("/models/{folder}", "GET"): self._models,
        }
        calls: list[BaseRoute] = [
            Route(prefix + path, call, methods=[method])
            for (path, method), call in paths.items()
            for prefix in ("", "/api")
        ]
        return [*calls, WebSocketRoute("/ws", self._socket)]

    # --- a prompt and its end

    async def _prompt(self, request: Request) -> Response:
        if (broken := await self.before(request)) is not None:
            return broken
        sent = await self.received(request)
        if request.headers.get("origin", self.origin) != self.origin:
            return Response(status_code=403)
        if not sent.readable:
            return PlainTextResponse("500 Internal Server Error", 500)
        graph = sent.fields.get("prompt")
        if not isinstance(graph, dict):
            error = {"type": "no_prompt", "message": "No prompt provided", "details": "", "extra_info": {}}
            return JSONResponse({"error": error, "node_errors": {}}, 400)
        if refused := refusal(graph, self.nodes, self.room):
            return JSONResponse({"error": refused[0], "node_errors": refused[1]}, 400)
        plan = await self.submitted(_words(graph))
        job = Job(id=str(sent.fields.get("prompt_id", uuid.uuid4())), number=len(self.jobs), graph=graph, plan=plan)
        if not self.refuses(plan):
            self.jobs[job.id] = job
        spoiled = await self.spoiled(request, plan)
        return spoiled or JSONResponse({"prompt_id": job.id, "number": job.number, "node_errors": {}})

    def _end(self, job: Job) -> None:
        """Runs the graph, unless the same was run before, and writes what its history says."""
        messages: list[Any] = [["execution_start", {"prompt_id": job.id, "timestamp": 1}]]
        try:
            if job.plan.end in ("failed", "policy", "withheld"):
                raise Broke("3", "KSampler", "RuntimeError", "/srv/comfy/nodes.py: a tensor of the wrong shape")
            if job.plan.end == "out_of_memory":
                raise Broke("3", "KSampler", "OutOfMemoryError", "Allocation on device 0 would exceed memory")
            if job.plan.end == "interrupted":
                return self._interrupted(job)
            key = json.dumps(job.graph, sort_keys=True)
            if key not in self.cache:
                self.cache[key] = self._saved(job)
            job.outputs = self.cache[key]
            messages.append(["execution_success", {"prompt_id": job.id, "timestamp": 2}])
            job.status = {"status_str": "success", "completed": True, "messages": messages}
        except Broke as broke:
            node, kind, type_, text = broke.args
            told = {
                "prompt_id": job.id, "node_id": node, "node_type": kind, "executed": [], "exception_message": text,
                "exception_type": type_, "traceback": ["  File \"/srv/comfy/execution.py\", line 1\n"],
            }  # fmt: skip
            messages.append(["execution_error", told])
            job.status = {"status_str": "error", "completed": False, "messages": messages}

    def _interrupted(self, job: Job) -> None:
        told = {"prompt_id": job.id, "node_id": "3", "node_type": "KSampler", "executed": []}
        job.status = {"status_str": "error", "completed": False, "messages": [["execution_interrupted", told]]}

    def _saved(self, job: Job) -> dict[str, Any]:
        outputs: dict[str, Any] = {}
        for id_, images in run(job.graph, self.nodes, self.room).items():
            folder, _, prefix = job.graph[id_]["inputs"]["filename_prefix"].rpartition("/")
            images = images[: job.plan.pictures]
            for image in images:
                name = f"{prefix}_{len(self.room.pictures):05}_.png"
                self.room.pictures["output", folder, name] = _png(image, job.graph)
                entry = {"filename": name, "subfolder": folder, "type": "output"}
                outputs.setdefault(id_, {"images": []})["images"].append(entry)
        return outputs

    async def _history(self, request: Request) -> Response:
        self.counts["looks"] += 1
        job = self.jobs.get(request.path_params["id"])
        if job is None:
            return JSONResponse({})
        job.looks += 1
        if job.looks <= len(job.plan.poll_faults):
            return self.faulty(request, job.plan.poll_faults[job.looks - 1])
        if job.status is None and job.looks > job.plan.polls and not job.plan.never:
            self._end(job)
        if job.status is None:
            return JSONResponse({})
        prompt = [job.number, job.id, job.graph, {}, list(job.outputs)]
        told = {"prompt": prompt, "outputs": job.outputs, "status": job.status, "meta": {}}
        return JSONResponse({job.id: told})

    # --- the line

    def _in(self, state: str) -> list[Job]:
        return [job for job in self.jobs.values() if job.state == state]

    async def _queue(self, request: Request) -> Response:
        def listed(state: str) -> list[Any]:
            return [[job.number, job.id, job.graph, {}, []] for job in self._in(state)]

        return JSONResponse({"queue_running": listed("running"), "queue_pending": listed("pending")})

    async def _socket(self, socket: WebSocket) -> None:
        """Frames about the prompt that was sent under this name, with a preview, and about another's, with one."""
        name = socket.query_params.get("clientId", "")
        self.counts["sockets"] += 1
        await socket.accept()
        status = {"status": {"exec_info": {"queue_remaining": 1}}, "sid": name}
        await socket.send_json({"type": "status", "data": status})
        other = struct.pack(">II", 1, 2) + picture_bytes((32, 32), 7)
        for frame in self.frames:
            told = {"value": 1, "max": 20, "prompt_id": name if frame == "ours" else "another's", "node": "3"}
            await socket.send_json({"type": "progress", "data": told})
            await socket.send_bytes(struct.pack(">II", 1, 2) + picture_bytes((64, 64)) if frame == "ours" else other)
            await socket.send_bytes(struct.pack(">II", 4, 2) + b"metadata and a picture")
        with suppress(WebSocketDisconnect):
            await socket.receive()

    async def _waiting(self, request: Request) -> Response:
        left = len(self._in("running")) + len(self._in("pending"))
        return JSONResponse({"exec_info": {"queue_remaining": left}})

    async def _unqueue(self, request: Request) -> Response:
        sent = await self.received(request)
        for id_ in sent.fields.get("delete", ()):
            if id_ in self.jobs and self.jobs[id_].state == "pending":
                del self.jobs[id_]
        return Response()

    async def _interrupt(self, request: Request) -> Response:
        sent = await self.received(request)
        named = sent.fields.get("prompt_id")
        for job in self._in("running"):
            if named in (None, job.id):
                self._interrupted(job)
        return Response()

    async def _forget(self, request: Request) -> Response:
        sent = await self.received(request)
        for id_ in sent.fields.get("delete", ()):
            self.jobs.pop(id_, None)
        return Response()

    # --- files

    async def _upload(self, request: Request) -> Response:
        if (broken := await self.before(request)) is not None:
            return broken
        sent = await self.received(request)
        parts = sent.files.get("image", ())
        if not parts or not parts[0].filename:
            return Response(status_code=400)
        kind, folder = sent.fields.get("type", "input"), sent.fields.get("subfolder", "")
        name, data, n = parts[0].filename, parts[0].data, 0
        stem, dot, ending = name.rpartition(".")
        if sent.fields.get("overwrite") not in ("true", "1"):
            while self.room.pictures.get((kind, folder, name), data) != data:
                n += 1
                name = f"{stem} ({n}){dot}{ending}"
        self.room.pictures[kind, folder, name] = data
        return JSONResponse({"name": name, "subfolder": folder, "type": kind})

    async def _view(self, request: Request) -> Response:
        asked = request.query_params
        name, folder, kind = asked.get("filename", ""), asked.get("subfolder", ""), asked.get("type", "output")
        if ".." in name or ".." in folder or name.startswith("/"):
            return Response(status_code=400)
        data = self.room.pictures.get((kind, folder, name))
        if data is None:
            return Response(status_code=404)
        plans = [job.plan for job in self.jobs.values() if name in json.dumps(job.outputs)]
        return self.file(request, plans[-1] if plans else self.standing, data, "image/png")

    # --- what there is

    async def _object_info(self, request: Request) -> Response:
        wanted = request.path_params.get("name")
        told = {name: self._told(name, node) for name, node in self.nodes.items() if wanted in (None, name)}
        return JSONResponse(told)

    def _told(self, name: str, node: Node) -> dict[str, Any]:
        def shape(kind: Any, options: Mapping[str, Any]) -> list[Any]:
            values = choices(kind, self.room)
            if values is None:
                return [kind, dict(options)]
            return ["COMBO", {"options": values}] if node.combo else [values, dict(options)]

        shapes = {key: shape(*spec) for key, spec in node.inputs.items()}
        return {
            "input": {
                "required": {key: value for key, value in shapes.items() if key not in node.optional},
                "optional": {key: value for key, value in shapes.items() if key in node.optional},
            },
            "output": list(node.returns), "output_name": list(node.returns), "output_node": node.output, "name": name,
        }  # fmt: skip

    async def _system_stats(self, request: Request) -> Response:
        system = {"os": "posix", "ram_total": 1, "ram_free": 1, "comfyui_version": "0.3.64", "argv": ["main.py"]}
        return JSONResponse({"system": system, "devices": [{"name": "cpu", "type": "cpu", "index": None}]})

    async def _models(self, request: Request) -> Response:
        folder = request.path_params["folder"]
        if folder not in self.room.models:
            return Response(status_code=404)
        return JSONResponse(self.room.models[folder])


def _words(graph: Mapping[str, Any]) -> str:
    inputs = [node.get("inputs", {}) for node in graph.values()]
    return " ".join(str(i[name]) for i in inputs for name in ("text", "prompt") if name in i)


def _png(image: Image.Image, graph: Mapping[str, Any]) -> bytes:
    """As SaveImage writes it: with the whole graph in a text."""
    notes, out = PngInfo(), io.BytesIO()
    notes.add_text("prompt", json.dumps(graph))
    image.save(out, "PNG", pnginfo=notes, compress_level=1)
    return out.getvalue()
