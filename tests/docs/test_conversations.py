"""The ten conversations of `docs/conversations.md`, played again."""

from pathlib import Path

import pytest

from tests.docs.conversations import SCRIPTS, Script, play

PAGE = Path(__file__).parents[2] / "docs" / "conversations.md"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.title)
async def test_a_conversation_goes_as_written_and_no_remark_begins_a_picture(script: Script, tmp_path: Path) -> None:
    played = await play(script, tmp_path)
    assert [p.line.says for p in played if p.did == "makes" and p.line.does != "makes"] == []
    otherwise = [(p.line.says, p.did, p.line.does) for p in played if p.did != p.line.does]
    assert len(otherwise) <= 1, otherwise


def test_the_page_holds_every_line_that_is_played() -> None:
    page = PAGE.read_text("utf-8")
    assert len(SCRIPTS) == 10
    assert all(len(script.lines) >= 6 and script.title in page for script in SCRIPTS)
    assert [line.says for script in SCRIPTS for line in script.lines if line.says not in page] == []
