"""Fronts and a worker from one command: any of them may die, none is missed, and all end together."""

import io
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from PIL import Image

from bot import logs
from bot.supervision import Link, Role, Supervisor
from tests.programs import Program
from tests.waiting import LONG, until

STARTED = re.compile(r"process started: name=(\w+(?: \d)?) pid=(\d+)")


@dataclass(frozen=True, kw_only=True)
class Command:
    program: Program
    log: Path
    address: str

    def pids(self, name: str = "") -> list[int]:
        """Of every process that was started, or of those of one name, oldest first."""
        return [int(pid) for which, pid in STARTED.findall(self.log.read_text()) if name in which]

    async def another(self, name: str) -> None:
        """Kill this process, and wait until another is there in its place."""
        before = self.pids(name)
        os.kill(before[-1], signal.SIGKILL)
        await until(lambda: len(self.pids(name)) > len(before))


def lives(pid: int) -> bool:
    """A process that has ended and whose parent has not asked yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@asynccontextmanager
async def command(folder: Path, channels: str = "web", **settings: str) -> AsyncIterator[Command]:
    env = {"PATH": os.environ["PATH"], "DATA_DIR": str(folder / "data"), "OUTPUT_DIR": str(folder / "pictures")}
    log = folder / "log"
    program = Program("run", "--port", "0", "--channels", channels, env=env | settings, cwd=folder, stderr=log)
    try:
        line = await program.readline()
        yield Command(program=program, log=log, address=line.rpartition(" ")[2].strip())
    finally:
        await program.end()


async def test_a_picture_comes_though_the_worker_and_a_front_are_killed_meanwhile(tmp_path: Path) -> None:
    photo = io.BytesIO()
    Image.effect_noise((96, 96), 60).convert("RGB").save(photo, "JPEG")
    async with command(tmp_path, FRONT_PROCESSES="2") as made:
        async with httpx.AsyncClient(base_url=made.address, timeout=LONG) as page:
            await page.get("/")
            files = {"photos": ("me.jpg", photo.getvalue())}
            sent = await page.post("/api/messages", data={"text": "水彩风格"}, files=files)
            assert sent.status_code == 202
        await made.another("worker")
        await made.another("front 1")
        async with httpx.AsyncClient(base_url=made.address, timeout=LONG, cookies=page.cookies) as again:
            # New connections, whoever accepts them.
            assert [(await again.get("/healthz", headers={"connection": "close"})).status_code for _ in range(9)] == [
                200
            ] * 9

            async def pictures() -> list[object]:
                said = (await again.get("/api/messages")).json()["messages"]
                return [one for message in said if message["from"] == "bot" for one in message.get("pictures", ())]

            assert len(await until(pictures, every=0.05)) == 1
        made.program.send_signal(signal.SIGTERM)
        assert await made.program.wait() == 0
        assert [pid for pid in made.pids() if lives(pid)] == []


async def test_processes_end_with_the_one_that_watches_them(tmp_path: Path) -> None:
    async with command(tmp_path, FRONT_PROCESSES="1") as made:
        made.program.killed()
        await until(lambda: not any(map(lives, made.pids())), every=0.05)


async def test_what_cannot_begin_is_said_once_and_ends_the_command(tmp_path: Path) -> None:
    nobody = {"DATABASE_URL": "postgresql://127.0.0.1:1/none", "DATABASE_WAIT_SECONDS": "0"}
    async with command(tmp_path, FRONT_PROCESSES="2", **nobody) as made:
        assert made.address == ""
        assert await made.program.wait() == 1
    assert made.log.read_text().count("Error: ") == 1
    assert len(made.pids()) == 1


async def test_one_front_only_where_a_channel_cannot_be_spread(tmp_path: Path) -> None:
    callbacks = {"WECOM_BOT_TOKEN": "token", "WECOM_BOT_AES_KEY": "k" * 43}
    async with command(tmp_path, "wecom,web", FRONT_PROCESSES="3", **callbacks) as made:
        assert len(made.pids("front")) == 1
        assert "one front only, instead of FRONT_PROCESSES: wecom" in made.log.read_text()


# --- the watching alone, with processes that do next to nothing


async def test_a_process_that_will_not_stop_is_killed(tmp_path: Path) -> None:
    program = Program("deaf", module="tests.bot.test_supervision", stderr=tmp_path / "log")
    assert await program.readline() == "all are ready\n"
    program.send_signal(signal.SIGTERM)
    assert await program.wait() == 1


async def test_one_that_dies_at_once_each_time_is_started_with_growing_pauses(tmp_path: Path) -> None:
    program = Program("dying", module="tests.bot.test_supervision", stderr=tmp_path / "log")
    assert await program.readline() == "all are ready\n"
    log = tmp_path / "log"
    await until(lambda: log.read_text().count("after=") > 2)
    await program.end()
    assert re.findall(r"after=(\S+)s", log.read_text())[:3] == ["0.02", "0.04", "0.08"]


def _watching(how: str) -> int:
    def deaf(link: Link) -> int:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        link.tell_ready()
        while True:
            signal.pause()

    def dying(link: Link) -> int:
        link.tell_ready()
        return 3

    work = {"deaf": deaf, "dying": dying}[how]
    watch = Supervisor(
        first=[Role(name=how, work=work)],
        then=[],
        when_ready=lambda: print("all are ready", flush=True),
        stop_seconds=0.3,
        first_pause=0.02,
    )
    logs.configure("info", "text")
    return watch.run()


if __name__ == "__main__":
    sys.exit(_watching(sys.argv[1]))
