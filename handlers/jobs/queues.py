"""Which queue a job waits on, in which partition and with which priority: the values that dbos's limits work with.

* The queue is the service's that will most likely make it: `jobs.fal`, `jobs.embedded`. Its limits are the service's.
* The partition is the chat, named by a hash: `Limits.per_chat` applies to a private chat and to a whole group. For what
  this machine makes itself it is the person, in however many chats: each has one picture in progress at a time.
* The first few jobs of a private chat wait on a queue beside it, `jobs.fal.first`, which needs no partitions: that they
  are so few is the chat's limit there. dbos claims everything that waits there in one transaction; a partitioned queue
  takes one per chat (some 4 ms of CPU each).
* The priority is the position in the person's own line, so that one person's tenth job is not before another's first;
  a series goes behind what somebody is waiting for.

Where there are partitions, each round goes through the chats in random order, and the priority orders those of a chat.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from handlers.message import Chat
from handlers.order import Order
from providers.base import Provider
from providers.offers import Offer, Tier

PREFIX = "jobs"
PER_CHAT = 12
"""Jobs of one chat that one service makes at once, over all workers."""
FIRST = PER_CHAT // 2
"""How many of them may be a private chat's first, on the queue without partitions; the others are limited by it."""
MANY = 4
"""An order of more pictures than this counts as a series."""
_SERIES = 1000
"""Added to the priority of a series (a smaller number goes first); more than any line is long."""
SOON, LATER = 0.25, 1.0
"""Seconds between two polls of a queue that got no job lately."""
_FIRST = ".first"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a queue lets through. None: no limit. `per_second`: so many started in so many seconds."""

    per_worker: int | None = None
    """Jobs at once in one process."""
    everywhere: int | None = None
    """Jobs at once over all processes."""
    per_chat: int = PER_CHAT
    per_second: tuple[int, float] | None = None
    by_person: bool = False
    """`per_chat` applies to a person, in whatever chats."""

    @property
    def first_apart(self) -> bool:
        """Whether chats' first jobs have a queue of their own: a limit over both queues could be kept by neither."""
        return self.per_worker is None and self.everywhere is None and self.per_second is None and self.per_chat > FIRST


LOCAL = Limits(per_worker=2, per_chat=1, by_person=True)
"""For what this machine makes itself: it works on one picture at a time, so people take turns job by job."""


@dataclass(frozen=True, kw_only=True)
class Queue:
    """One of dbos's queues, as it is registered. `per_chat` None: it has no partitions."""

    per_worker: int
    everywhere: int | None = None
    per_chat: int | None = PER_CHAT
    per_second: tuple[int, float] | None = None
    idle_poll: float = SOON


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where a run of a job waits. `channel`: what its worker must be able to reach. `priority`: 1 goes first.

    `first`: it may wait among the chats' first jobs.
    """

    queue: str
    channel: str
    partition: str
    priority: int
    first: bool = False


def lane_of(offer: Offer, service: str) -> str:
    """The service, or the group of its offers that share a limit."""
    return f"{service}.{offer.lane.name}" if offer.lane is not None else service


def limits_of(providers: Iterable[Provider]) -> dict[str, Limits]:
    """For every service, and for the groups that have limits of their own, over all processes."""
    found: dict[str, Limits] = {}
    for provider in providers:
        found[provider.name] = LOCAL if provider.tier is Tier.LOCAL else Limits()
        for offer in provider.offers:
            if (lane := offer.lane) is not None:
                most = lane.at_once
                once = Limits(per_worker=most, everywhere=most, per_chat=most, per_second=(lane.per_second, 1.0))
                found[lane_of(offer, provider.name)] = once
    return found


def queue_of(service: str | None) -> str:
    """None: for jobs that no service can do, which end with a sentence."""
    return f"{PREFIX}.{service}" if service else PREFIX


def first_queue_of(queue: str) -> str:
    return queue + _FIRST


def service_queue_of(queue: str) -> str:
    """The queue that a run on this one would be on if it were not its chat's first."""
    return queue.removesuffix(_FIRST)


def queues(services: Mapping[str, Limits], *, concurrency: int) -> dict[str, Queue]:
    """Every queue of an installation with these services, for a worker with room for so many jobs of each."""
    found = {queue_of(None): Queue(per_worker=concurrency, idle_poll=LATER)}
    for name, limits in services.items():
        room = min(limits.per_worker or concurrency, concurrency)
        if limits.first_apart:
            first = max(1, 3 * room // 4)
            found[first_queue_of(queue_of(name))] = Queue(per_worker=first, per_chat=None)
            room, per_chat, poll = max(1, room - first), limits.per_chat - FIRST, LATER
        else:
            per_chat, poll = limits.per_chat, 2 * SOON
        found[queue_of(name)] = Queue(
            per_worker=room,
            everywhere=limits.everywhere,
            per_chat=per_chat,
            per_second=limits.per_second,
            idle_poll=poll,
        )
    return found


def placement(
    order: Order, chat: Chat, *, queue: str, before: int = 0, people: frozenset[str] = frozenset()
) -> Placement:
    """`before`: how many jobs this person has unfinished in this chat already. `people`: the queues partitioned by
    person (`Limits.by_person`)."""
    series = _SERIES if order.count > MANY else 0
    priority = 1 + min(before, _SERIES - 1) + series
    return Placement(
        queue=queue,
        channel=chat.channel,
        partition=partition_of(chat, by_person=queue in people),
        priority=priority,
        first=before < FIRST and not series and chat.chat == chat.person,
    )


def partition_of(chat: Chat, *, by_person: bool = False) -> str:
    """The chat or the person as a hash: the engine's tables hold nobody's id."""
    whose = chat.person if by_person else chat.chat
    return hashlib.sha256(f"{chat.channel}|{whose}".encode()).hexdigest()[:16]
