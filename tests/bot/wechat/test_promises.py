"""Promised pushes in files: of several processes each keeps its own, and one that is gone has an heir."""

from pathlib import Path

from bot.channels.life_marks import LifeMark
from bot.channels.wechat.events import Event
from bot.channels.wechat.promises import Promises


def test_a_promise_is_taken_over_once_and_only_from_one_that_is_gone(tmp_path: Path) -> None:
    event = Event(key="wechat:ann:1", openid="ann", account="us", sort="text", text="hello")
    marks = {name: LifeMark(tmp_path / "intake", name) for name in ("one", "two", "three")}
    promises = {name: Promises(tmp_path / "promised", owner=name, lives=mark.lives) for name, mark in marks.items()}
    for mark in marks.values():
        mark.set()
    promises["one"].write(event)
    assert list(promises["two"].left()) == []
    marks["one"].clear(owing=True)  # what the system does when it dies
    assert list(promises["two"].left()) == [event]
    assert list(promises["three"].left()) == []
    promises["two"].kept(event)
    assert list((tmp_path / "promised").iterdir()) == []
    for name in ("two", "three"):
        marks[name].clear()


def test_a_promise_from_before_there_were_several_is_taken_over(tmp_path: Path) -> None:
    event = Event(key="wechat:ann:1", openid="ann", account="us", sort="text", text="hello")
    old = Promises(tmp_path, owner="old", lives=lambda _: True)
    old.write(event)
    (written,) = tmp_path.iterdir()
    written.rename(tmp_path / f"{written.name.partition('.')[0]}.json")
    assert list(Promises(tmp_path, owner="new", lives=lambda _: True).left()) == [event]
