"""What a stream shows, and cards: pure."""

from pathlib import Path

import pytest

from bot.channels.wecom.talk import Answer, Item, Talk
from bot.channels.wecom.view import View, card_json, new_card, view
from handlers.message import Choice, Kind, Outgoing


def looked(talk: Talk, now: float = 1.0) -> View:
    return view(talk, talk.answers[0], now, stream_seconds=330, expecting=45, lively=6, cards=True)


def talk_with(*choices: str) -> Talk:
    offered = tuple(Choice(id=id, label=id.upper()) for id in choices)
    said = Outgoing(id="said", kind=Kind.CHOICES, text="Which one?", choices=offered)
    return Talk(chat="c", person="p").opened(Answer(id="a", began=0.0)).replied("a", (said,), (), 0.5)


@pytest.mark.parametrize(
    ("count", "kind"), [(1, "button_interaction"), (6, "button_interaction"), (7, "vote_interaction")]
)
def test_choices_are_buttons_or_a_list(count: int, kind: str) -> None:
    shown = looked(talk_with(*(f"c{n}" for n in range(count))))
    assert shown.card is not None
    assert not shown.last
    assert card_json(shown.card)["card_type"] == kind
    assert "1." not in shown.text


def test_more_choices_than_a_card_holds_are_numbers() -> None:
    shown = looked(talk_with(*(f"c{n}" for n in range(21))))
    assert shown.card is None
    assert shown.last
    assert "21. C20" in shown.text


def test_a_card_rides_once_and_then_the_stream_ends() -> None:
    talk = talk_with("x")
    card = looked(talk).card
    assert card is not None
    assert looked(talk.carded("a", card)).last


def test_a_card_names_whose_it_is() -> None:
    ann, bob = (Talk(chat="g", person=person, group=True) for person in ("ann", "bob"))
    assert new_card(ann, "a", "en", (("x", "X"),)).task != new_card(bob, "a", "en", (("x", "X"),)).task


def test_words_after_the_last_status_are_waited_for() -> None:
    talk = Talk(chat="c", person="p").opened(Answer(id="a", began=0.0)).replied("a", (), ("job",), 0.5)
    ended = Outgoing(id="status:job", kind=Kind.STATUS, text="It did not work.", job="job", ref="a")
    talk = talk.heard(ended, 10.0, grace=3.0)
    assert not looked(talk, 11.0).last
    why = Outgoing(id="error:job", kind=Kind.TEXT, text="No face.", job="job", ref="a")
    talk = talk.heard(why, 11.5, grace=3.0)
    assert looked(talk, 11.5).last
    assert "No face." in looked(talk, 11.5).text


def test_what_is_said_of_a_job_before_its_message_is_answered_is_not_lost() -> None:
    talk = Talk(chat="c", person="p").opened(Answer(id="a", began=0.0))
    result = Outgoing(id="result:job", kind=Kind.PICTURES, text="Here", job="job", ref="a")
    talk = talk.staged(result, 0.2)
    begins = Outgoing(id="said", kind=Kind.TEXT, text="Understood", job="job", begins=True)
    talk = talk.replied("a", (begins,), ("job",), 0.4)
    assert looked(talk).last


def test_no_more_than_ten_pictures_go_with_a_last_answer() -> None:
    talk = talk_with()
    for name, count in (("one", 8), ("two", 8)):
        pictures = tuple(Path(f"{name}-{n}.jpg") for n in range(count))
        talk = talk.waits_for(Item(id=name, text=name, pictures=pictures, answer="a"))
    shown = looked(talk)
    assert [item.id for item in shown.items] == ["one"]
    assert len(shown.pictures) == 8
