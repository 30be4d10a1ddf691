"""The profile photo where a channel cannot see it: said plainly, and never offered."""

from dataclasses import replace
from pathlib import Path

from handlers.message import Message
from tests.world import Person, said


async def test_where_it_cannot_be_seen_the_person_is_asked_for_a_photo(tmp_path: Path) -> None:
    ann = Person(tmp_path)
    assert "cannot see profile photos here" in said(await ann.sends("use my profile photo, anime"))
    assert "看不到头像" in said(await ann.sends("用我的头像做动漫"))
    (question,) = await ann.sends("anime style")
    assert question.awaits
    assert not question.choices
    assert "profile photo" not in said(await ann.sends("/help"))
    assert "expired" in said(await ann.taps("profile_photo:x"))
    assert ann.jobs.enqueued == []


async def test_what_will_be_answered_is_not_foreseen_without_the_photo(tmp_path: Path) -> None:
    ann = Person(tmp_path)
    wish = Message(key="m", chat=ann.chat, text="用我的头像做动漫")
    assert await ann.conversation.foresee([wish]) == ()
    assert await ann.conversation.foresee([replace(wish, text="动漫风格")]) != ()
