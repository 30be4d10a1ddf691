"""From the acknowledgement of a message to its end, once for every channel.

    platform ──▶ put: an inbox row under our lease ──acknowledged──▶ the person's line ──▶ joined ──▶ handled ──▶ done
                                                                         ▲
   rows of processes that died, looked for every two seconds ──┤
   rows that other processes put into lines of this one ───────┘

A line is one person's, and one process works on it, whichever process took its rows from the platform: so what was sent
together is joined, and what was sent first is handled first, on any number of them.

Every row ends: done; failed, where it cannot be handled (the person and the operator are told, once); or it is given
back, for any living process to take up, when this one stops or its platform stays away.
"""

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from bot.channels.arrivals import Arrival, Joined, Kept, Outcome, Receiver, Replies, Timing, internal_error, one_by_one
from bot.channels.life_marks import LifeMark
from bot.channels.pausing import happens_within
from handlers.channel import Answerer
from handlers.message import Message
from handlers.store.base import InboxRow, Lease, LineFull, Store

log = logging.getLogger(__name__)

T = TypeVar("T")

MOST_CLAIMS = 3
"""A row that so many processes took up and did not finish is given up: it may be what kills them."""
MOST_TRIES = 4
"""How often one process restarts a message after a fault outside the handlers."""
LOOKED_FOR_AT_ONCE = 100


@dataclass
class _Line(Generic[T]):
    waiting: deque[Arrival[T]] = field(default_factory=deque)
    current: tuple[Arrival[T], ...] = ()
    came: asyncio.Event = field(default_factory=asyncio.Event)
    task: "asyncio.Task[None] | None" = None


