"""The command line, run as a person or a script runs it: exit codes, pure JSON, no traces of exceptions."""

import json
import socket
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from handlers.message import Chat
from handlers.order import Order, Shot
from handlers.store.base import Job, PartState
from handlers.store.sql.store import SqlStore
from providers.attempts import Attempt, Outcome
from providers.catalog import ACTIONS, STYLES
from tests.providers.photos import shipped
from tests.shell import Shell

COMMANDS = (
    "run",
    "worker",
    "portrait",
    "edit",
    "create",
    "series",
    "intent",
    "styles",
    "actions",
    "providers",
    "jobs",
    "doctor",
    "backup",
    "restore",
    "made-here",
    "wechat",
    "wechat menu",
)


@pytest.fixture
def likeness(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    skimage = pytest.importorskip("skimage.data")
    path = tmp_path / "me.png"
    Image.fromarray(skimage.astronaut()).save(path)
    return path


def one_document(done: "subprocess.CompletedProcess[str]") -> dict[str, object]:
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    assert "Traceback" not in done.stderr
    return document


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_explains_itself(likeness: Shell, command: str) -> None:
    done = likeness(*command.split(), "--help")
    assert done.returncode == 0
    assert "Usage: likeness" in done.stdout


def test_a_portrait_from_a_clean_machine_is_a_real_picture(likeness: Shell, photo: Path) -> None:
    done = likeness("portrait", str(photo), "vintage", "--json")
    result = one_document(done)
    assert done.returncode == 0, done.stderr
    assert result["success"] is True
    image = result["images"][0]  # type: ignore[index]
    with Image.open(likeness.home / image["local_path"]) as made:
        assert made.size == (image["width"], image["height"])
    assert image["provider"] == "embedded"
    assert result["total_cost"] == 0
    assert {"model", "mode", "prompt", "count_requested", "count_generated", "currency", "errors"} <= set(result)


def test_an_edit_from_a_clean_machine_is_a_real_picture(likeness: Shell, photo: Path) -> None:
    done = likeness("edit", str(photo), "", "upscale", "--scale", "2", "--json", "--out", "here")
    result = one_document(done)
    assert done.returncode == 0, done.stderr
    assert result["images"][0]["width"] == 1024  # type: ignore[index]
    assert list((likeness.home / "here").iterdir())


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("portrait", "PHOTO", "oil_paintng", "--json"), "unknown_style", "oil_painting"),
        (("portrait", "PHOTO", "anime", "1", "nanopr", "--json"), "unknown_model", "nanopro"),
        (("portrait", "PHOTO", "anime", "9", "--json"), "bad_count", "8"),
        (("portrait", "PHOTO", "anime", "--aspect-ratio", "2:1", "--json"), "unknown_aspect_ratio", "16:9"),
        (("edit", "PHOTO", "x", "retuch", "--json"), "unknown_action", "retouch"),
        (("portrait", "PHOTO", "anime", "--provider", "fall", "--json"), "unknown_provider", "fal"),
        (("portrait", "nowhere.jpg", "anime", "--json"), "file_not_found", ""),
        (("portrait", "PHOTO", "hanfu", "--json"), "no_provider", "FAL_KEY"),
        (("create", "a lighthouse", "--json"), "no_provider", "FAL_KEY"),
        (("jobs", "show", "nonsense", "--json"), "unknown_job", ""),
    ],
)
def test_what_cannot_be_done_fails_with_a_code_and_the_nearest_keys(
    likeness: Shell, photo: Path, words: tuple[str, ...], code: str, said: str
) -> None:
    done = likeness(*(str(photo) if w == "PHOTO" else w for w in words))
    result = one_document(done)
    assert done.returncode == 1
    assert result["success"] is False
    error = result["error"]
    assert isinstance(error, dict)
    assert error["code"] == code
    assert said in error["message"]
    assert isinstance(error["retryable"], bool)


@pytest.mark.parametrize(
    "words", [("portrait",), ("portrait", "a.jpg", "anime", "many"), ("nonsense",), ("run", "--port", "x")]
)
def test_wrong_usage_ends_with_two(likeness: Shell, words: tuple[str, ...]) -> None:
    done = likeness(*words)
    assert done.returncode == 2
    assert done.stdout == ""


