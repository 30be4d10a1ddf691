"""Starting, stopping, polling, the webhook, and Telegram being away."""

import asyncio
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from bot.channels.telegram.channel import TelegramChannel
from bot.channels.telegram.outbound.limits import Clock
from bot.metrics import Metrics
from handlers.message import Language, Message, Outgoing
from handlers.store.memory import MemoryStore
from providers.fake import Script
from providers.media.labels import read_label
from tests.bot.telegram.stage import Stage, listening, on_stage, paced
from tests.servers.telegram import TOKEN, FakeTelegram, Fault, jpeg
from tests.waiting import LONG

SECRET = "a-secret-of-tests"
GROUP = -1_001_000_000_077


def update(telegram: FakeTelegram, **content: Any) -> dict[str, Any]:
    """An update as Telegram posts it to a webhook."""
    message = telegram.person(1)._message(None, **content)
    telegram._update_ids += 1
    return {"update_id": telegram._update_ids, "message": json.loads(json.dumps(message))}


def webhook(stage: Stage) -> httpx.AsyncClient:
    app = Starlette(routes=list(stage.channel.routes()))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://bot")


async def logged(caplog: pytest.LogCaptureFixture, text: str) -> None:
    async with asyncio.timeout(LONG):
        while text not in caplog.text:  # noqa: ASYNC110  # a log tells nobody
            await asyncio.sleep(0.01)


HOOKED: dict[str, Any] = {"mode": "webhook", "public_url": "https://bot.example/", "webhook_secret": SECRET}


# --- the webhook


