"""docs/complaints.md names tests that there are, and twenty complaints more than those that were brought."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "complaints.md").read_text("utf-8")


def test_every_test_that_the_page_names_is_there() -> None:
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    there = set(re.findall(r"def (test_\w+)", source))
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert named - there == set()


def test_every_complaint_has_a_test() -> None:
    kinds, more = (
        re.findall(r"^\| (?!---|kind|complaint)(.+) \|$", part, re.M) for part in PAGE.split("## Twenty more")
    )
    assert (len(kinds), len(more)) == (16, 20)
    assert all("`test_" in line for line in (*kinds, *more))
