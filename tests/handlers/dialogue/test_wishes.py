"""What words say of who makes a picture, how like the person it is, and where it grows: from message to task."""

from pathlib import Path

import pytest

from handlers.jobs.plan import preferences_of, task_for
from handlers.order import Order
from providers.preferences import Priority
from providers.task import Consistency, Operation, Outpaint
from tests.world import Person, names, offered, said


@pytest.fixture
def ann(tmp_path: Path) -> Person:
    return Person(tmp_path)


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("anime style, exactly the same face", Consistency.STRICT),
        ("动漫风格，脸要一模一样", Consistency.STRICT),
        ("anime, just inspired by my photo", Consistency.LOOSE),
        ("anime", None),
    ],
)
async def test_how_like_the_person_it_is_to_be_reaches_the_task(
    ann: Person, text: str, level: Consistency | None
) -> None:
    await ann.sends(text, "me.jpg")
    assert task_for((await ann.job()).order, shot=0).consistency is level


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("cheapest anime", Priority.COST),
        ("anime, fastest please", Priority.SPEED),
        ("best quality anime", Priority.QUALITY),
        ("动漫风格，不要上传到外面", Priority.PRIVACY),
        ("anime on my own server", Priority.PRIVACY),
        ("anime", None),
    ],
)
async def test_what_is_put_first_reaches_the_router(ann: Person, text: str, first: Priority | None) -> None:
    await ann.sends(text, "me.jpg")
    assert preferences_of((await ann.job()).order).wished is first


@pytest.mark.parametrize(
    ("text", "service"),
    [("anime with OpenAI", "openai"), ("用 fal 做动漫", "fal"), ("white background via replicate", "replicate")],
)
async def test_a_service_that_is_named_is_the_one_that_is_asked(ann: Person, text: str, service: str) -> None:
    await ann.sends(text, "me.jpg")
    assert preferences_of((await ann.job()).order).provider == service


@pytest.mark.parametrize(
    ("text", "service"),
    [("anime, not with OpenAI", "openai"), ("动漫，不要用fal", "fal"), ("anything but replicate, anime", "replicate")],
)
async def test_a_service_that_is_refused_is_never_asked(ann: Person, text: str, service: str) -> None:
    await ann.sends(text, "me.jpg")
    wanted = preferences_of((await ann.job()).order)
    assert (wanted.provider, wanted.block) == (None, frozenset({service}))


async def test_a_wish_outlives_the_question_for_a_photo_and_the_next_again(ann: Person) -> None:
    await ann.sends("做成动漫风格，要像本人，不要上传")
    await ann.sends("", "me.jpg")
    first = (await ann.job()).order
    await ann.gets_result()
    await ann.sends("再来一张")
    again = (await ann.job()).order
    assert (again.take, again.consistency, again.priority) == (1, "strict", "privacy")
    assert (first.consistency, first.priority) == ("strict", "privacy")


async def test_an_edit_that_leaves_the_face_alone_asks_nobody_to_hold_it(ann: Person) -> None:
    await ann.sends("upscale 4x, keep my face", "me.jpg")
    task = task_for((await ann.job()).order, shot=0)
    assert (task.operation, task.consistency) == (Operation.UPSCALE, None)


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("make it wider to the left", Outpaint(left=160)),
        ("上面多留点天", Outpaint(top=120)),
        ("extend 20% to the left", Outpaint(left=128)),
        ("左边扩展200像素", Outpaint(left=200)),
        ("make it wider on both sides", Outpaint(left=160, right=160)),
    ],
)
async def test_sides_reach_the_task_in_pixels_of_the_photo(ann: Person, text: str, sides: Outpaint) -> None:
    await ann.sends(text, "me.jpg")  # 640 by 480
    task = task_for((await ann.job()).order, shot=0)
    assert (task.operation, task.parameters.outpaint) == (Operation.OUTPAINT, sides)


async def test_words_that_are_asked_about_first_keep_their_sides(ann: Person) -> None:
    asked = await ann.sends("wider to the left", "me.jpg")
    if await ann.job_count() == 0:  # so few words may be asked about before they are paid for
        assert offered(asked)[0] == "reading:0"
        await ann.taps("reading:0")
    assert task_for((await ann.job()).order, shot=0).parameters.outpaint == Outpaint(left=160)


async def test_a_result_that_is_extended_goes_by_its_own_size(ann: Person) -> None:
    await ann.sends("anime", "me.jpg")
    await ann.gets_result("made.png")  # 1024 by 1024
    await ann.sends("make it wider to the left")
    assert task_for((await ann.job()).order, shot=0).parameters.outpaint == Outpaint(left=256)


async def test_a_style_transfer_asks_for_its_second_picture_and_takes_both(ann: Person) -> None:
    asked = await ann.sends("style transfer", "me.jpg")
    assert "second picture" in said(asked)
    assert await ann.job_count() == 0
    await ann.sends("", "monet.jpg")
    order: Order = (await ann.job()).order
    task = task_for(order, shot=0)
    assert (names(order), task.operation, task.photos) == (["me.jpg", "monet.jpg"], Operation.STYLE_TRANSFER, 2)


@pytest.mark.parametrize(
    ("text", "photos"),
    [
        ("turn my photo into the style of this picture", ["a.jpg", "b.jpg"]),
        ("用第二张图的画风画第一张", ["a.jpg", "b.jpg"]),
        ("paint the first photo in the style of the second", ["a.jpg", "b.jpg"]),
        ("用第一张的画风画第二张", ["b.jpg", "a.jpg"]),
        ("paint the second one in the first one's style", ["b.jpg", "a.jpg"]),
    ],
)
async def test_the_picture_whose_look_is_taken_is_the_one_the_words_say(
    ann: Person, text: str, photos: list[str]
) -> None:
    await ann.sends(text, "a.jpg", "b.jpg")
    order = (await ann.job()).order
    assert [path.name for path in order.photos] == photos
    swapped = photos != ["a.jpg", "b.jpg"]
    assert not (swapped and order.shots[0].edits[0].prompt), "numbers that are no longer right are not sent"
