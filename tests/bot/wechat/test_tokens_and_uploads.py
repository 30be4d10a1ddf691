"""The access token and the media: shared, renewed once, never by two at a time; uploads as the platform wants them."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bot.customer_messages.api import WeChatError
from bot.customer_messages.tokens import SPACE, Fetch, Tokens, sealing
from handlers.store.memory import MemoryStore
from tests.bot.wechat.house import house, photo
from tests.servers.wechat import MAX_IMAGE, FakeWeChat
from tests.world import Clock, hasty

Sleep = Callable[[float], Awaitable[None]]


@pytest.mark.parametrize("code", [40001, 42001, 40014])
async def test_a_refused_token_is_renewed_once_and_the_message_is_not_lost(
    tmp_path: Path, wechat: FakeWeChat, code: int
) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        wechat.plan("custom/send", errcode=code)
        await likeness.makes(ann)
        assert len(ann.pictures) == 1
        assert ann.sent_in_window == 2


async def test_a_token_invalidated_elsewhere_is_renewed(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        wechat.invalidate()
        await likeness.makes(ann)
        assert len(ann.pictures) == 1
        assert wechat.forced == 0


async def test_a_token_is_renewed_before_it_expires(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        await likeness.channel.health(ask=True)
        before, asked = wechat.token, wechat.calls["stable_token"]
        likeness.later(seconds=7200 - 250)
        await likeness.channel.health(ask=True)
        assert wechat.token != before
        assert wechat.calls["stable_token"] == asked + 1


async def test_a_wrong_secret_is_said_and_not_tried_for_ever(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        wechat.plan("stable_token", errcode=40125, times=1000)
        wechat.invalidate()
        await asyncio.sleep(0)
        asked = wechat.calls["stable_token"]
        likeness.later(hours=3)
        health = await likeness.channel.health(ask=True)
        assert not health.works
        assert "WECHAT_APP_SECRET" in health.findings[0].message
        assert wechat.calls["stable_token"] - asked < 10


@pytest.mark.parametrize("code", [40001, 42001])
async def test_a_token_refused_once_although_it_is_good_costs_one_look_and_no_forced_token(
    tmp_path: Path, wechat: FakeWeChat, code: int
) -> None:
    async with house(tmp_path, wechat, jobs=False, listening=False) as likeness:
        await likeness.channel.health(ask=True)
        wechat.files["m"] = photo()
        wechat.plan("media/get", errcode=code)
        asked = wechat.calls["stable_token"]
        assert await likeness.channel.api.media("m") == photo()
        assert wechat.calls["stable_token"] - asked == 1
        assert wechat.forced == 0


async def test_a_token_given_out_and_refused_is_replaced_by_a_forced_one(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False, listening=False) as likeness:
        await likeness.channel.health(ask=True)
        wechat.files["m"] = photo()
        wechat.plan("media/get", errcode=40001, times=2)
        assert await likeness.channel.api.media("m") == photo()
        assert wechat.forced == 1


async def test_calls_refused_side_by_side_look_for_a_new_token_once(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False, listening=False) as likeness:
        await likeness.channel.health(ask=True)
        wechat.files["m"] = photo()
        wechat.plan("media/get", errcode=40001, delay=0.1, times=10)
        asked = wechat.calls["stable_token"]
        assert set(await asyncio.gather(*(likeness.channel.api.media("m") for _ in range(10)))) == {photo()}
        assert wechat.calls["stable_token"] - asked <= 2


async def test_a_token_refused_for_ever_is_refetched_once_and_forced_once_for_each_call(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    async with house(tmp_path, wechat, jobs=False, listening=False) as likeness:
        await likeness.channel.health(ask=True)
        wechat.plan("media/get", errcode=40001, times=1000)
        calls, asked = wechat.calls["media/get"], wechat.calls["stable_token"]
        with pytest.raises(WeChatError):
            await likeness.channel.api.media("m")
        assert wechat.calls["media/get"] - calls == 3
        assert wechat.calls["stable_token"] - asked <= 2


def tokens(store: MemoryStore, fetch: Fetch, clock: Clock, *, account: str = "its own", sleep: Sleep = hasty) -> Tokens:
    return Tokens(store=store, app_id="a", fetch=fetch, seal=sealing(account), clock=clock, sleep=sleep)


async def test_a_token_lies_sealed_in_the_store_and_another_secret_asks_anew() -> None:
    store, clock, asked = MemoryStore(), Clock(), 0

    async def fetch(force: bool) -> dict[str, object]:
        nonlocal asked
        asked += 1
        return {"access_token": f"token-in-clear-{asked}", "expires_in": 7200}

    assert await tokens(store, fetch, clock).token() == "token-in-clear-1"
    assert await tokens(store, fetch, clock).token() == "token-in-clear-1"
    assert "token-in-clear" not in str(await store.space(SPACE))
    assert await tokens(store, fetch, clock, account="another").token() == "token-in-clear-2"


async def test_of_many_processes_one_renews_the_token() -> None:
    store, clock, asked = MemoryStore(), Clock(), 0
    at_once = most = 0

    async def fetch(force: bool) -> dict[str, object]:
        nonlocal asked, at_once, most
        asked, at_once = asked + 1, at_once + 1
        most = max(most, at_once)
        await asyncio.sleep(0.02)  # room for the others to come in between
        at_once -= 1
        return {"access_token": f"token {asked}", "expires_in": 7200}

    processes = [tokens(store, fetch, clock) for _ in range(8)]
    first = await asyncio.gather(*(p.token() for p in processes for _ in range(3)))
    assert set(first) == {"token 1"}
    second = await asyncio.gather(*(p.renewed("token 1") for p in processes))
    assert set(second) == {"token 2"}
    assert (asked, most) == (2, 1)


async def test_the_lease_of_a_process_that_died_ends_by_itself() -> None:
    clock = Clock(stands=True)
    store = MemoryStore(clock=clock)
    asking, stuck = asyncio.Event(), asyncio.Event()

    async def dies(force: bool) -> dict[str, object]:
        asking.set()
        await stuck.wait()
        return {}

    async def fetch(force: bool) -> dict[str, object]:
        return {"access_token": "good", "expires_in": 7200}

    pausing = asyncio.Event()

    async def pause(_seconds: float) -> None:
        pausing.set()
        await asyncio.sleep(0.01)

    dying = asyncio.create_task(tokens(store, dies, clock).token())
    await asking.wait()
    waiting = asyncio.create_task(tokens(store, fetch, clock, sleep=pause).token())
    await pausing.wait()
    assert not waiting.done()
    clock.ahead += timedelta(seconds=30)
    assert await waiting == "good"
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)


async def test_a_large_picture_is_made_smaller_and_never_cut(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        job = await likeness.makes(ann)
        noise = np.random.default_rng(1).integers(0, 255, (1800, 2400, 3), dtype="uint8")
        big = job.pictures[0].path.with_name("big.png")
        await asyncio.to_thread(Image.fromarray(noise).save, big)
        assert big.stat().st_size > 4 * MAX_IMAGE
        await ann.types("再来一张")
        await likeness.makes(ann, file=big)
        name, kind, size = wechat.uploads[-1]
        assert name.endswith(".jpg")
        assert kind == "image/jpeg"
        assert size < MAX_IMAGE
        shown = Image.open(io.BytesIO(ann.pictures[-1]))
        assert shown.width / shown.height == pytest.approx(2400 / 1800, rel=0.01)


async def test_an_uploaded_picture_is_used_again_for_three_days_and_then_uploaded_anew(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    wechat.rights = frozenset({"media"})
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.channel.health(ask=True)
        await likeness.wishes(ann)
        await likeness.makes(ann)
        assert len(wechat.uploads) == 1
        await ann.types("1")
        await ann.types("1")
        assert len(wechat.uploads) == 1
        likeness.later(days=3)
        shown = await ann.types("1")
        assert shown is not None
        assert shown.kind == "image"
        assert len(wechat.uploads) == 2


async def test_a_media_id_the_platform_has_lost_is_uploaded_anew(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        wechat.plan("custom/send", errcode=40007)
        await likeness.makes(ann)
        assert len(ann.pictures) == 1
        assert len(wechat.uploads) == 2


@pytest.mark.parametrize("code", [45009, 40009, 48001])
async def test_a_refused_upload_becomes_a_card(tmp_path: Path, wechat: FakeWeChat, code: int) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        wechat.plan("media/upload", errcode=code, times=9)
        wechat.plan("material/add_material", errcode=code, times=9)
        await likeness.makes(ann)
        assert ann.messages[0].kind == "news"
        assert (await likeness.get(ann.messages[0].url)).status_code == 200


async def test_an_upload_for_which_there_is_no_call_becomes_a_card(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        wechat.plan("media/upload", errcode=48001, times=9)
        wechat.plan("material/add_material", status=404, times=9)
        await likeness.makes(ann)
        assert ann.messages[0].kind == "news"


async def test_uploads_that_fail_for_minutes_become_a_card(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        wechat.plan("media/upload", status=500, times=100_000)
        making = asyncio.create_task(likeness.makes(ann))
        while wechat.calls["media/upload"] < 3:  # noqa: ASYNC110  # counted in another thread
            await asyncio.sleep(0.01)
        assert not ann.messages
        likeness.later(seconds=130)
        await making
        assert [seen.kind for seen in ann.messages] == ["news", "msgmenu"]


async def test_several_pictures_that_cannot_be_uploaded_are_one_card(tmp_path: Path, wechat: FakeWeChat) -> None:
    wechat.rights = frozenset({"customer", "msgmenu"})
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        await likeness.makes(ann, 3)
        assert [seen.kind for seen in ann.messages] == ["news", "msgmenu"]
        page = await likeness.get(ann.messages[0].url)
        assert page.text.count("<img") == 3


async def test_photos_are_deleted_once_they_are_accepted(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        await likeness.phone().sends(photo())
        await likeness.channel.idle()
        inbox = tmp_path / "inbox" / "wechat"
        assert not await asyncio.to_thread(lambda: list(inbox.iterdir()))
