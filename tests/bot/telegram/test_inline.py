"""The bot's name typed in any chat offers a person their own last results: theirs only, and none once forgotten."""

from pathlib import Path

import pytest

from tests.bot.telegram.stage import Stage, on_stage
from tests.servers.telegram import FakeTelegram, Fault, Person

GROUP = -100_500


async def offered(stage: Stage, person: Person, words: str = "") -> list[str]:
    """The file ids that this person is offered."""
    query = person.types_inline(words)
    answer = await stage.until(lambda: stage.telegram.inline_answers.get(query))
    assert answer["is_personal"] == "true", "what one is offered is not shown to another"
    assert 0 < int(answer["cache_time"]) <= 10
    return [one["photo_file_id"] for one in answer["results"]]


async def test_ones_own_results_are_offered_newest_first_and_nobody_elses(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    ann, ben = telegram.person(1001), telegram.person(1002, "Ben")
    async with on_stage(tmp_path, telegram) as stage:
        assert await offered(stage, ann) == []
        ann.photographs("anime style")
        await stage.ended((await stage.job_begun(ann.id)).id)
        ann.photographs("/make 4 watercolor pictures", GROUP)
        await stage.ended((await stage.job_begun(ann.id, GROUP)).id)
        mine = [*telegram.pictures(GROUP), *telegram.pictures(ann.id)]
        assert await offered(stage, ann, "anything") == [shown.file.id for shown in mine if shown.file]
        assert len(mine) == 5
        assert await offered(stage, ben) == []
        await stage.read()
        assert not await stage.store.inbox("telegram"), "a query is not kept"
    assert all("http" not in str(answer["results"]) for answer in telegram.inline_answers.values())
    assert "inline_query" in telegram.polled_for


async def test_forgotten_results_are_offered_no_more_and_their_file_ids_are_gone(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    ann = telegram.person(1001)
    async with on_stage(tmp_path, telegram) as stage:
        ann.photographs("anime style")
        job = await stage.job_begun(ann.id)
        await stage.ended(job.id)
        assert len(await offered(stage, ann)) == 1
        assert await stage.store.value("telegram.own_files", job.id)
        await stage.store.forget(stage.chat(ann.id))
        assert await offered(stage, ann) == []
        assert await stage.store.value("telegram.own_files", job.id) is None


async def test_a_result_shown_elsewhere_is_forgotten_where_it_was_asked_for(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    ann = telegram.person(1001)
    async with on_stage(tmp_path, telegram) as stage:
        telegram.faults.append(Fault(method="editMessageMedia", what=403, chat=GROUP, says="Forbidden: bot was kicked"))
        ann.photographs("/make anime style", GROUP)
        await stage.ended((await stage.job_begun(ann.id, GROUP)).id)
        assert len(telegram.pictures(ann.id)) == 1, "in her private chat, where the group took nothing"
        assert len(await offered(stage, ann)) == 1
        await stage.store.forget(stage.chat(ann.id, GROUP))
        assert await offered(stage, ann) == []
        assert await stage.store.space("telegram.own_files") == ()


@pytest.mark.parametrize("says", ["Bad Request: query is too old", "Bad Request: DOCUMENT_INVALID"])
async def test_a_refused_answer_leaves_the_person_with_an_empty_list_at_worst(
    tmp_path: Path, telegram: FakeTelegram, says: str
) -> None:
    ann = telegram.person(1001)
    async with on_stage(tmp_path, telegram) as stage:
        ann.photographs("anime style")
        await stage.ended((await stage.job_begun(ann.id)).id)
        telegram.faults.append(Fault(method="answerInlineQuery", what=400, says=says))
        query = ann.types_inline()
        await stage.until(lambda: telegram.of("answerInlineQuery"))
        await stage.read()
        late = "too old" in says
        assert (telegram.inline_answers.get(query) or {}).get("results") == (None if late else [])
        assert len(await offered(stage, ann)) == 1, "the next one is answered"


async def test_the_doctor_says_where_inline_mode_is_turned_on(tmp_path: Path, telegram: FakeTelegram) -> None:
    telegram.inline = False
    async with on_stage(tmp_path, telegram, working=False) as stage:
        health = await stage.channel.health(ask=True)
    finding = health.findings[0]
    assert finding.verdict == "warning"
    assert "/setinline" in finding.message
