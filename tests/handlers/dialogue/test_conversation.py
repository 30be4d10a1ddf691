"""What a person sends, and what it leads to."""

from pathlib import Path

import pytest

from handlers.order import Order
from handlers.quote import Quote
from handlers.store.base import JobState
from handlers.words import words
from providers.errors import AskPerson
from providers.money import Money
from tests.world import Checked, Person, names, offered, said


@pytest.fixture
def ann(tmp_path: Path) -> Person:
    return Person(tmp_path)


async def test_a_photo_with_words_starts_at_once_and_says_what_was_understood(ann: Person) -> None:
    replies = await ann.sends("动漫风格，来两张", "me.jpg")
    job = await ann.job()
    assert ann.jobs.enqueued == [job.id]
    assert (job.order.shots[0].style, job.order.count, names(job.order)) == ("anime", 2, ["me.jpg"])
    assert "2 张" in said(replies)
    assert "$0.30" in said(replies)
    assert "25 秒" in said(replies)


async def test_a_photo_alone_offers_styles_by_group_and_a_tap_starts(ann: Person) -> None:
    groups = offered(await ann.sends("", "me.jpg", hint="en"))
    assert any(g.startswith("group:") for g in groups)
    styles = offered(await ann.taps(next(g for g in groups if g.startswith("group:"))))
    await ann.taps(next(s for s in styles if s.startswith("style:")))
    assert names((await ann.job()).order) == ["me.jpg"]


async def test_a_number_answers_a_menu(ann: Person) -> None:
    await ann.sends("", "me.jpg", hint="zh")
    styles = offered(await ann.sends("1"))
    await ann.sends("2")
    assert f"style:{(await ann.job()).order.shots[0].style}" == styles[1]


async def test_words_without_a_photo_are_remembered_until_it_comes(ann: Person) -> None:
    replies = await ann.sends("oil painting, two of them")
    assert await ann.job_count() == 0
    assert "photo" in said(replies)
    await ann.sends("", "me.jpg")
    job = await ann.job()
    assert (job.order.shots[0].style, job.order.count, names(job.order)) == ("oil_painting", 2, ["me.jpg"])


async def test_new_words_with_the_awaited_photo_win_over_the_remembered_ones(ann: Person) -> None:
    await ann.sends("oil painting")
    await ann.sends("watercolor portrait please", "me.jpg")
    assert (await ann.job()).order.shots[0].style == "watercolor"


async def test_a_bare_id_photo_asks_for_the_colour_and_a_word_answers(ann: Person) -> None:
    replies = await ann.sends("证件照", "me.jpg")
    assert set(offered(replies)) == {"style:id_photo_white", "style:id_photo_blue", "style:id_photo_red"}
    await ann.sends("蓝色")
    assert (await ann.job()).order.shots[0].style == "id_photo_blue"


@pytest.mark.parametrize(("answer", "style"), [("咖啡馆", "dating_cafe"), ("2", "dating_beach"), ("餐厅那个", None)])
async def test_a_dating_photo_asks_which_mood(ann: Person, answer: str, style: str | None) -> None:
    replies = await ann.sends("约会照两张", "me.jpg")
    assert offered(replies)[0] == "style:dating_cafe"
    await ann.sends(answer)
    job = await ann.job()
    assert job.order.shots[0].style == (style or "dating_restaurant")
    assert job.order.count == 2


async def test_words_after_a_result_edit_that_result(ann: Person) -> None:
    await ann.sends("anime style", "me.jpg")
    await ann.gets_result("anime.png")
    await ann.sends("now make it night")
    order = (await ann.job()).order
    assert order.operation == "edit"
    assert names(order) == ["anime.png"]


async def test_another_style_after_a_result_starts_from_the_original_photo(ann: Person) -> None:
    await ann.sends("anime style", "me.jpg")
    await ann.gets_result("anime.png")
    await ann.sends("now as an oil painting portrait")
    assert names((await ann.job()).order) == ["me.jpg"]


async def test_an_edit_of_a_result_with_several_pictures_asks_which_one(ann: Person) -> None:
    await ann.sends("动漫风格 三张", "me.jpg")
    await ann.gets_result("a.png", "b.png", "c.png")
    replies = await ann.sends("再亮一点")
    assert len(offered(replies)) == 4
    await ann.sends("2")
    assert names((await ann.job()).order) == ["b.png"]


async def test_the_words_may_name_the_picture(ann: Person) -> None:
    await ann.sends("动漫风格 三张", "me.jpg")
    await ann.gets_result("a.png", "b.png", "c.png")
    await ann.sends("第三张调亮一点")
    assert names((await ann.job()).order) == ["c.png"]


