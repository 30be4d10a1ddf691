"""What is wrong a thousand times is said once in a while, with how often it was."""

import logging

from bot.logs import AGAIN_SECONDS, SaidOnce


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def line(message: str, *, level: int = logging.WARNING, name: str = "bot") -> logging.LogRecord:
    return logging.LogRecord(name, level, "", 0, message, (), None)


def test_the_same_warning_is_said_once_in_a_while_and_how_often_it_was_left_out() -> None:
    clock = Clock()
    once = SaidOnce(clock)
    assert [once.filter(line("full")) for _ in range(1000)] == [True] + [False] * 999
    assert once.filter(line("full", name="elsewhere"))
    assert once.filter(line("other"))
    clock.now = AGAIN_SECONDS
    again = line("full")
    assert once.filter(again)
    assert again.getMessage() == "full (and 999 times more before)"


def test_what_is_no_warning_is_never_left_out() -> None:
    once = SaidOnce(Clock())
    assert all(once.filter(line("hello", level=logging.INFO)) for _ in range(3))
