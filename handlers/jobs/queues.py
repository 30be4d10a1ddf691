"""Which queue a job waits on, under which partition and with which priority: the values dbos's limits work with.

* The queue is the service's that will most likely make it: `jobs.fal`, `jobs.embedded`. Its limits are the service's.
* The partition is the chat, named by a hash: `Limits.per_chat` holds for a private chat and for a whole group.
* The priority orders the jobs of one chat: a series goes behind what somebody waits for, and in a group the place in
  the person's own line comes first, so that one person's tenth job is not before another's first.

Jobs of different chats are independent of each other: each round of a queue goes through the chats in random order.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from handlers.message import Chat
from handlers.order import Order

PREFIX = "jobs"
PER_CHAT = 12
"""Jobs of one chat that one service makes at once, over all workers: twice what one person may have open."""
MANY = 4
"""Pictures above which an order counts as a series."""
_SERIES = 1000
"""Added to the priority of a series (a smaller number goes first); more than any line is long."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a queue lets through. None: no limit. `per_second`: so many begun in so many seconds."""

    per_worker: int | None = None
    """Jobs at once in one process."""
    everywhere: int | None = None
    """Jobs at once over all processes."""
    per_chat: int = PER_CHAT
    per_second: tuple[int, float] | None = None


LOCAL = Limits(per_worker=2, per_chat=1)
"""Of what this machine makes itself: it works on one picture at a time, so chats take turns job by job."""


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where a run of a job waits. `channel`: what its worker must be able to speak to. `priority`: 1 goes first."""

    queue: str
    channel: str
    partition: str
    priority: int


def queue_of(service: str | None) -> str:
    """None: for jobs that no service can do, which end with a sentence."""
    return f"{PREFIX}.{service}" if service else PREFIX


def queues(services: Mapping[str, Limits]) -> dict[str, Limits]:
    """Every queue of an installation with these services."""
    return {queue_of(None): Limits(), **{queue_of(name): limits for name, limits in services.items()}}


def placement(order: Order, chat: Chat, *, queue: str, before: int = 0) -> Placement:
    """`before`: how many jobs this person has unfinished in this chat already."""
    series = _SERIES if order.count > MANY else 0
    priority = 1 + min(before, _SERIES - 1) + series
    return Placement(queue=queue, channel=chat.channel, partition=partition_of(chat), priority=priority)


def partition_of(chat: Chat) -> str:
    """The chat by a name that tells nothing about it: the engine's tables hold nobody's id."""
    return hashlib.sha256(f"{chat.channel}|{chat.chat}".encode()).hexdigest()[:16]
