"""The fake fal as a program of its own: it outlives the client that is killed."""

import re
import subprocess
import sys
from pathlib import Path

import httpx

from providers.net.certificates import trusted
from tests.servers import patient
from tests.servers.fal import KEY
from tests.waiting import LONG

ROOT = Path(__file__).parents[2]


def test_it_prints_its_address_takes_plans_and_counts() -> None:
    command = [sys.executable, "-m", "tests.servers.fal", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+", address)
            with httpx.Client(
                verify=trusted(), base_url=address, headers={"authorization": f"Key {KEY}"}, timeout=LONG
            ) as client:
                client.post("/_fake/plan", json={"fault": "402"})
                body = {"prompt": "a boat [[job:7]]", "num_images": 2}
                answers = [client.post("/fal-ai/nano-banana-pro", json=body).status_code for _ in range(2)]
                once = {"prompt": "a boat [[job:8]] [[fault_once:429]]", "num_images": 1}
                answers += [client.post("/fal-ai/nano-banana-pro", json=once).status_code for _ in range(2)]
                state = client.get("/_fake/state").json()
        finally:
            process.terminate()
    assert answers == [402, 200, 429, 200]
    assert (state["submits"], state["accepted"], state["billed_pictures"]) == (4, 2, 3)
    assert state["markers"] == {"7": 2, "8": 2}


def test_a_plan_may_stand_from_the_start() -> None:
    command = [sys.executable, "-m", "tests.servers.fal", "--plan", '{"pictures": 0}']
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            headers = {"authorization": f"Key {KEY}"}
            job = patient.post(f"{address}/fal-ai/nano-banana-2", json={"prompt": "x"}, headers=headers).json()
            assert patient.get(job["response_url"], headers=headers).json()["images"] == []
        finally:
            process.terminate()
