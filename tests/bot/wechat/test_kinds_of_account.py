"""Every kind of account gets its pictures: by customer message, in the passive answer, or on a page of ours."""

import asyncio
import io
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from PIL import Image

from bot.channels.wechat.account_rights import AccountRights
from bot.customer_messages.api import WeChatError
from bot.customer_messages.rights import Rights
from handlers.dialogue.conversation import Conversation
from handlers.message import Choice, Kind, Language, Message, Outgoing
from handlers.store.base import DeliveryState
from providers.net.certificates import trusted
from tests.bot.wechat.house import PATIENT, House, beside, house, photo, text_of
from tests.servers.wechat import APP_ID, FakeWeChat, Phone
from tests.waiting import LONG
from tests.world import Clock


async def rights_of(likeness: House) -> Rights:
    return await likeness.channel.rights.ask()


@pytest.mark.parametrize(
    ("has", "told"),
    [
        ({"customer", "media"}, "customer messages"),
        ({"customer"}, "results come as links"),
        ({"media"}, "passive replies only"),
        ({"material"}, "as pictures"),
        (set(), "as cards"),
    ],
)
async def test_the_accounts_rights_are_asked_for_and_told(
    tmp_path: Path, wechat: FakeWeChat, has: set[str], told: str
) -> None:
    wechat.rights = frozenset(has)
    async with house(tmp_path, wechat, jobs=False) as likeness:
        health = await likeness.channel.health(ask=True)
        assert health.works
        assert told in health.findings[0].message
        assert not any(phone.seen for phone in wechat.phones.values())


async def until_rights(likeness: House) -> None:
    """The start asks for the rights in the background."""
    await rights_of(likeness)


async def asks_for_a_picture(likeness: House, ann: Phone, text: str = "动漫风格") -> str:
    await until_rights(likeness)
    await ann.sends(photo())
    return text_of(await ann.types(text))


async def test_an_unverified_account_gives_the_picture_when_one_is_typed(tmp_path: Path, wechat: FakeWeChat) -> None:
    wechat.rights = frozenset({"media"})
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        assert "回复 1" in await asks_for_a_picture(likeness, ann)
        how_far = text_of(await ann.types("1"))
        assert "排队" in how_far or "正在做" in how_far
        assert "回复 1" in how_far
        await likeness.makes(ann)
        assert likeness.rows[0].state is DeliveryState.SENT
        shown = await ann.types("1")
        assert shown is not None
        assert (shown.kind, shown.passive) == ("image", True)
        assert not ann.messages
        assert len(await likeness.jobs()) == 1


class Dawdling:
    """The real conversation, which takes its time while `go` is not set."""

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self.go, self.asked = asyncio.Event(), asyncio.Event()
        self.go.set()

    async def handle(self, message: Message) -> tuple[Outgoing, ...]:
        self.asked.set()
        await self.go.wait()
        return await self.conversation.handle(message)

    async def foresee(self, messages: Sequence[Message]) -> tuple[Outgoing, ...]:
        return await self.conversation.foresee(messages)

    def picked(self, text: str, offered: Sequence[str]) -> str | None:
        return self.conversation.picked(text, offered)

    def language(self, text: str, known: Language | None) -> Language:
        return self.conversation.language(text, known)


