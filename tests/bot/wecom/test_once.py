"""What must happen once, raced: the place of the one connection, the one use of a `response_url`."""

import asyncio
from pathlib import Path

from bot.channels.sealing import Seal
from bot.channels.wecom.late import LateWay
from bot.channels.wecom.place import Place
from bot.channels.wecom.talk import Answer, Item
from bot.channels.wecom.talks import Talks, chat_of
from bot.result_pages.pages import Pages
from handlers.store.memory import MemoryStore
from tests.servers.wecom_chat import FakeWeCom
from tests.waiting import until
from tests.world import Clock

SEAL = Seal(b"s" * 32, "wecom")


async def test_of_processes_that_want_the_connection_at_once_one_has_it(tmp_path: Path) -> None:
    clock = Clock(stands=True)  # nobody renews here, so the place must not run out by itself
    store = MemoryStore(clock=clock)
    places = [Place(store=store, bot_id="b", folder=tmp_path, clock=clock, look=0.01) for _ in range(5)]
    waiting = [asyncio.create_task(place.hold()) for place in places]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.sleep(0.1)  # long enough for a second one, if there could be any
    (holder,) = (place for place, task in zip(places, waiting, strict=True) if task.done())
    await holder.release()
    await until(lambda: sum(task.done() for task in waiting) > 1)  # maybe while it was being given back
    await asyncio.sleep(0.1)
    assert sum(task.done() for task in waiting) == 2
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    for place in places:
        await place.release()


async def test_of_processes_that_would_use_an_address_at_once_one_does(wecom: FakeWeCom) -> None:
    clock = Clock()
    store = MemoryStore(clock=clock)
    talks = Talks(store, clock=clock, noted=False)
    pages = Pages(store=store, clock=clock, secret=b"s", account="wecom", public_url="http://127.0.0.1:9")
    ann = wecom.phone()
    url = str(ann.body()["response_url"])
    chat = chat_of("ann", "ann")
    over = Answer(id="a", began=talks.now(), url=SEAL.close(url), replied=1.0, ended=talks.now())
    words = Item(id="words", text="late words", made=talks.now(), answer="a")
    await talks.change(chat, lambda talk: talk.opened(over).waits_for(words))
    ways = [LateWay(talks=talks, pages=pages, api_url=wecom.origin, seal=SEAL) for _ in range(5)]
    await asyncio.gather(*(way.push(chat) for way in ways))
    assert [bubble.text for bubble in ann.screen] == ["late words"]
    for way in ways:
        await way.aclose()


async def test_an_address_that_is_not_the_platforms_is_not_called(wecom: FakeWeCom) -> None:
    talks = Talks(MemoryStore(), clock=Clock(), noted=False)
    pages = Pages(store=MemoryStore(), clock=Clock(), secret=b"s", account="wecom", public_url=None)
    way = LateWay(talks=talks, pages=pages, api_url=wecom.origin, seal=SEAL)
    assert way.allowed(f"{wecom.origin}/late/x")
    assert not way.allowed(f"{wecom.origin}.evil.test/late/x")
    assert not way.allowed(None)
    await way.aclose()
