"""The first answer comes within a second, whatever lies behind it, and says something useful."""

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from handlers.dialogue.conversation import Conversation
from handlers.message import Language, Message, Outgoing
from providers.fake import FakeProvider, Script
from tests.bot.wechat.house import NO_WORK_IN_TIME, NOTHING_IN_TIME, House, beside, house, photo, text_of
from tests.servers.wechat import UNVERIFIED, FakeWeChat
from tests.waiting import LONG
from tests.world import hasty


@dataclass
class Held:
    """The real conversation, whose handling waits for the test; what it foresees does not."""

    conversation: Conversation
    go: asyncio.Event = field(default_factory=asyncio.Event)
    faults: int = 0

    async def handle(self, message: Message) -> tuple[Outgoing, ...]:
        await self.go.wait()
        if self.faults:
            self.faults -= 1
            raise OSError("the database is away")
        return await self.conversation.handle(message)

    async def foresee(self, messages: Sequence[Message]) -> tuple[Outgoing, ...]:
        return await self.conversation.foresee(messages)

    def picked(self, text: str, offered: Sequence[str]) -> str | None:
        return self.conversation.picked(text, offered)

    def language(self, text: str, known: Language | None) -> Language:
        return self.conversation.language(text, known)


class Blind(Held):
    async def foresee(self, messages: Sequence[Message]) -> tuple[Outgoing, ...]:
        raise OSError("the database is away")


