"""In a group, menus, prices and refusals for the eyes of who asked alone, where Telegram allows it; pictures never."""

from pathlib import Path

from tests.bot.telegram.stage import Stage, listening, on_stage
from tests.servers.telegram import BOT, FakeTelegram, Fault, Json

GROUP = -1_001_000_000_077


def asked_for_one(telegram: FakeTelegram) -> list[Json]:
    sent = [call.params for call in telegram.of("sendMessage", GROUP)]
    return [params for params in sent if "ephemeral_message_parameters" in params]


async def presented(stage: Stage) -> None:
    """Until the commands are declared, which are then seen by nobody else."""
    await stage.until(lambda: "setMyCommands::all_group_chats" in stage.telegram.profile)


async def test_a_command_that_nobody_else_sees_is_answered_so_and_its_menu_turns_in_place(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    ann = telegram.person(1)
    async with listening(tmp_path, telegram) as stage:
        await presented(stage)
        ann.commands("/styles@LikenessBot", GROUP)
        await stage.read()
        (menu,) = telegram.shown_to(1, GROUP)
        group = next(str(button["callback_data"]) for button in menu.buttons if "group:" in button["callback_data"])
        ann.taps(menu, group)
        await stage.until(lambda: telegram.of("editEphemeralMessageText"))
        (page,) = telegram.shown_to(1, GROUP)
        assert page.buttons != menu.buttons
        assert telegram.shown(GROUP) == []


async def test_numbers_are_used_again_and_each_message_is_one_of_its_own(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    ann = telegram.person(1)
    unseen = {"message_id": 0, "ephemeral_message_id": 7, "chat": telegram.chat(GROUP), "from": ann.user()}
    async with listening(tmp_path, telegram) as stage:
        for date, text in ((1_700_000_000, "/help@LikenessBot"), (1_700_000_100, "/status@LikenessBot")):
            telegram.put({"message": unseen | {"date": date, "text": text}})
        await stage.read()
        first, second = telegram.words(GROUP).split("Commands:")
        assert first.strip()
        assert second.strip(), "both are answered; to all, as this server knows of no action of hers"


async def test_where_the_bot_is_an_admin_a_question_is_for_who_asked_and_the_picture_for_all(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    ann = telegram.person(1)
    telegram.admins.add((GROUP, int(str(BOT["id"]))))
    async with on_stage(tmp_path, telegram) as stage:
        asked = ann.photographs("@LikenessBot ID photo", GROUP)
        await stage.until(lambda: telegram.shown_to(1, GROUP))
        assert telegram.shown(GROUP) == []
        (question,) = telegram.shown_to(1, GROUP)
        ann.taps(question, "style:id_photo_blue")
        (picture,) = await stage.until(lambda: telegram.pictures(GROUP))
        assert picture.reply_to == asked, "whose it is, is seen by all"
        assert len(telegram.shown_to(1, GROUP)) == 1


async def test_a_press_is_answered_to_who_pressed(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    async with listening(tmp_path, telegram) as stage:
        ann.photographs("@LikenessBot how much is it in anime style?", GROUP)
        await stage.read()
        (price,) = telegram.shown(GROUP)
        assert asked_for_one(telegram) == [], "of itself a member's bot may not begin"
        ann.taps(price, "confirm:no")
        await stage.read()
        assert [one.text for one in telegram.shown_to(1, GROUP)] == ["All right, I'll leave it. Nothing was charged."]
        assert len(telegram.shown(GROUP)) == 1


async def test_what_the_server_refuses_is_an_ordinary_message(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    async with listening(tmp_path, telegram) as stage:
        await presented(stage)
        telegram.faults.append(Fault(method="sendMessage", what=400, says="Bad Request: MESSAGE_NOT_COMMAND"))
        ann.commands("/help@LikenessBot", GROUP)
        await stage.read()
        assert "Commands:" in telegram.words(GROUP)
        assert telegram.shown_to(1, GROUP) == []


async def test_a_server_that_passes_over_it_is_not_asked_again(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    telegram.knows_ephemeral = False
    telegram.admins.add((GROUP, int(str(BOT["id"]))))
    async with listening(tmp_path, telegram) as stage:
        asked = [ann.says(f"{command}@LikenessBot", GROUP) for command in ("/help", "/status", "/usage")]
        await stage.read()
        assert [one.reply_to for one in telegram.shown(GROUP)] == [None, *asked[1:]]
        assert len(asked_for_one(telegram)) == 1


async def test_who_writes_as_a_group_is_nobodys_eyes(tmp_path: Path, telegram: FakeTelegram) -> None:
    telegram.admins.add((GROUP, int(str(BOT["id"]))))
    async with listening(tmp_path, telegram) as stage:
        telegram.person(1).says("/help@LikenessBot", GROUP, sender_chat=telegram.chat(GROUP))
        await stage.read()
        assert "Commands:" in telegram.words(GROUP)
        assert asked_for_one(telegram) == []
