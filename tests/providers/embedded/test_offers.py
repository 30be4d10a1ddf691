"""What the embedded provider promises, and what it refuses before anything is done."""

import subprocess
import sys
from pathlib import Path

import pytest

from providers.base import Request
from providers.catalog import ACTIONS, STYLES
from providers.embedded.provider import EmbeddedProvider
from providers.task import Operation
from tests.providers.wanted import embedded_edit as edit
from tests.providers.wanted import wanted


def marked(action: str) -> Request:
    return wanted(operation=Operation.INPAINT, action=action, photos=(Path("a.png"),), mask=Path("m.png"))


def test_it_promises_only_what_the_catalog_knows(tmp_path: Path) -> None:
    for row in EmbeddedProvider(tmp_path).offers:
        assert (row.styles or frozenset()) <= set(STYLES)
        assert (row.actions or frozenset()) <= set(ACTIONS)
        assert (row.levels, row.price.free) == (None, True)


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (edit("replace_bg", Path("a.png"), text="on a beach"), "scene"),
        (edit("replace_bg", Path("a.png"), text="蓝色"), None),
        (edit("before_after", Path("a.png"), text="减肥前后"), "change"),
        (edit("before_after", Path("a.png"), Path("b.png"), text="减肥前后"), None),
        (edit("comparison", Path("a.png"), text="weight loss"), "change"),
        (edit("remove_person", Path("a.png")), "action"),
        (marked("remove_person"), None),
        (marked("local_edit"), "action"),
        (wanted(operation=Operation.PORTRAIT, photos=(Path("a.png"),)), "prompt"),
        (wanted(operation=Operation.PORTRAIT, style="chef", photos=(Path("a.png"),)), "style"),
        (wanted(operation=Operation.CREATE), "operation"),
        (
            wanted(operation=Operation.PORTRAIT, style="vintage", photos=(Path("a"), Path("b"))),
            "photos",
        ),
        (edit("enhance", Path("a.png"), Path("b.png")), "photos"),
    ],
)
def test_what_is_out_of_reach_is_known_before_anything_is_done(
    tmp_path: Path, request_: Request, reason: str | None
) -> None:
    assert EmbeddedProvider(tmp_path).offers.reason_not(request_.task) == reason


def test_importing_the_provider_loads_no_opencv() -> None:
    code = "import sys, providers.embedded.provider; sys.exit('cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
