"""Traces go to a collector over OTLP/HTTP, without words, keys or ids of people."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bot import traces
from handlers.message import Chat, key_hash
from handlers.order import Order, Shot
from providers import tracing
from tests.world import world

WHO = Chat(channel="fake", chat="openid-of-somebody", person="openid-of-somebody")
WORDS = "a lighthouse that nobody knows of"


@contextmanager
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """Its address, and the bodies that were posted to it."""
    came: list[bytes] = []

    class Takes(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.path == "/v1/traces":
                came.append(body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Takes)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", came
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_a_job_is_traced_from_its_run_to_its_delivery_without_anybodys_words(tmp_path: Path) -> None:
    with collector() as (address, came):
        stop = traces.start(f"{address}/")
        try:
            async with world(tmp_path) as w:
                await w.do("j1", Order(operation="create", shots=(Shot(prompt=WORDS),)), chat=WHO)
        finally:
            stop()
    spans = [
        span
        for body in came
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    by_name = {span.name: span for span in spans}
    assert by_name.keys() >= {"job", "submit", "make", "fetch", "deliver"}
    job = by_name["job"]
    assert {by_name[name].parent_span_id for name in ("make", "fetch", "deliver")} == {job.span_id}
    assert {span.trace_id for span in spans} == {job.trace_id}
    assert {a.key: a.value.string_value for a in by_name["deliver"].attributes} == {
        "likeness.channel": "fake",
        "likeness.state": "sent",
    }
    everything = b"".join(came)
    assert WORDS.encode() not in everything
    assert WHO.person.encode() not in everything


async def test_an_error_is_named_by_its_class_alone() -> None:
    with collector() as (address, came):
        stop = traces.start(address)
        try:
            with pytest.raises(ValueError, match=WORDS), tracing.span("job"):
                raise ValueError(WORDS)
        finally:
            stop()
    assert b"ValueError" in b"".join(came)
    assert WORDS.encode() not in b"".join(came)


def test_without_an_endpoint_nothing_is_traced() -> None:
    traces.start(None)()
    with tracing.span("job", job="j1") as span:
        span.note("state", "sent")


def test_log_lines_within_are_about_the_job_and_the_message() -> None:
    with tracing.about(message_key=key_hash("telegram|1|2")), tracing.about(job="j1"):
        assert tracing.now_about() == {"message_key": key_hash("telegram|1|2"), "job": "j1"}
    assert tracing.now_about() == {}
