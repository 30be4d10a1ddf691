"""Thirty messages a minute for everybody in a conversation: progress takes turns, and who was too fast rests."""

from bot.channels.wecom.pacing import Pacing


def test_the_streams_of_a_conversation_share_its_frames() -> None:
    now = 0.0
    pacing = Pacing(update=3.0, rest=5.0, now=lambda: now)
    frames = []
    while now < 60.0:
        for stream in ("ann", "bob", "eve"):
            if pacing.due("group", stream):
                pacing.sent("group", stream)
                frames.append(stream)
        now += 0.25
    assert len(frames) <= 23, "twenty a minute and three that began: seven are left for what must be said"
    assert min(map(frames.count, ("ann", "bob", "eve"))) >= 6, "everybody sees theirs move within ten seconds"
    assert pacing.due("another group", "ann")


def test_a_stream_that_ended_leaves_its_share_to_the_others() -> None:
    now = 0.0
    pacing = Pacing(update=3.0, rest=5.0, now=lambda: now)
    pacing.sent("group", "ann")
    pacing.sent("group", "bob")
    now = 3.0
    assert not pacing.due("group", "ann")
    pacing.over("group", "bob")
    assert pacing.due("group", "ann")


def test_a_conversation_that_was_too_fast_rests_for_a_moment() -> None:
    now = 0.0
    pacing = Pacing(update=3.0, rest=5.0, now=lambda: now)
    pacing.too_fast("group")
    assert pacing.rests("group")
    assert not pacing.rests("another group")
    now = 5.0
    assert not pacing.rests("group")
