"""Trained faces and templates in a chat: asked about before a training, used without a photo, deleted by words."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from handlers.faces import Faces
from handlers.jobs.plan import quoted, request_for
from handlers.order import Order
from handlers.quote import Quote
from providers.faces import TrainedFace
from providers.fake import FakeProvider, offer
from providers.offers import READS_SEVERAL
from providers.router import Router
from providers.services.dashscope.offers import offers
from providers.task import Operation, Task
from tests.world import Person, names, offered, said

DASHSCOPE = FakeProvider(name="dashscope", able=offers().rows)
OTHER = FakeProvider(name="fal", able=[offer(Operation.PORTRAIT, identity=READS_SEVERAL[0], usd="0.2")])


def person(tmp_path: Path, *providers: FakeProvider, consent: bool = False) -> Person:
    return Person(tmp_path, quote=quoted(Router(list(providers or (DASHSCOPE,)))), faces=True, consent=consent)


async def with_face(tmp_path: Path, **more: object) -> Person:
    ann = person(tmp_path)
    created = datetime(2026, 11, 20, tzinfo=UTC)
    face = TrainedFace(id="f1", service="dashscope", training="ft-1", created=created, **more)  # type: ignore[arg-type]
    await Faces(ann.store).keep(ann.chat, face, at=ann.now)
    return ann


def task(order: Order) -> Task:
    return request_for(order, job_id="j", shot=0).task


# --- training


@pytest.mark.parametrize(
    ("text", "yes", "told"),
    [("train my face", "yes", ("$0.35", "30 min", "DashScope", "2 photos")), ("训练我的脸", "好的", ("0.35", "2 张"))],
)
async def test_a_training_is_told_its_price_time_and_place_before_it_starts(
    tmp_path: Path, text: str, yes: str, told: tuple[str, ...]
) -> None:
    ann = person(tmp_path)
    asked = await ann.sends(text, "a.jpg", "b.jpg")
    assert all(part in said(asked) for part in told)
    assert await ann.job_count() == 0
    await ann.sends(yes)
    job = await ann.job()
    assert (job.trains, names(job.order)) == (True, ["a.jpg", "b.jpg"])
    assert task(job.order) == Task(operation=Operation.TRAIN_FACE, photos=2)


async def test_photos_that_come_while_it_is_asked_about_belong_to_it(tmp_path: Path) -> None:
    ann = person(tmp_path)
    assert "three to ten" in said(await ann.sends("train my face"))
    await ann.sends("", "a.jpg")
    asked = await ann.sends("", "b.jpg", "c.jpg")
    assert "from 3 photos" in said(asked)
    await ann.taps("confirm:yes")
    assert names((await ann.job()).order) == ["a.jpg", "b.jpg", "c.jpg"]


async def test_agreeing_to_a_training_is_agreeing_to_the_company_it_named(tmp_path: Path) -> None:
    ann = person(tmp_path, consent=True)
    await ann.sends("train my face", "a.jpg")
    await ann.taps("confirm:yes")
    assert (await ann.job()).order.accepted == ("dashscope",)


async def test_without_a_service_that_learns_faces_it_is_said(tmp_path: Path) -> None:
    ann = Person(tmp_path)
    assert "DashScope" in said(await ann.sends("train my face", "a.jpg"))
    assert await ann.job_count() == 0


# --- portraits of it


async def test_a_preset_needs_no_photo_and_the_gender_is_asked_once(tmp_path: Path) -> None:
    ann = await with_face(tmp_path)
    asked = await ann.sends("LinkedIn headshot")
    assert offered(asked) == ["gender:female", "gender:male"]
    await ann.taps("gender:male")
    job = await ann.job()
    assert (job.order.face, job.order.gender, job.order.photos) == ("f1", "male", ())
    assert task(job.order).face
    await ann.sends("professional headshot")
    assert (await ann.job_count(), (await ann.job()).order.gender) == (2, "male")
    assert "gender:female" in offered(await ann.sends("/settings"))
    assert "Women's" in said(await ann.taps("gender:female"))
    await ann.sends("professional headshot")
    assert (await ann.job()).order.gender == "female"


async def test_a_photo_is_used_where_one_is_there_but_for_words_that_name_the_face(tmp_path: Path) -> None:
    ann = await with_face(tmp_path, gender="female")
    await ann.sends("spring garden", "me.jpg")
    assert (await ann.job()).order.face is None
    await ann.sends("春日花园，用我训练好的脸")
    assert ((await ann.job()).order.face, (await ann.job()).order.photos) == ("f1", ())


async def test_the_photos_it_was_trained_from_do_not_stand_in_its_way(tmp_path: Path) -> None:
    ann = await with_face(tmp_path, gender="female")
    await ann.sends("train my face", "a.jpg", "b.jpg")
    await ann.taps("confirm:yes")
    await ann.sends("spring garden")
    assert ((await ann.job()).order.face, (await ann.job()).order.photos) == ("f1", ())
    await ann.sends("spring garden", "c.jpg")
    assert ((await ann.job()).order.face, names((await ann.job()).order)) == (None, ["c.jpg"])


async def test_where_no_preset_is_the_presets_are_offered(tmp_path: Path) -> None:
    ann = await with_face(tmp_path, gender="female")
    shown = await ann.sends("anime with my trained face")
    assert "face:hongkong_vintage" in offered(shown)
    await ann.taps("face:hongkong_vintage")
    assert (await ann.job()).order.shots[0].style == "hongkong_vintage"
    assert "send the photo" in said(await ann.sends("anime portrait"))


async def test_faces_are_listed_and_deleted_by_words(tmp_path: Path) -> None:
    ann = await with_face(tmp_path)
    assert "of 2026-11-20, kept at DashScope" in said(await ann.sends("my trained faces"))
    assert "Trained faces: 1" in said(await ann.sends("/privacy"))
    asked = await ann.sends("删除我训练好的脸")
    assert offered(asked) == ["unface_yes:1", "unface_no"]
    assert await Faces(ann.store).of(ann.chat) != ()
    await ann.taps("unface_yes:1")
    assert await Faces(ann.store).of(ann.chat) == ()


async def test_of_several_faces_the_one_that_is_named_is_deleted(tmp_path: Path) -> None:
    ann = await with_face(tmp_path)
    second = TrainedFace(id="f2", service="dashscope", training="ft-2", created=datetime(2026, 11, 21, tzinfo=UTC))
    await Faces(ann.store).keep(ann.chat, second, at=ann.now)
    assert offered(await ann.sends("my trained faces")) == ["unface:2", "unface:1"]
    assert offered(await ann.sends("delete my trained face 1")) == ["unface_yes:1", "unface_no"]
    await ann.taps("unface_no")
    assert len(await Faces(ann.store).of(ann.chat)) == 2
    await ann.taps("unface:1")
    await ann.taps("unface_yes:1")
    assert [face.id for face in await Faces(ann.store).of(ann.chat)] == ["f2"]


async def test_a_forgotten_person_has_no_face(tmp_path: Path) -> None:
    ann = await with_face(tmp_path)
    await ann.taps("forget:yes")
    assert await Faces(ann.store).of(ann.chat) == ()


# --- templates


async def test_the_last_of_several_pictures_is_the_template(tmp_path: Path) -> None:
    ann = person(tmp_path)
    await ann.sends("用最后一张当模板，两张，不要美颜", "me1.jpg", "me2.jpg", "wedding.jpg")
    order = (await ann.job()).order
    assert (names(order), order.template and order.template.name) == (["me1.jpg", "me2.jpg"], "wedding.jpg")
    assert (task(order).count, task(order).retouch) == (2, False)
    assert request_for(order, job_id="j", shot=0).photos == (*order.photos, order.template)


async def test_the_words_may_single_out_the_first(tmp_path: Path) -> None:
    ann = person(tmp_path)
    await ann.sends("use the first picture as the template", "wedding.jpg", "me.jpg")
    order = (await ann.job()).order
    assert (names(order), order.template and order.template.name) == (["me.jpg"], "wedding.jpg")


async def test_a_picture_replied_to_is_the_template_for_the_photo_that_lies_there(tmp_path: Path) -> None:
    ann = person(tmp_path)
    await ann.sends("", "me.jpg")
    await ann.sends("use this as the template", quoted=("wedding.jpg",))
    order = (await ann.job()).order
    assert (names(order), order.template and order.template.name) == (["me.jpg"], "wedding.jpg")


async def test_a_template_alone_waits_for_its_person_or_takes_the_trained_face(tmp_path: Path) -> None:
    ann = person(tmp_path)
    assert "send one to five photos" in said(await ann.sends("use this as the template", "wedding.jpg"))
    await ann.sends("", "me.jpg")
    assert names((await ann.job()).order) == ["me.jpg"]
    bob = await with_face(tmp_path / "bob", gender="male")
    await bob.sends("用这张当模板", "wedding.jpg")
    order = (await bob.job()).order
    assert (order.face, order.photos, task(order).photos) == ("f1", (), 1)


async def test_words_that_ask_for_more_go_to_who_reads_them(tmp_path: Path) -> None:
    ann = person(tmp_path, DASHSCOPE, OTHER)
    await ann.sends("use the last one as the template, make the dress red", "me.jpg", "wedding.jpg")
    order = (await ann.job()).order
    router = Router([DASHSCOPE, OTHER])
    assert router.candidates(task(order))[0].name == "fal" or "qwen" in router.candidates(task(order))[0].offer.model
    assert "make the dress red" in request_for(order, job_id="j", shot=0).prompt
    plain = order.model_copy(update={"shots": (order.shots[0].model_copy(update={"prompt": None}),)})
    assert router.candidates(task(plain))[0].offer.model == "facechain-generation"


def test_where_nobody_takes_a_template_it_is_refused() -> None:
    quote: Quote | None = None
    order = Order(operation="portrait", shots=({},), photos=("/a.jpg",), template="/t.jpg")
    with pytest.raises(Exception, match="no_provider"):
        quote = quoted(Router([FakeProvider(name="x")]))(order)
    assert quote is None
