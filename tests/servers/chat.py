"""A fake chat endpoint that speaks the OpenAI chat-completions protocol over HTTP, faults included.

with FakeChat.serving() as chat: chat.answers({...}); … assert chat.calls == 1
"""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.servers import serving as server

KEY = "test-chat-key"
MODEL = "small-reader"
EMPTY: dict[str, Any] = {
    "operation": "none",
    "style": None,
    "action": None,
    "command": None,
    "model": "nanopro",
    "count": 1,
    "aspect_ratio": None,
    "scale": None,
    "scene": None,
    "prompt": None,
    "items": [],
    "then": [],
    "ask": [],
}


class FakeChat:
    """Checks each request as the real endpoint does, and answers with the next answer or fault planned."""

    def __init__(self) -> None:
        self.calls = 0
        self.bodies: list[dict[str, Any]] = []
        self.origin = ""
        self.release = threading.Event()
        self.usage: dict[str, Any] | None = {"prompt_tokens": 900, "completion_tokens": 100, "total_tokens": 1000}
        self._content = json.dumps(EMPTY)
        self._fault: str | None = None
        self.app = Starlette(routes=[Route("/v1/chat/completions", self._complete, methods=["POST"])])

    @classmethod
    @contextmanager
    def serving(cls) -> Iterator["FakeChat"]:
        fake = cls()
        with server.serving(fake.app) as origin:
            fake.origin = origin
            try:
                yield fake
            finally:
                fake.release.set()

    @property
    def url(self) -> str:
        return f"{self.origin}/v1"

    def answers(self, **fields: Any) -> None:
        """The next answers are this reading; what is left out is empty."""
        self._content = json.dumps({**EMPTY, **fields}, ensure_ascii=False)
        self._fault = None

    def says(self, content: str) -> None:
        """The next answers are these words, whatever they are."""
        self._content = content
        self._fault = None

    def fails(self, fault: str) -> None:
        """unauthorized, limited, broken, reset, silent, garbage, page, refusal, cut_off, no_choices, huge, redirect"""
        self._fault = fault

    async def _complete(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return _error(401, "invalid_api_key")
        body = await request.json()
        wrong = _wrong(body)
        if wrong:
            return _error(400, wrong)
        self.calls += 1
        self.bodies.append(body)
        return await self._planned()

    async def _planned(self) -> Response:
        message: dict[str, Any] = {"role": "assistant", "content": self._content, "refusal": None}
        choice: dict[str, Any] = {"index": 0, "finish_reason": "stop", "message": message}
        match self._fault:
            case "unauthorized":
                return _error(401, "invalid_api_key")
            case "limited":
                return JSONResponse({"error": {"code": "rate_limit_exceeded"}}, 429, headers={"Retry-After": "20"})
            case "broken":
                return _error(500, "server_error")
            case "reset":
                return _Reset()
            case "silent":
                await _until(self.release)
            case "garbage":
                return PlainTextResponse('{"choices": [{"message": {"con', media_type="application/json")
            case "page":
                return Response("<html><h1>502 Bad Gateway</h1></html>", media_type="text/html")
            case "refusal":
                choice["message"] = {"role": "assistant", "content": None, "refusal": "I can't help with that."}
            case "cut_off":
                choice["finish_reason"] = "length"
            case "huge":
                choice["message"]["content"] = " " * 200_000
            case "redirect":
                return Response(status_code=307, headers={"Location": "http://127.0.0.1:9/steal"})
        choices = [] if self._fault == "no_choices" else [choice]
        return JSONResponse(
            {"id": "chatcmpl-1", "object": "chat.completion", "model": MODEL, "choices": choices, "usage": self.usage}
        )


def _error(status: int, code: str) -> JSONResponse:
    return JSONResponse({"error": {"message": "no", "type": "invalid_request_error", "code": code}}, status)


def _wrong(body: dict[str, Any]) -> str | None:
    """What the real endpoint would refuse: another model, no strict schema, a schema that is not closed."""
    wanted = body.get("response_format", {})
    shape = wanted.get("json_schema", {})
    if body.get("model") != MODEL:
        return "model_not_found"
    if wanted.get("type") != "json_schema" or shape.get("strict") is not True or not shape.get("name"):
        return "no_strict_schema"
    return None if _closed(shape.get("schema", {})) else "invalid_schema"


def _closed(schema: dict[str, Any]) -> bool:
    """Strict mode: each object names all its properties as required and allows no others."""
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        return (
            schema.get("additionalProperties") is False
            and set(schema.get("required", ())) == set(properties)
            and all(_closed(p) for p in properties.values())
        )
    return _closed(schema["items"]) if schema.get("type") == "array" else True


class _Reset(Response):
    """Breaks the connection off in the middle of the body it promised."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"4096")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"choices": [', "more_body": True})
        raise ConnectionResetError


async def _until(event: threading.Event) -> None:
    await asyncio.get_running_loop().run_in_executor(None, event.wait, 10.0)
