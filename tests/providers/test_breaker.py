"""What has been failing is left alone for a while, then tried with one request."""

from pathlib import Path

from providers.breaker import Breaker


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def broken(folder: Path | None = None, clock: Clock | None = None, times: int = 3) -> Breaker:
    breaker = Breaker(folder, failures=3, seconds=60, clock=clock or Clock())
    for _ in range(times):
        breaker.failed("fal")
    return breaker


def test_three_failures_in_a_row_open_it_and_two_do_not() -> None:
    assert broken(times=2).lets("fal")
    assert not broken(times=3).lets("fal")
    assert broken(times=3).lets("other")


def test_a_picture_in_between_closes_it() -> None:
    breaker = broken(times=2)
    breaker.worked("fal")
    breaker.failed("fal")
    breaker.failed("fal")
    assert breaker.lets("fal")


def test_after_its_seconds_one_request_is_let_through_and_the_others_wait_for_it() -> None:
    clock = Clock()
    breaker = broken(clock=clock)
    clock.now += 59
    assert breaker.is_open("fal")
    assert not breaker.lets("fal")
    clock.now += 2
    assert [breaker.lets("fal") for _ in range(3)] == [True, False, False]
    breaker.worked("fal")
    assert breaker.lets("fal")


def test_a_failed_probe_opens_it_for_as_long_again() -> None:
    clock = Clock()
    breaker = broken(clock=clock)
    clock.now += 61
    assert breaker.lets("fal")
    breaker.failed("fal")
    clock.now += 59
    assert not breaker.lets("fal")


def test_processes_share_what_they_know(tmp_path: Path) -> None:
    clock = Clock()
    one, other = (Breaker(tmp_path, failures=3, seconds=60, clock=clock) for _ in range(2))
    for breaker in (one, other, one):
        breaker.failed("fal")
    assert not one.lets("fal")
    assert not other.lets("fal")
    assert not Breaker(tmp_path, failures=3, clock=clock).lets("fal")
    clock.now += 61
    assert sorted(breaker.lets("fal") for breaker in (one, other)) == [False, True]
    other.worked("fal")
    assert one.lets("fal")


def test_a_process_with_another_time_of_day_leaves_nobody_alone_for_an_hour(tmp_path: Path) -> None:
    ahead, clock = Clock(), Clock()
    ahead.now += 3600
    broken(tmp_path, ahead)
    assert Breaker(tmp_path, failures=3, seconds=60, clock=clock).lets("fal"), "with one request"
    assert not Breaker(tmp_path, failures=3, seconds=60, clock=clock).lets("fal"), "which the others wait for"


def test_a_file_that_is_none_of_ours_is_as_none(tmp_path: Path) -> None:
    (tmp_path / "breaker.json").write_text('{"fal": "often", "other": [3]}')
    assert Breaker(tmp_path).lets("fal")
    (tmp_path / "breaker.json").write_text("[")
    assert Breaker(tmp_path).lets("fal")


def test_a_folder_that_cannot_be_written_costs_nobody_a_picture(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    breaker = Breaker(tmp_path / "file", failures=1)
    breaker.failed("fal")
    assert isinstance(breaker.lets("fal"), bool)