def test_a_channel_asked_for_by_name_without_its_settings_is_said(likeness: Shell) -> None:
    with socket.socket() as taken:  # so that the bot ends by itself
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = likeness("run", "--channels", "telegram,web", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "telegram stays off" in done.stderr
    assert "TELEGRAM_BOT_TOKEN" in done.stderr
    assert "wechat" not in done.stderr


def test_the_lists_name_everything_there_is(likeness: Shell) -> None:
    for name, records in (("styles", STYLES), ("actions", ACTIONS)):
        rows = one_document(likeness(name, "--json"))[name]
        assert [row["key"] for row in rows] == list(records)  # type: ignore[attr-defined]
    rows = one_document(likeness("providers", "--json"))["providers"]
    assert [row["name"] for row in rows if row["configured"]] == ["embedded"]  # type: ignore[attr-defined]
    assert len(rows) == 10  # type: ignore[arg-type]
    assert one_document(likeness("jobs", "list", "--json"))["jobs"] == []


def test_the_doctor_finds_a_clean_machine_healthy_and_names_what_could_be_turned_on(likeness: Shell) -> None:
    done = likeness("doctor", "--json")
    assert done.returncode == 0
    found = {f["name"]: f for f in one_document(done)["findings"]}  # type: ignore[attr-defined]
    for name, setting in (("fal", "FAL_KEY"), ("telegram", "TELEGRAM_BOT_TOKEN"), ("wechat", "WECHAT_APP_ID")):
        assert found[name]["verdict"] == "off"
        assert setting in found[name]["message"]


AWAY = {
    "fal": {"FAL_QUEUE_URL": "http://127.0.0.1:9", "FAL_KEY": "secret"},
    "second reader": {
        "INTENT_LLM_BASE_URL": "http://127.0.0.1:9",
        "INTENT_LLM_API_KEY": "secret",
        "INTENT_LLM_MODEL": "m",
    },
    "telegram": {"TELEGRAM_API_URL": "http://127.0.0.1:9", "TELEGRAM_BOT_TOKEN": "1:secret"},
    "wechat": {
        "WECHAT_API_URL": "http://127.0.0.1:9",
        "WECHAT_APP_ID": "a",
        "WECHAT_APP_SECRET": "secret",
        "WECHAT_TOKEN": "secret",
    },
    "database": {"DATABASE_URL": "secret"},
}
"""What stands behind each line, its address first."""


def test_the_doctor_says_what_to_do_about_each_thing_that_is_away_and_hides_none(likeness: Shell) -> None:
    done = likeness("doctor", **{name: value for env in AWAY.values() for name, value in env.items()})
    assert done.returncode == 1
    lines = {line.split(": ")[0]: line for line in done.stdout.splitlines() if line.startswith("broken")}
    assert set(lines) == {f"broken  {name}" for name in AWAY}
    for name, env in AWAY.items():
        assert next(iter(env)) in lines[f"broken  {name}"]
    assert done.stderr == ""
    assert "secret" not in done.stdout


@pytest.mark.parametrize(
    ("env", "name", "says"),
    [
        ({"PUBLIC_URL": "photos.example.com"}, "settings", "PUBLIC_URL"),
        ({"LOG_LEVEL": "secret"}, "LOG_LEVEL", "'debug', 'info', 'warning' or 'error'"),
    ],
)
def test_the_doctor_says_what_to_do_about_a_setting_that_cannot_be_used(
    likeness: Shell, env: dict[str, str], name: str, says: str
) -> None:
    done = likeness("doctor", **env)
    assert done.returncode == 1
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("broken")]
    assert line.startswith(f"broken  {name}: ")
    assert says in line
    assert done.stderr == ""
    assert "secret" not in done.stdout


def test_folders_that_cannot_be_used_are_not_blamed_on_the_database(likeness: Shell) -> None:
    (likeness.home / "file").touch()
    done = likeness("doctor", "--json", DATA_DIR="file", OUTPUT_DIR="file")
    assert done.returncode == 1
    found = one_document(done)["findings"]
    assert [f["name"] for f in found if f["verdict"] == "broken"] == ["DATA_DIR", "OUTPUT_DIR"]  # type: ignore[attr-defined]
    assert "embedded" in {f["name"] for f in found if f["verdict"] == "ok"}  # type: ignore[attr-defined]


