"""Wrong usage with `--json` printed no document; a bad setting, folder or database printed a traceback."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import ROOT
from tests.shell import Shell
from tests.waiting import LONG


def likeness(home: Path, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    return Shell(home)(*words, **env)


@pytest.mark.parametrize("words", ["portrait", "portrait me.jpg anime many", "unheard_of", "jobs show", "intent"])
def test_wrong_usage_is_one_document_and_exit_code_2(tmp_path: Path, words: str) -> None:
    done = likeness(tmp_path, *words.split(), "--json")
    assert done.returncode == 2
    document = json.loads(done.stdout)
    assert document["success"] is False
    assert set(document["error"]) == {"code", "message", "retryable"}
    assert document["error"]["code"] == "usage"


def test_wrong_usage_without_json_leaves_stdout_empty(tmp_path: Path) -> None:
    done = likeness(tmp_path, "portrait")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Missing argument" in done.stderr


@pytest.mark.parametrize(
    ("words", "env", "code"),
    [
        ("jobs list --json", {"PORT": "secret-by-mistake"}, "bad_settings"),
        ("jobs list --json", {"DATABASE_URL": "postgresql://u:secret-by-mistake@127.0.0.1:1/x"}, "database"),
        ("jobs list --json", {"DATA_DIR": "/proc/nowhere"}, "no_access"),
        ("portrait me.jpg anime --json", {"DATA_DIR": "/proc/nowhere"}, "no_access"),
    ],
)
def test_what_cannot_begin_says_so_in_a_sentence(tmp_path: Path, words: str, env: dict[str, str], code: str) -> None:
    done = likeness(tmp_path, *words.split(), **env)
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == code
    assert "Traceback" not in done.stderr
    assert "secret-by-mistake" not in done.stdout + done.stderr


def test_run_with_a_bad_setting_names_it(tmp_path: Path) -> None:
    done = likeness(tmp_path, "run", PORT="abc")
    assert (done.returncode, done.stdout) == (1, "")
    assert "PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_json_before_the_word_list_counts_too(tmp_path: Path) -> None:
    assert json.loads(likeness(tmp_path, "jobs", "--json", "list").stdout)["success"] is True


def test_the_log_level_may_be_written_in_capitals(tmp_path: Path) -> None:
    assert likeness(tmp_path, "jobs", "list", LOG_LEVEL="DEBUG", LOG_FORMAT="JSON").returncode == 0


def test_a_mistake_of_ours_is_a_sentence_too() -> None:
    script = """
from bot.cli.faults import guarded
def broken():
    raise KeyError("secret-by-mistake")
guarded(broken, ["jobs", "--json"])
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False, timeout=LONG
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "internal"
    assert "KeyError" in done.stdout
    assert "secret-by-mistake" not in done.stdout + done.stderr
