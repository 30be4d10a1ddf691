"""A place painted on one photo, or room to be added around it: what order that is, and what is asked or refused."""

from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from handlers.jobs.plan import request_for, task_for
from handlers.message import Margins, Outgoing, Painted
from intent import wants_it_gone
from providers.task import Operation, Outpaint
from tests.providers.photos import shipped
from tests.world import Person, accept_really, offered, said


class Painter(Person):
    """Somebody with real photos, who paints on them."""

    def __init__(self, tmp_path: Path) -> None:
        super().__init__(tmp_path, accept=accept_really)
        self.inbox.mkdir()
        self.draw("me.png", (320, 240), "teal")

    def draw(self, name: str, size: tuple[int, int], colour: str, mode: str = "RGB") -> Path:
        path = self.inbox / name
        Image.new(mode, size, colour).save(path)
        return path

    def mask(self, size: tuple[int, int] = (320, 240), box: tuple[int, int, int, int] = (10, 20, 60, 50)) -> Path:
        path = self.inbox / "mask.png"
        image = Image.new("L", size, 0)
        image.paste(255, box)
        image.save(path)
        return path

    async def paints(self, text: str, mask: Path | None = None, margins: Margins | None = None) -> tuple[Outgoing, ...]:
        painted = Painted(mask=mask, margins=margins or Margins())
        return await self.sends(text, quoted=("me.png",), painted=painted)


@pytest.fixture
def ann(tmp_path: Path) -> Painter:
    return Painter(tmp_path)


async def test_a_painted_place_becomes_an_inpaint_of_that_photo_with_a_mask_of_its_size(ann: Painter) -> None:
    replies = await ann.paints("a red hat", ann.mask(size=(160, 120), box=(80, 60, 120, 90)))
    order = (await ann.job()).order
    task = task_for(order, shot=0)
    assert (task.operation, task.action, task.mask) == (Operation.INPAINT, "local_edit", True)
    request = request_for(order, job_id="j", shot=0)
    assert (request.text, request.mask, len(request.photos)) == ("a red hat", order.mask, 1)
    assert order.mask is not None
    with Image.open(order.mask) as mask:
        assert (mask.size, mask.mode) == ((320, 240), "L")
        assert (mask.getpixel((200, 150)), mask.getpixel((20, 20))) == (255, 0)
    assert "At the marked place: a red hat" in said(replies)


@pytest.mark.parametrize("text", ["remove this", "把这里去掉", "get rid of it", "涂掉"])
async def test_words_that_want_it_gone_take_it_out_and_are_not_painted_there(ann: Painter, text: str) -> None:
    await ann.paints(text, ann.mask())
    request = request_for((await ann.job()).order, job_id="j", shot=0)
    assert (request.task.operation, request.task.action, request.text) == (Operation.INPAINT, "remove_person", "")
    assert "everything that lies in the marked place" in request.prompt


@pytest.mark.parametrize("text", ["anime style", "花", "replace it with flowers", "把这里换成花", "去掉帽子换成花"])
async def test_any_other_words_say_what_comes_there(ann: Painter, text: str) -> None:
    await ann.paints(text, ann.mask())
    request = request_for((await ann.job()).order, job_id="j", shot=0)
    assert (request.task.action, request.text) == ("local_edit", text)


async def test_margins_become_pixels_of_the_photo_and_words_for_who_is_told_in_words(ann: Painter) -> None:
    await ann.paints("", margins=Margins(left=0.25, bottom=1.0))
    request = request_for((await ann.job()).order, job_id="j", shot=0)
    assert request.task.operation is Operation.OUTPAINT
    assert request.task.parameters.outpaint == Outpaint(left=80, bottom=240)
    assert "80 pixels to the left, 240 pixels below" in request.prompt


async def test_both_are_done_one_after_the_other(ann: Painter) -> None:
    replies = await ann.paints("a red hat", ann.mask(), Margins(top=0.5))
    order = (await ann.job()).order
    first, then = (task_for(order, shot=0, link=n) for n in (0, 1))
    assert (first.operation, then.operation, then.mask) == (Operation.INPAINT, Operation.OUTPAINT, False)
    assert then.parameters.outpaint == Outpaint(top=120)
    assert "then Extend" in said(replies)


