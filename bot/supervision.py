"""Several processes of one machine from one command: fronts that take messages, and a worker beside them.

    likeness run, FRONT_PROCESSES=2 ─┬─ worker     makes and delivers pictures
             (this module)           ├─ front 1 ┐
                                     └─ front 2 ┴─ one listening socket: whoever is free accepts

One Python process uses one core at most: a front computes while the worker does. They share nothing but the database,
the folders and the socket, as processes do that were started one by one. The command only watches: it loads the program
once and forks each process from itself (no thread has begun by then), starts one that died again, passes signals on,
and ends when they have. A connection that a dead front had not accepted yet goes to another: the socket is one.

uvicorn's own supervisor has workers of one kind only, all of them HTTP servers, and loads the program anew for each.
"""

import asyncio
import logging
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before a process that died before it had been ready for `STEADY` seconds is started again: doubled each
time. One that had is started again at once."""
STEADY = 10.0
STOP_SECONDS = 9.5
"""What all may take to stop, out of the ten seconds that stopping may take; then they are killed."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """What a process has of the one that watches it."""

    _orphaned: int
    """Can be read from once that one is gone."""
    _ready: int

    def tell_ready(self) -> None:
        os.write(self._ready, b"\n")

    def when_orphaned(self, end: Callable[[], None]) -> None:
        """Call `end` once the process that watches this one is gone. Inside a running loop."""
        loop = asyncio.get_running_loop()

        def gone() -> None:
            loop.remove_reader(self._orphaned)
            end()

        loop.add_reader(self._orphaned, gone)


Work = Callable[[Link], int]
"""What a process does, until a SIGTERM; returns its exit code."""


@dataclass(frozen=True, kw_only=True)
class Role:
    name: str
    work: Work


@dataclass(kw_only=True, eq=False)
class _Child:
    role: Role
    pid: int = 0
    """0: it does not run."""
    ready: int = -1
    """Where it tells that it is ready; -1 once it has."""
    ready_at: float = 0.0
    pause: float = 0.0
    due: float = 0.0
    """When it is to be started again."""


@dataclass(kw_only=True)
class Supervisor:
    """`first`, then `then`, each started once those before it are ready. `when_ready` is called when all are, once.

    `run` returns an exit code: 0 after a stop in good order; that of a process which could not even begin. In the
    processes themselves it does not return: they end by SystemExit, as the command itself would.
    """

    first: Sequence[Role]
    then: Sequence[Role]
    when_ready: Callable[[], None]
    stop_seconds: float = STOP_SECONDS
    first_pause: float = FIRST_PAUSE
    _children: list[_Child] = field(default_factory=list, init=False)
    _stopping: bool = field(default=False, init=False)
    _begun: bool = field(default=False, init=False)
    _code: int = field(default=0, init=False)
    _lifeline: tuple[int, int] = field(default=(-1, -1), init=False)
    _waking: "tuple[socket.socket, socket.socket] | None" = field(default=None, init=False)

    def run(self) -> int:
        self._lifeline = os.pipe()
        with self._signals():
            for roles in (self.first, self.then):
                if self._stopping:
                    break
                started = [_Child(role=role) for role in roles]
                self._children += started
                for child in started:
                    self._start(child)
                while not self._stopping and any(child.ready >= 0 or not child.pid for child in started):
                    self._watch()
            if not self._stopping:
                self._begun = True
                self.when_ready()
            while not self._stopping:
                self._watch()
            return self._stop()

    # --- signals

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """A signal wakes `select`, even if it came just before."""
        self._waking = reading, writing = socket.socketpair()
        for end in self._waking:
            end.setblocking(False)
        before = {number: signal.signal(number, self._asked) for number in (signal.SIGTERM, signal.SIGINT)}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        wakeup = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)
            reading.close()
            writing.close()

    def _asked(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    # --- processes

    def _start(self, child: _Child) -> None:
        read, write = os.pipe()
        sys.stdout.flush()
        child.pid = os.fork()
        if child.pid == 0:
            os.close(read)
            self._become(child.role, write)
        os.close(write)
        child.ready, child.ready_at = read, 0.0
        log.info("process started: name=%s pid=%d", child.role.name, child.pid)

    def _become(self, role: Role, ready: int) -> None:
        """Never returns. Signals find no handler of the command's: the work sets its own."""
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL if number != signal.SIGINT else signal.default_int_handler)
        for end in self._waking or ():
            end.close()
        for other in self._children:
            if other.ready >= 0:
                os.close(other.ready)
        os.close(self._lifeline[1])
        raise SystemExit(role.work(Link(_orphaned=self._lifeline[0], _ready=ready)))

    def _watch(self) -> None:
        """Wait until something happens, and see what it is."""
        now = time.monotonic()
        for child in self._children:
            if not child.pid and child.due <= now:
                self._start(child)
        due = [child.due - now for child in self._children if not child.pid]
        assert self._waking is not None  # noqa: S101 - inside `_signals`
        waking = self._waking[0]
        told = [child.ready for child in self._children if child.ready >= 0]
        watched: list[socket.socket | int] = [waking, *told]
        readable, _, _ = select.select(watched, [], [], max(0.0, min(due)) if due else None)
        if waking in readable:
            waking.recv(4096)
        for child in self._children:
            if child.ready in readable:
                self._heard(child)
        self._bury()

    def _heard(self, child: _Child) -> None:
        """It is ready, or it ended before."""
        if os.read(child.ready, 1):
            child.ready_at = time.monotonic()
        else:
            return  # its end is told by its exit
        os.close(child.ready)
        child.ready = -1

    def _bury(self) -> None:
        for child in self._children:
            if not child.pid:
                continue
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if pid:
                self._ended(child, os.waitstatus_to_exitcode(status))

    def _ended(self, child: _Child, code: int) -> None:
        steady = child.ready_at and time.monotonic() - child.ready_at >= STEADY
        was_ready, child.pid = bool(child.ready_at), 0
        if child.ready >= 0:
            os.close(child.ready)
            child.ready = -1
        if self._stopping:
            self._code = self._code or int(code != 0)
        elif not self._begun and not was_ready:
            # It said why; started again, it would say the same.
            self._stopping, self._code = True, code if code > 0 else 1
        else:
            child.pause = 0.0 if steady else min(max(2 * child.pause, self.first_pause), LONGEST_PAUSE)
            child.due = time.monotonic() + child.pause
            log.error(
                "a process ended and is started again: name=%s exit=%d after=%.2fs", child.role.name, code, child.pause
            )

    def _stop(self) -> int:
        """All at once: each lets go of what it has within its own time."""
        end = time.monotonic() + self.stop_seconds
        self._signal(signal.SIGTERM)
        while any(child.pid for child in self._children):
            left = end - time.monotonic()
            if left <= 0:
                log.error("processes did not stop in time and are killed")
                self._signal(signal.SIGKILL)
                self._code, end = 1, time.monotonic() + self.stop_seconds
            assert self._waking is not None  # noqa: S101 - inside `_signals`
            if select.select([self._waking[0]], [], [], max(0.0, left))[0]:
                self._waking[0].recv(4096)
            self._bury()
        return self._code

    def _signal(self, number: int) -> None:
        for child in self._children:
            if child.pid:
                os.kill(child.pid, number)
