"""Over the long connection: whose turn it is to be sent something, and streams, pushed frame by frame as they run."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from bot.channels.pausing import happens_within
from bot.channels.wecom.connection import NOT_SUBSCRIBED, Connection, FrameRefused, NoAnswer, NotConnected
from bot.channels.wecom.item_sender import AGAIN, ItemSender
from bot.channels.wecom.pacing import Pacing
from bot.channels.wecom.pictures import Fitted
from bot.channels.wecom.streams import Look
from bot.channels.wecom.talk import Answer, Item, Talk
from bot.channels.wecom.talks import Talks
from bot.channels.wecom.timing import Pace
from bot.channels.wecom.view import View, stream_json
from handlers.message import Chat

log = logging.getLogger(__name__)


class Pump:
    """`late`: the way by links if every other is refused."""

    def __init__(
        self,
        *,
        talks: Talks,
        line: Connection,
        fitted: Fitted,
        look: Look,
        late: Callable[[Chat], Awaitable[None]],
        pace: Pace,
    ) -> None:
        self._talks = talks
        self._line = line
        self._pacing = Pacing(update=pace.update, rest=pace.rest, now=lambda: asyncio.get_running_loop().time())
        self._items = ItemSender(
            talks=talks, line=line, fitted=fitted, late=late, pace=pace, too_fast=self._pacing.too_fast
        )
        self._look = look
        self._pace = pace
        self._fresh: set[str] = set()
        """Streams whose first frame this process, which took their message, has not sent yet."""
        self._shown: dict[str, str] = {}
        self._woken: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    # --- whose turn it is

    async def run(self) -> None:
        """Until it is cancelled. Also looks for what other processes stored."""
        try:
            while True:
                if await self._line.up(self._pace.look * 4):
                    try:
                        for chat in await self._talks.noted():
                            self.wake(chat)
                    except Exception as error:
                        log.warning("WeCom: reading what is to be sent failed: %s", type(error).__name__)
                await self._pace.sleep(self._pace.look * 4)
        finally:
            tasks = list(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def first(self, answer: str) -> None:
        """This stream begins here."""
        self._fresh.add(answer)

    def wake(self, chat: Chat) -> None:
        """There may be something to send."""
        self._woken.setdefault(chat.owner, asyncio.Event()).set()
        if chat.owner not in self._tasks:
            self._tasks[chat.owner] = asyncio.create_task(self._serve(chat))

    async def _serve(self, chat: Chat) -> None:
        woken = self._woken[chat.owner]
        try:
            await self._settle_found(chat)
            while True:
                woken.clear()
                if await self._line.up(self._pace.look) and not await self._turn(chat):
                    await self._talks.done(chat)
                    talk = await self._talks.read(chat)
                    if woken.is_set() or (talk is not None and _left(talk)):
                        await self._talks.note(chat)
                        continue
                    return
                await self._pause(woken)
        except Exception as error:  # the store is away: it is recorded, and found again
            log.error("WeCom: sending stopped and is restarted: %s", type(error).__name__)
        finally:
            self._tasks.pop(chat.owner, None)

    async def _pause(self, woken: asyncio.Event) -> None:
        await happens_within(woken, self._pace.sleep(self._pace.look))

    async def _settle_found(self, chat: Chat) -> None:
        """What was in flight when another process died may have arrived."""

        def settled(talk: Talk) -> Talk:
            for item in talk.items:
                if item.sending is not None:
                    talk = talk.with_item(item.settled_step(sure=False))
            return talk

        await self._talks.change(chat, settled, note=False)

    async def _turn(self, chat: Chat) -> bool:
        """One look at a talk; returns whether to look again."""
        talk = await self._talks.read(chat)
        if talk is None:
            return False
        if self._pacing.rests(chat.chat):
            return True
        for answer in talk.answers:
            if answer.open:
                await self._stream(chat, talk, answer)
        talk = await self._talks.read(chat) or talk
        for item in talk.pending():
            if not item.held:
                await self._items.send(chat, talk, item)
        return _left(await self._talks.read(chat) or talk)

    # --- streams

    async def _stream(self, chat: Chat, talk: Talk, answer: Answer) -> None:
        shown = self._look(talk, answer)
        shown_before = self._shown.get(answer.id) == shown.text
        if not shown.last and (shown_before or not self._pacing.due(chat.chat, answer.id)):
            return
        frame = stream_json(answer.id, shown.text, last=shown.last, feedback=answer.id in self._fresh)
        try:
            self._pacing.sent(chat.chat, answer.id)
            await self._line.request("aibot_respond_msg", frame, req_id=answer.req)
        except NotConnected:
            return
        except NoAnswer:
            if not shown.last or not self._said_twice(answer.id):
                return  # a stream's frame may be sent again
        except FrameRefused as refused:
            await self._refused(chat, answer, shown, refused.code)
            return
        self._fresh.discard(answer.id)
        self._shown[answer.id] = shown.text
        if shown.last:
            await self._over(chat, answer, shown)

    def _said_twice(self, id: str) -> bool:
        """Whether a last frame was sent twice without an answer: then it counts as shown."""
        key = f"{id} last"
        known = key in self._shown
        self._shown[key] = ""
        return known

    async def _over(self, chat: Chat, answer: Answer, shown: View, *, said: bool = True) -> None:
        """The stream is over. `said`: its text was shown; its pictures and choices follow as messages."""
        names = {item.id for item in shown.items}

        def over(talk: Talk) -> Talk:
            now = self._talks.now()
            newest = talk.answer(answer.id)
            if newest is None or not newest.open:
                return talk
            talk = talk.over(answer.id, (), now)
            about = {"language": answer.language, "answer": answer.id, "made": now}
            for id, text in newest.said:
                if (id, text) not in answer.said:  # said while the last frame was in flight
                    talk = talk.waits_for(Item(id=id, text=text, **about))
            if said:
                for item in talk.items:
                    if item.id in names and 0 not in item.done:
                        talk = talk.with_item(item.model_copy(update={"done": (*item.done, 0)}))
            else:
                talk = talk.waits_for(Item(id=f"text:{answer.id}", text=shown.text, **about))
            if newest.choices and not any(i.choices for i in talk.of(newest)):
                choices = newest.choices
                talk = talk.waits_for(Item(id=f"card:{answer.id}", text="", choices=choices, done=(0,), **about))
            return talk

        await self._talks.change(chat, over, note=False)
        self._pacing.over(chat.chat, answer.id)
        for key in (answer.id, f"{answer.id} last"):
            self._shown.pop(key, None)

    async def _refused(self, chat: Chat, answer: Answer, shown: View, code: int) -> None:
        if code == NOT_SUBSCRIBED:
            await self._line.renew()
        elif code in AGAIN:
            self._pacing.too_fast(chat.chat)
        else:
            # Over by the platform's count, or nothing the person's device can show: as a message.
            log.info("WeCom: a stream was refused with %s, its words go as a message", code)
            await self._over(chat, answer, shown, said=False)


def _left(talk: Talk) -> bool:
    return any(a.open for a in talk.answers) or any(not item.held for item in talk.pending())