async def test_a_mask_alone_is_asked_about_and_answered_by_words_or_a_tap(ann: Painter) -> None:
    for answer in ("tulips", None):
        replies = await ann.paints("", ann.mask())
        assert offered(replies) == ["marked:gone"]
        await (ann.taps("marked:gone") if answer is None else ann.sends(answer))
        order = (await ann.job()).order
        assert order.mask is not None
        expected = ("local_edit", "tulips") if answer else ("remove_person", None)
        assert (order.shots[0].edits[0].action, order.shots[0].edits[0].prompt) == expected
    assert await ann.job_count() == 2


async def test_a_mask_that_fits_nothing_starts_nothing(ann: Painter) -> None:
    empty = ann.draw("empty.png", (320, 240), "black", "L")
    square = ann.draw("square.png", (240, 240), "white", "L")
    words = ann.inbox / "words.png"
    words.write_bytes(b"\x89PNG\r\n\x1a\n no picture")
    for mask in (empty, square, words):
        assert "The mask does not fit the photo" in said(await ann.paints("a red hat", mask))
    painted = Painted(mask=ann.mask())
    assert "The mask does not fit" in said(await ann.sends("a hat", "me.png", quoted=("me.png",), painted=painted))
    assert await ann.job_count() == 0


async def test_a_command_stays_a_command(ann: Painter) -> None:
    await ann.paints("/help", ann.mask())
    assert await ann.job_count() == 0


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("Remove the person in the circle", True),
        ("make this disappear", True),
        ("把圈起来的人去掉", True),
        ("这个不要了", True),
        ("remove the hat and add a crown", False),
        ("put a dog here", False),
        ("不要帽子，换成皇冠", False),
        ("", False),
    ],
)
def test_whether_what_is_marked_is_to_go(text: str, gone: bool) -> None:
    assert wants_it_gone(text) is gone


# --- strokes of the phone's own marker, on a copy of a photo that is known


class Marker(Painter):
    """Somebody with a photo that has something in it, and the phone's red marker."""

    def __init__(self, tmp_path: Path) -> None:
        super().__init__(tmp_path)
        image = Image.fromarray(shipped("coffee.png"))
        image.save(self.inbox / "cup.jpg", quality=90)
        drawn = image.copy()
        ImageDraw.Draw(drawn).line([(180, 100), (300, 140), (240, 200)], fill=(255, 40, 30), width=10, joint="curve")
        drawn.save(self.inbox / "cup-drawn.jpg", quality=70)
        Image.fromarray(shipped("coffee.png")).save(self.inbox / "cup-again.jpg", quality=70)


@pytest.fixture
def eve(tmp_path: Path) -> Marker:
    return Marker(tmp_path)


@pytest.mark.parametrize(("text", "action"), [("remove this", "remove_person"), ("把这里换成花", "local_edit")])
async def test_strokes_on_a_copy_mark_the_place_on_the_photo_before(eve: Marker, text: str, action: str) -> None:
    await eve.sends("", "cup.jpg")
    await eve.sends(text, "cup-drawn.jpg")
    order = (await eve.job()).order
    assert order.shots[0].edits[0].action == action
    session = await eve.store.session(eve.chat)
    assert [photo.path for photo in session.photos] == [*order.photos], "the copy is no photo of theirs"
    assert order.mask is not None
    with Image.open(order.mask) as mask, Image.open(order.photos[0]) as clean:
        assert mask.size == clean.size
        assert (mask.getpixel((240, 120)), mask.getpixel((500, 350))) == (255, 0)
        assert clean.getpixel((240, 120)) != mask.getpixel((240, 120))


async def test_strokes_without_words_are_asked_about_and_words_said_before_hold(eve: Marker) -> None:
    await eve.sends("", "cup.jpg")
    replies = await eve.sends("", "cup-drawn.jpg")
    assert "I see what you marked" in said(replies)
    await eve.sends("a plate of biscuits")
    assert (await eve.job()).order.mask is not None


async def test_a_style_a_copy_without_strokes_or_a_first_photo_is_an_ordinary_photo(eve: Marker) -> None:
    await eve.sends("make it brighter", "cup-drawn.jpg")
    await eve.sends("anime style", "cup.jpg")
    await eve.sends("anime style", "cup-drawn.jpg")
    await eve.sends("make it brighter", "cup-again.jpg")
    jobs = await eve.store.jobs(chat=eve.chat)
    assert len(jobs) == 4
    assert [job.order.mask for job in jobs] == [None] * 4