async def test_a_photo_that_is_slow_to_fetch_delays_no_answer(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        with wechat.photos_held():
            menu = text_of(await ann.sends(photo()))
            assert menu.startswith("收到照片")
            assert "\n1. " in menu
            understood = text_of(await ann.types("动漫风格"))
            assert "动漫" in understood
            assert "¥" in understood or "$" in understood
            assert [push.tries for push in ann.pushes] == [1, 1]
            assert not await likeness.jobs()
        await likeness.channel.idle()
        (job,) = await likeness.jobs()
        assert len(job.order.photos) == 1
        # What was foreseen came true, so nothing is said twice.
        assert len(ann.seen) == 2


async def test_without_its_photo_nothing_is_begun_and_the_person_is_told(tmp_path: Path, wechat: FakeWeChat) -> None:
    wechat.file_status = 404
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await ann.sends(photo())
        wechat.files.clear()
        await ann.types("动漫风格")
        await likeness.channel.idle()
        assert not await likeness.jobs()
        said = [s.text for s in ann.seen]
        assert any("照片没有收到" in text for text in said)
        assert any("把照片发过来" in text for text in said)


async def test_a_file_that_is_no_photo_is_said_so_after_the_first_answer(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await ann.sends(b"\xff\xd8\xff not a photo")
        await likeness.channel.idle()
        assert any("照片" in s.text for s in ann.messages)
        await ann.types("动漫风格")
        await likeness.channel.idle()
        assert not await likeness.jobs()


async def test_a_photo_comes_by_its_media_id_where_its_address_fails(tmp_path: Path, wechat: FakeWeChat) -> None:
    wechat.file_status = 500
    async with house(tmp_path, wechat, jobs=False) as likeness:
        await likeness.wishes(likeness.phone())
        assert len(await likeness.jobs()) == 1
        assert wechat.calls["media/get"] >= 1


async def test_an_address_that_is_not_the_platforms_is_never_asked(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        with FakeWeChat.serving() as elsewhere:
            elsewhere.files["x"] = photo()
            xml = ann.photo_xml(photo()).replace(f"{wechat.url}/photos/", f"{elsewhere.url}/photos/x?")
            await ann._push(xml)
            await likeness.channel.idle()
            assert elsewhere.calls["photo"] == 0
        assert wechat.calls["media/get"] >= 1


async def test_several_photos_in_a_row_lie_on_the_table_together(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        with wechat.photos_held():
            answers = [text_of(await ann.sends(photo(shade))) for shade in (20, 60, 100)]
        assert "1. " in answers[0]
        assert "2 张" in answers[1]
        assert "3 张" in answers[2]
        assert "1. " not in answers[2], "the same list is printed once"
        await ann.types("动漫风格")
        await likeness.channel.idle()
        (job,) = await likeness.jobs()
        assert len(job.order.photos) == 3


async def test_a_number_right_after_a_photo_means_the_list_just_read(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        with wechat.photos_held():
            groups = text_of(await ann.sends(photo()))
            first = groups.partition("\n1. ")[2].partition("\n")[0]
            assert first in text_of(await ann.types("1"))
        await likeness.channel.idle()
        await ann.types("2")
        await likeness.channel.idle()
        assert len(await likeness.jobs()) == 1


async def test_the_first_answer_says_what_can_be_typed_meanwhile(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        answer = text_of(await ann.types("画一座暴风雨里的灯塔"))
        assert "进度" in answer
        assert "取消" in answer
        assert "进度" not in text_of(await ann.types("取消"))


async def test_how_far_a_picture_is_can_be_asked_while_its_photo_is_still_on_its_way(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        with wechat.photos_held():
            await ann.sends(photo())
            await ann.types("动漫风格")
            assert "动漫风格" in text_of(await ann.types("进度"))
            likeness.later(seconds=20)
        await likeness.channel.idle()
        assert not ann.messages, "the same with another number is worth none of the five"


async def test_handling_that_takes_long_is_foreseen_and_not_repeated(tmp_path: Path, wechat: FakeWeChat) -> None:
    held: list[Held] = []

    def answerer(conversation: Conversation) -> Held:
        held.append(Held(conversation))
        return held[0]

    async with house(tmp_path, wechat, jobs=False, answerer=answerer, deadlines=NO_WORK_IN_TIME) as likeness:
        ann = likeness.phone()
        assert "文字成图" in text_of(await ann.types("画一座暴风雨里的灯塔"))
        held[0].go.set()
        await likeness.channel.idle()
        assert len(ann.seen) == 1
        assert len(await likeness.jobs()) == 1


async def test_where_nothing_can_be_foreseen_the_answer_is_promised_and_comes(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    held: list[Blind] = []

    def answerer(conversation: Conversation) -> Blind:
        held.append(Blind(conversation, faults=2))
        return held[0]

    async with house(tmp_path, wechat, jobs=False, answerer=answerer, deadlines=NO_WORK_IN_TIME) as likeness:
        ann = likeness.phone()
        assert "收到" in text_of(await ann.types("画一座暴风雨里的灯塔"))
        held[0].go.set()
        await likeness.channel.idle()
        assert "文字成图" in ann.messages[0].text


async def test_a_promise_is_kept_after_a_restart(tmp_path: Path, wechat: FakeWeChat) -> None:
    held: list[Held] = []

    def answerer(conversation: Conversation) -> Held:
        held.append(Held(conversation))
        return held[0]

    async with house(tmp_path, wechat, answerer=answerer, deadlines=NO_WORK_IN_TIME, stop_seconds=0.0) as likeness:
        ann = likeness.phone()
        await ann.sends(photo())
        await ann.types("动漫风格")
        assert not await likeness.jobs()
    async with house(tmp_path, wechat) as likeness:
        await likeness.all_ended()
        await likeness.settled()
        assert len(ann.pictures) == 1
        assert len(likeness.provider.submitted) == 1
        # The first answers were read before the restart; now came the picture and its receipt.
        assert len(ann.messages) == 2


async def test_a_database_that_is_away_ends_in_a_sentence_and_not_in_silence(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    def answerer(conversation: Conversation) -> Blind:
        blind = Blind(conversation, faults=99)
        blind.go.set()
        return blind

    async with house(tmp_path, wechat, jobs=False, answerer=answerer) as likeness:
        assert "问题" in text_of(await likeness.phone().types("你好"))


async def test_words_wait_for_a_photo_that_another_process_fetches(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness, beside(likeness) as (_, other):
        ann = likeness.phone()
        with wechat.photos_held():
            await ann.sends(photo())
            wechat.app = other
            assert "动漫" in text_of(await ann.types("动漫风格"))
            assert not await likeness.jobs()
        await until_jobs(likeness, 1)
        (job,) = await likeness.jobs()
        assert len(job.order.photos) == 1
        await likeness.channel.idle()
        assert len(ann.seen) == 2, "what was foreseen came true"


async def until_jobs(likeness: House, count: int) -> None:
    async with asyncio.timeout(LONG):
        while len(await likeness.jobs()) < count:  # noqa: ASYNC110  # written by another process
            await asyncio.sleep(0.02)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Somebody holds the database's write lock: nothing can be written down meanwhile."""
    holder = sqlite3.connect(folder / "likeness.sqlite", isolation_level=None)
    try:
        holder.execute("BEGIN IMMEDIATE")
        yield
    finally:
        holder.close()


async def test_with_a_database_that_does_not_answer_there_is_a_promise_within_a_second_and_the_answer_follows(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    async with house(tmp_path, wechat, deadlines=NOTHING_IN_TIME) as likeness:
        ann = likeness.phone()
        with locked(tmp_path):
            assert "收到" in text_of(await ann.types("画一座暴风雨里的灯塔"))
            assert ann.pushes[-1].tries == 1
            assert "你好" in text_of(await likeness.phone("bob").follows())
        await likeness.all_ended()
        await likeness.settled()
        assert "文字成图" in ann.messages[0].text
        assert len(ann.pictures) == 1
        assert not list((tmp_path / "inbox" / "wechat" / "promised").iterdir())


async def test_without_a_database_too_the_promise_is_in_the_persons_language(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    async with house(tmp_path, wechat, deadlines=NOTHING_IN_TIME) as likeness:
        ann, bob = likeness.phone(), likeness.phone("bob")
        await ann.types("what can you do for me?")
        await likeness.channel.idle()
        with locked(tmp_path):
            assert "Got it" in text_of(await ann.types("OK"))
            assert "Got it" in text_of(await ann.sends(photo()))
            assert "Got it" in text_of(await bob.types("make me look like a wizard"))
            assert "收到" in text_of(await likeness.phone("zoe").types("动漫"))


async def test_without_a_database_too_who_must_ask_for_the_answer_is_told_so(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    wechat.rights = UNVERIFIED
    async with house(tmp_path, wechat, deadlines=NOTHING_IN_TIME) as likeness:
        ann = likeness.phone()
        with locked(tmp_path):
            assert "回复 1" in text_of(await ann.types("画一座暴风雨里的灯塔"))
        await likeness.all_ended()
        await likeness.settled()
    async with house(tmp_path, wechat) as likeness:
        shown = await ann.types("1")
        assert shown is not None
        assert shown.kind == "news"


async def test_a_promise_made_without_a_database_is_kept_after_a_restart(tmp_path: Path, wechat: FakeWeChat) -> None:
    # The same maker before and after: what was begun in the very last moment is taken up again, and is ready only then.
    maker = FakeProvider(standing=Script(seconds=1000), sleep=asyncio.sleep)
    async with house(tmp_path, wechat, provider=maker, deadlines=NOTHING_IN_TIME, stop_seconds=0.0) as likeness:
        ann = likeness.phone()
        with locked(tmp_path):
            await ann.types("画一座暴风雨里的灯塔")
            await likeness.channel.stop()
    maker.sleep = hasty
    async with house(tmp_path, wechat, provider=maker) as likeness:
        await likeness.all_ended()
        await likeness.settled()
        assert "文字成图" in ann.messages[0].text
        assert len(ann.pictures) == 1


async def test_no_connection_is_held_open_for_a_picture(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        people = [likeness.phone(f"p{n}") for n in range(12)]
        await asyncio.gather(*(person.sends(photo()) for person in people))
        await asyncio.gather(*(person.types("动漫风格") for person in people))
        bystander = likeness.phone("zoe")
        await bystander.types("你好")
        assert sum(person.broken for person in (*people, bystander)) == 0
        assert {push.tries for person in people for push in person.pushes} == {1}
