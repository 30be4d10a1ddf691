"""Short answers to the bot's questions: yes, no, another number. And what a remark is answered."""

from pathlib import Path

import pytest

from handlers.message import Language
from handlers.order import Order
from handlers.quote import Quote
from providers.errors import AskPerson
from providers.money import Money
from tests.world import Person, names, offered, said


@pytest.fixture
def ann(tmp_path: Path) -> Person:
    return Person(tmp_path)


@pytest.fixture
def dear(tmp_path: Path) -> Person:
    """Three pictures or more are asked about first."""
    return Person(tmp_path, quote=lambda order: Quote(cost=Money.usd("0.8") * order.count, seconds=25))


async def asked(dear: Person) -> None:
    replies = await dear.sends("anime style, 4 of them", "me.jpg")
    assert offered(replies) == ["confirm:yes", "confirm:no"]


@pytest.mark.parametrize(
    "text", ["start", "开始", "go ahead", "👍", "👍🏽", "[好的]", "/:strong", "OK!", "好，开始吧", "Yes, start", "1"]
)
async def test_a_yes_in_any_words_starts_what_was_asked_about(dear: Person, text: str) -> None:
    await asked(dear)
    await dear.sends(text)
    order = (await dear.job()).order
    assert (order.shots[0].style, order.count, names(order)) == ("anime", 4, ["me.jpg"])


@pytest.mark.parametrize("text", ["no thanks", "算了", "👎", "[弱]", "stop", "取消", "2", "等等"])
async def test_a_no_in_any_words_starts_nothing_and_closes_the_question(dear: Person, text: str) -> None:
    await asked(dear)
    await dear.sends(text)
    await dear.sends("yes")
    assert await dear.job_count() == 0


@pytest.mark.parametrize(
    ("text", "count"),
    [("make it 2 instead", 2), ("两张就行", 2), ("only one", 1), ("两张", 2), ("no, just one", 1), ("2 of them", 2)],
)
async def test_another_number_is_the_same_order_with_that_number(dear: Person, text: str, count: int) -> None:
    await asked(dear)
    await dear.sends(text)
    assert await dear.job_count() == 1
    order = (await dear.job()).order
    assert (order.operation, order.shots[0].style, order.count) == ("portrait", "anime", count)
    assert (order.shots[0].scene, names(order)) == (None, ["me.jpg"])


async def test_another_number_that_is_still_dear_is_asked_about_again(dear: Person) -> None:
    await asked(dear)
    replies = await dear.sends("make it 50")
    assert await dear.job_count() == 0
    assert ("8 pictures" in said(replies), "$6.40" in said(replies)) == (True, True)
    assert "asked for 50 pictures; I can make at most 8" in said(replies)
    await dear.sends("go ahead")
    assert (await dear.job()).order.count == 8


async def test_of_a_series_a_smaller_number_is_the_first_ones_and_a_larger_one_is_no_answer(dear: Person) -> None:
    await dear.sends("one anime, one watercolor, one oil painting", "me.jpg")
    await dear.sends("make it 6 instead")
    assert await dear.job_count() == 0
    await dear.sends("only two")
    assert [s.style for s in (await dear.job()).order.shots] == ["anime", "watercolor"]


async def test_another_number_before_the_photo_comes_is_the_same_order(ann: Person) -> None:
    await ann.sends("oil painting, two of them")
    await ann.sends("make it 3 instead")
    await ann.sends("", "me.jpg")
    order = (await ann.job()).order
    assert (order.shots[0].style, order.count, await ann.job_count()) == ("oil_painting", 3, 1)


async def test_another_number_leaves_the_question_which_one_open(ann: Person) -> None:
    first = await ann.sends("约会照", "me.jpg")
    again = await ann.sends("两张就行")
    assert offered(again) == offered(first)
    await ann.sends("海边")
    order = (await ann.job()).order
    assert (order.shots[0].style, order.count) == ("dating_beach", 2)


@pytest.mark.parametrize("text", ["算了", "no thanks", "不要"])
async def test_a_no_lets_go_of_what_waited_for_a_photo(ann: Person, text: str) -> None:
    await ann.sends("动漫风格")
    await ann.sends(text)
    await ann.sends("", "me.jpg")
    assert await ann.job_count() == 0


async def test_no_may_be_the_very_text_that_is_to_be_written(ann: Person) -> None:
    await ann.sends("", "me.jpg")
    await ann.taps("action:text_render")
    await ann.sends("NO")
    assert (await ann.job()).order.shots[0].edits[0].prompt == "NO"


async def test_a_platforms_code_is_not_written_on_a_picture(ann: Person) -> None:
    await ann.sends("", "me.jpg")
    await ann.taps("action:text_render")
    await ann.sends("[裂开]")
    assert await ann.job_count() == 0
    await ann.sends("一路平安[庆祝]")
    assert (await ann.job()).order.shots[0].edits[0].prompt == "一路平安"


@pytest.mark.parametrize("text", ["[裂开]", "谢谢[裂开]", "/:bye", "[动画表情]", "[让我看看][转圈]"])
async def test_codes_of_a_platform_begin_nothing_with_or_without_a_photo(ann: Person, text: str) -> None:
    assert offered(await ann.sends(text, "me.jpg"))  # what could be made of it
    await ann.sends(text)
    assert await ann.job_count() == 0


