"""The operator's words in a chat: to admins only, in private only."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from handlers.dialogue.access import AccessRules
from handlers.order import job_id
from handlers.store.base import Ceilings, PartState
from handlers.store.memory import MemoryStore
from handlers.words import words
from tests.world import Person, said

DAILY = Ceilings(person=Decimal(1))


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def person(tmp_path: Path, store: MemoryStore, name: str = "ann", **rules: Any) -> Person:
    return Person(tmp_path, name=name, store=store, access=AccessRules(admins=("test:root",), **rules))


async def test_whoever_is_no_admin_reads_their_name_and_nothing_else(tmp_path: Path, store: MemoryStore) -> None:
    ann = person(tmp_path, store)
    for word in ("/admin", "/admin status", "/admin pause", "/ADMIN users"):
        assert said(await ann.sends(word)) == words("en", "admin.not_you", id="test:ann")
    await ann.sends("oil painting", "me.jpg")
    assert await ann.job_count() == 1


async def test_in_a_group_nothing_of_it_is_said(tmp_path: Path, store: MemoryStore) -> None:
    root = person(tmp_path, store, "root")
    assert words("en", "admin.going") not in said(await root.sends("/admin status", group=True))


@pytest.mark.parametrize(
    "word",
    [
        "/admin",
        "/admin help",
        "/admin dance",
        "/admin block",
        "/admin grant test:ann many",
        "/admin block ann",
        "/admin grant test:ann -5",
        "/admin block test:a b",
    ],
)
async def test_what_is_no_word_of_these_gets_the_list(tmp_path: Path, store: MemoryStore, word: str) -> None:
    root = person(tmp_path, store, "root")
    assert said(await root.sends(word)) == words("en", "admin.help")


async def test_paused_no_picture_is_begun_and_everything_else_goes_on(tmp_path: Path, store: MemoryStore) -> None:
    root, ann = person(tmp_path, store, "root"), person(tmp_path, store)
    await root.sends("/admin pause")
    assert said(await ann.sends("oil painting", "me.jpg")) == words("en", "access.paused")
    assert said(await ann.sends("/help")).endswith(words("en", "help.commands"))
    assert words("en", "admin.paused") in said(await root.sends("/admin status"))
    await root.sends("/admin resume")
    await ann.sends("oil painting")
    assert [p.name for p in (await ann.job()).order.photos] == ["me.jpg"]


async def test_a_blocked_person_stays_blocked_after_forgetting_until_unblocked(
    tmp_path: Path, store: MemoryStore
) -> None:
    root, ann = person(tmp_path, store, "root"), person(tmp_path, store)
    await root.sends("/admin block test:ann")
    await ann.taps("forget:yes")
    assert said(await ann.sends("oil painting", "me.jpg")) == words("en", "access.blocked")
    await root.sends("/admin unblock test:ann")
    await ann.sends("oil painting")
    assert await ann.job_count() == 1


async def test_granted_pictures_come_on_top_of_the_limit(tmp_path: Path, store: MemoryStore) -> None:
    root, ann = person(tmp_path, store, "root", daily=DAILY), person(tmp_path, store, daily=DAILY)
    await ann.sends("oil painting", "me.jpg")
    await ann.gets_result()
    assert said(await ann.sends("again")) == words("en", "access.pictures_person_day", n=1)
    await root.sends("/admin grant test:ann 2")
    for _ in range(2):
        await ann.sends("again")
        await ann.gets_result()
    assert said(await ann.sends("again")) == words("en", "access.pictures_person_day", n=1)


async def test_the_operator_sees_jobs_without_anybodys_words_and_sends_one_again(
    tmp_path: Path, store: MemoryStore
) -> None:
    root, ann = person(tmp_path, store, "root"), person(tmp_path, store)
    await ann.sends("oil painting in the garden of my aunt Zenobia", "me.jpg")
    assert said(await root.sends(f"/admin resend {(await ann.job()).id}")) == words("en", "admin.no_job")
    job = await ann.gets_result()
    listed = said(await root.sends("/admin jobs"))
    assert job.id in listed
    assert "Zenobia" not in listed
    assert said(await root.sends(f"/admin resend {job.id}")) == words("en", "admin.resent")
    assert root.jobs.resent == [job.id]


async def test_status_users_and_costs_answer_from_the_books(tmp_path: Path, store: MemoryStore) -> None:
    root, ann = person(tmp_path, store, "root"), person(tmp_path, store)
    assert said(await root.sends("/admin users")) == words("en", "admin.nothing")
    await ann.sends("oil painting", "me.jpg")
    job = await ann.job()
    await store.begin_part(f"{job.id}-0-0", job.id, "fal")
    await store.end_part(f"{job.id}-0-0", PartState.MADE)
    assert "test:ann" in said(await root.sends("/admin users"))
    assert "fal" in said(await root.sends("/admin costs"))
    assert "$0.15" in said(await root.sends("/admin status"))


async def test_the_same_message_again_does_it_once(tmp_path: Path, store: MemoryStore) -> None:
    root, ann = person(tmp_path, store, "root", daily=DAILY), person(tmp_path, store, daily=DAILY)
    await ann.sends("oil painting", "me.jpg")
    await ann.gets_result()
    for _ in range(3):
        await root.sends("/admin grant test:ann 1", key="the-same")
    await ann.sends("again")
    await ann.gets_result()
    assert said(await ann.sends("again")) == words("en", "access.pictures_person_day", n=1)


async def test_a_job_is_named_with_the_secret_of_the_installation(tmp_path: Path) -> None:
    """Job ids stand in logs: who has them learns no chat's id by trying all there are."""
    named = [job_id("telegram:4711:9", 1, secret=secret) for secret in (b"one", b"two", b"one")]
    assert named[0] == named[2] != named[1]
    ann = Person(tmp_path, secret=b"one")
    await ann.sends("oil painting", "me.jpg", key="the-message")
    assert (await ann.job()).id == job_id("the-message", secret=b"one")
