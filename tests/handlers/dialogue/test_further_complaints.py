"""Further public complaints about other bots, each played from a person's message to what is begun and said."""

from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from handlers.jobs.plan import quoted
from handlers.message import Language
from handlers.words import words
from providers.embedded.provider import EmbeddedProvider
from providers.router import Router
from tests.world import Person, accept_really, names, offered, said


@pytest.fixture
def ann(tmp_path: Path) -> Person:
    return Person(tmp_path)


@pytest.fixture
def bea(tmp_path: Path) -> Person:
    """Somebody whose photos are really looked at."""
    bea = Person(tmp_path, name="bea", accept=accept_really)
    bea.inbox.mkdir()
    return bea


async def test_a_photo_that_came_as_a_file_without_a_name_for_its_kind_is_taken(bea: Person) -> None:
    Image.new("RGB", (640, 480), "teal").save(bea.inbox / "file_17", "PNG")
    await bea.sends("anime", "file_17")
    assert (await bea.job()).order.sizes == ((640, 480),)


async def test_a_photo_held_sideways_is_upright_in_what_is_begun(bea: Person) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (640, 480), "teal").save(bea.inbox / "side.jpg", exif=exif)
    await bea.sends("anime", "side.jpg")
    order = (await bea.job()).order
    with Image.open(order.photos[0]) as photo:
        assert (photo.size, order.sizes) == ((480, 640), ((480, 640),))


@pytest.mark.parametrize("words_first", [True, False])
async def test_an_album_keeps_the_words_that_came_beside_it(ann: Person, words_first: bool) -> None:
    if words_first:
        await ann.sends("restore these old photos")
        await ann.sends("", "a.jpg", "b.jpg", "c.jpg")
    else:
        await ann.sends("", "a.jpg", "b.jpg", "c.jpg")
        await ann.sends("restore these old photos")
    order = (await ann.job()).order
    assert (await ann.job_count(), len(order.photos), order.shots[0].edits[0].action) == (1, 3, "restore")


async def test_a_second_click_in_the_same_moment_pays_nothing(ann: Person) -> None:
    await ann.sends("anime", "me.jpg")
    done = await ann.gets_result("one.png")
    await ann.taps(f"again:{done.id}")
    ann.now -= timedelta(seconds=5)  # the clock as it was: `taps` moves it on
    await ann.taps(f"again:{done.id}")
    assert await ann.job_count() == 2


async def test_a_push_that_is_repeated_begins_no_second_picture(ann: Person) -> None:
    first = await ann.sends("anime", "me.jpg", key="wechat:1")
    again = await ann.sends("anime", "me.jpg", key="wechat:1")
    assert (said(again), await ann.job_count()) == (said(first), 1)


async def test_a_restart_begins_the_last_picture_no_second_time(ann: Person, tmp_path: Path) -> None:
    await ann.sends("anime", "me.jpg", key="test:last")
    await ann.gets_result("one.png")
    restarted = Person(tmp_path, store=ann.store)
    await restarted.sends("anime", "me.jpg", key="test:last")
    assert await restarted.job_count() == 1


async def test_a_photo_without_words_is_answered_by_what_can_be_made_of_it(ann: Person) -> None:
    answer = await ann.sends("", "me.jpg")
    assert said(answer)
    assert offered(answer)


async def test_words_in_reply_to_an_older_photo_mean_that_photo(ann: Person) -> None:
    await ann.sends("", "old.jpg")
    await ann.sends("", "new.jpg")
    await ann.sends("anime", quoted=("old.jpg",))
    assert [Path(name).stem for name in names((await ann.job()).order)] == ["old"]


@pytest.mark.parametrize(
    ("language", "text", "other"),
    [("en", "colorize this old photo", "make it brighter"), ("zh", "给这张老照片上色", "亮一点")],
)
async def test_colours_made_on_this_machine_are_said_to_be_toning(
    tmp_path: Path, language: Language, text: str, other: str
) -> None:
    ann = Person(tmp_path, quote=quoted(Router([EmbeddedProvider(tmp_path / "spool")])))
    told = words(language, "say.basic_colorize")
    assert told in said(await ann.sends(text, "me.jpg"))
    assert told not in said(await ann.sends(other, "other.jpg"))
