"""Groups and topics: the bot speaks only when spoken to, to the one who spoke, where it was spoken to."""

from pathlib import Path
from typing import Any

import pytest

from tests.bot.telegram.stage import Stage, listening, on_stage
from tests.servers.telegram import FakeTelegram, jpeg

GROUP = -1_001_000_000_077
SMALL_GROUP = -77


async def style(stage: Stage, person: int, chat: int = GROUP) -> str | None:
    await stage.read()
    return (await stage.job(person, chat)).order.shots[0].style


async def test_chatter_is_nobodys_business(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    async with listening(tmp_path, telegram) as stage:
        ann.says("anime style", GROUP)
        ann.photographs("anime style", GROUP)
        ann.sends_album(3, "anime style", GROUP)
        ann.says("/anime", GROUP)
        ann.says("/styles@AnotherBot", GROUP)
        ann.says("@LikenessBots are fun", GROUP)
        ann.sends(GROUP, new_chat_members=[ann.user()])
        await stage.read()
        assert not telegram.shown(GROUP)
        assert not await stage.jobs_of(1, GROUP)


@pytest.mark.parametrize(
    "caption",
    [
        "@LikenessBot anime style",
        "anime style @likenessbot",
        "/make anime style",
        "/make@LikenessBot anime style",
        "/anime@LikenessBot",
        "@LikenessBot, anime style please",
    ],
)
async def test_a_command_or_a_mention_in_a_caption_is_heard(
    tmp_path: Path, telegram: FakeTelegram, caption: str
) -> None:
    async with listening(tmp_path, telegram) as stage:
        asked = telegram.person(1).photographs(caption, GROUP)
        assert await style(stage, 1) == "anime"
        assert telegram.shown(GROUP)[0].reply_to == asked


async def test_a_mention_by_name_without_username_is_heard(tmp_path: Path, telegram: FakeTelegram) -> None:
    entity = {"type": "text_mention", "offset": 0, "length": 8, "user": {"id": 42, "is_bot": True, "first_name": "L"}}
    async with listening(tmp_path, telegram) as stage:
        telegram.person(1).photographs("Likeness anime style", GROUP, caption_entities=[entity])
        assert await style(stage, 1) == "anime"


async def test_an_album_is_heard_whichever_part_names_the_bot(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with listening(tmp_path, telegram) as stage:
        telegram.person(1).sends_album(3, "@LikenessBot anime style", GROUP, caption_on=2)
        assert await style(stage, 1) == "anime"
        assert len((await stage.job(1, GROUP)).order.photos) == 3


@pytest.mark.parametrize("words", ["@LikenessBot anime style", "/make anime style", "/make@LikenessBot 动漫"])
async def test_quoting_somebodys_photo_and_naming_a_style_works(
    tmp_path: Path, telegram: FakeTelegram, words: str
) -> None:
    ann, bob = telegram.person(1), telegram.person(2, "Bob")
    async with listening(tmp_path, telegram) as stage:
        photo = ann.photographs(chat=GROUP)
        bob.says(words, GROUP, reply_to=photo)
        assert await style(stage, 2) == "anime"
        assert not await stage.jobs_of(1, GROUP)


async def test_quoting_one_picture_of_an_album_means_the_album(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann, bob = telegram.person(1), telegram.person(2, "Bob")
    async with listening(tmp_path, telegram) as stage:
        album = ann.sends_album(3, chat=GROUP)
        await stage.read()
        bob.says("/make anime style", GROUP, reply_to=album[2])
        assert await style(stage, 2) == "anime"
        assert len((await stage.job(2, GROUP)).order.photos) == 3


async def test_a_photo_sent_as_a_reply_to_the_bots_question_answers_it(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    async with listening(tmp_path, telegram) as stage:
        ann.says("@LikenessBot anime style", GROUP)
        await stage.read()
        (question,) = telegram.shown(GROUP)
        assert question.forced, "in privacy mode only a reply reaches the bot"
        ann.photographs(chat=GROUP, reply_to=question.id)
        assert await style(stage, 1) == "anime"


async def test_each_person_has_their_own_table(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann, bob = telegram.person(1), telegram.person(2, "Bob")
    async with listening(tmp_path, telegram) as stage:
        ann.photographs("@LikenessBot", GROUP)
        bob.says("@LikenessBot anime style", GROUP)
        await stage.read()
        assert not await stage.jobs_of(2, GROUP), "Bob has no photo here"
        ann.says("@LikenessBot anime style", GROUP)
        assert await style(stage, 1) == "anime"


async def test_buttons_answer_only_to_the_one_who_asked(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann, bob = telegram.person(1), telegram.person(2, "Bob")
    async with listening(tmp_path, telegram) as stage:
        ann.photographs("@LikenessBot ID photo", GROUP)
        await stage.read()
        (question,) = telegram.shown(GROUP)
        tap = bob.taps(question, "style:id_photo_blue")
        await stage.read()
        assert "somebody else" in telegram.answered[tap]["text"]
        assert not await stage.jobs_of(1, GROUP)
        assert not await stage.jobs_of(2, GROUP)
        ann.taps(question, "style:id_photo_blue")
        assert await style(stage, 1) == "id_photo_blue"


async def test_somebody_else_may_quote_a_result_and_gets_a_picture_of_their_own(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    ann, bob = telegram.person(1), telegram.person(2, "Bob")
    async with on_stage(tmp_path, telegram) as stage:
        ann.photographs("@LikenessBot anime style", GROUP)
        (first,) = await stage.until(lambda: telegram.pictures(GROUP))
        asked = bob.says("oil painting", GROUP, reply_to=first.id)
        await stage.until(lambda: len(telegram.pictures(GROUP)) == 2)
        assert telegram.pictures(GROUP)[1].reply_to == asked
        assert len(await stage.jobs_of(2, GROUP)) == 1


async def test_answers_stay_in_the_topic_of_the_question(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    async with on_stage(tmp_path, telegram) as stage:
        ann.photographs("@LikenessBot anime style", GROUP, thread=555)
        (picture,) = await stage.until(lambda: telegram.pictures(GROUP))
        assert picture.thread == 555
        action = telegram.of("sendChatAction", GROUP)
        assert all(call.params["message_thread_id"] == "555" for call in action)


async def test_a_chain_of_replies_is_no_topic(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    async with listening(tmp_path, telegram) as stage:
        ann.sends(GROUP, text="/styles@LikenessBot", message_thread_id=777)
        await stage.read()
        assert [message.thread for message in telegram.shown(GROUP)] == [None]


async def test_where_the_topic_was_deleted_the_group_itself_is_answered(tmp_path: Path, telegram: FakeTelegram) -> None:
    telegram.threads_gone.add(555)
    async with listening(tmp_path, telegram) as stage:
        telegram.person(1).says("/styles@LikenessBot", GROUP, thread=555)
        await stage.read()
        assert [message.thread for message in telegram.shown(GROUP)] == [None]


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("how", ["gone", "closed"])
async def test_a_result_whose_topic_was_deleted_or_closed_meanwhile_comes_to_the_group(
    tmp_path: Path, telegram: FakeTelegram, how: str, count: int
) -> None:
    from providers.fake import Script

    async with on_stage(tmp_path, telegram, script=(Script(seconds=0.5),)) as stage:
        telegram.person(1).photographs(f"@LikenessBot anime style, {count} pictures", GROUP, thread=555)
        await stage.until(lambda: telegram.shown(GROUP))
        (telegram.threads_gone if how == "gone" else telegram.threads_closed).add(555)
        await stage.until(lambda: len(telegram.pictures(GROUP)) == count)


async def test_a_group_that_becomes_a_supergroup_keeps_its_settings_and_its_running_job(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    from providers.fake import Script

    ann = telegram.person(1)
    telegram.admins.add((SMALL_GROUP, 1))
    async with on_stage(tmp_path, telegram, script=(Script(seconds=1.0),)) as stage:
        await set_rule(stage, ann, "room:language:zh", SMALL_GROUP)
        ann.photographs("@LikenessBot anime style", SMALL_GROUP)
        await stage.until(lambda: len(telegram.of("sendMessage", SMALL_GROUP)) == 2)
        telegram.migrate(SMALL_GROUP, GROUP)
        (picture,) = await stage.until(lambda: telegram.pictures(GROUP))
        assert "动漫" in picture.text
        ann.says("/styles@LikenessBot", GROUP)
        await stage.until(lambda: "先选一类" in telegram.words(GROUP))
        assert len(await stage.jobs_of(1, SMALL_GROUP)) == 1, "it is still known by its first id"


async def test_a_migration_nobody_told_of_is_learned_from_the_refusal(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with listening(tmp_path, telegram) as stage:
        telegram.migrate(SMALL_GROUP, GROUP, tell=False)
        telegram.person(1).says("/styles@LikenessBot", SMALL_GROUP)
        await stage.read()
        assert len(telegram.shown(GROUP)) == 1


async def set_rule(stage: Stage, person: Any, choice: str, chat: int = GROUP) -> None:
    before = len(stage.telegram.shown(chat))
    person.says("/settings@LikenessBot", chat)
    await stage.until(lambda: len(stage.telegram.shown(chat)) > before)
    person.taps(stage.telegram.shown(chat)[-1], choice)
    await stage.until(
        lambda: any(
            b["text"].startswith("✓") and b["callback_data"].startswith(choice)
            for b in stage.telegram.shown(chat)[-1].buttons
        )
    )


async def test_admins_choose_the_language_of_the_group(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann, bob = telegram.person(1), telegram.person(2, "Bob")
    telegram.admins.add((GROUP, 1))
    async with listening(tmp_path, telegram) as stage:
        await set_rule(stage, ann, "room:language:zh")
        assert len(telegram.shown(GROUP)) == 1, "the menu itself is changed"
        bob.says("@LikenessBot please make me anime style", GROUP)
        await stage.read()
        assert "把照片发过来" in telegram.words(GROUP)
        await set_rule(stage, ann, "room:language:auto")
        bob.says("@LikenessBot please make me oil painting style", GROUP)
        await stage.read()
        assert "Now send the photo" in telegram.words(GROUP)


async def test_who_is_no_admin_cannot_change_the_rules(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with listening(tmp_path, telegram) as stage:
        telegram.person(2).says("/settings@LikenessBot", GROUP)
        await stage.read()
        (answer,) = telegram.shown(GROUP)
        assert "Only the admins" in answer.text
        assert not answer.buttons


async def test_a_group_may_be_for_its_admins_only(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann, bob = telegram.person(1), telegram.person(2, "Bob")
    telegram.admins.add((GROUP, 1))
    async with listening(tmp_path, telegram) as stage:
        await set_rule(stage, ann, "room:who:admins")
        bob.photographs("@LikenessBot anime style", GROUP)
        ann.photographs("@LikenessBot anime style", GROUP)
        assert await style(stage, 1) == "anime"
        assert not await stage.jobs_of(2, GROUP)
        assert "only admins may use me" in telegram.words(GROUP)


async def test_a_group_has_a_limit_a_day_and_private_chats_do_not(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann, bob = telegram.person(1), telegram.person(2, "Bob")
    telegram.admins.add((GROUP, 1))
    async with listening(tmp_path, telegram) as stage:
        await set_rule(stage, ann, "room:daily:10")
        bob.photographs("@LikenessBot anime style, 8 pictures", GROUP)
        await stage.read()
        ann.photographs("@LikenessBot anime style, 3 pictures", GROUP)
        await stage.read()
        assert "10 pictures for today" in telegram.words(GROUP)
        assert not await stage.jobs_of(1, GROUP)
        ann.photographs("@LikenessBot anime style, 2 pictures", GROUP)
        ann.photographs("anime style, 3 pictures")
        await stage.read()
        assert len(await stage.jobs_of(1, GROUP)) == 1
        assert len(await stage.jobs_of(1)) == 1


async def test_an_anonymous_admin_asks_and_presses(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann, bob = telegram.person(1), telegram.person(2, "Bob")
    telegram.admins.add((GROUP, 1))
    group = telegram.chat(GROUP)
    async with listening(tmp_path, telegram) as stage:
        ann.photographs("@LikenessBot ID photo", GROUP, sender_chat=group)
        await stage.read()
        (question,) = telegram.shown(GROUP)
        bob.taps(question, "style:id_photo_red")
        ann.taps(question, "style:id_photo_red")
        await stage.read()
        jobs = await stage.store.jobs()
        assert [job.chat.person for job in jobs] == [f"c{GROUP}"]


async def test_other_bots_are_not_listened_to(tmp_path: Path, telegram: FakeTelegram) -> None:
    other = {"id": 9, "is_bot": True, "first_name": "Other", "username": "OtherBot"}
    async with listening(tmp_path, telegram) as stage:
        telegram.person(1).sends(GROUP, text="@LikenessBot anime style", **{"from": other})
        await stage.read()
        assert not telegram.shown(GROUP)


async def test_a_photo_on_the_table_is_not_used_up_by_others_words(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    async with listening(tmp_path, telegram) as stage:
        ann.photographs("/make", GROUP, data=jpeg(640, 480))
        await stage.read()
        assert telegram.shown(GROUP)[0].buttons, "the styles are offered"