async def test_the_list_shows_whole_ids_and_nobodys_words(likeness: Shell, tmp_path: Path) -> None:
    order = Order(operation="portrait", shots=(Shot(style="vintage", scene="my [/b] secret"),))
    job = Job(
        id="0123456789abcdefghij",
        chat=Chat(channel="web", chat="c", person="c"),
        order=order,
        created=datetime(2026, 11, 21, tzinfo=UTC),
        ref="m",
    )
    (tmp_path / "data").mkdir()
    store = await SqlStore.open(f"sqlite:///{tmp_path / 'data' / 'likeness.sqlite'}")
    await store.add_job(job)
    busy = Attempt(provider="fal", outcome=Outcome.NOT_TAKEN, code="provider_busy")
    await store.begin_part(f"{job.id}-0-0", job.id, "openai", tried=(busy,))
    await store.end_part(f"{job.id}-0-0", PartState.MADE)  # as a version wrote it that kept no turns
    await store.aclose()
    for done in (likeness("jobs"), likeness("jobs", "show", job.id)):
        assert job.id in done.stdout
        assert "Vintage" in done.stdout
        assert "secret" not in done.stdout
    assert f"{job.id}-0-0: fal not taken (provider_busy), openai made" in done.stdout.splitlines()
    shown = one_document(likeness("jobs", "show", job.id, "--json"))["job"]
    assert shown["requests"][0]["tried"] == [  # type: ignore[index]
        {"provider": "fal", "outcome": "not_taken", "code": "provider_busy"},
        {"provider": "openai", "outcome": "made", "code": None},
    ]


def test_a_call_of_the_command_line_is_listed_and_shown_by_its_key(likeness: Shell, photo: Path) -> None:
    (likeness.home / "file").touch()
    assert likeness("portrait", str(photo), "vintage", "--out", "file/below", POLL_SCALE="0.001").returncode == 1
    key = one_document(likeness("jobs", "list", "--json"))["requests"][0]["key"]  # type: ignore[index]
    assert f"`likeness jobs resume {key}`" in likeness("jobs", "list").stdout
    assert f"key: {key}" in likeness("jobs", "show", key).stdout.splitlines()
    assert one_document(likeness("jobs", "show", key, "--json"))["request"]["key"] == key  # type: ignore[index]


def test_a_wrong_setting_is_named_without_its_value(likeness: Shell) -> None:
    done = likeness("doctor", "--json", PORT="secret")
    assert done.returncode == 1
    assert "PORT" in done.stdout
    assert "secret" not in done.stdout + done.stderr


def test_models_lists_the_networks_with_their_licences(likeness: Shell) -> None:
    listed = one_document(likeness("models", "--json", LIKENESS_MODELS=str(likeness.home / "none")))
    assert listed["in_use"] is False
    assert "likeness models fetch" in str(listed["summary"])
    rows = listed["models"]
    assert isinstance(rows, list)
    assert {row["name"] for row in rows} >= {"face_detection", "face_landmark", "selfie_segmentation"}
    assert all(row["state"] == "missing" and row["licence"] for row in rows)


def test_without_a_registry_fetching_says_so_and_names_the_floor(likeness: Shell) -> None:
    """No client is on the path, and pip is told of no index."""
    nowhere = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(likeness.home), "PIP_CONFIG_FILE": "/dev/null"}
    done = likeness("models", "fetch", LIKENESS_MODELS=str(likeness.home / "none"), PATH="/nonexistent", **nowhere)
    assert done.returncode == 1
    assert "faces are found by classical methods meanwhile" in done.stderr


def test_a_network_nobody_knows_is_refused(likeness: Shell) -> None:
    done = likeness("models", "fetch", "stable-diffusion", "--json")
    assert done.returncode == 1
    error = one_document(done)["error"]
    assert isinstance(error, dict)
    assert error["code"] == "unknown_model"


def test_a_trial_says_how_long_it_took(likeness: Shell) -> None:
    photo = likeness.home / "astronaut.png"
    Image.fromarray(shipped("astronaut.png")).save(photo)
    tried = one_document(likeness("models", "try", str(photo), "--output", "cut.png", "--json"))
    assert tried["faces"] == 1
    assert (likeness.home / "cut.png").is_file()


def test_the_doctor_says_in_one_line_how_faces_are_found(likeness: Shell) -> None:
    done = likeness("doctor", LIKENESS_MODELS=str(likeness.home / "none"))
    (line,) = [line for line in done.stdout.splitlines() if " faces: " in line]
    assert line.startswith("note")
    assert "classical methods" in line
