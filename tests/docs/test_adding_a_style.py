"""`docs/adding-a-style.md` is followed to the letter in a copy of the tree, and the new style works."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.example import ROOT, examples

TRY = """
from intent import parse
from providers.catalog import STYLES
from providers.catalog.pages import styles_page
from providers.prompts import portrait_prompt

for words in ("make me an astronaut", "帮我做一张宇航员照", "astronaut portrait please"):
    found = parse(words, photos=1)
    assert (found.operation, found.style) == ("portrait", "astronaut"), (words, found)
assert parse("oil painting please", photos=1).style == "oil_painting"
assert "space suit" in portrait_prompt(style="astronaut", scene=None, prompt=None, photos=1)
assert STYLES["astronaut"].name("zh") == "宇航员"
assert "`astronaut`" in styles_page()
"""


@pytest.fixture
def followed(tmp_path: Path) -> Path:
    """A copy of the two packages with every example of the page put where it says."""
    for package in ("intent", "providers"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in examples("adding-a-style.md").items():
        path = tmp_path / name
        before = path.read_text("utf-8")
        table, _, body = text.partition("\n")
        if table in before.splitlines():  # into the table that is there
            path.write_text(before.replace(f"{table}\n", f"{table}\n{body}", 1), "utf-8")
        else:
            path.write_text(f"{before}\n{text}", "utf-8")
    return tmp_path


def test_a_style_added_as_the_page_says_is_understood_and_has_a_prompt(followed: Path) -> None:
    command = [sys.executable, "-c", TRY]
    done = subprocess.run(
        command, cwd=followed, env={"PYTHONPATH": str(followed)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
