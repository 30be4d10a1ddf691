"""Photos are looked at before money is spent on them: one sentence, "use it anyway", and never a gate."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from handlers.dialogue.photo_advice import EVERYTHING
from handlers.message import Message
from handlers.order import Order
from handlers.quote import Quote
from handlers.words import texts
from providers.media.accept import accept_photo
from providers.money import Money
from providers.people.inspector import Advice
from tests.world import Person, accept_really, names, offered, said


def advice(*findings: str, faces: int = 1, quarters: int = 0, score: float = 0.8, fingerprint: int = 0) -> Advice:
    return Advice(
        finding=findings[0] if findings else None,
        findings=findings,
        faces=faces,
        width=60,
        wanted=200,
        quarters=quarters,
        score=score,
        fingerprint=fingerprint,
    )


@dataclass
class Judge:
    """Says of photos, by their names, what it is told to; the others are good."""

    says: Mapping[str, Advice | None] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def check(self, photo: Path) -> Advice | None:
        self.asked.append(photo.name)
        return self.says.get(photo.name, advice())


def person(tmp_path: Path, judge: Judge, **more: Any) -> Person:
    return Person(tmp_path, judge=judge, **more)


def small(tmp_path: Path, **more: Any) -> tuple[Person, Judge]:
    judge = Judge({"far.jpg": advice("small")})
    return person(tmp_path, judge, **more), judge


async def test_a_photo_that_could_be_better_is_told_of_before_money_is_spent(tmp_path: Path) -> None:
    ann, _ = small(tmp_path)
    asked = await ann.sends("anime", "far.jpg")
    assert "Come closer: the face is 60 px wide, 200 is better." in said(asked)
    assert offered(asked) == ["anyway:yes", "anyway:no"]
    assert await ann.job_count() == 0


@pytest.mark.parametrize("word", ["use it anyway", "1", "yes", "go ahead", "\N{THUMBS UP SIGN}"])
async def test_it_is_used_anyway_by_words_a_number_or_a_sign(tmp_path: Path, word: str) -> None:
    ann, judge = small(tmp_path)
    await ann.sends("anime", "far.jpg")
    await ann.sends(word)
    assert names((await ann.job()).order) == ["far.jpg"]
    assert judge.asked == ["far.jpg"]


@pytest.mark.parametrize("word", ["就用这张", "就用这张吧", "1", "好的"])
async def test_it_is_used_anyway_in_chinese(tmp_path: Path, word: str) -> None:
    ann, _ = small(tmp_path)
    assert "离近一点" in said(await ann.sends("动漫风格", "far.jpg"))
    await ann.sends(word)
    assert await ann.job_count() == 1


async def test_a_button_uses_it_and_that_photo_is_not_asked_about_again(tmp_path: Path) -> None:
    ann, judge = small(tmp_path)
    await ann.sends("anime", "far.jpg")
    await ann.taps("anyway:yes")
    await ann.gets_result()
    await ann.sends("again")
    await ann.taps("style:oil_painting")
    assert await ann.job_count() == 3
    assert judge.asked == ["far.jpg"]


async def test_another_photo_takes_its_place_and_is_looked_at_too(tmp_path: Path) -> None:
    ann, judge = small(tmp_path)
    await ann.sends("two anime pictures", "far.jpg")
    await ann.sends("", "near.jpg")
    order = (await ann.job()).order
    assert (names(order), order.count, order.as_is) == (["near.jpg"], 2, False)
    assert judge.asked == ["far.jpg", "near.jpg"]


async def test_a_no_makes_nothing(tmp_path: Path) -> None:
    ann, _ = small(tmp_path)
    await ann.sends("anime", "far.jpg")
    assert "Nothing was charged" in said(await ann.sends("no"))
    assert await ann.job_count() == 0


async def test_a_dear_picture_is_asked_about_after_it(tmp_path: Path) -> None:
    ann, _ = small(tmp_path, confirm_above=0.1)
    assert offered(await ann.sends("anime", "far.jpg")) == ["anyway:yes", "anyway:no"]
    assert offered(await ann.taps("anyway:yes")) == ["confirm:yes", "confirm:no"]
    await ann.taps("confirm:yes")
    assert await ann.job_count() == 1


@pytest.mark.parametrize("wish", ["make the background white", "upscale 4x", "colorize it", "make the sky darker"])
async def test_edits_that_need_no_face_are_never_held_up(tmp_path: Path, wish: str) -> None:
    judge = Judge({"cup.jpg": advice("no_face", faces=0)})
    ann = person(tmp_path, judge)
    await ann.sends(wish, "cup.jpg")
    assert (await ann.job_count(), judge.asked) == (1, [])


async def test_of_a_group_only_what_spoils_it_for_all_matters(tmp_path: Path) -> None:
    judge = Judge({"us.jpg": advice("turned_away", faces=4), "dark.jpg": advice("dark", faces=4)})
    ann = person(tmp_path, judge)
    await ann.sends("a family photo", "us.jpg")
    assert await ann.job_count() == 1
    assert offered(await ann.sends("a family photo", "dark.jpg")) == ["anyway:yes", "anyway:no"]


async def test_an_id_photo_is_of_one_person(tmp_path: Path) -> None:
    judge = Judge({"us.jpg": advice(faces=2)})
    ann = person(tmp_path, judge)
    assert "2 faces" in said(await ann.sends("ID photo, white background", "us.jpg"))
    await ann.sends("anime", "us.jpg")
    assert await ann.job_count() == 1


async def test_a_wish_in_own_words_may_be_about_somebody_who_has_no_face(tmp_path: Path) -> None:
    judge = Judge({"dog.jpg": advice("no_face", faces=0)})
    ann = person(tmp_path, judge)
    await ann.sends("me as an astronaut on the moon", "dog.jpg")
    assert await ann.job_count() == 1


async def test_of_several_photos_the_poor_one_is_named_and_replaced_by_itself(tmp_path: Path) -> None:
    ann, _ = small(tmp_path)
    assert "Photo 2: Come closer" in said(await ann.sends("anime", "one.jpg", "far.jpg"))
    await ann.sends("", "near.jpg")
    assert names((await ann.job()).order) == ["one.jpg", "near.jpg"]


def free(order: Order) -> Quote:
    return Quote(cost=Money.zero(), seconds=2)


def embedded(order: Order) -> Quote:
    return Quote(cost=Money.zero(), seconds=2, basic=True)


async def test_what_costs_nothing_begins_at_once_and_the_advice_is_said_with_it(tmp_path: Path) -> None:
    ann, _ = small(tmp_path, quote=free)
    assert "Come closer" in said(await ann.sends("anime", "far.jpg"))
    assert await ann.job_count() == 1


async def test_of_what_this_machine_makes_only_a_face_too_small_for_it_is_told_of(tmp_path: Path) -> None:
    judge = Judge({"far.jpg": advice("small", "dark"), "dark.jpg": advice("dark")})
    ann = person(tmp_path, judge, quote=embedded)
    assert "the face is 60 px wide" in said(await ann.sends("anime", "far.jpg"))
    assert "dark" not in said(await ann.sends("anime", "dark.jpg"))
    assert await ann.job_count() == 2
    await ann.sends("make it brighter", "cup.jpg")  # no face matters
    assert judge.asked == ["far.jpg", "dark.jpg"]


async def test_where_nothing_can_be_told_nobody_is_held_up(tmp_path: Path) -> None:
    ann = person(tmp_path, Judge({"me.jpg": None}))
    await ann.sends("anime", "me.jpg")
    assert await ann.job_count() == 1


async def test_a_photo_that_was_looked_at_is_not_looked_at_again(tmp_path: Path) -> None:
    judge = Judge()
    ann = person(tmp_path, judge)
    await ann.sends("anime", "me.jpg")
    await ann.sends("watercolor instead")
    assert (await ann.job_count(), judge.asked) == (2, ["me.jpg"])


async def test_of_an_album_of_one_person_the_best_come_first_and_twins_once(tmp_path: Path) -> None:
    judge = Judge(
        {
            "a.jpg": advice(score=0.4, fingerprint=0xFF00FF00FF00FF00),
            "b.jpg": advice(score=0.9, fingerprint=0x00FF00FF00FF00FF),
            "twin.jpg": advice(score=0.8, fingerprint=0x00FF00FF00FF00FE),
            "nobody.jpg": advice("no_face", faces=0, score=0.0),
        }
    )
    ann = person(tmp_path, judge)
    replies = await ann.sends("a character sheet", "a.jpg", "b.jpg", "twin.jpg", "nobody.jpg")
    assert "Of your 4 photos, I am using the 2 that show the face best" in said(replies)
    assert names((await ann.job()).order) == ["b.jpg", "a.jpg"]


async def test_a_photo_on_its_side_is_set_upright_for_a_face_and_stays_so(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    picture = Image.new("RGB", (96, 64), "red")
    picture.paste("blue", (0, 0, 48, 64))
    picture.save(inbox / "lying.png")
    assert (await accept_photo(inbox / "lying.png", into=tmp_path)).width == 96

    class Lying(Judge):
        async def check(self, photo: Path) -> Advice | None:
            return advice(quarters=1)

    ann = person(tmp_path, Lying(), accept=accept_really)
    assert "was on its side" in said(await ann.sends("anime", "lying.png"))
    with Image.open((await ann.job()).order.photos[0]) as upright:
        assert upright.size == (64, 96)
        # A quarter turn counter-clockwise: what was left is at the foot now.
        assert upright.convert("RGB").resize((1, 2)).crop((0, 1, 1, 2)).tobytes()[2] > 200
    await ann.sends("watercolor instead")
    assert (await ann.job()).order.photos[0] == (await ann.store.session(ann.chat)).photos[-1].path


async def test_what_may_have_to_be_asked_is_not_foreseen(tmp_path: Path) -> None:
    ann, _ = small(tmp_path)
    bob = Person(tmp_path, name="bob")
    for somebody, told in ((ann, False), (bob, True)):
        await somebody.sends("", "far.jpg")
        next_words = Message(key="next", chat=somebody.chat, text="anime")
        assert bool(await somebody.conversation.foresee([next_words])) is told


def test_every_finding_that_matters_has_its_sentence() -> None:
    for language in ("zh", "en"):
        for finding in EVERYTHING:
            assert f"say.photo_{finding}" in texts(language)
