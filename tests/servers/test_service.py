"""The base of the fakes keeps its promises: what is sent is recorded, faults strike as named, the clock turns."""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from providers.net.certificates import trusted
from tests.servers import patient
from tests.servers.service import FakeService, picture_bytes
from tests.waiting import LONG

ROOT = Path(__file__).parents[2]


class Postbox(FakeService):
    """The smallest service: takes anything."""

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/take", self._take, methods=["POST"]),
            Route("/now", lambda _: JSONResponse(self.clock.now())),
            Route("/file", self._file),
        ]

    async def _take(self, request: Request) -> Response:
        if (broken := await self.before(request)) is not None:
            return broken
        sent = await self.received(request)
        plan = await self.submitted(str(sent.fields.get("prompt", "")))
        if not self.refuses(plan):
            self.billed += 1
        return await self.spoiled(request, plan) or JSONResponse({"id": "1"})

    async def _file(self, request: Request) -> Response:
        return self.file(request, self.standing, picture_bytes((8, 8)), "image/png")


def test_json_and_forms_are_recorded_with_their_files() -> None:
    with Postbox.serving() as box:
        patient.post(f"{box.origin}/take", json={"prompt": "a boat"})
        files = [("image[]", ("a.png", picture_bytes((8, 6)), "image/png"))] * 2
        patient.post(f"{box.origin}/take", data={"prompt": "two"}, files=files)
        patient.post(f"{box.origin}/take", content=b"{", headers={"content-type": "application/json"})
    first, second, third = box.sent
    assert (first.fields, first.multipart) == ({"prompt": "a boat"}, False)
    assert (second.fields, second.multipart) == ({"prompt": "two"}, True)
    assert [(p.filename, p.type, p.image().size) for p in second.files["image[]"]] == [
        ("a.png", "image/png", (8, 6))
    ] * 2
    assert not third.readable
    assert box.submits == 3


@pytest.mark.parametrize(("fault", "billed"), [("busy_soon", 0), ("503", 0), ("502", 1), ("junk", 1), ("empty", 1)])
def test_a_fault_says_whether_the_job_was_taken(fault: str, billed: int) -> None:
    with Postbox.serving() as box:
        box.plan(fault)
        answer = patient.post(f"{box.origin}/take", json={})
        assert (box.billed, box.submits) == (billed, 1)
        assert answer.headers.get("retry-after") == ("2" if fault == "busy_soon" else None)
        assert patient.post(f"{box.origin}/take", json={}).json() == {"id": "1"}


@pytest.mark.parametrize(("fault", "submits"), [("reset_before", 0), ("reset_after", 1)])
def test_a_reset_comes_before_or_after_the_body(fault: str, submits: int) -> None:
    with Postbox.serving() as box:
        box.plan(fault)
        with pytest.raises(httpx.TransportError):
            patient.post(f"{box.origin}/take", content=b"x" * 3_000_000)
        assert (box.submits, box.billed) == (submits, submits)


def test_plans_go_to_the_prompt_they_name_as_often_as_they_say() -> None:
    with Postbox.serving() as box:
        box.plan("busy", match="cat", times=2)
        said = [
            patient.post(f"{box.origin}/take", json={"prompt": p}).status_code for p in ("dog", "cat", "cat", "cat")
        ]
    assert said == [200, 429, 429, 200]


def test_a_file_may_be_gone_cut_or_no_picture() -> None:
    with Postbox.serving() as box:
        whole = patient.get(f"{box.origin}/file").content
        for fault, status in (("gone", 404), ("expired", 403)):
            box.always(fault)
            assert patient.get(f"{box.origin}/file").status_code == status
        box.always("truncated")
        assert len(patient.get(f"{box.origin}/file").content) == len(whole) // 2
        box.always("cut")
        with pytest.raises(httpx.RemoteProtocolError):
            patient.get(f"{box.origin}/file")


def test_it_runs_as_a_program_that_takes_plans_and_turns_its_clock() -> None:
    command = [sys.executable, "-m", "tests.servers.service", f"{__name__}:Postbox", "--fault", "busy"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+", address)
            with httpx.Client(verify=trusted(), base_url=address, timeout=LONG) as client:
                assert client.post("/take", json={}).status_code == 429
                client.post("/_fake/plan", json={"always": True})
                assert client.post("/take", json={}).status_code == 200
                before = client.get("/now").json()
                client.post("/_fake/turn", json={"seconds": 3600})
                assert client.get("/now").json() - before >= 3600
                assert client.get("/_fake/state").json()["submits"] == 2
        finally:
            process.terminate()
