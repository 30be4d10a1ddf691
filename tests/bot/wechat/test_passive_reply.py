"""What a push means and what it is answered: facts in, a reply out, nothing else needed."""

from pathlib import Path

import pytest

from bot.channels.wechat.deadlines import Deadlines
from bot.channels.wechat.events import Event, Sort
from bot.channels.wechat.passive_reply import (
    ASK_AGAIN,
    Facts,
    ForHandlers,
    Meaning,
    Result,
    Said,
    Sentence,
    ShowPicture,
    alone,
    as_picture,
    meaning,
    printed,
    promised,
    reply,
    taken_now,
    wanted,
)
from bot.channels.wechat.replies import Answer
from bot.customer_messages.follower import Follower, Pending
from bot.customer_messages.lists import MAX_BYTES
from bot.result_pages.pages import Page, Shown
from handlers.message import Choice, Kind, Outgoing

LINK = "https://likeness.example/r/p"


def event(sort: Sort = "text", text: str = "", tapped: str = "") -> Event:
    return Event(key="wechat:ann:1", openid="ann", account="gh", sort=sort, text=text, tapped=tapped)


def says(text: str, *choices: str, begins: bool = False, job: str | None = None) -> Outgoing:
    offered = tuple(Choice(id=choice, label=choice) for choice in choices)
    kind = Kind.CHOICES if choices else Kind.TEXT
    return Outgoing(id="r", kind=kind, text=text, choices=offered, language="en", begins=begins, job=job)


def result(pictures: int = 1, *, link: str | None = LINK, id: str = "p") -> Result:
    shown = tuple(Shown(path=Path(f"{n}.jpg"), width=4, height=3, mime="image/jpeg") for n in range(pictures))
    page = Page(openid="ann", language="en", text="Anime", pictures=shown, made=0.0)
    return Result(id=id, page=page, link=link, receipt="the receipt")


def facts(said: Said, *waited: Pending, picture: Answer | None = None, **results: Result) -> Facts:
    follower = Follower(held=waited, language="en")
    return Facts(event=event(), said=said, follower=follower, waited=waited, results=results, picture=picture)


SMALL_TALK = Said(answer=Answer(text="hello"), offered=())


@pytest.mark.parametrize(
    ("pushed", "picked", "expected"),
    [
        (event(text="anime style"), None, ForHandlers(text="anime style")),
        (event(text="2"), "style:anime", ForHandlers(choice="style:anime")),
        (event(text="1"), ASK_AGAIN, ForHandlers(text="进度")),
        (event(text="2"), "show:page:2", ShowPicture(page="page", number=2)),
        (event("tap", "Anime", "style:anime"), None, ForHandlers(choice="style:anime")),
        (event("tap", tapped="say:再来一张"), None, ForHandlers(text="再来一张")),
        (event("tap", tapped="show:page:1"), None, ShowPicture(page="page", number=1)),
        (event("tap"), None, None),
        (event("photo"), None, ForHandlers()),
        (event("follow"), None, ForHandlers(came_by="")),
        (event("scan", tapped="anime"), None, ForHandlers(came_by="anime")),
        (event("scan", tapped="say:帮助"), None, ForHandlers(text="帮助")),
        (event("voice"), None, Sentence(key="wechat.voice")),
        (event("unsupported"), None, Sentence(key="wechat.unsupported")),
        (event(text=""), None, Sentence(key="wechat.unsupported")),
    ],
)
def test_what_a_push_means(pushed: Event, picked: str | None, expected: Meaning) -> None:
    assert meaning(pushed, picked) == expected


def test_choices_become_numbers_and_what_they_mean_is_told() -> None:
    said = printed(event(), [says("Which?", "style:anime", "style:oil")], customer=True)
    assert "1. style:anime\n2. style:oil" in said.answer.text
    assert said.offered == ("style:anime", "style:oil")


def test_for_photos_in_a_row_the_same_list_is_printed_once() -> None:
    offer, listed = [says("Got it", "style:anime")], ("style:anime",)
    assert "1. style:anime" not in printed(event("photo"), offer, customer=True, just_listed=listed).answer.text
    assert "1. style:anime" in printed(event(), offer, customer=True, just_listed=listed).answer.text