async def test_a_push_that_comes_to_two_processes_at_once_gets_the_picture_from_both(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    wechat.rights = frozenset({"media"})
    dawdling: list[Dawdling] = []

    def dawdle(conversation: Conversation) -> Dawdling:
        dawdling.append(Dawdling(conversation))
        return dawdling[0]

    async with (
        house(tmp_path, wechat, jobs=False, answerer=dawdle) as likeness,
        beside(likeness) as (_, other),
        httpx.AsyncClient(verify=trusted(), trust_env=False, timeout=LONG) as client,
    ):
        ann = likeness.phone()
        await asks_for_a_picture(likeness, ann)
        await likeness.makes(ann)
        dawdling[0].go.clear()
        dawdling[0].asked.clear()
        xml = ann.text_xml("1")
        slow = asyncio.create_task(client.post(**ann.request(xml)))
        await dawdling[0].asked.wait()
        quick = await client.post(**{**ann.request(xml), "url": f"{other}/wechat"})
        dawdling[0].go.set()
        assert "<MediaId>" in quick.text
        assert (await slow).text == quick.text


@pytest.mark.parametrize("words", ["好了吗", "我的图呢", "进度", "谢谢"])
async def test_asking_in_other_words_gives_the_picture_too(tmp_path: Path, wechat: FakeWeChat, words: str) -> None:
    wechat.rights = frozenset({"media"})
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await asks_for_a_picture(likeness, ann)
        await likeness.makes(ann)
        shown = await ann.types(words)
        assert shown is not None
        assert shown.kind == "image"


async def test_the_same_picture_comes_with_every_try_of_the_platform(tmp_path: Path, wechat: FakeWeChat) -> None:
    wechat.rights = frozenset({"media"})
    ann = wechat.phone("ann")
    async with house(tmp_path, wechat) as likeness:
        await asks_for_a_picture(likeness, ann)
        await likeness.all_ended()
        xml = ann.text_xml("1")
        first = await ann._push(xml)
        await likeness.settled()
    async with house(tmp_path, wechat) as likeness:
        again = await ann._push(xml)
        assert first is not None
        assert again is not None
        assert (first.kind, first.picture) == (again.kind, again.picture)
        after = await ann.types("你好")
        assert after is not None
        assert after.kind == "text"


async def test_permanent_material_serves_where_nothing_else_is_allowed(tmp_path: Path, wechat: FakeWeChat) -> None:
    wechat.rights = frozenset({"material"})
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await asks_for_a_picture(likeness, ann)
        await likeness.makes(ann)
        shown = await ann.types("1")
        assert shown is not None
        assert shown.kind == "image"


async def test_without_any_upload_a_card_opens_a_page_with_the_picture_at_full_size(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    wechat.rights = frozenset()
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await asks_for_a_picture(likeness, ann)
        job = await likeness.makes(ann, sizes=(1600, 1200))
        card = await ann.types("1")
        assert card is not None
        assert card.kind == "news"
        cover = await likeness.get(card.cover)
        assert cover.headers["content-type"] == "image/jpeg"
        page = await likeness.get(card.url)
        assert page.status_code == 200
        assert "长按" in page.text
        assert "ong-press" in page.text
        assert "noindex" in page.text
        assert ann.openid not in page.text + card.url
        (source,) = re.findall(r'src="(/r/[^"]+)"', page.text)
        full = await likeness.get(likeness.address + source)
        assert full.content == job.pictures[0].path.read_bytes()
        assert Image.open(io.BytesIO(full.content)).size == (1600, 1200)


async def test_a_page_expires_cannot_be_guessed_and_is_forgotten_with_its_person(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    wechat.rights = frozenset()
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann, bob = likeness.phone(), likeness.phone("bob")
        urls = []
        for person in (ann, bob):
            await asks_for_a_picture(likeness, person)
            await likeness.makes(person)
            card = await person.types("1")
            assert card is not None
            urls.append(card.url)
        assert len(urls[0].rpartition("/")[2]) >= 22
        wrong = urls[0][:-1] + ("A" if urls[0][-1] != "A" else "B")
        assert (await likeness.get(wrong)).status_code == 404
        assert (await likeness.get(f"{urls[0]}/2")).status_code == 404
        await ann.types("/forget")
        await ann.types("好的")  # when that is answered the page is gone
        assert (await likeness.get(urls[0])).status_code == 404
        assert (await likeness.get(f"{urls[0]}/1")).status_code == 404
        assert (await likeness.get(urls[1])).status_code == 200
        likeness.later(days=8)
        gone = await likeness.get(urls[1])
        assert gone.status_code == 404
        assert "过期" in gone.text
        assert "expired" in gone.text


async def test_the_very_first_answer_knows_already_what_the_account_may_do(tmp_path: Path, wechat: FakeWeChat) -> None:
    wechat.rights = frozenset()
    async with house(tmp_path, wechat, jobs=False) as likeness:
        answer = text_of(await likeness.phone().types("画一座暴风雨里的灯塔"))
        assert "回复 1" in answer


async def test_a_platform_that_hangs_does_not_hold_up_the_start(tmp_path: Path, wechat: FakeWeChat) -> None:
    wechat.plan("stable_token", do="hold")
    async with house(tmp_path, wechat, jobs=False, deadlines=replace(PATIENT, rights=0.05)) as likeness:
        assert text_of(await likeness.phone().types("你好"))
        wechat.release()


async def test_after_a_picture_in_the_answer_its_receipt_and_its_full_size_come_with_the_next_answer(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    wechat.rights = frozenset({"media"})
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await asks_for_a_picture(likeness, ann)
        await likeness.makes(ann)
        picture = await ann.types("1")
        assert picture is not None
        assert picture.kind == "image"
        following = text_of(await ann.types("你好"))
        assert "21 秒" in following
        assert "/r/" in following
        assert "/r/" not in text_of(await ann.types("你好"))


async def test_of_several_results_each_asking_again_gives_the_next_as_a_picture(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    wechat.rights = frozenset({"media"})
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await asks_for_a_picture(likeness, ann)
        await ann.types("画一座暴风雨里的灯塔")
        await likeness.makes(ann)
        await likeness.makes(ann)
        for _ in range(2):
            shown = await ann.types("1")
            assert shown is not None
            assert shown.kind == "image"
        assert len(ann.pictures) == 2


async def test_numbers_of_a_list_that_waited_mean_what_was_printed(tmp_path: Path, wechat: FakeWeChat) -> None:
    wechat.rights = frozenset()
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await asks_for_a_picture(likeness, ann)
        await likeness.channel.idle()
        (job,) = await likeness.jobs()
        retry = Choice(id=f"retry:{job.id}", label="再试一次")
        failed = Outgoing(id="error:x", kind=Kind.CHOICES, text="出错了。", choices=(retry,), job=job.id, language="zh")
        await likeness.channel.say(job.chat, failed)
        assert "1. 再试一次" in text_of(await ann.types("你好"))
        assert "动漫风格" in text_of(await ann.types("1"))
        await likeness.channel.idle()
        assert len(await likeness.jobs()) == 2


async def test_pages_of_people_who_never_come_back_are_deleted_after_their_week(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        await likeness.makes(ann)
        ((page_id, _),) = await likeness.store.space("wechat.page")
        await likeness.channel.sweep()
        assert await likeness.store.value("wechat.page", page_id) is not None
        likeness.later(days=8)
        await likeness.channel.sweep()
        assert await likeness.store.value("wechat.page", page_id) is None
        assert not await likeness.store.inbox("wechat.page")


async def test_permanent_material_is_deleted_from_the_account_when_its_page_is_gone(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    wechat.rights = frozenset({"material"})
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann, bob = likeness.phone(), likeness.phone("bob")
        for person in (ann, bob):
            await asks_for_a_picture(likeness, person)
            await likeness.makes(person)
            await person.types("1")
        assert len(wechat.media) == 2
        await ann.types("/forget")
        await ann.types("好的")
        wechat.plan("del_material", status=503)
        for _ in range(2):
            with suppress(WeChatError):
                await likeness.channel.sweep()
        assert len(wechat.media) == 1, "what could not be deleted at first was tried again"
        likeness.later(days=8)
        await likeness.channel.sweep()
        assert not wechat.media


async def test_a_new_wish_is_answered_and_the_waiting_result_is_linked_with_it(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    wechat.rights = frozenset({"media"})
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await asks_for_a_picture(likeness, ann)
        await likeness.makes(ann)
        both = text_of(await ann.types("油画风格"))
        assert both.startswith("你的图好了")
        assert "/r/" in both
        assert "油画" in both
        assert len(await likeness.jobs()) == 2


async def test_several_pictures_are_one_collage_whose_numbers_give_each(tmp_path: Path, wechat: FakeWeChat) -> None:
    wechat.rights = frozenset({"media"})
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await asks_for_a_picture(likeness, ann, "动漫风格，3张")
        await likeness.makes(ann, 3)
        shown = [await ann.types(text) for text in ("1", "2", "3")]
        assert all(s is not None and s.kind == "image" for s in shown)
        assert len(set(ann.pictures)) == 3
        assert len(await likeness.jobs()) == 1


async def test_an_account_that_loses_its_right_goes_on_without_it(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await asks_for_a_picture(likeness, ann)
        wechat.rights = frozenset({"media"})
        await likeness.makes(ann)
        assert likeness.rows[0].state is DeliveryState.SENT
        shown = await ann.types("1")
        assert shown is not None
        assert shown.kind == "image"
        assert not (await likeness.channel.rights.now()).customer


async def test_a_right_that_was_refused_once_is_asked_for_again_within_the_hour(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    clock = Clock()
    pauses: list[float] = []
    asked = asyncio.Event()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        asked.set()
        await asyncio.Event().wait()

    async with house(tmp_path, wechat, jobs=False, listening=False) as likeness:
        rights = AccountRights(store=likeness.store, app_id=APP_ID, api=likeness.channel.api, clock=clock, sleep=sleep)
        asking = asyncio.create_task(rights.keep_asking())
        await asked.wait()
        assert (await rights.now()).customer
        assert pauses == [3600.0]
        asking.cancel()


async def test_pages_of_who_is_no_follower_to_the_platform_are_gone_after_forget(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        await likeness.makes(ann)
        link = re.findall(r'href="([^"]+)"', ann.messages[-1].text)[0]
        await ann.types("再来一张")
        wechat.plan("custom/send", errcode=40003)
        await likeness.makes(ann)
        assert (await likeness.get(link)).status_code == 200
        await ann.types("/forget")
        await ann.types("好的")
        await likeness.channel.idle()
        assert (await likeness.get(link)).status_code == 404


async def test_menu_messages_that_are_refused_become_numbered_lists(tmp_path: Path, wechat: FakeWeChat) -> None:
    wechat.rights = frozenset({"customer", "media"})
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await asks_for_a_picture(likeness, ann)
        await likeness.makes(ann)
        assert ann.messages[-1].kind == "text"
        assert "1. 再来一张" in ann.messages[-1].text
        await ann.types("1")
        await likeness.channel.idle()
        assert len(await likeness.jobs()) == 2


async def test_links_use_the_address_that_was_set(tmp_path: Path, wechat: FakeWeChat) -> None:
    wechat.rights = frozenset()
    async with house(tmp_path, wechat, jobs=False, public_url="https://photos.example.com/") as likeness:
        ann = likeness.phone()
        await asks_for_a_picture(likeness, ann)
        await likeness.makes(ann)
        card = await ann.types("1")
        assert card is not None
        assert card.url.startswith("https://photos.example.com/r/")
