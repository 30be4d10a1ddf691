"""First answers go before photos and jobs, and look at the person's record once."""

from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from bot.customer_messages.follower import Follower
from bot.customer_messages.follower_store import FollowerStore
from handlers.channel import DeliveryLater
from handlers.message import Chat, Kind, Outgoing
from handlers.store.memory import MemoryStore
from tests.bot.wechat.house import NOTHING_IN_TIME, house, photo, text_of
from tests.bot.wechat.test_first_answers import locked
from tests.servers.wechat import FakeWeChat


class Counting(MemoryStore):
    """Counts how often the records are looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.looks: Counter[str] = Counter()

    async def value(self, space: str, key: str) -> str | None:
        self.looks[space] += 1
        return await super().value(space, key)


async def test_photos_wait_while_anybody_s_answer_is_being_made(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        with likeness.calm.busy():
            assert "照片" in text_of(await ann.sends(photo()))
            assert wechat.calls["photo"] == 0
        await likeness.channel.idle()
        assert wechat.calls["photo"] == 1


async def test_words_right_behind_a_photo_are_answered_without_it(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        with likeness.calm.busy():
            await ann.sends(photo())
            assert "动漫" in text_of(await ann.types("动漫风格"))
            assert wechat.calls["photo"] == 0
            assert not await likeness.jobs()
        await likeness.channel.idle()
        (job,) = await likeness.jobs()
        assert len(job.order.photos) == 1
        assert len(ann.seen) == 2, "what was foreseen came true and is not said again"


async def test_in_a_crowd_too_a_database_that_does_not_answer_is_waited_for_no_longer(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    async with house(tmp_path, wechat, deadlines=NOTHING_IN_TIME) as likeness:
        ann = likeness.phone()
        with locked(tmp_path), ExitStack() as crowd:
            for _ in range(100):
                crowd.enter_context(likeness.calm.busy())
            assert "文字成图" not in text_of(await ann.types("画一座暴风雨里的灯塔"))
        await ann.until(lambda seen: any("文字成图" in shown.text for shown in seen.messages))
        await likeness.settled()


async def test_a_record_just_read_is_changed_without_a_second_look() -> None:
    store = Counting()
    people = FollowerStore(store)
    found = await people.record("o1")
    opened = await people.opened("o1", "message", "k1", known=found)
    await people.offer("o1", ("groups",), known=opened)
    assert store.looks["wechat.person"] == 1
    person = await people.read("o1")
    assert person.offered == ("groups",)
    assert person.room(people.clock()) == 5


@pytest.mark.parametrize("before", [0, 1])
async def test_a_record_changed_by_somebody_else_meanwhile_loses_neither_change(before: int) -> None:
    store = MemoryStore()
    here, elsewhere = FollowerStore(store), FollowerStore(store)
    for n in range(before):
        await elsewhere.opened("o1", "message", f"k{n}")
        await elsewhere.take("o1")
    found = await here.record("o1")
    await elsewhere.opened("o1", "brief", "tap")
    await elsewhere.take("o1")
    opened = await here.opened("o1", "message", "new", known=found)
    assert opened.person == await here.read("o1")
    assert opened.person.room(here.clock()) == 5
    assert opened.person.brief is not None
    assert opened.person.brief.used == 1


async def test_a_record_that_did_not_change_is_not_written() -> None:
    store = MemoryStore()
    people = FollowerStore(store)
    opened = await people.opened("o1", "message", "k1")
    again = await people.opened("o1", "message", "k1", known=opened)
    assert again is opened
    assert (await people.changed("o2", lambda person: person)).person == Follower()
    assert len(await store.space("wechat.person")) == 1


async def test_words_that_a_stop_comes_before_cost_nothing_of_the_budget(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await ann.types("你好")
        await likeness.channel.stop()
        chat = Chat(channel="wechat", chat=ann.openid, person=ann.openid)
        with pytest.raises(DeliveryLater):
            await likeness.channel.say(chat, Outgoing(id="late", kind=Kind.TEXT, text="照片好了", language="zh"))
        people = FollowerStore(likeness.store, clock=likeness.clock)
        assert (await people.read(ann.openid)).room(likeness.clock()) == 5
        assert not ann.messages
