"""`likeness intent`: one object out for each message in."""

import json
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from bot.cli.intent import intent
from intent import Intent


def test_a_message_gives_one_json_object_with_every_field() -> None:
    done = CliRunner().invoke(intent, ["动漫风格，来两张，竖版", "--photos", "1"])
    assert done.exit_code == 0
    got = json.loads(done.stdout)
    assert set(got) == set(Intent(operation="none").as_dict())
    assert (got["style"], got["count"], got["aspect_ratio"]) == ("anime", 2, "3:4")


def test_lines_are_answered_in_order_and_bad_ones_too() -> None:
    lines = [
        '{"text": "动漫", "photos": 1}',
        "not json",
        '{"photos": 1}',
        '{"text": "a", "photos": -1}',
        "[1]",
        '{"text": "再来两张"}',
    ]
    done = CliRunner().invoke(intent, ["--jsonl"], input="\n".join(lines) + "\n")
    assert done.exit_code == 0
    got = [json.loads(line) for line in done.stdout.splitlines()]
    assert [g["operation"] for g in got] == ["portrait", "none", "none", "none", "none", "command"]
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["line 2", "line 3", "line 4", "line 5"]


def test_bytes_that_are_no_text_are_answered_as_a_bad_line() -> None:
    command = [sys.executable, "-m", "bot.cli.intent", "--jsonl"]
    done = subprocess.run(
        command, input=b'{"text": "anime"}\n\xff\xfe\n{"text": "anime"}\n', capture_output=True, check=True
    )
    got = [json.loads(line) for line in done.stdout.splitlines()]
    assert [g["operation"] for g in got] == ["portrait", "none", "portrait"]


def test_explain_shows_the_words_and_what_they_led_to() -> None:
    done = CliRunner().invoke(intent, ["--explain", "chrstmas pic, two of them", "--photos", "1"])
    assert "christmas" in done.stdout
    assert "count 2" in done.stdout
    assert "reading" in done.stdout


def test_explain_with_json_keeps_standard_output_pure() -> None:
    done = CliRunner().invoke(intent, ["--explain", "--json", "anime", "--photos", "1"])
    assert json.loads(done.stdout)["style"] == "anime"
    assert "reading" in done.stderr


def test_no_text_is_wrong_usage() -> None:
    assert CliRunner().invoke(intent, []).exit_code == 2


def test_the_command_starts_without_the_rest_of_the_program() -> None:
    heavy = ("dbos", "telegram", "wechatpy", "cv2", "httpx", "providers")
    code = f"import sys, bot.cli.intent; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_people_tapped_is_shown_and_their_words_only_where_they_are_kept(tmp_path: Path) -> None:
    """The counting itself: tests/handlers/dialogue/test_readings.py."""
    folders = {"DATA_DIR": str(tmp_path / "data"), "OUTPUT_DIR": str(tmp_path / "out")}
    done = CliRunner().invoke(intent, ["--review", "--json"], env=folders)
    assert json.loads(done.stdout) == {"success": True, "keeps_messages": False, "picked": [], "messages": []}
    told = CliRunner().invoke(intent, ["--review"], env=folders | {"INTENT_KEEP_MESSAGES": "true"})
    assert (told.exit_code, "not kept" in told.stdout) == (0, False)