def test_what_began_is_asked_about_by_a_number_only_where_we_cannot_speak_first() -> None:
    begun = [says("Anime, 20 s", begins=True, job="j")]
    assert printed(event(), begun, customer=False).offered == (ASK_AGAIN,)
    assert printed(event(), begun, customer=True).offered == ()
    assert promised("en", customer=False).offered == (ASK_AGAIN,)


def test_a_result_that_waited_takes_the_place_of_small_talk_and_its_words_wait() -> None:
    waited = Pending(id="w", page="p")
    asked = facts(SMALL_TALK, waited, w=result())
    assert wanted(asked) is asked.results["w"]
    said = reply(asked.with_picture(as_picture("p", result().page, "media", LINK)))
    assert said.answer.media_id == "media"
    assert said.taken == (waited,)
    assert said.waiting == "the receipt"


def test_a_result_is_not_shown_in_place_of_what_matters_but_linked_under_it() -> None:
    substantial = Said(answer=Answer(text="Which style?"), offered=("style:anime",), substantial=True)
    asked = facts(substantial, Pending(id="w", page="p"), w=result())
    assert wanted(asked) is None
    said = reply(asked)
    assert LINK in said.answer.text
    assert said.answer.text.endswith("Which style?")
    assert said.offered == ("style:anime",)


def test_of_several_results_one_is_shown_and_the_others_wait() -> None:
    first, second = Pending(id="a", page="p"), Pending(id="b", page="q")
    asked = facts(SMALL_TALK, first, second, a=result(3), b=result(id="q"))
    said = reply(asked.with_picture(as_picture("p", result(3).page, "media", LINK)))
    assert said.taken == (first,)
    assert said.offered == ("show:p:1", "show:p:2", "show:p:3")


def test_a_card_of_one_of_several_results_is_no_answer_both_are_linked() -> None:
    asked = facts(SMALL_TALK, Pending(id="a", page="p"), Pending(id="b", page="q"), a=result(), b=result(id="q"))
    said = reply(asked.with_picture(as_picture("p", result().page, None, LINK)))
    assert not said.answer.url
    assert said.answer.text.count(LINK) == 2


def test_words_that_waited_come_first_and_what_has_no_room_waits_again() -> None:
    said = reply(facts(SMALL_TALK, Pending(id="w", text="x" * (MAX_BYTES + 10))))
    assert len(said.answer.text.encode()) <= MAX_BYTES
    assert said.waiting.endswith("hello")
    record = said.noted("key", Follower(held=(Pending(id="w", text="x" * (MAX_BYTES + 10)), Pending(id="z", text="z"))))
    assert [held.id for held in record.held] == ["z", "waiting:key"]
    assert record.answer_to("key") == said.answer.model_dump_json()


def test_one_list_among_what_waited_gets_numbers_unless_the_answer_has_its_own() -> None:
    waited = Pending(id="w", text="Retry?", choices=(("retry:j", "Retry"),))
    assert reply(facts(SMALL_TALK, waited)).offered == ("retry:j",)
    own = Said(answer=Answer(text="Which?\n1. a"), offered=("a",))
    assert reply(facts(own, waited)).offered == ("a",)


def test_an_answer_by_itself_is_cut_to_what_fits_and_the_rest_follows() -> None:
    said = alone(Said(answer=Answer(text="y" * (MAX_BYTES + 5))), Follower())
    assert said.rest == "y" * 5


def test_results_that_a_sender_has_begun_with_are_left_to_it() -> None:
    claimed, free, words = (
        Pending(id="a", page="p", claimed=100.0),
        Pending(id="b", page="q"),
        Pending(id="c", text="t"),
    )
    follower = Follower(held=(claimed, free, words))
    assert taken_now(follower, 110.0, results=True) == (free, words)
    assert taken_now(follower, 200.0, results=True) == (claimed, free, words)
    assert taken_now(follower, 110.0, results=False) == (words,)


def test_whatever_is_not_ready_an_answer_is_given_within_a_second() -> None:
    deadlines = Deadlines()
    assert deadlines.work + deadlines.foresee < deadlines.answer < 1
