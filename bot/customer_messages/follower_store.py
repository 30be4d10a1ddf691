"""The records of all people, durable, each change one step: safe for many processes at once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.customer_messages.follower import Action, Follower, Frozen, Pending, Step
from handlers.message import Chat, Language
from handlers.store.base import Values

WECHAT = "wechat"


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """A person as found in the store."""

    person: Follower


class Slot(Frozen):
    """One message taken from a budget, to be given back if it was certainly not sent."""

    action: Action
    at: float
    step: Step | None = None


class FollowerStore:
    """The records of a channel's people. Safe for many processes at once."""

    def __init__(
        self, store: Values, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC), channel: str = WECHAT
    ) -> None:
        self._store = store
        self._channel = channel
        self._space = f"{channel}.person"
        self.clock = clock

    def _owner(self, openid: str) -> str:
        return Chat(channel=self._channel, chat=openid, person=openid).owner

    async def read(self, openid: str) -> Follower:
        return (await self.record(openid)).person

    async def record(self, openid: str) -> Record:
        return Record(person=_person(await self._store.value(self._space, self._owner(openid))))

    async def change(
        self, openid: str, change: Callable[[Follower], Follower], *, known: Record | None = None
    ) -> Follower:
        return (await self.changed(openid, change, known=known)).person

    async def changed(
        self, openid: str, change: Callable[[Follower], Follower], *, known: Record | None = None
    ) -> Record:
        """Apply a pure change to the record as stored by then. `known`: read just now; if the change makes no
        difference to that, the store is not asked."""
        if known is not None and change(known.person) == known.person:
            return known

        def changed(raw: str | None) -> str | None:
            before = _person(raw)
            after = change(before)
            return raw if after == before else after.model_dump_json(exclude_defaults=True)

        owner = self._owner(openid)
        return Record(person=_person(await self._store.change(self._space, owner, changed, owner=owner)))

    async def opened(
        self, openid: str, action: Action, key: str, *, photo: bool = False, known: Record | None = None
    ) -> Record:
        now = self.clock()
        return await self.changed(openid, lambda person: person.opened(action, key, now, photo=photo), known=known)

    async def take(self, openid: str, *, keep: int = 0, step: Step | None = None) -> Slot | None:
        """Count one message, and record which one of a result it is, before it is sent; None if no more than `keep` are
        left."""
        taken: Slot | None = None

        def take_one(person: Follower) -> Follower:
            nonlocal taken
            taken = None
            now = self.clock()
            action = person.window(now)
            if action is None or person.room(now) <= keep:
                return person
            window = person.message if action == "message" else person.brief
            taken = Slot(action=action, at=window.at if window else 0.0, step=step)
            counted = person.counted(action, 1)
            return counted if step is None else counted.stepped(step, now)

        await self.change(openid, take_one)
        return taken

    async def give_back(self, openid: str, slot: Slot) -> None:
        def give(person: Follower) -> Follower:
            window = person.message if slot.action == "message" else person.brief
            back = person.counted(slot.action, -1) if window and window.at == slot.at else person
            if slot.step is None:
                return back
            way = back.way(slot.step.id)
            return back.with_way(way.model_copy(update={"open": ""})) if way.open == slot.step.which else back

        await self.change(openid, give)

    async def rest(self, openid: str, delivery: str, *, sure: bool) -> None:
        await self.change(openid, lambda person: person.rested(delivery, sure=sure))

    async def hold(self, openid: str, held: Pending) -> None:
        """Keep for the person's next message; the same id twice is one."""

        def keep(person: Follower) -> Follower:
            if any(h.id == held.id for h in person.held):
                return person
            return person.model_copy(update={"held": (*person.held, held)})

        await self.change(openid, keep)

    async def offer(
        self, openid: str, offered: tuple[str, ...], language: Language | None = None, *, known: Record | None = None
    ) -> None:
        """What the numbers printed last mean, and the language they were printed in."""
        heard = {} if language is None else {"language": language}
        await self.change(openid, lambda person: person.model_copy(update={"offered": offered, **heard}), known=known)

    async def lose(self, openid: str) -> None:
        """The platform says that they do not follow: nothing may be sent."""
        await self.change(openid, lambda p: Follower(gone=True, seen=p.seen, language=p.language))

    async def forget(self, openid: str) -> None:
        """The record was deleted with everything else of this person. The message that asked for it may be answered."""
        now = self.clock()
        await self.change(openid, lambda _: Follower().opened("message", "", now).model_copy(update={"seen": ()}))


def _person(raw: str | None) -> Follower:
    return Follower() if raw is None else Follower.model_validate_json(raw)
