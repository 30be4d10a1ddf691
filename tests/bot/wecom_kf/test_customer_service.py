"""WeCom customer service, from what somebody in WeChat writes to the picture on their screen."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette

from bot.channels.arrivals import Timing
from bot.channels.wecom_kf.channel import WeComKfChannel
from bot.metrics import Metrics
from handlers.dialogue.conversation import Conversation
from handlers.jobs.delivery import Courier
from handlers.jobs.notices import JobNotices
from handlers.jobs.outcome import JobOutcome, StepOutcome
from handlers.jobs.plan import quoted
from handlers.jobs.sweep import LIVE
from handlers.message import Chat
from handlers.store.base import Delivery, JobState
from handlers.store.memory import MemoryStore
from handlers.words import words
from providers.fake import FakeProvider
from providers.media.accept import accept_photo
from providers.net.certificates import trusted
from providers.router import Router
from tests.bot.wechat.serving import served
from tests.bot.wecom.house import photo, picture_of
from tests.contract.wecom import Front
from tests.contract.wecom_kf import brisk, kf_settings
from tests.servers.wecom_kf import ACCOUNT, FakeKf, Person
from tests.waiting import LONG, until
from tests.world import Clock, RecordedJobs, hasty

OPENID = f"{ACCOUNT}/wmAnn"


@dataclass(kw_only=True)
class House:
    kf: FakeKf
    channel: WeComKfChannel
    store: MemoryStore
    clock: Clock
    folder: Path
    front: Front
    conversation: Conversation

    async def writes(self, person: Person, text: str, **more: Any) -> None:
        await self.kf.writes(person, text, **more)
        await self.settled()

    async def sends_photo(self, person: Person) -> None:
        await self.kf.sends_photo(person, photo())
        await self.settled()

    async def settled(self) -> None:
        await self.channel.idle()

    async def makes(self, count: int = 1) -> Delivery:
        """What the job runner does at the end of the oldest open job, without one."""
        await self.settled()
        job = (await self.store.jobs(states=LIVE))[-1]
        pictures = tuple(picture_of(self.folder / "pictures" / job.id, n) for n in range(count))
        made = JobOutcome(steps=(StepOutcome(wanted=count, pictures=pictures),))
        result = JobNotices(job=job, words=words).result(made, took=21.0, number=0)
        courier = Courier(self.store, sleep=hasty)
        row = await courier.deliver(self.channel, job.chat, result, job_id=job.id, number=0)
        await self.store.update_job(job.id, state=JobState.DONE, pictures=pictures)
        return row


def process(folder: Path, kf: FakeKf, store: MemoryStore, clock: Clock) -> WeComKfChannel:
    return WeComKfChannel(
        settings=kf_settings(kf),
        store=store,
        metrics=Metrics(),
        data_dir=folder,
        secret=b"a secret for tests",
        clock=clock,
        sleep=brisk,
        timing=Timing(retries=(0.0, 0.0), again=(0.01,), look=0.05, stop=3.0, sleep=brisk),
    )


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    clock, front = Clock(), Front()
    with FakeKf.serving() as kf:
        kf.clock = lambda: clock().timestamp()
        async with served(front) as address:
            kf.app = address
            store = MemoryStore(clock=clock)
            channel = process(folder, kf, store, clock)
            conversation = Conversation(
                store=store,
                jobs=RecordedJobs(),
                quote=quoted(Router([FakeProvider(sleep=hasty)])),
                photos_dir=folder / "photos",
                now=clock,
                accept=lambda path, into: accept_photo(path, into=into),
                forget=channel.forget,
            )
            await channel.start(conversation)
            front.app = Starlette(routes=list(channel.routes()))
            try:
                yield House(
                    kf=kf,
                    channel=channel,
                    store=store,
                    clock=clock,
                    folder=folder,
                    front=front,
                    conversation=conversation,
                )
            finally:
                await channel.stop()


async def test_a_photo_and_words_become_a_picture_within_the_budget(tmp_path: Path) -> None:
    async with house(tmp_path) as likeness:
        ann = likeness.kf.person()
        await likeness.sends_photo(ann)
        assert len(ann.menus) == 1
        await likeness.writes(ann, "动漫风格")
        await likeness.makes()
        assert len(ann.pictures) == 1
        assert ann.sent == 3  # what was understood, the picture, its receipt
        assert list((tmp_path / "inbox" / "wecom_kf").iterdir()) == []


async def test_a_tap_in_the_menu_is_its_choice(tmp_path: Path) -> None:
    async with house(tmp_path) as likeness:
        ann = likeness.kf.person()
        await likeness.sends_photo(ann)
        for _ in range(2):  # a group, then a style of it
            row = ann.menus[-1]["list"][0]["click"]
            await likeness.writes(ann, row["content"], menu_id=row["id"])
        (job,) = await likeness.store.jobs()
        assert job.order.photos


async def test_more_choices_than_a_menu_holds_are_all_there_by_number(tmp_path: Path) -> None:
    async with house(tmp_path) as likeness:
        ann = likeness.kf.person()
        await likeness.sends_photo(ann)
        await likeness.writes(ann, "修改这张照片", menu_id="edits")
        offered = (await likeness.store.session(Chat(channel="wecom_kf", chat=OPENID, person=OPENID))).menu
        assert offered is not None
        assert len(offered.options) > 10
        assert f"{len(offered.options)}. {offered.labels[-1]}" in ann.texts[-1]
        await likeness.writes(ann, str(offered.options.index("action:upscale") + 1))
        (job,) = await likeness.store.jobs()
        assert job.order.shots[0].edits[0].action == "upscale"


async def test_what_the_budget_does_not_hold_comes_with_the_next_message(tmp_path: Path) -> None:
    async with house(tmp_path) as likeness:
        ann = likeness.kf.person()
        await likeness.sends_photo(ann)
        await likeness.writes(ann, "动漫风格")
        likeness.clock.ahead += timedelta(hours=49)
        row = await likeness.makes()
        assert row.state.value == "sent"  # held by the channel
        assert ann.pictures == []
        await likeness.writes(ann, "你好")
        assert len(ann.pictures) == 1
        assert ann.sent <= 5


async def test_the_platforms_own_count_is_the_one_that_matters(tmp_path: Path) -> None:
    async with house(tmp_path) as likeness:
        ann = likeness.kf.person()
        await likeness.sends_photo(ann)
        await likeness.writes(ann, "动漫风格")
        ann.sent = 5
        await likeness.makes()
        assert ann.pictures == []
        await likeness.writes(ann, "好了吗")
        assert len(ann.pictures) == 1


async def test_a_picture_that_is_said_afterwards_not_to_have_arrived_comes_when_they_write(tmp_path: Path) -> None:
    async with house(tmp_path) as likeness:
        ann = likeness.kf.person()
        await likeness.sends_photo(ann)
        await likeness.writes(ann, "动漫风格，两张")
        await likeness.makes(2)
        first, second = [body for body in ann.screen if body["msgtype"] == "image"]
        assert first["msgid"] != second["msgid"]
        assert max(map(len, (first["msgid"], second["msgid"]))) <= 32
        ann.screen.remove(second)
        await likeness.kf.event(ann, "msg_send_fail", fail_msgid=second["msgid"], fail_type=6)
        await likeness.settled()
        await likeness.writes(ann, "好了吗")
        assert ann.pictures == [first["data"], second["data"]], "the other one is not sent again"
        await likeness.kf.event(ann, "msg_send_fail", fail_msgid="not-of-ours", fail_type=6)
        await likeness.settled()
        await likeness.writes(ann, "好了吗")
        assert len(ann.pictures) == 2


async def test_who_comes_is_welcomed_once_and_may_ask_for_a_person(tmp_path: Path) -> None:
    async with house(tmp_path) as likeness:
        ann = likeness.kf.person()
        await likeness.kf.enters(ann)
        await likeness.settled()
        (menu,) = ann.menus
        assert "AI" in menu["head_content"]
        human = menu["list"][-1]["click"]
        await likeness.writes(ann, human["content"], menu_id=human["id"])
        assert "人工" in ann.texts[-1]
        assert ann.state == 2
        seen = len(ann.screen)
        await likeness.writes(ann, "你们几点下班？")
        assert len(ann.screen) == seen  # the person of the company answers
        ann.state = 1
        await likeness.kf.event(ann, "session_status_change", change_type=3)
        await likeness.settled()
        await likeness.writes(ann, "帮助")
        assert len(ann.screen) == seen + 1


async def test_a_code_that_names_a_style_is_that_wish(tmp_path: Path) -> None:
    async with house(tmp_path) as likeness:
        ann = likeness.kf.person()
        await likeness.kf.enters(ann, "anime")
        await likeness.settled()
        (greeting,) = ann.texts
        assert "AI" in greeting
        assert "把照片发过来" in greeting
        await likeness.sends_photo(ann)
        (job,) = await likeness.store.jobs()
        assert job.order.shots[0].style == "anime"


async def test_where_the_end_of_a_persons_service_was_never_told_the_platform_is_asked(tmp_path: Path) -> None:
    async with house(tmp_path) as likeness:
        ann = likeness.kf.person()
        await likeness.kf.event(ann, "session_status_change", change_type=1)
        ann.state = 3
        await likeness.writes(ann, "帮助")
        assert ann.screen == []
        ann.state = 4
        await likeness.writes(ann, "帮助")
        assert len(ann.screen) == 1


async def test_where_nobody_can_take_over_that_is_said(tmp_path: Path) -> None:
    async with house(tmp_path) as likeness:
        ann = likeness.kf.person()
        likeness.kf.handed_over = 95014
        await likeness.writes(ann, "转人工")
        assert "没有人工客服" in ann.texts[-1]
        await likeness.writes(ann, "帮助")
        assert len(ann.texts) == 3


async def test_the_cursor_is_kept_and_what_came_meanwhile_is_pulled_at_the_start(tmp_path: Path) -> None:
    async with house(tmp_path) as likeness:
        ann = likeness.kf.person()
        await likeness.writes(ann, "帮助")
        await likeness.channel.stop()
        likeness.front.app = Starlette()
        for words_ in ("帮助", "风格"):
            await likeness.kf.writes(ann, words_)
        again = process(tmp_path, likeness.kf, likeness.store, likeness.clock)
        before = len(likeness.kf.cursors)
        await again.start(likeness.conversation)
        await until(lambda: len(ann.screen) == 3)
        assert likeness.kf.cursors[before] == "1"
        await again.stop()


async def test_a_stranger_is_not_answered_for_what_they_wrote_days_ago(tmp_path: Path) -> None:
    async with house(tmp_path) as likeness:
        ann = likeness.kf.person()
        likeness.front.app = Starlette()
        await likeness.kf.writes(ann, "帮助")
        likeness.clock.ahead += timedelta(hours=5)
        likeness.front.app = Starlette(routes=list(likeness.channel.routes()))
        await likeness.writes(ann, "帮助")
        assert len(ann.screen) == 1


async def test_the_callback_is_verified_and_a_wrong_signature_refused(tmp_path: Path) -> None:
    async with house(tmp_path) as likeness:
        sealed = likeness.kf.seal("an echo")
        async with httpx.AsyncClient(verify=trusted(), timeout=LONG) as client:
            query = {**likeness.kf.query(sealed), "echostr": sealed}
            answer = await client.get(f"{likeness.kf.app}/wecom/kf", params=query)
            assert (answer.status_code, answer.text) == (200, "an echo")
            wrong = await client.get(f"{likeness.kf.app}/wecom/kf", params={**query, "msg_signature": "0"})
            assert wrong.status_code == 403
        assert (await likeness.kf.says_so(signature="0")).status_code == 403
        assert "kf/sync_msg" not in likeness.kf.calls
