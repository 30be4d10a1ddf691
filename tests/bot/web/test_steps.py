"""Unfinished pictures on the page: shown with the progress of their own job to its own person, and gone with it."""

from pathlib import Path

from handlers.channel import ShowsSteps
from handlers.message import Chat
from providers.labelling import unfinished
from providers.media.labels import SourceType, read_label
from tests.bot.stage import Stage, build, jpeg, on_stage
from tests.bot.web.test_channel import ANNA, result, status, words

STEP = "web.steps"


async def step_of(stage: Stage, chat: Chat = ANNA) -> str | None:
    messages = (await stage.channel.feed.conversation(chat)).messages
    return next((m["step"] for m in messages if m["kind"] == "status"), None)


def test_it_can_show_them(tmp_path: Path) -> None:
    assert isinstance(build(tmp_path).channel, ShowsSteps)


async def test_each_step_takes_the_place_of_the_one_before_and_goes_with_the_result(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage, stage.browser() as anna, stage.browser() as other:
        chat = stage.chat(anna)
        await stage.channel.say(chat, status("Being made"))
        assert await step_of(stage, chat) is None
        seen = []
        for shade in ("teal", "navy"):
            await stage.channel.show_step(chat, "job-1", jpeg(60, 40, shade))
            await stage.channel.say(chat, status(f"Being made, {shade}"))
            address = await step_of(stage, chat)
            assert address is not None
            answer = await anna.get(address)
            assert (answer.status_code, answer.content) == (200, jpeg(60, 40, shade))
            assert "no-store" in answer.headers["cache-control"]
            assert (await other.get(address)).status_code == 404
            assert (await anna.get(address[:-1] + "~")).status_code == 404
            seen.append(address)
        assert len(set(seen)) == 2
        await stage.channel.deliver(chat, result(tmp_path), "job-1:result")
        assert (await anna.get(seen[-1])).status_code == 404
        messages = (await stage.channel.feed.conversation(chat)).messages
        assert [len(m["pictures"]) for m in messages] == [1], "the result alone"
        await stage.channel.show_step(chat, "job-1", jpeg(60, 40))
        assert await stage.store.space(STEP) == (), "one that comes late is not kept"


async def test_a_job_that_failed_or_was_forgotten_leaves_no_step(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        for end in ("fails", "forgets"):
            await stage.channel.say(ANNA, status("Being made", id=f"{end}:status", job=end))
            await stage.channel.show_step(ANNA, end, jpeg(60, 40))
            assert await stage.store.space(STEP)
            if end == "fails":
                await stage.channel.say(ANNA, words("It did not work.", id="end", job=end))
            else:
                await stage.store.forget(ANNA)
            assert await stage.store.space(STEP) == ()


def test_a_preview_becomes_a_small_labelled_picture_and_rubbish_none() -> None:
    made = unfinished(jpeg(1300, 650), key="job-1", producer="Likeness")
    assert made is not None
    label = read_label(made)
    assert label is not None
    assert label.source is SourceType.GENERATED
    assert len(made) < 40_000
    assert unfinished(b"no picture", key="job-1", producer="Likeness") is None