async def test_a_new_photo_after_a_result_is_the_one_meant(ann: Person) -> None:
    await ann.sends("anime style", "me.jpg")
    await ann.gets_result("anime.png")
    await ann.sends("", "dog.jpg")
    await ann.sends("upscale it 4x")
    order = (await ann.job()).order
    assert names(order) == ["dog.jpg"]
    assert order.shots[0].edits[0].scale == 4


async def test_again_makes_the_same_order_once_more(ann: Person) -> None:
    await ann.sends("anime style, 9:16", "me.jpg")
    first = await ann.gets_result()
    await ann.sends("再来两张")
    again = (await ann.job()).order
    assert (again.count, again.aspect_ratio, again.take) == (2, "9:16", first.order.take + 1)


async def test_again_variations_and_upscale_work_from_under_the_result(ann: Person) -> None:
    await ann.sends("anime style", "me.jpg")
    done = await ann.gets_result("anime.png")
    await ann.taps(f"upscale:{done.id}")
    assert (await ann.job()).order.shots[0].edits[0].action == "upscale"
    await ann.taps(f"variations:{done.id}")
    varied = (await ann.job()).order
    assert (varied.shots[0].edits[0].action, varied.count) == ("variations", 3)
    assert names(varied) == ["anime.png"]
    await ann.taps(f"again:{done.id}")
    assert (await ann.job()).order.take == 1


async def test_nobody_can_tap_a_choice_of_another_persons_job(ann: Person, tmp_path: Path) -> None:
    await ann.sends("anime style", "me.jpg")
    done = await ann.gets_result()
    bob = Person(tmp_path, name="bob", store=ann.store)
    await bob.taps(f"again:{done.id}")
    assert await bob.job_count() == 0


async def test_the_same_message_twice_is_one_job_and_the_same_answer(ann: Person) -> None:
    first = await ann.sends("anime style", "me.jpg", key="m1")
    second = await ann.sends("anime style", "me.jpg", key="m1")
    assert first == second
    assert await ann.job_count() == 1


async def test_a_quoted_photo_wins_over_what_is_in_the_session(ann: Person) -> None:
    await ann.sends("", "mine.jpg")
    await ann.sends("anime style", quoted=("theirs.jpg",))
    assert names((await ann.job()).order) == ["theirs.jpg"]


async def test_restoring_several_photos_makes_one_of_each(ann: Person) -> None:
    await ann.sends("restore these old photos and colorize them", "a.jpg", "b.jpg", "c.jpg")
    order = (await ann.job()).order
    assert [s.photo for s in order.shots] == [0, 1, 2]
    assert [e.action for e in order.shots[0].edits] == ["restore", "colorize"]


async def test_a_style_transfer_asks_for_the_second_picture(ann: Person) -> None:
    await ann.sends("copy the style of the other picture onto this one", "me.jpg")
    assert await ann.job_count() == 0
    await ann.sends("", "look.jpg")
    assert names((await ann.job()).order) == ["me.jpg", "look.jpg"]


async def test_writing_on_a_picture_without_saying_what_asks_for_the_words(ann: Person) -> None:
    await ann.sends("", "me.jpg")
    await ann.taps("action:text_render")
    await ann.sends("一路平安")
    assert (await ann.job()).order.shots[0].edits[0].prompt == "一路平安"


async def test_a_dear_order_is_asked_about_first(tmp_path: Path) -> None:
    ann = Person(tmp_path, quote=lambda order: Quote(cost=Money.usd("0.5") * order.count, seconds=150))
    replies = await ann.sends("LinkedIn headshot, best quality, 8 pictures", "me.jpg")
    assert await ann.job_count() == 0
    assert "$4.00" in said(replies)
    await ann.sends("yes")
    assert (await ann.job()).order.model == "gpt"


async def test_a_declined_dear_order_costs_nothing(tmp_path: Path) -> None:
    ann = Person(tmp_path, quote=lambda order: Quote(cost=Money.usd(9), seconds=150))
    await ann.sends("anime style", "me.jpg")
    await ann.sends("no")
    assert await ann.job_count() == 0


async def test_of_good_photos_beside_a_broken_one_it_is_said_that_they_are_kept(ann: Person) -> None:
    replies = await ann.sends("anime style", "me.jpg", "broken.jpg")
    assert "kept the other photos (1)" in replies[-1].text
    assert await ann.job_count() == 0
    await ann.sends("anime style")
    assert await ann.job_count() == 1


async def test_a_photo_that_cannot_be_read_starts_nothing_and_the_next_one_does(ann: Person) -> None:
    replies = await ann.sends("anime style", "broken.jpg")
    assert await ann.job_count() == 0
    assert said(replies)
    await ann.sends("", "me.jpg")
    assert (await ann.job()).order.shots[0].style == "anime"


