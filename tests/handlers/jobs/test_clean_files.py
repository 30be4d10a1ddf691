"""The file without the visible mark: only where it is offered, only on a promise, and the promise is kept."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from handlers.clean_files import KEPT, CleanFiles
from handlers.dialogue.conversation import Conversation
from handlers.jobs.plan import quoted
from handlers.jobs.visible_marks import VisibleMarks
from handlers.marked_copies import marked_copy
from handlers.message import Message
from handlers.words import words
from providers.media.accept import accept_photo
from providers.router import Router
from tests.world import ANN, FakeWorld, offered, said, world


def talk(r: FakeWorld, *, clean: bool) -> Conversation:
    async def accept(path: Path, into: Path) -> object:
        return await accept_photo(path, into=into)

    return Conversation(
        store=r.store,
        jobs=r.runner,
        quote=quoted(Router([r.provider])),
        accept=accept,  # type: ignore[arg-type]
        photos_dir=r.folder / "photos",
        clean_files=clean,
        now=r.clock,
    )


def tap(choice: str, key: str) -> Message:
    return Message(key=key, chat=ANN, choice=choice)


async def test_a_promise_brings_the_clean_file_and_is_recorded_for_half_a_year(tmp_path: Path) -> None:
    async with world(tmp_path, marks=VisibleMarks(policy="on", clean_files=True)) as r:
        job = await r.do()
        (place,) = r.channel.places.values()
        assert f"clean:{job.id}" in [choice.id for choice in place.choices]
        assert place.pictures[0].path == marked_copy(job.pictures[0].path)
        bot = talk(r, clean=True)
        asked = await bot.handle(tap(f"clean:{job.id}", "m1"))
        assert said(asked) == words("en", "say.clean")
        assert offered(asked) == [f"clean_yes:{job.id}"]
        assert not await CleanFiles(r.store).promised(job.id)
        await bot.handle(tap(f"clean_yes:{job.id}", "m2"))
        await r.ended(job.id)
        again = list(r.channel.places.values())[-1]
        assert [p.path for p in again.pictures] == [p.path for p in job.pictures]
        ((_, row),) = await r.store.space("clean.files")
        assert json.loads(row)["numbers"] == [p.produce_id for p in job.pictures]
        await r.store.forget(ANN)
        await r.store.expire(before=r.clock() - timedelta(days=1))
        assert await CleanFiles(r.store).promised(job.id)
        assert timedelta(days=183) <= KEPT


@pytest.mark.parametrize("choice", ["clean", "clean_yes"])
async def test_where_it_is_not_offered_a_made_up_press_brings_nothing(tmp_path: Path, choice: str) -> None:
    async with world(tmp_path, marks=VisibleMarks(policy="on")) as r:
        job = await r.do()
        (place,) = r.channel.places.values()
        assert not [c.id for c in place.choices if c.id.startswith("clean")]
        answer = await talk(r, clean=False).handle(tap(f"{choice}:{job.id}", "m1"))
        assert said(answer) == words("en", "say.nothing_open")
        assert not await CleanFiles(r.store).promised(job.id)


async def test_a_chat_without_the_mark_is_not_offered_it(tmp_path: Path) -> None:
    async with world(tmp_path, marks=VisibleMarks(policy="off", clean_files=True)) as r:
        await r.do()
        (place,) = r.channel.places.values()
        assert not [c.id for c in place.choices if c.id.startswith("clean")]
