"""Results are ranked by likeness, a clear miss is said, and one more try may be on the operator."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from handlers.dialogue.conversation import Conversation
from handlers.jobs.plan import quoted
from handlers.message import Message, Outgoing
from handlers.order import Shot
from handlers.store.base import Budgets
from handlers.words import words
from providers.fake import FakeProvider, Script
from providers.finishing import Finisher
from providers.money import Money
from providers.offers import Tier
from providers.people.inspector import Inspector, Likeness
from tests.world import ANN, FakeWorld, accept_really, hasty, world


@dataclass
class Told(Inspector):
    """Tells these distances, one picture after another; None where likeness is not known."""

    distances: Sequence[float] | None = None
    asked: list[tuple[int, int]] = field(default_factory=list)

    async def compare(self, photos: Sequence[Path], results: Sequence[Path]) -> tuple[Likeness, ...] | None:
        self.asked.append((len(photos), len(results)))
        if self.distances is None:
            return None
        return tuple(
            Likeness(likeness="miss" if one > 0.6 else "alike", distance=one) for one in self.distances[: len(results)]
        )

    async def aclose(self) -> None:
        return None


def looking(run: FakeWorld, *distances: float) -> Told:
    told = Told(distances=distances or None)
    run.router.finisher = Finisher(told)
    return told


async def test_several_results_come_the_likest_first_and_that_is_said(tmp_path: Path) -> None:
    async with world(tmp_path) as run:
        looking(run, 0.55, 0.2, 0.4)
        job = await run.do("j1", run.order(Shot(style="anime", count=3)))
    assert [picture.distance for picture in job.pictures] == [0.2, 0.4, 0.55]
    assert words("en", "job.ranked") in run.channel.result("j1").text


async def test_a_clear_miss_is_said_honestly_and_by_its_number(tmp_path: Path) -> None:
    async with world(tmp_path) as run:
        looking(run, 0.7, 0.2)
        await run.do("j1", run.order(Shot(style="anime", count=2)))
        looking(run, 0.7)
        await run.do("j2")
    assert words("en", "job.some_missed", numbers="2") in run.channel.result("j1").text
    assert words("en", "job.miss") in run.channel.result("j2").text
    assert "free" not in ids(run.channel.result("j2")), "the operator has not allowed it"


async def test_without_the_network_no_likeness_is_spoken_of(tmp_path: Path) -> None:
    async with world(tmp_path, free_retry=True) as run:
        looking(run)
        job = await run.do("j1")
    assert job.pictures[0].likeness is None
    assert "face" not in run.channel.result("j1").text
    assert "free" not in ids(run.channel.result("j1"))


@pytest.mark.parametrize(
    ("tier", "style"), [(Tier.LOCAL, "anime"), (Tier.SERVICE, "family_photo"), (Tier.SERVICE, "avatar_3d")]
)
async def test_what_keeps_the_photos_own_face_shows_several_or_is_drawn_freely_is_not_compared(
    tmp_path: Path, tier: Tier, style: str
) -> None:
    async with world(tmp_path, provider=FakeProvider(sleep=hasty, tier=tier)) as run:
        told = looking(run, 0.9)
        await run.do("j1", run.order(Shot(style=style)))
    assert told.asked == []


def ids(outgoing: Outgoing) -> list[str]:
    return [choice.id.partition(":")[0] for choice in outgoing.choices]


def talk(run: FakeWorld, **more: object) -> Conversation:
    return Conversation(
        store=run.store,
        jobs=run.runner,
        quote=quoted(run.router),
        accept=accept_really,
        photos_dir=run.folder / "photos",
        now=run.clock,
        **more,  # type: ignore[arg-type]
    )


async def taps(conversation: Conversation, choice: str, key: str) -> str:
    replies = await conversation.handle(Message(key=key, chat=ANN, choice=choice))
    return "\n".join(reply.text for reply in replies)


async def test_one_free_try_is_offered_and_taken_once_however_often_it_is_tapped(tmp_path: Path) -> None:
    async with world(tmp_path, free_retry=True) as run:
        looking(run, 0.9)
        await run.do("j1")
        assert "free" in ids(run.channel.result("j1"))
        # Nothing is left of their own budget: this is not on them.
        # Three processes, so that no lock of one of them helps.
        spent = Budgets(person=Money.usd("0.01").amount)
        said = await asyncio.gather(*(taps(talk(run, budgets=spent), "free:j1", f"tap-{n}") for n in range(3)))
        jobs = await run.all_ended(2)
        assert len(jobs) == 2
        assert len(run.provider.submitted) == 2
        assert sum(words("en", "access.free_used") in one for one in said) == 2
        retried = next(job for job in jobs if job.id != "j1")
        assert (retried.order.free_try_of, retried.order.take) == ("j1", 1)
        # Still a miss: it is said, and not offered for ever.
        assert "free" not in ids(run.channel.result(retried.id))
        assert words("en", "unit.free") in run.channel.result(retried.id).text


async def test_a_tap_that_nobody_offered_tries_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as run:
        await run.do("j1")
        assert await taps(talk(run), "free:j1", "tap") == words("en", "say.nothing_open")
        assert len(run.provider.submitted) == 1


async def test_again_after_a_free_try_is_paid_for_as_ever(tmp_path: Path) -> None:
    async with world(tmp_path, free_retry=True, provider=FakeProvider(sleep=hasty, standing=Script())) as run:
        looking(run, 0.9)
        await run.do("j1")
        ann = talk(run)
        await taps(ann, "free:j1", "tap")
        await run.all_ended(2)
        await taps(ann, "again:j1", "again")
        jobs = await run.all_ended(3)
        assert sorted(job.order.free_try_of or "" for job in jobs) == ["", "", "j1"]