async def test_what_nobody_here_can_do_is_said_with_a_way_out(tmp_path: Path) -> None:
    def picky(order: Order) -> Quote:
        if order.shots[0].style == "hanfu":
            raise AskPerson("nobody", code="no_provider", params={"could": "fal"})
        return Quote(cost=Money.zero(), seconds=2, basic=True)

    ann = Person(tmp_path, quote=picky)
    replies = await ann.sends("汉服照", "me.jpg")
    assert await ann.job_count() == 0
    assert said(replies) == words("zh", "error.no_provider_here")
    assert "groups" in offered(replies)


async def test_a_photo_whose_wish_was_refused_waits_for_other_words_and_joins_no_other_photo(tmp_path: Path) -> None:
    def picky(order: Order) -> Quote:
        if any(edit.action == "slim" for shot in order.shots for edit in shot.edits):
            raise AskPerson("nobody", code="no_provider", params={"could": "fal"})
        return Quote(cost=Money.zero(), seconds=2, basic=True)

    ann = Person(tmp_path, quote=picky)
    await ann.sends("瘦脸", "one.jpg")
    await ann.sends("动漫风格", "two.jpg")
    assert [path.name for path in (await ann.job()).order.photos] == ["two.jpg"]
    await ann.sends("瘦脸", "three.jpg")
    await ann.sends("油画风格")
    assert [path.name for path in (await ann.job()).order.photos] == ["three.jpg"]


async def test_several_photos_are_done_one_by_one_where_nobody_takes_them_together(tmp_path: Path) -> None:
    def one_at_a_time(order: Order) -> Quote:
        if len(order.photos) > 1 and order.shots[0].photo is None:
            raise AskPerson("nobody", code="no_provider", params={"could": "fal"})
        return Quote(cost=Money.zero(), seconds=2, basic=True)

    ann = Person(tmp_path, quote=one_at_a_time)
    await ann.sends("油画风格", "a.jpg", "b.jpg")
    assert [s.photo for s in (await ann.job()).order.shots] == [0, 1]


async def test_a_series_of_several_photos_is_done_for_each_where_nobody_takes_them_together(tmp_path: Path) -> None:
    def one_at_a_time(order: Order) -> Quote:
        if len(order.photos) > 1 and order.shots[0].photo is None:
            raise AskPerson("nobody", code="provider_cannot", params={"given": "embedded"})
        return Quote(cost=Money.zero(), seconds=2, basic=True)

    ann = Person(tmp_path, quote=one_at_a_time)
    replies = await ann.sends("动漫一张，油画一张", "a.jpg", "b.jpg")
    assert "2 张照片各做一张 · 4 张" in said(replies)
    shots = (await ann.job()).order.shots
    assert [(s.style, s.photo) for s in shots] == [
        ("anime", 0),
        ("oil_painting", 0),
        ("anime", 1),
        ("oil_painting", 1),
    ]


async def test_the_language_follows_the_words_but_not_a_lone_foreign_one(ann: Person) -> None:
    await ann.sends("你好")
    assert "understood" not in said(await ann.sends("anime", "me.jpg"))
    assert (await ann.store.session(ann.chat)).language == "zh"
    await ann.sends("could you make me another one please")
    assert (await ann.store.session(ann.chat)).language == "en"


async def test_a_fixed_language_stays(ann: Person) -> None:
    await ann.sends("settings")
    await ann.taps("language:en")
    assert "Anime" in said(await ann.sends("动漫风格", "me.jpg"))


async def test_cancel_stops_the_newest_job(ann: Person) -> None:
    await ann.sends("anime style", "me.jpg")
    job = await ann.job()
    await ann.sends("/cancel")
    assert ann.jobs.cancelled == [job.id]
    assert (await ann.job()).cancel_asked


async def test_forget_deletes_and_says_how_much(ann: Person, tmp_path: Path) -> None:
    await ann.sends("anime style", "me.jpg")
    await ann.gets_result()
    assert offered(await ann.sends("/forget")) == ["forget:yes", "forget:no"]
    assert await ann.job_count() == 1
    assert "deleted" in said(await ann.sends("yes"))
    assert await ann.job_count() == 0
    assert (await ann.store.session(ann.chat)).photos == ()


async def test_forgetting_in_passing_words_is_confirmed_first(ann: Person) -> None:
    await ann.sends("动漫风格", "me.jpg")
    await ann.gets_result()
    assert offered(await ann.sends("删除我的所有照片和记录")) == ["forget:yes", "forget:no"]
    assert await ann.job_count() == 1
    await ann.sends("不要")
    assert await ann.job_count() == 1
    await ann.sends("删除我的所有照片和记录")
    await ann.taps("forget:yes")
    assert await ann.job_count() == 0


