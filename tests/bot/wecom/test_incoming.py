"""What WeCom's JSON says to us, in private chats and in groups."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.wecom.heard import Heard
from bot.channels.wecom.incoming import Incoming, Kind, Photo, read

BASE = {"msgid": "m1", "aibotid": "aib", "chattype": "single", "from": {"userid": "Ann"}}
GROUP = BASE | {"chattype": "group", "chatid": "wrAbC"}


def heard(data: Any, *, name: str | None = "小像", named: bool = True) -> Incoming | None:
    return read(data, bot_id="aib", bot_name=name, named=named)


def text(words: str, base: dict[str, Any] = BASE) -> dict[str, Any]:
    return base | {"msgtype": "text", "text": {"content": words}}


def image(url: str, key: str | None = None) -> dict[str, Any]:
    return {"msgtype": "image", "image": {"url": url} | ({"aeskey": key} if key else {})}


def test_words_in_a_private_chat() -> None:
    found = heard(text(" 动漫风格 ") | {"response_url": "https://x/late"})
    assert found == Incoming(
        kind=Kind.MESSAGE, msgid="m1", person="Ann", chat="Ann", text="动漫风格", response_url="https://x/late"
    )


def test_a_photo_alone_and_photos_with_words() -> None:
    alone = heard(BASE | image("https://x/1", "k"))
    assert alone is not None
    assert alone.photos == (Photo(url="https://x/1", key="k"),)
    items = [{"msgtype": "text", "text": {"content": "油画"}}, image("https://x/1"), image("https://x/2")]
    mixed = heard(BASE | {"msgtype": "mixed", "mixed": {"msg_item": items}})
    assert mixed is not None
    assert (mixed.text, [p.url for p in mixed.photos]) == ("油画", ["https://x/1", "https://x/2"])


def test_a_group_hears_only_what_mentions_the_bot_and_the_mention_goes() -> None:
    assert heard(text("动漫风格", GROUP)) is None
    assert heard(text("@别人 动漫风格", GROUP)) is None
    found = heard(text("@小像 动漫风格", GROUP))
    assert found is not None
    assert (found.text, found.chat, found.group) == ("动漫风格", "wrAbC", True)
    assert (heard(text("动漫风格 @小像", GROUP)) or Incoming(kind=Kind.MESSAGE)).text == "动漫风格"


def test_without_a_name_any_mention_counts() -> None:
    found = heard(text("@Some Bot oil painting", GROUP), name=None)
    assert found is not None
    assert found.text == "Bot oil painting"
    assert heard(text("oil painting", GROUP), name=None) is None


@pytest.mark.parametrize("inside", ["image", "mixed"])
def test_the_quoted_photo_is_found_in_all_its_forms(inside: str) -> None:
    one = image("https://x/q")
    words = {"msgtype": "text", "text": {"content": "old words"}}
    quote = (
        one if inside == "image" else {"msgtype": "mixed", "mixed": {"msg_item": [words, one, image("https://x/r")]}}
    )
    found = heard(text("@小像 修复", GROUP) | {"quote": quote})
    assert found is not None
    assert [p.url for p in found.quoted] == (["https://x/q"] if inside == "image" else ["https://x/q", "https://x/r"])
    assert found.text == "修复"  # the quoted words are somebody else's


def test_voice_is_its_words_and_a_file_is_named() -> None:
    voice = heard(BASE | {"msgtype": "voice", "voice": {"content": "水彩"}})
    assert voice is not None
    assert voice.text == "水彩"
    file = heard(BASE | {"msgtype": "file", "file": {"url": "https://x/f"}})
    assert file is not None
    assert (file.other, file.text, file.photos) == ("file", "", ())


@pytest.mark.parametrize("kind", ["file", "video"])
def test_words_about_a_quoted_file_are_answered_with_what_to_send(kind: str) -> None:
    found = heard(text("@小像 修复", GROUP) | {"quote": {"msgtype": kind, kind: {"url": "https://x/f"}}})
    assert found is not None
    assert Heard(key="m", incoming=found, began=0.0).hinted == "wecom.unsupported"
    quoted = {"msgtype": "voice", "voice": {"content": "水彩"}}
    spoken = heard(text("@小像 修复", GROUP) | {"quote": quoted})
    assert spoken is not None
    assert Heard(key="m", incoming=spoken, began=0.0).hinted is None


@pytest.mark.parametrize(
    "data",
    [
        text("hi") | {"aibotid": "other"},
        text("hi") | {"from": {}},
        text("hi") | {"from": {"userid": "sys"}},
        {key: value for key, value in text("@小像 hi", GROUP).items() if key != "chatid"},
        BASE | {"msgtype": "event", "event": {"eventtype": "auth_change_event"}},
        [],
        None,
        "text",
    ],
)
def test_what_is_not_for_the_bot_is_nothing(data: Any) -> None:
    assert heard(data) is None


def test_the_bots_id_must_be_there_in_callbacks_but_not_over_its_own_line() -> None:
    data = {key: value for key, value in text("hi").items() if key != "aibotid"}
    assert heard(data) is None
    assert heard(data, named=False) is not None
    assert heard(data | {"aibotid": "other"}, named=False) is None


def test_events() -> None:
    def event(kind: str, member: dict[str, Any] | None = None) -> Incoming | None:
        return heard(BASE | {"msgtype": "event", "event": {"eventtype": kind, kind: member or {}}})

    assert (event("enter_chat") or Incoming(kind=Kind.PRESS)).kind is Kind.ENTER
    press = event("template_card_event", {"event_key": "style:anime", "task_id": "t1"})
    assert press is not None
    assert (press.kind, press.choice, press.task) == (Kind.PRESS, "style:anime", "t1")
    picked = {"selected_item": [{"question_key": "q", "option_ids": {"option_id": ["style:oil"]}}]}
    picks = event("template_card_event", {"event_key": "submit", "task_id": "t1", "selected_items": picked})
    assert picks is not None
    assert picks.choice == "style:oil"
    feedback = event("feedback_event", {"id": "f1", "type": 2})
    assert feedback is not None
    assert (feedback.kind, feedback.task, feedback.feedback) == (Kind.FEEDBACK, "f1", "bad")
    gone = read(
        {"msgtype": "event", "event": {"eventtype": "disconnected_event"}}, bot_id="aib", bot_name=None, named=False
    )
    assert gone == Incoming(kind=Kind.DISCONNECTED)


def test_a_poll_names_its_stream() -> None:
    found = heard(BASE | {"msgtype": "stream", "stream": {"id": "s1"}})
    assert found is not None
    assert (found.kind, found.stream) == (Kind.STREAM, "s1")


NAMES = (
    "msgtype", "text", "content", "mixed", "msg_item", "image", "url", "quote", "event", "eventtype", "from", "userid",
    "chattype", "chatid", "template_card_event", "selected_items", "selected_item", "option_ids", "option_id",
)  # fmt: skip
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
)


@given(st.dictionaries(st.sampled_from(["msgtype", "text", "mixed", "quote", "event", "image", "stream"]), json_values))
def test_any_json_is_read_or_passed_over(data: dict[str, Any]) -> None:
    heard(BASE | data)
    heard(GROUP | data, name=None)
