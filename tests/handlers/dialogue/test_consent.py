"""With PROVIDERS_CONSENT=ask no photo goes to a company that its person has not agreed to."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from handlers.consent import Consents
from handlers.dialogue.conversation import Conversation
from handlers.jobs.plan import quoted
from handlers.message import IncomingPhoto, Message
from handlers.order import Order
from handlers.quote import Quote
from handlers.store.base import JobState
from handlers.store.memory import MemoryStore
from providers.fake import FakeProvider, Script
from providers.media.accept import accept_photo
from providers.offers import Tier
from providers.router import Router
from tests.world import ANN, FakeWorld, Person, hasty, offered, said, world


def through(*providers: FakeProvider) -> Callable[[Order], Quote]:
    return quoted(Router(list(providers)))


FAL, OPENAI = FakeProvider(name="fal", usd="0.1"), FakeProvider(name="openai", usd="0.2")
OWN = FakeProvider(name="a1111", usd="0.3", tier=Tier.OWN)


def person(tmp_path: Path, *providers: FakeProvider, consent: bool = True, store: MemoryStore | None = None) -> Person:
    return Person(tmp_path, quote=through(*providers), consent=consent, store=store)


async def test_the_first_picture_asks_naming_the_company_and_a_button_starts_it(tmp_path: Path) -> None:
    ann = person(tmp_path, FAL)
    asked = await ann.sends("anime", "me.jpg")
    assert "fal" in said(asked)
    assert offered(asked) == ["consent:yes", "consent:no"]
    assert await ann.job_count() == 0
    await ann.taps("consent:yes")
    assert (await ann.job()).order.accepted == ("fal",)
    assert ann.jobs.enqueued


@pytest.mark.parametrize(("text", "yes"), [("动漫", "好的"), ("anime", "yes please")])
async def test_a_word_answers_too_and_nobody_is_asked_twice(tmp_path: Path, text: str, yes: str) -> None:
    ann = person(tmp_path, FAL)
    await ann.sends(text, "me.jpg")
    await ann.sends(yes)
    assert await ann.job_count() == 1
    await ann.sends("watercolor portrait", "other.jpg")
    assert (await ann.job_count(), (await ann.job()).order.accepted) == (2, ("fal",))


async def test_a_no_sends_it_nowhere(tmp_path: Path) -> None:
    ann = person(tmp_path, FAL, OPENAI)
    await ann.sends("anime", "me.jpg")
    await ann.sends("no")
    assert await ann.job_count() == 0
    assert await Consents(ann.store).accepted(ann.chat) == frozenset()


async def test_a_no_leaves_it_to_whoever_needs_no_consent(tmp_path: Path) -> None:
    ann = person(tmp_path, FAL, OPENAI, OWN)
    await ann.sends("anime", "me.jpg")
    await ann.taps("consent:no")
    order = (await ann.job()).order
    assert (order.accepted, set(order.block)) == ((), {"fal", "openai"})


async def test_the_operators_own_servers_need_no_consent(tmp_path: Path) -> None:
    ann = person(tmp_path, OWN)
    await ann.sends("anime", "me.jpg")
    assert (await ann.job()).order.accepted == ()


async def test_where_the_operator_decides_nobody_is_asked(tmp_path: Path) -> None:
    ann = person(tmp_path, FAL, consent=False)
    await ann.sends("anime", "me.jpg")
    assert (await ann.job()).order.accepted is None


async def test_an_acceptance_is_one_persons_and_goes_with_them(tmp_path: Path) -> None:
    store = MemoryStore()
    ann = person(tmp_path, FAL, store=store)
    await ann.sends("anime", "me.jpg")
    await ann.taps("consent:yes")
    bob = Person(tmp_path, name="bob", quote=through(FAL), store=store, consent=True)
    assert "consent:yes" in offered(await bob.sends("anime", "me.jpg"))
    await ann.taps("forget:yes")
    assert await Consents(store).accepted(ann.chat) == frozenset()
    assert "consent:yes" in offered(await ann.sends("anime", "me.jpg"))


async def test_of_two_acceptances_at_once_both_stay() -> None:
    consents, now = Consents(MemoryStore()), datetime(2026, 11, 21, tzinfo=UTC)
    await asyncio.gather(*(consents.accept(ANN, company, at=now) for company in ("fal", "openai", "bfl", "replicate")))
    assert await consents.accepted(ANN) == {"fal", "openai", "bfl", "replicate"}


class Talk:
    """Ann with the real job runner behind the conversation: fal is busy, OpenAI is next."""

    def __init__(self, run: FakeWorld, *providers: FakeProvider) -> None:
        self.run = run
        self.sent = 0
        self.conversation = Conversation(
            store=run.store,
            jobs=run.runner,
            quote=through(*providers),
            accept=lambda path, into: accept_photo(path, into=into),
            photos_dir=run.folder / "photos",
            consents=Consents(run.store),
            now=run.clock,
        )

    async def sends(self, text: str = "", *photos: Path, choice: str | None = None) -> None:
        self.sent += 1
        self.run.clock.ahead += timedelta(seconds=5)  # the same word again at once would be the same press
        came = tuple(IncomingPhoto(key=str(photo), path=photo) for photo in photos)
        await self.conversation.handle(Message(key=f"m{self.sent}", chat=ANN, text=text, choice=choice, photos=came))

    async def ends(self, count: int) -> JobState:
        """The state of the newest of so many jobs, once it has ended."""
        jobs = await self.run.store.jobs(chat=ANN)
        assert len(jobs) == count
        return (await self.run.ended(jobs[0].id)).state


@pytest.mark.parametrize("by_word", [True, False])
async def test_a_fallback_to_another_company_asks_instead_of_being_made(tmp_path: Path, by_word: bool) -> None:
    fal = FakeProvider(name="fal", usd="0.1", sleep=hasty, script=[Script(fault="busy"), Script(fault="busy")])
    openai = FakeProvider(name="openai", usd="0.2", sleep=hasty)
    async with world(tmp_path, provider=fal, others=[openai]) as run:
        ann = Talk(run, fal, openai)
        await ann.sends("anime", run.photo)
        await ann.sends("yes")
        assert await ann.ends(1) is JobState.FAILED
        assert openai.submitted == []
        question = run.channel.said[-1][1]
        assert "OpenAI" in question.text
        (job,) = await run.store.jobs(chat=ANN)
        assert [choice.id for choice in question.choices] == [f"agree:{job.id}", f"refuse:{job.id}"]
        await (ann.sends("yes") if by_word else ann.sends(choice=f"agree:{job.id}"))
        assert await ann.ends(2) is JobState.DONE
    assert len(openai.submitted) == 1


async def test_a_no_to_a_fallback_is_the_end_of_it(tmp_path: Path) -> None:
    fal = FakeProvider(name="fal", usd="0.1", sleep=hasty, script=[Script(fault="busy"), Script(fault="unavailable")])
    openai = FakeProvider(name="openai", usd="0.2", sleep=hasty)
    async with world(tmp_path, provider=fal, others=[openai]) as run:
        ann = Talk(run, fal, openai)
        await ann.sends("anime", run.photo)
        await ann.sends("yes")
        await ann.ends(1)
        await ann.sends("no")
        await ann.ends(2)  # fal alone is asked once more
        await ann.sends("yes")
        assert len(await run.store.jobs(chat=ANN)) == 2
    assert openai.submitted == []


@pytest.mark.parametrize("text", ["/privacy", "privacy", "where did my photos go", "我的照片去哪了", "隐私"])
async def test_privacy_says_what_is_kept_where_it_went_and_how_to_delete_it(tmp_path: Path, text: str) -> None:
    ann = person(tmp_path, FAL)
    await ann.sends("动漫" if not text.isascii() else "anime", "me.jpg")
    await ann.taps("consent:yes")
    job = await ann.job()
    await ann.store.begin_part(f"{job.id}-0-0", job.id, "bfl")
    await ann.store.begin_part(f"{job.id}-0-1", job.id, "embedded")
    told = said(await ann.sends(text))
    assert "30" in told
    assert "Black Forest Labs" in told
    assert "embedded" not in told
    assert told.count("fal") == 1  # agreed to, and not sent anything yet
    assert "/forget" in told


async def test_another_persons_companies_are_not_told(tmp_path: Path) -> None:
    store = MemoryStore()
    ann = person(tmp_path, FAL, store=store)
    await ann.sends("anime", "me.jpg")
    await ann.taps("consent:yes")
    job = await ann.job()
    await store.begin_part(f"{job.id}-0-0", job.id, "fal")
    bob = Person(tmp_path, name="bob", quote=through(FAL), store=store)
    assert "Nothing of yours" in said(await bob.sends("/privacy"))


async def test_beside_pictures_that_are_there_a_button_has_the_rest_made(tmp_path: Path) -> None:
    script = [Script(), Script(fault="busy"), Script(fault="busy")]
    fal = FakeProvider(name="fal", usd="0.1", sleep=hasty, script=script)
    openai = FakeProvider(name="openai", usd="0.2", sleep=hasty)
    async with world(tmp_path, provider=fal, others=[openai]) as run:
        ann = Talk(run, fal, openai)
        await ann.sends("anime, 6 pictures", run.photo)
        await ann.sends("yes")
        assert await ann.ends(1) is JobState.DONE
        (job,) = await run.store.jobs(chat=ANN)
        result = run.channel.result(job.id)
        there = len(result.pictures)
        assert there in (2, 4), "fal takes four at a time, and was busy for one of the two requests"
        assert openai.submitted == []
        assert (result.choices[0].id, result.choices[0].label) == (f"agree:{job.id}", "Let OpenAI make the rest")
        await ann.sends("yes")
        assert len(await run.store.jobs(chat=ANN)) == 1, "a yes to the pictures is none to the company"
        await ann.sends(choice=f"agree:{job.id}")
        assert await ann.ends(2) is JobState.DONE
        newest = (await run.store.jobs(chat=ANN))[0]
    assert newest.order.count == len(newest.pictures) == 6 - there
    assert sum(request.count for request in openai.submitted) == 6 - there


async def test_privacy_names_who_refused_it_but_not_who_was_never_reached(tmp_path: Path) -> None:
    away = FakeProvider(name="fal", sleep=hasty, standing=Script(fault="unavailable"))
    busy = FakeProvider(name="openai", sleep=hasty, standing=Script(fault="busy"))
    makes = FakeProvider(name="stability", sleep=hasty)
    async with world(tmp_path, provider=away, others=[busy, makes]) as run:
        job = await run.do("j1", run.order(accepted=("stability", "fal", "openai")))
        assert job.state is JobState.DONE
        assert all(provider.submitted for provider in (away, busy, makes))
        assert await run.store.sent_to(ANN) == ("openai", "stability")


# --- whoever the photo shows agrees (FACE_CONSENT=ask)


def asked(tmp_path: Path, *providers: FakeProvider, companies: bool = False) -> Person:
    store = MemoryStore()
    return Person(
        tmp_path,
        quote=through(*providers),
        store=store,
        consents=Consents(store, companies=companies, faces=True),
        retention_days=12,
    )


async def test_before_the_first_photo_one_sentence_names_who_gets_it_and_how_long_it_stays(tmp_path: Path) -> None:
    ann = asked(tmp_path, FAL)
    question = await ann.sends("anime", "me.jpg")
    assert offered(question) == ["consent:yes", "consent:no"]
    assert "fal" in said(question)
    assert "12 days" in said(question)
    assert await ann.job_count() == 0
    await ann.taps("consent:yes")
    assert await ann.job_count() == 1
    assert await Consents(ann.store).agreed_to_faces(ann.chat) is not None
    await ann.sends("watercolor portrait", "other.jpg")
    assert await ann.job_count() == 2


async def test_a_word_answers_and_a_no_leaves_the_photo_alone(tmp_path: Path) -> None:
    ann = asked(tmp_path, FAL)
    await ann.sends("anime", "me.jpg")
    await ann.sends("no")
    assert await ann.job_count() == 0
    await ann.sends("anime")
    await ann.sends("yes")
    assert await ann.job_count() == 1


async def test_both_consents_are_one_question(tmp_path: Path) -> None:
    ann = asked(tmp_path, FAL, companies=True)
    await ann.sends("anime", "me.jpg")
    await ann.sends("yes")
    assert (await ann.job()).order.accepted == ("fal",)


async def test_what_stays_here_says_so_and_words_alone_are_not_asked_about(tmp_path: Path) -> None:
    ann = asked(tmp_path, OWN)
    assert "stays on this machine" in said(await ann.sends("anime", "me.jpg"))
    ben = asked(tmp_path, FAL)
    await ben.sends("draw a lighthouse in a storm")
    assert await ben.job_count() == 1


async def test_a_consent_goes_with_its_person_and_is_each_senders_own(tmp_path: Path) -> None:
    ann = asked(tmp_path, FAL)
    await ann.sends("anime", "me.jpg")
    await ann.sends("yes")
    assert "2026-11-21" in said(await ann.sends("/privacy"))
    other = ann.chat.__class__(channel="test", chat="ann", person="ben")
    assert await Consents(ann.store).agreed_to_faces(other) is None
    await ann.taps("forget:yes")
    assert await Consents(ann.store).agreed_to_faces(ann.chat) is None


async def test_who_looks_at_words_and_photos_is_named_in_privacy(tmp_path: Path) -> None:
    ann = Person(tmp_path, moderation_company="Watchful Ltd")
    assert "Watchful Ltd" in said(await ann.sends("/privacy"))