async def test_usage_names_pictures_and_cost(ann: Person) -> None:
    assert "Nothing" in said(await ann.sends("/usage"))


@pytest.mark.parametrize("text", ["谢谢", "I went to the gym today", "😂😂", "圣诞快乐"])
async def test_small_talk_never_starts_a_job(ann: Person, text: str) -> None:
    await ann.sends("", "me.jpg")
    await ann.sends(text)
    assert await ann.job_count() == 0


async def test_at_most_eight_photos_and_only_fresh_ones_are_in_the_session(ann: Person) -> None:
    told = said(await ann.sends("", *(f"{n}.jpg" for n in range(10))))
    session = await ann.store.session(ann.chat)
    assert [p.key for p in session.fresh_photos(ann.now)] == [f"{n}.jpg" for n in range(8)]
    assert "2 of yours were left out" in told
    assert "1 of yours were left out" in said(await ann.sends("", "one more.jpg"))
    session = await ann.store.session(ann.chat)
    assert [p.key for p in session.fresh_photos(ann.now)] == [*(f"{n}.jpg" for n in range(1, 8)), "one more.jpg"]
    assert session.fresh_photos(ann.now.replace(hour=13)) == ()


async def test_a_stale_choice_gets_a_friendly_line(ann: Person) -> None:
    for choice in ("confirm:yes", "reading:0", "style:nonsense", "again:unknown", "x", "", "reading:" + "9" * 5000):
        assert said(await ann.taps(choice))
    assert await ann.job_count() == 0


async def test_a_series_is_one_job_of_several_shots(ann: Person) -> None:
    await ann.sends("anime, oil painting and watercolor", "me.jpg")
    assert [s.style for s in (await ann.job()).order.shots] == ["anime", "oil_painting", "watercolor"]


async def test_a_scene_that_this_machine_cannot_paint_is_not_dropped_without_a_word(tmp_path: Path) -> None:
    ann = Person(tmp_path, quote=lambda order: Quote(cost=Money.zero(), seconds=2, basic=True))
    assert "service" in said(await ann.sends("oil painting of me in a snowy forest", "me.jpg"))
    assert "service" not in said(await ann.sends("oil painting", "other.jpg"))


@pytest.mark.parametrize("text", ["在图上加文字", "add some text to this photo please"])
async def test_text_without_the_text_is_asked_for(ann: Person, text: str) -> None:
    await ann.sends(text, "me.jpg")
    assert await ann.job_count() == 0
    await ann.sends("Happy Birthday, Mei")
    assert (await ann.job()).order.shots[0].edits[0].prompt == "Happy Birthday, Mei"


async def test_text_that_is_named_is_written_at_once(ann: Person) -> None:
    await ann.sends("加上文字「一路平安」", "me.jpg")
    assert "一路平安" in ((await ann.job()).order.shots[0].edits[0].prompt or "")


async def test_a_picture_that_was_made_is_fetched_on_a_tap_and_not_ordered_again(ann: Person) -> None:
    await ann.sends("动漫风格", "me.jpg")
    job = await ann.job()
    await ann.store.update_job(job.id, state=JobState.FAILED, error_code="result_unreachable")
    replies = await ann.taps(f"fetch:{job.id}")
    assert "不会再次收费" in said(replies)
    assert ann.jobs.fetched == [job.id]
    assert await ann.job_count() == 1


async def test_a_new_chat_lets_go_of_photos_questions_and_the_last_result(ann: Person) -> None:
    await ann.sends("anime style please", "me.jpg")
    await ann.gets_result()
    await ann.sends("约会照", "other.jpg")
    assert "Fresh start" in said(await ann.taps("new", hint="en"))
    assert "send the photo" in said(await ann.sends("upscale it 4x"))
    assert (await ann.job_count(), (await ann.store.session(ann.chat)).photos) == (1, ())


async def test_a_photo_that_is_kept_smaller_is_told_of_before_anything_is_made_of_it(tmp_path: Path) -> None:
    async def accept(path: Path, into: Path) -> Checked:
        return Checked(path=into / path.name, width=4096, height=2731, source_size=(6000, 4000))

    ann = Person(tmp_path, accept=accept)
    assert "6000×4000 的照片按 4096×2731 处理" in said(await ann.sends("动漫风格", "me.jpg"))
    assert "6000" not in said(await ann.sends("再来一张"))


@pytest.mark.parametrize("text", ["动漫风格", "修复", "上面多留点天"])
async def test_every_order_knows_how_large_its_photos_are(ann: Person, text: str) -> None:
    await ann.sends(text, "me.jpg")
    assert (await ann.job()).order.sizes == ((640, 480),)