async def test_in_webhook_mode_the_address_and_the_secret_are_told_to_telegram(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    async with listening(tmp_path, telegram, **HOOKED) as stage:
        await stage.until(lambda: telegram.webhook)
        assert telegram.webhook["url"] == "https://bot.example/telegram"
        assert telegram.webhook["secret_token"] == SECRET
        assert "callback_query" in telegram.webhook["allowed_updates"]
        assert not telegram.of("getUpdates")


async def test_a_webhook_without_a_secret_in_the_settings_gets_one_that_stays_the_same(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    secrets = []
    for _ in range(2):
        async with listening(tmp_path, telegram, mode="webhook", public_url="https://bot.example") as stage:
            await stage.until(lambda: telegram.webhook)
            secrets.append(telegram.webhook.pop("secret_token"))
            telegram.webhook = {}
    assert secrets[0] == secrets[1]
    assert len(secrets[0]) >= 32
    assert TOKEN not in secrets[0]


async def test_an_update_by_webhook_is_stored_before_it_is_acknowledged_and_then_handled(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    async with listening(tmp_path, telegram, **HOOKED) as stage, webhook(stage) as client:
        await stage.until(lambda: telegram.webhook)
        posted = update(telegram, **telegram.photo_content(jpeg()), caption="anime style")
        headers = {"x-telegram-bot-api-secret-token": SECRET}
        telegram.faults.append(Fault(method="getFile", what="hang"))
        answer = await client.post("/telegram", json=posted, headers=headers)
        assert answer.status_code == 200, "at once, not after the download"
        assert [key for key, _ in await stage.store.inbox("telegram")] == [str(posted["update_id"])]
        await telegram.until(lambda: telegram.of("getFile"))
        telegram.release()
        assert (await client.post("/telegram", json=posted, headers=headers)).status_code == 200
        await stage.channel.idle()
        assert len(await stage.jobs_of(1)) == 1
        assert not await stage.store.inbox("telegram")


@pytest.mark.parametrize("given", [None, "", "wrong", SECRET + "x", "ключ"])
async def test_a_post_without_the_secret_is_refused(tmp_path: Path, telegram: FakeTelegram, given: str | None) -> None:
    async with listening(tmp_path, telegram, **HOOKED) as stage, webhook(stage) as client:
        await stage.until(lambda: telegram.webhook)
        headers = {} if given is None else {b"x-telegram-bot-api-secret-token": given.encode()}
        answer = await client.post("/telegram", json=update(telegram, text="/help"), headers=headers)
        assert answer.status_code == 403
        await stage.channel.idle()
        assert not telegram.shown(1)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"update_id": "x"}', b'{"message": {}}', b"[" * 5000, b"\xff"])
async def test_nonsense_by_webhook_is_taken_and_forgotten(tmp_path: Path, telegram: FakeTelegram, body: bytes) -> None:
    async with listening(tmp_path, telegram, **HOOKED) as stage, webhook(stage) as client:
        await stage.until(lambda: telegram.webhook)
        headers = {"x-telegram-bot-api-secret-token": SECRET}
        assert (await client.post("/telegram", content=body, headers=headers)).status_code == 200
        assert not await stage.store.inbox("telegram")


async def test_what_comes_by_webhook_before_telegram_was_reached_is_kept_and_answered_later(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    telegram.down = True
    async with listening(tmp_path, telegram, **HOOKED) as stage, webhook(stage) as client:
        headers = {"x-telegram-bot-api-secret-token": SECRET}
        answer = await client.post("/telegram", json=update(telegram, text="/help"), headers=headers)
        assert answer.status_code == 200
        telegram.down = False
        await stage.until(lambda: "Send a photo" in telegram.words(1))


async def test_polling_brings_no_route_and_takes_an_old_webhook_away(tmp_path: Path, telegram: FakeTelegram) -> None:
    telegram.webhook = {"url": "https://old.example/telegram"}
    async with listening(tmp_path, telegram) as stage:
        telegram.person(1).says("/help")
        await stage.until(lambda: "Send a photo" in telegram.words(1))
        assert not stage.channel.routes()


def test_webhook_mode_without_a_public_address_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="PUBLIC_URL"):
        TelegramChannel(token=TOKEN, store=MemoryStore(), metrics=Metrics(), data_dir=tmp_path, mode="webhook")


# --- Telegram being away


async def test_the_start_needs_no_network_and_telegram_is_found_when_it_is_back(
    tmp_path: Path, telegram: FakeTelegram, caplog: pytest.LogCaptureFixture
) -> None:
    telegram.down = True
    caplog.set_level(logging.INFO)
    async with listening(tmp_path, telegram) as stage:
        telegram.person(1).says("/help")
        await logged(caplog, "cannot be reached")
        before = stage.channel.connected
        telegram.down = False
        await stage.until(lambda: "Send a photo" in telegram.words(1))
        assert (before, stage.channel.connected) == (False, True)
        said = [r.getMessage() for r in caplog.records if "cannot be reached" in r.getMessage()]
        assert len(said) == 1, "said once, not at every attempt"
        assert TOKEN not in caplog.text


async def test_a_fault_while_polling_loses_nothing(tmp_path: Path, telegram: FakeTelegram) -> None:
    telegram.faults.extend(Fault(method="getUpdates", what=what) for what in (502, "reset", "html", "garbage", 429))

    async def briefly(_seconds: float) -> None:
        await asyncio.sleep(0.02)

    async with listening(tmp_path, telegram, pace=paced(clock=Clock(sleep=briefly))) as stage:
        telegram.person(1).says("/help")
        await stage.until(lambda: "Send a photo" in telegram.words(1))
        assert len(telegram.shown(1)) == 1


async def test_another_program_with_this_token_is_told_of_clearly(
    tmp_path: Path, telegram: FakeTelegram, caplog: pytest.LogCaptureFixture
) -> None:
    telegram.conflict = True
    async with listening(tmp_path, telegram) as stage:
        await stage.until(lambda: len(telegram.of("getUpdates")) >= 1)
        telegram.conflict = False
        telegram.person(1).says("/help")
        await stage.until(lambda: "Send a photo" in telegram.words(1))
    said = [r.getMessage() for r in caplog.records if "409" in r.getMessage()]
    assert len(said) == 1
    assert "another program" in said[0]


async def test_an_address_that_telegram_does_not_take_is_told_of_clearly(
    tmp_path: Path, telegram: FakeTelegram, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(tmp_path, telegram, mode="webhook", public_url="http://bot.example"):
        await logged(caplog, "does not accept PUBLIC_URL")


async def test_a_webhook_that_another_program_sets_is_told_of_clearly(
    tmp_path: Path, telegram: FakeTelegram, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(tmp_path, telegram) as stage:
        telegram.person(1).says("/help")
        await stage.until(lambda: "Send a photo" in telegram.words(1))  # its own start takes a webhook away
        telegram.webhook = {"url": "https://elsewhere.example/"}
        await logged(caplog, "has set a webhook")
        telegram.webhook = {}
        telegram.person(2).says("/help")
        await stage.until(lambda: "Send a photo" in telegram.words(2))


async def test_a_wrong_token_is_told_of_clearly_and_the_doctor_says_so_too(
    tmp_path: Path, telegram: FakeTelegram, caplog: pytest.LogCaptureFixture
) -> None:
    channel = TelegramChannel(
        token="1:wrong", store=MemoryStore(), metrics=Metrics(), data_dir=tmp_path, api_url=telegram.address
    )

    class Nobody:
        async def handle(self, message: Message) -> tuple[Outgoing, ...]:
            raise AssertionError(message)

        async def foresee(self, messages: Sequence[Message]) -> tuple[Outgoing, ...]:
            raise AssertionError(messages)

        def picked(self, text: str, offered: Sequence[str]) -> str | None:
            return None

        def language(self, text: str, known: Language | None) -> Language:
            return known or "en"

    await channel.start(Nobody())
    await logged(caplog, "does not know TELEGRAM_BOT_TOKEN")
    (finding,) = (await channel.health(ask=True)).findings
    assert finding.verdict == "broken"
    assert "TELEGRAM_BOT_TOKEN" in finding.message
    await channel.stop()
    assert "1:wrong" not in caplog.text


async def test_the_doctor_finds_only_the_painter_missing_where_all_is_well(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    async with listening(tmp_path, telegram) as stage:
        health = await stage.channel.health(ask=True)
        assert (health.listening, health.works, len(health.findings)) == (True, True, 1)
        assert "PUBLIC_URL is not set" in health.findings[0].message
        telegram.down = True
        health = await stage.channel.health(ask=True)
        assert not health.works
        assert "cannot be reached" in health.findings[0].message


# --- stop and start again


async def test_what_was_acknowledged_before_a_stop_is_answered_after_the_next_start(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    telegram.faults.append(Fault(method="getFile", what="hang"))
    async with listening(tmp_path, telegram) as stage:
        telegram.person(1).photographs("anime style")
        await stage.until(lambda: telegram.of("getFile"))
    telegram.release()
    async with listening(tmp_path, telegram) as stage:
        await stage.job_begun(1)
        await stage.read()
        assert len(await stage.jobs_of(1)) == 1
        assert not await stage.store.inbox("telegram")


async def test_an_album_cut_in_two_by_a_stop_is_still_one(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with listening(tmp_path, telegram, pace=paced(album_pause=150.0, album_longest=300.0)) as stage:
        telegram.person(1).sends_album(3, "anime style", hold=(2,))
        await stage.until(lambda: telegram.unread == 0)
    telegram.release_held()
    async with listening(tmp_path, telegram) as stage:
        job = await stage.job_begun(1)
        assert len(job.order.photos) == 3


async def test_an_update_that_a_killed_process_had_not_confirmed_is_handled_once(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    async with listening(tmp_path, telegram) as stage:
        telegram.person(1).says("/help")
        await stage.until(lambda: telegram.shown(1))
        kept = list(telegram._updates)
        await stage.read()
    for one in kept:  # as if the confirmation had been lost
        telegram._updates.append(one)
    async with listening(tmp_path, telegram) as stage:
        await stage.read()
        assert len(telegram.shown(1)) == 1


# --- nobody waits for another


async def test_a_slow_photo_of_one_person_holds_up_nobody_else(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with listening(tmp_path, telegram) as stage:
        telegram.faults.append(Fault(method="getFile", what="hang"))
        telegram.person(1).photographs("anime style")
        await stage.until(lambda: telegram.of("getFile"))
        telegram.person(1).says("/help")
        telegram.person(2, "Bob").says("/help")
        await stage.until(lambda: telegram.shown(2))
        assert not telegram.shown(1), "their own words wait for their photo"
        telegram.release()
        await stage.until(lambda: len(telegram.shown(1)) == 2)


async def test_the_commands_are_set_in_both_languages_once(tmp_path: Path, telegram: FakeTelegram) -> None:
    for _ in range(2):
        async with listening(tmp_path, telegram) as stage:
            await stage.read()
            await stage.valued("telegram.profile", "42")
    assert len(telegram.of("setMyCommands")) == 4
    chinese = telegram.profile["setMyCommands:zh:all_private_chats"]["commands"]
    english = telegram.profile["setMyCommands::all_private_chats"]["commands"]
    assert [c["command"] for c in chinese] == [c["command"] for c in english]
    assert all(1 <= len(c["description"]) <= 256 for c in [*chinese, *english])
    assert "setMyDescription:zh:" in telegram.profile
    assert telegram.profile["setChatMenuButton::"]["menu_button"]["type"] == "commands"


async def test_commands_that_cannot_be_set_at_once_are_set_later(tmp_path: Path, telegram: FakeTelegram) -> None:
    telegram.faults.extend(Fault(method="setMyCommands", what=what) for what in (429, 500))

    async def briefly(seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.02))

    async with listening(tmp_path, telegram, pace=paced(clock=Clock(sleep=briefly))) as stage:
        await stage.valued("telegram.profile", "42")
    assert "setMyCommands:zh:all_private_chats" in telegram.profile


async def test_a_server_that_knows_no_descriptions_still_gets_the_commands(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    telegram.faults.extend([Fault(method="setMyDescription", what=404)] * 9)
    async with listening(tmp_path, telegram) as stage:
        await stage.until(lambda: "setMyCommands:zh:all_private_chats" in telegram.profile)


COMMANDS = {
    "/start": "Send me a photo",
    "/help": "Send a photo and a few words",
    "/styles": "Pick a group",
    "/status": "Nothing is being made",
    "/usage": "Nothing used yet",
    "/again": "nothing to make again yet",
    "/cancel": "Nothing is running",
    "/settings": "Language",
    "/privacy": "Nothing of yours has been sent to another company",
    "/forget": "Delete all your photos",
}


@pytest.mark.parametrize("command", COMMANDS)
async def test_every_command_is_answered(tmp_path: Path, telegram: FakeTelegram, command: str) -> None:
    async with listening(tmp_path, telegram) as stage:
        telegram.person(1).says(command)
        await stage.read()
        assert COMMANDS[command] in telegram.words(1)


async def test_styles_are_browsed_in_one_message(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1, language="zh-hans")
    async with listening(tmp_path, telegram) as stage:
        ann.says("/styles")
        await stage.until(lambda: telegram.shown(1))
        menu = telegram.shown(1)[0]
        group = next(b["callback_data"] for b in menu.buttons if b["callback_data"].startswith("group:"))
        ann.taps(menu, group)
        await stage.until(lambda: "style:" in str(telegram.shown(1)[0].buttons))
        page = telegram.shown(1)[0]
        assert len(telegram.shown(1)) == 1
        assert all(b["text"] in page.text for b in page.buttons if b["callback_data"].startswith("style:"))
        assert "先选一类" in telegram.history[1, menu.id][0]
        ann.photographs()
        await stage.read()
        ann.taps(page, page.buttons[0]["callback_data"])
        await stage.job_begun(1)


async def test_a_page_of_styles_comes_with_a_numbered_sheet_of_previews_of_the_photo_on_the_table(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    ann = telegram.person(1)
    async with listening(tmp_path, telegram) as stage:
        ann.photographs()
        await stage.until(lambda: telegram.shown(1))
        menu = telegram.shown(1)[0]
        ann.taps(menu, next(b["callback_data"] for b in menu.buttons if b["callback_data"].startswith("group:")))
        (sheet,) = await stage.until(lambda: telegram.pictures(1))
        assert sheet.file is not None
        assert sheet.file.width > 1000
        assert read_label(sheet.file.data) is not None, "it is labelled as every picture made is"
        names = [line.split(". ", 1)[1] for line in sheet.text.splitlines()[1:]]
        assert names == [button["text"] for button in sheet.buttons]
        ann.taps(sheet, sheet.buttons[1]["callback_data"])
        job = await stage.job_begun(1)
        assert f"style:{job.order.shots[0].style}" == sheet.buttons[1]["callback_data"]
        assert not stage.provider.jobs, "nothing was paid for"
        await stage.read()
        await stage.previews.idle()
        assert not list((tmp_path / "previews").iterdir()), "nothing of the photo is left lying"


async def test_forgetting_deletes_and_says_what(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    async with on_stage(tmp_path, telegram, standing=Script()) as stage:
        ann.photographs("anime style")
        await stage.until(lambda: telegram.pictures(1))
        job = await stage.ended((await stage.job(1)).id)
        ann.says("/forget")
        ann.says("yes")
        await stage.until(lambda: "Forgotten: your photos (1), your pictures (1)" in telegram.words(1))
        assert not job.pictures[0].path.exists()
        assert not await stage.jobs_of(1)
        ann.taps(telegram.pictures(1)[0], "As file")
        await stage.until(lambda: "expired" in telegram.words(1))


async def test_an_unknown_command_is_answered_in_the_language_of_the_client(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    async with listening(tmp_path, telegram) as stage:
        telegram.person(1, "Wei", "zh-hans").says("/frobnicate")
        await stage.read()
        assert "你好" in telegram.words(1)
