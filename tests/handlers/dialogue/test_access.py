"""Who gets pictures, and how many. A limit stops pictures and nothing else; of many wishes at once none passes it."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from handlers.dialogue.access import AccessRules
from handlers.fake_channel import FakeChannel
from handlers.message import Chat
from handlers.owner_notes import OwnerNotes
from handlers.store.base import Budgets, Ceilings
from handlers.store.memory import MemoryStore
from handlers.words import words
from tests.world import Person, cheap, said

ROOT = "test:root"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def person(tmp_path: Path, name: str = "ann", store: MemoryStore | None = None, **rules: Any) -> Person:
    return Person(tmp_path, name=name, store=store, access=AccessRules(admins=(ROOT,), **rules))


async def wishes(ann: Person, n: int = 1) -> str:
    """The last answer to so many wishes; each is another, and its job has ended when the next comes."""
    replies: tuple[Any, ...] = ()
    for k in range(n):
        replies = await ann.sends("oil painting", f"{ann.chat.person}{k}-{ann.now:%H%M%S}.jpg")
        if (await ann.store.jobs(chat=ann.chat, limit=1)) and "limit" not in replies[0].id:
            await ann.gets_result()
    return said(replies)


async def test_by_invitation_a_stranger_gets_no_picture_until_they_bring_a_good_code(tmp_path: Path) -> None:
    ann = person(tmp_path, who="invite", codes={"SUMMER-PARTY": 1})
    assert await wishes(ann) == words("en", "access.invite")
    assert said(await ann.sends("WINTER-PARTY")) != words("en", "access.welcome")
    assert said(await ann.sends("SUMMER-PARTY")) == words("en", "access.welcome")
    await wishes(ann)
    assert await ann.job_count() == 1


async def test_a_code_lets_in_only_so_many_however_many_bring_it_at_once(tmp_path: Path) -> None:
    store = MemoryStore()
    people = [person(tmp_path, f"p{n}", store, who="invite", codes={"SUMMER-PARTY": 3}) for n in range(20)]
    answers = await asyncio.gather(*(one.sends("SUMMER-PARTY") for one in people))
    assert sum(said(answer) == words("en", "access.welcome") for answer in answers) == 3


async def test_a_code_comes_by_the_link_too(tmp_path: Path) -> None:
    ann = person(tmp_path, who="invite", codes={"for-grandma": None})
    assert said(await ann.sends(came_by="for-grandma")) == words("en", "access.welcome")


async def test_guessing_codes_ends_after_some_tries(tmp_path: Path) -> None:
    ann = person(tmp_path, who="invite", codes={"SECRET-1": None})
    for n in range(20):
        await ann.sends(f"SECRET-{'abcdefghijklmnopqrstuvwxyz'[n]}")
    assert said(await ann.sends("SECRET-1")) != words("en", "access.welcome")


@pytest.mark.parametrize("named", ["test:ann", "test:*"])
async def test_on_a_list_only_who_is_named_gets_pictures(tmp_path: Path, named: str) -> None:
    stranger = person(tmp_path, who="list")
    assert await wishes(stranger) == words("en", "access.list")
    friend = person(tmp_path, who="list", allow=frozenset({named}))
    await wishes(friend)
    assert await friend.job_count() == 1


async def test_who_is_blocked_gets_no_pictures_but_help_usage_and_forgetting(tmp_path: Path) -> None:
    ann = person(tmp_path, block=frozenset({"test:ann"}))
    assert await wishes(ann) == words("en", "access.blocked")
    assert said(await ann.sends("/help")).endswith(words("en", "help.commands"))
    assert said(await ann.sends("/usage")) == words("en", "say.usage_none")
    assert "Forgotten" in said(await ann.taps("forget:yes"))


async def test_trial_pictures_are_counted_for_ever_and_outlive_being_forgotten(tmp_path: Path) -> None:
    ann = person(tmp_path, who="list", trial=2)
    await wishes(ann, 2)
    await ann.taps("forget:yes")
    assert await wishes(ann) == words("en", "access.trial_over", n=2)


@pytest.mark.parametrize("period", ["day", "month"])
@pytest.mark.parametrize("whose", ["person", "chat", "bot"])
async def test_pictures_are_limited_and_the_sentence_says_which_limit_it_was(
    tmp_path: Path, whose: str, period: str
) -> None:
    two = Ceilings(**{whose: Decimal(2)})
    ann = person(tmp_path, daily=two) if period == "day" else person(tmp_path, monthly=two)
    await wishes(ann, 2)
    assert await wishes(ann) == words("en", f"access.pictures_{whose}_{period}", n=2)


WAYS = (
    "oil painting, 3 of them",
    "restore and colorize",
    "make a series: oil painting, anime, watercolor",
    "draw a lighthouse in a storm",
    "a character sheet of me",
    "an expression sheet of me",
)


@pytest.mark.parametrize("wish", WAYS)
async def test_every_way_to_a_picture_is_counted(tmp_path: Path, wish: str) -> None:
    """Free ones too: what they cost plays no part."""
    ann = person(tmp_path, daily=Ceilings(person=Decimal(0)))
    replies = await ann.sends(wish, *(() if "lighthouse" in wish else ("me.jpg",)))
    assert said(replies) == words("en", "access.pictures_person_day", n=0)


async def test_again_and_variations_are_counted(tmp_path: Path) -> None:
    ann = person(tmp_path, daily=Ceilings(person=Decimal(1)))
    await wishes(ann)
    job = await ann.job()
    for again in (
        ann.sends("again"),
        ann.taps(f"variations:{job.id}"),
        ann.taps(f"retry:{job.id}"),
        ann.taps(f"upscale:{job.id}"),
    ):
        assert said(await again) == words("en", "access.pictures_person_day", n=1)


async def test_pictures_that_were_not_made_are_not_counted(tmp_path: Path) -> None:
    ann = person(tmp_path, daily=Ceilings(person=Decimal(2)))
    await ann.sends("oil painting, 2 of them", "me.jpg")
    await ann.gets_result("only.png")
    await wishes(ann)
    assert await ann.job_count() == 2


async def test_too_many_wishes_in_a_minute_get_a_friendly_sentence(tmp_path: Path) -> None:
    ann = person(tmp_path, store=MemoryStore(clock=lambda: NOON), per_minute=Ceilings(person=Decimal(2)))
    await wishes(ann, 2)
    assert await wishes(ann) == words("en", "access.too_fast")


async def test_of_fifty_wishes_at_once_none_passes_the_limit(tmp_path: Path) -> None:
    store = MemoryStore()
    people = [person(tmp_path, f"p{n}", store, daily=Ceilings(bot=Decimal(7))) for n in range(50)]
    await asyncio.gather(*(one.sends("oil painting", "me.jpg") for one in people))
    assert len(await store.jobs(limit=100)) == 7


async def test_the_brake_on_everybody_tells_the_owner_once(tmp_path: Path) -> None:
    store, channel = MemoryStore(), FakeChannel()
    owner = OwnerNotes(store, {"test": channel}, (ROOT,))
    budgets = Budgets(bot=Decimal("0.2"))
    people = [Person(tmp_path, name=f"p{n}", store=store, budgets=budgets, owner=owner) for n in range(4)]
    answers = [said(await one.sends("oil painting", "me.jpg")) for one in people]
    assert answers[1:] == [words("en", "error.budget_exceeded")] * 3
    told = [(chat, outgoing.text) for chat, outgoing in channel.said]
    assert told == [(Chat(channel="test", chat="root", person="root"), words("en", "admin.budget_day"))]


async def test_a_budget_of_a_person_says_so_and_lets_free_ones_through(tmp_path: Path) -> None:
    ann = Person(tmp_path, budgets=Budgets(person=Decimal("0.1")), quote=cheap)
    assert said(await ann.sends("oil painting", "me.jpg")) == words("en", "access.usd_person_day")
