"""docs/attacks.md names attacks that the suite tries, and there are enough of them."""

import re

from tests.docs.attacks_table import PAGE, answers


def test_every_line_of_the_page_is_a_test() -> None:
    page = PAGE.read_text("utf-8")
    named = set(re.findall(r"^\| ([^|]+) \| \d+ \|", page, re.M))
    assert named
    assert named <= answers(), "python -m tests.docs.attacks_table writes it anew"


def test_there_are_more_than_a_hundred_and_twenty() -> None:
    counted = re.search(r"(\d+) attacks in all", PAGE.read_text("utf-8"))
    assert counted is not None
    assert int(counted[1]) >= 120