async def test_a_code_beside_a_wish_is_no_part_of_it(ann: Person) -> None:
    replies = await ann.sends("动漫风格[裂开]", "me.jpg")
    shot = (await ann.job()).order.shots[0]
    assert (shot.style, shot.scene, shot.prompt) == ("anime", None, None)
    assert "裂开" not in said(replies)


@pytest.mark.parametrize("text", ["anything but anime", "不要动漫风格", "别做成动漫", "don't make it anime"])
async def test_a_bare_refusal_begins_nothing_whatever_was_open(ann: Person, text: str) -> None:
    await ann.sends(text, "me.jpg")
    await ann.sends(text)
    await ann.sends("约会照")
    await ann.sends(text)
    assert await ann.job_count() == 0


@pytest.mark.parametrize(
    ("text", "count"), [("2 inch photo white background", 1), ("一打动漫头像", 8), ("来俩动漫的", 2)]
)
async def test_a_unit_is_no_number_of_pictures_and_a_dozen_is_the_most(ann: Person, text: str, count: int) -> None:
    replies = await ann.sends(text, "me.jpg")
    assert (await ann.job()).order.count == count
    assert ("12 张；一次最多做 8 张" in said(replies)) == (count == 8)


@pytest.mark.parametrize(
    ("text", "language", "note"),
    [
        ("100 anime pictures", "en", "asked for 100 pictures; I can make at most 8"),
        ("一百张动漫", "zh", "100 张；一次最多做 8 张"),
    ],
)
async def test_more_than_the_most_is_the_most_says_so_and_is_asked_about(
    dear: Person, text: str, language: Language, note: str
) -> None:
    replies = await dear.sends(text, "me.jpg", hint=language)
    assert (offered(replies), note in said(replies)) == (["confirm:yes", "confirm:no"], True)
    assert "$6.40" in said(replies)
    await dear.taps("confirm:yes")
    assert (await dear.job()).order.count == 8


async def test_a_remark_is_answered_by_what_is_lying_there(ann: Person) -> None:
    await ann.sends("", "me.jpg", hint="en")
    assert "I have your photo" in said(await ann.sends("haha nice"))
    await ann.sends("anime")
    assert "working on it" in said(await ann.sends("haha nice"))
    await ann.gets_result()
    assert "just say what" in said(await ann.sends("haha nice"))
    await ann.sends("dating photo")
    assert "still open" in said(await ann.sends("haha nice"))


async def test_a_remark_to_a_question_for_a_photo_asks_for_it_again(ann: Person) -> None:
    await ann.sends("anime style please")
    assert "send a photo" in said(await ann.sends("good"))
    await ann.sends("ok, start")
    await ann.sends("", "me.jpg")
    order: Order = (await ann.job()).order
    assert (order.shots[0].style, await ann.job_count()) == ("anime", 1)


@pytest.mark.parametrize("text", ["谢谢[裂开]", "thanks 🙏", "谢谢！"])
async def test_thanks_are_thanks_whatever_code_is_beside_them(ann: Person, text: str) -> None:
    assert said(await ann.sends(text)) in ("You're welcome!", "不客气！")


def refusing(order: Order) -> Quote:
    if any(edit.action == "slim" for shot in order.shots for edit in shot.edits):
        raise AskPerson("nobody", code="no_provider", params={"could": "fal"})
    return Quote(cost=Money.zero(), seconds=2, basic=True)


@pytest.mark.parametrize(
    "text", ["2", "２", "②", "2.", "第二个", "选2", "二", "我要第二个", "the second one", "option 2", "2 please"]
)
async def test_what_a_refusal_offers_is_picked_by_number_too(tmp_path: Path, text: str) -> None:
    ann = Person(tmp_path, quote=refusing)
    assert offered(await ann.sends("瘦脸", "me.jpg")) == ["groups", "edits"]
    assert all(choice.startswith("action:") for choice in offered(await ann.sends(text)))


async def test_what_a_refusal_offers_is_picked_by_name_too(tmp_path: Path) -> None:
    ann = Person(tmp_path, quote=refusing)
    refused = await ann.sends("瘦脸", "me.jpg")
    label = refused[-1].choices[1].label
    assert offered(await ann.sends(label))[0].startswith("action:")


async def test_a_menu_is_understood_for_as_long_as_it_is_the_last_that_was_shown(ann: Person) -> None:
    groups = offered(await ann.sends("", "me.jpg", hint="zh"))
    styles = offered(await ann.taps(groups[0]))
    await ann.sends("1")
    await ann.sends("2")  # the list still stands there
    jobs = await ann.store.jobs(chat=ann.chat)
    assert [f"style:{job.order.shots[0].style}" for job in reversed(jobs)] == styles[:2]
    await ann.gets_result()
    await ann.sends("3")  # now it would be a picture of the result, or nothing
    assert await ann.job_count() == 2


async def test_a_question_answered_once_is_no_menu(dear: Person) -> None:
    await asked(dear)
    await dear.sends("no")
    await dear.sends("1")
    assert await dear.job_count() == 0


async def test_the_newest_numbers_are_meant_while_a_question_is_open(ann: Person) -> None:
    await ann.sends("anime", "me.jpg")
    await ann.sends("约会照")
    assert offered(await ann.sends("状态"))[0].startswith("cancel:")
    await ann.sends("1")
    assert ann.jobs.cancelled