class Intake(Generic[T]):
    """`folder`: where the processes of this machine leave their life marks. `join`: which arrivals are one message.

    `in_lines` False: every process works on what it took itself, as it answers in the platform's own request.
    """

    def __init__(
        self,
        *,
        store: Store,
        channel: str,
        receiver: Receiver[T],
        folder: Path,
        join: Callable[[Sequence[Arrival[T]], float], Joined[T]] = one_by_one,
        timing: Timing | None = None,
        in_lines: bool = True,
    ) -> None:
        self._store = store
        self._channel = channel
        self._in_lines = in_lines
        self._receiver = receiver
        self._join = join
        self._timing = timing or Timing()
        self._lease = Lease(owner=f"{channel}-{secrets.token_hex(8)}", seconds=self._timing.lease)
        self._mark = LifeMark(folder, self._lease.owner)
        self._answerer: Answerer | None = None
        self._lines: dict[str, _Line[T]] = {}
        self._in_hand: set[str] = set()
        self._had_some = False
        """Something was in hand since the last look for what others passed on."""
        self._kept: set[str] = set()
        """Keys of rows of ours that are not done yet."""
        self._tries: dict[str, int] = {}
        self._in_doubt = False
        """A row may be under our lease without our knowing: writing it ended in an error."""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._looking: tuple[asyncio.Task[None], ...] = ()
        self._noticing = asyncio.Lock()

    # --- lifecycle

    async def start(self, answerer: Answerer) -> None:
        """Take messages from now on, beginning with those nobody works on."""
        self._answerer = answerer
        await asyncio.to_thread(self._mark.set)
        await self._take_up()
        self._looking = (
            asyncio.create_task(self._keep_looking(), name=f"{self._channel} intake"),
            asyncio.create_task(self._keep_noticing(), name=f"{self._channel} lines"),
        )

    @property
    def owner(self) -> str:
        """This run of this process."""
        return self._lease.owner

    def lives(self, owner: str) -> bool:
        """Whether another process of this machine is alive. Blocks briefly."""
        return self._mark.lives(owner)

    @property
    def running(self) -> bool:
        return self._answerer is not None

    async def stop(self) -> None:
        """Begin nothing more; what has begun may finish, for so many seconds. The rest is released at once."""
        was_running, self._answerer = self.running, None
        for line in self._lines.values():
            line.came.set()
        late = (await asyncio.wait(self._tasks, timeout=self._timing.stop))[1] if self._tasks else set()
        ending = [*late, *self._looking]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        if was_running:
            owing = False
            try:
                async with asyncio.timeout(0.5):
                    await self._store.release_inbox(self._channel, self._lease.owner)
            except Exception as error:
                log.warning("releasing unfinished messages failed: %s", type(error).__name__)
                owing = True
            await asyncio.to_thread(self._mark.clear, owing=owing)

    async def idle(self) -> None:
        """Wait until everything taken so far has been handled."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def soon(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Run a task beside the lines, which `idle` and `stop` wait for too."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # --- incoming

    @property
    def now(self) -> float:
        """The clock of `Arrival.at`."""
        return self._timing.now() if self._timing.now else asyncio.get_running_loop().time()

    def line(self, name: str) -> tuple[T, ...]:
        """What of this person is in progress, in order: what is being handled, then what waits."""
        found = self._lines.get(name)
        return () if found is None else tuple(a.value for a in (*found.current, *found.waiting))

    def waiting(self, line: str) -> tuple[T, ...]:
        """What this person sent and what has not been started."""
        found = self._lines.get(line)
        return () if found is None else tuple(arrival.value for arrival in found.waiting)

    def has(self, key: str) -> bool:
        """Whether this process works on it."""
        return key in self._in_hand

    async def put(self, arrival: Arrival[T], payload: str, *, most: int | None = None) -> bool:
        """Store it and start on it; then it may be acknowledged. False if it was seen before. Raises LineFull where
        `most` of its line wait already."""
        # Finished even if the caller is gone: a row under our lease must be in our hands.
        return bool(await asyncio.shield(self.soon(self._put(arrival, payload, most))))

    async def _put(self, arrival: Arrival[T], payload: str, most: int | None) -> bool:
        kept = await self.keep(arrival, payload, most=most)
        if kept is Kept.HERE:
            self.begin(arrival)
        return kept is not Kept.KNOWN

    async def keep(self, arrival: Arrival[T], payload: str, *, most: int | None = None) -> Kept:
        """Store it, for a channel that starts on it by itself, if it is this process's to begin. Raises LineFull."""
        self._kept.add(arrival.key)
        try:
            owner = await self._stored(arrival, payload, most)
        except LineFull:
            self._kept.discard(arrival.key)
            raise
        except BaseException:
            self._in_doubt = True
            raise
        if owner == self._lease.owner:
            return Kept.HERE
        if not self.has(arrival.key):
            self._kept.discard(arrival.key)
        return Kept.KNOWN if owner is None else Kept.THERE

    async def _stored(self, arrival: Arrival[T], payload: str, most: int | None) -> str | None:
        """Who works on it now; None if it was seen before."""
        if self._in_lines:
            return await self._store.put_in_line(
                self._channel, arrival.key, payload, line=arrival.line, lease=self._lease, most=most
            )
        new = await self._store.put_inbox(self._channel, arrival.key, payload, lease=self._lease)
        return self._lease.owner if new else None

    async def leave(self, key: str, payload: str, *, line: str, most: int | None = None) -> bool:
        """Store it for whoever works on this line, or will: this process does not yet. False if it was seen before.
        Raises LineFull."""
        return await self._store.put_in_line(self._channel, key, payload, line=line, most=most) is not None

    def begin(self, arrival: Arrival[T]) -> None:
        """Put it into its line; once."""
        if arrival.key in self._in_hand:
            return
        self._in_hand.add(arrival.key)
        self._had_some = True
        line = self._lines.setdefault(arrival.line, _Line())
        line.waiting.append(replace(arrival, at=self.now))
        line.came.set()
        if line.task is None:
            line.task = self.soon(self._work(arrival.line, line))

    # --- left by others

    async def _keep_looking(self) -> None:
        said = False
        while True:
            await asyncio.sleep(self._timing.look)
            try:
                if self._in_hand:
                    await self._store.renew_inbox(self._channel, self._lease)
                await self._take_up()
                said = False
            except Exception as error:  # the store is away: retried, and logged once
                if not said:
                    log.warning("the inbox cannot be read and will be retried: %s", type(error).__name__)
                said = True

    async def _keep_noticing(self) -> None:
        """While something is in hand, and once after: what was passed on before a line ended is there by then."""
        while self._in_lines:
            await asyncio.sleep(self._timing.passed)
            if self._had_some:
                self._had_some = bool(self._in_hand)
                await self._notice()

    async def _more_passed_on(self, line: _Line[T]) -> bool:
        before = len(line.waiting)
        await self._notice()
        return len(line.waiting) > before

    async def _notice(self) -> None:
        """Begin what other processes put into lines of ours."""
        if not (self._in_lines and self.running):
            return
        try:
            async with self._noticing:
                rows = await asyncio.shield(self.soon(self._store.passed_on(self._channel, self._lease)))
                for row in rows:
                    await self._take_up_one(row)
        except Exception as error:  # what was not begun is taken up with what is in doubt
            log.warning("what other processes passed on cannot be read: %s", type(error).__name__)
            self._in_doubt = True

    async def _take_up(self) -> None:
        dead = await asyncio.to_thread(self._mark.dead)
        doubtful = (self._lease.owner,) if self._in_doubt else ()
        self._in_doubt = False
        while rows := await self._store.claim_inbox(
            self._channel, self._lease, dead=(*dead, *doubtful), limit=LOOKED_FOR_AT_ONCE
        ):
            doubtful = ()  # by now they are all leased anew
            for row in rows:
                await self._take_up_one(row)
        await asyncio.to_thread(self._mark.bury, dead)

    async def _take_up_one(self, row: InboxRow) -> None:
        if self.has(row.key):
            return
        self._kept.add(row.key)
        try:
            arrival = await self._receiver.read(row.key, row.payload)
        except ValueError:
            log.error("a message in the inbox of %s cannot be read and is given up", self._channel)
            await self._store.done_inbox(self._channel, row.key, failed=True)
            return
        if arrival is None:
            await self._store.done_inbox(self._channel, row.key)
        elif row.claims > MOST_CLAIMS:
            await self._give_up((arrival,))
        else:
            self.begin(replace(arrival, taken_up=True))

    # --- one message after another

    async def _work(self, name: str, line: _Line[T]) -> None:
        try:
            while line.waiting and self.running:
                joined = self._join(tuple(line.waiting), self.now)
                if joined.wait > 0:
                    await self._more(line, joined.wait)
                    continue
                if joined.open and await self._more_passed_on(line):
                    continue
                if len(joined.arrivals) == 1 and joined.arrivals[0] is line.waiting[0]:
                    line.waiting.popleft()
                else:
                    keys = {arrival.key for arrival in joined.arrivals}
                    line.waiting = deque(arrival for arrival in line.waiting if arrival.key not in keys)
                line.current = joined.arrivals
                await self._one(joined.arrivals)
                line.current = ()
        finally:
            for left in line.waiting:
                self._in_hand.discard(left.key)
            del self._lines[name]

    async def _more(self, line: _Line[T], seconds: float) -> None:
        """Wait for the next arrival of this person, no longer than so many seconds."""
        line.came.clear()
        await happens_within(line.came, self._timing.sleep(seconds))

    async def _one(self, arrivals: tuple[Arrival[T], ...]) -> None:
        try:
            outcome = await self._receiver.handle(arrivals)
        except Exception as error:  # our store is away, or a bug of ours
            self._failed(arrivals, error)
            return
        if isinstance(outcome, Outcome):
            await self._end(arrivals, outcome)
        else:
            self.soon(self._end(arrivals, outcome))

    async def _end(self, arrivals: tuple[Arrival[T], ...], ending: Outcome | Awaitable[Outcome]) -> None:
        try:
            outcome = ending if isinstance(ending, Outcome) else await ending
            if outcome is Outcome.LATER:
                for arrival in arrivals:
                    await self._store.release_inbox(
                        self._channel, self._lease.owner, key=arrival.key, seconds=self._timing.later
                    )
            else:
                await self._done(arrivals, failed=outcome is Outcome.FAILED)
        except Exception as error:
            self._failed(arrivals, error)
            return
        self._tries.pop(arrivals[0].key, None)
        self._let_go(arrivals)

    def _failed(self, arrivals: tuple[Arrival[T], ...], error: Exception) -> None:
        log.error("a message of %s could not be finished: %s", self._channel, type(error).__name__)
        if self.running:
            self.soon(self._again(arrivals))
        else:
            self._let_go(arrivals)

    def _let_go(self, arrivals: tuple[Arrival[T], ...]) -> None:
        self._in_hand -= {arrival.key for arrival in arrivals}

    async def _done(self, arrivals: tuple[Arrival[T], ...], *, failed: bool = False) -> None:
        for arrival in arrivals:
            if arrival.key in self._kept:  # what was never stored has no row
                await self._store.done_inbox(self._channel, arrival.key, failed=failed)
                self._kept.discard(arrival.key)

    async def _again(self, arrivals: tuple[Arrival[T], ...]) -> None:
        """Restart after a pause. A store that is away is not the message's fault: only failures while it answers count
        towards giving up."""
        key = arrivals[0].key
        tries = self._tries.get(key, 0)
        pauses = self._timing.again
        await self._timing.sleep(pauses[min(tries, len(pauses) - 1)])
        try:
            await self._store.ping()
            self._tries[key] = tries + 1
        except Exception as error:
            log.debug("the store is away: %s", type(error).__name__)
        self._let_go(arrivals)
        if not self.running:
            return
        if self._tries.get(key, 0) > MOST_TRIES:
            self._tries.pop(key, None)
            await self._give_up(arrivals)
            return
        for arrival in arrivals:
            self.begin(arrival)

    async def _give_up(self, arrivals: tuple[Arrival[T], ...]) -> None:
        log.error("a message of %s cannot be handled and is given up", self._channel)
        await self._done(arrivals, failed=True)
        try:
            await self._receiver.give_up(arrivals)
        except Exception as error:
            log.warning("telling a person that their message failed did not work: %s", type(error).__name__)

    # --- asking the handlers

    async def replies(self, message: Message) -> Replies:
        """What the handlers answer. Raises CancelledError if this process is stopping."""
        for pause in (*self._timing.retries, None):
            if self._answerer is None:  # stopping: the message stays in the inbox
                raise asyncio.CancelledError
            try:
                return Replies(outgoing=await self._answerer.handle(message))
            except Exception as error:  # not the person's doing, whatever it is
                log.error("handling a message of %s failed: %s", self._channel, type(error).__name__)
                if pause is not None:
                    await self._timing.sleep(pause)
        return Replies(outgoing=(internal_error(message),), failed=True)
