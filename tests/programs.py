"""Programs as processes of their own, without the seconds their imports take: one process a test run has them done, and
forks for each program. What is imported only on use stays imported only on use elsewhere: tests of starting
(`test_end_to_end`) start the program itself.
"""

import asyncio
import atexit
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from runpy import run_module
from typing import Any, NoReturn

from tests.waiting import LONG

ROOT = Path(__file__).parents[1]
UNREAD = Path(os.devnull)
LOOK_AGAIN = 0.01
LARGEST = 1 << 20
"""Bytes of a request to the forking process."""


class _Forker:
    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "tests.programs", str(theirs.fileno())]
        self._process = subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()])
        theirs.close()
        self._socket = ours
        self._lock = threading.Lock()
        atexit.register(self._process.kill)

    def ask(self, what: Mapping[str, Any], files: Sequence[int] = ()) -> int | None:
        """`files`: for its stdout and stderr."""
        with self._lock:
            socket.send_fds(self._socket, [json.dumps(what).encode() + b"\n"], files)
            answer: int | None = json.loads(self._socket.recv(LARGEST))
            return answer


@cache
def _forker() -> _Forker:
    return _Forker()


class Program:
    """A process that runs `likeness` with these words, or the main part of a module.

    `stdout`, `stderr`: files for what it prints; else its stdout is read with `readline` and its stderr is ours.
    """

    def __init__(
        self,
        *words: str,
        module: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
        stdout: Path | None = None,
        stderr: Path | None = None,
    ) -> None:
        self.returncode: int | None = None
        self._read: int | None = None
        opened = []
        if stdout is None:
            self._read, write = os.pipe()
            opened.append(write)
        else:
            opened.append(os.open(stdout, os.O_WRONLY | os.O_CREAT, 0o600))
        opened.append(os.dup(2) if stderr is None else os.open(stderr, os.O_WRONLY | os.O_CREAT, 0o600))
        try:
            what = {"words": words, "module": module, "env": dict(os.environ if env is None else env), "cwd": str(cwd)}
            pid = _forker().ask({"start": what}, opened)
        finally:
            for file in opened:
                os.close(file)
        assert pid is not None
        self.pid = pid
        self._lines = None if self._read is None else os.fdopen(self._read, "r", encoding="utf-8")

    async def readline(self) -> str:
        """The next line it prints; empty at the end."""
        assert self._lines is not None
        return await asyncio.to_thread(self._lines.readline)

    def kill(self) -> None:
        """From any thread."""
        os.kill(self.pid, signal.SIGKILL)

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def poll(self) -> int | None:
        """As of `subprocess.Popen`."""
        if self.returncode is None:
            self.returncode = _forker().ask({"poll": self.pid})
        return self.returncode

    def result(self) -> int:
        """Blocks until it has ended."""
        code = _forker().ask({"wait": self.pid}) if self.returncode is None else self.returncode
        assert code is not None
        self.returncode = code
        return code

    async def wait(self) -> int:
        """Its exit code, once it has ended; nothing it printed is read after that."""
        async with asyncio.timeout(LONG):
            while (code := self.poll()) is None:  # noqa: ASYNC110  # another process
                await asyncio.sleep(LOOK_AGAIN)
        self._close()
        return code

    async def end(self, number: int = signal.SIGTERM) -> None:
        """Stop it, if it still runs, and close what was open to it."""
        if self.poll() is None:
            self.send_signal(number)
            await self.wait()
        self._close()

    def killed(self) -> None:
        """Kill it and wait for its end."""
        self.kill()
        end = time.monotonic() + LONG
        while self.poll() is None:
            assert time.monotonic() < end
            time.sleep(LOOK_AGAIN)
        self._close()

    def _close(self) -> None:
        if self._lines is not None:
            self._lines.close()


def _serve(connection: socket.socket) -> None:
    """Each line is a request, answered by a number: the id of what was started, or an exit code."""
    import bot.channels
    from bot.cli import COMMANDS
    from providers.registry import services

    packages = [found.name for found in iter_modules(bot.channels.__path__, "bot.channels.") if found.ispkg]
    on_use = [f"{package}.channel" for package in packages]
    for module in ("bot.web_app", *on_use, *(named.partition(":")[0] for named in COMMANDS.values())):
        if find_spec(module):
            import_module(module)
    services()
    gc.freeze()
    while True:
        line, files, _, _ = socket.recv_fds(connection, LARGEST, 2)
        while line and not line.endswith(b"\n"):
            line += connection.recv(LARGEST)
        if not line:
            return
        what = json.loads(line)
        answer: int | None
        if "start" in what:
            answer = os.fork()
            if answer == 0:
                connection.close()
                _be(what["start"], files)
            for file in files:
                os.close(file)
        else:
            pid, status = os.waitpid(what.get("wait") or what["poll"], 0 if "wait" in what else os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
        connection.sendall(json.dumps(answer).encode())


def _be(what: Mapping[str, Any], files: Sequence[int]) -> NoReturn:
    from bot.cli import main

    for number, file in enumerate((os.open(os.devnull, os.O_RDONLY), *files)):
        os.dup2(file, number)
        os.close(file)
    os.chdir(what["cwd"])
    os.environ.clear()
    os.environ.update(what["env"])
    code: Any = 0
    try:
        if what["module"]:
            warnings.simplefilter("error", append=True)
            sys.argv = [what["module"], *what["words"]]
            run_module(what["module"], run_name="__main__", alter_sys=True)
        else:
            sys.argv = ["likeness", *what["words"]]
            main(prog_name="likeness")
    except SystemExit as left:
        code = left.code
    except BaseException:  # as the interpreter would tell it
        traceback.print_exc()
        code = 1
    # What the interpreter does at its end, but for taking its modules apart.
    threading._shutdown()  # type: ignore[attr-defined]  # untyped
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
