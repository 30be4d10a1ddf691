"""Trained faces in Python and on the command line, over a fake DashScope: from the detection to the portraits, and
killed on the way."""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bot.cli import main
from providers import check_faces, delete_face, generate_portrait, list_faces, list_requests, resume_request, train_face
from providers.settings import ProviderSettings
from tests.programs import ROOT, UNREAD, Program
from tests.providers.conftest import settings_with
from tests.servers.dashscope import FakeDashScope
from tests.servers.service import KEY, picture_bytes

PATIENCE = 60.0


@pytest.fixture
def dash() -> Iterator[FakeDashScope]:
    with FakeDashScope.serving() as serving:
        yield serving


@pytest.fixture
def settings(dash: FakeDashScope, tmp_path: Path) -> ProviderSettings:
    return settings_with(**{name.lower(): value for name, value in environment(dash, tmp_path).items()})


def environment(dash: FakeDashScope, folder: Path) -> dict[str, str]:
    return {
        "DASHSCOPE_API_KEY": KEY, "DASHSCOPE_BASE_URL": dash.url, "DATA_DIR": str(folder / "data"),
        "OUTPUT_DIR": str(folder / "out"), "POLL_SCALE": "0.001",
    }  # fmt: skip


@pytest.fixture
def me(tmp_path: Path) -> list[str]:
    return [saved(tmp_path / f"me{n}.png", n) for n in range(3)]


def saved(path: Path, shade: int, size: tuple[int, int] = (640, 800)) -> str:
    path.write_bytes(picture_bytes(size, shade))
    return str(path)


async def trained(me: list[str], settings: ProviderSettings, **more: Any) -> Any:
    return await train_face(me, consent=True, settings=settings, **more)


async def test_detect_train_preset_template_and_without_training(
    dash: FakeDashScope, settings: ProviderSettings, me: list[str], tmp_path: Path
) -> None:
    wall, template = saved(tmp_path / "wall.png", -1), saved(tmp_path / "template.png", 9)
    checked = await check_faces([me[0], wall], settings=settings)
    assert checked["photos"] == [
        {"photo": me[0], "is_face": True, "reason": None},
        {"photo": wall, "is_face": False, "reason": "There is no face in the photo."},
    ]
    dash.plan(polls=4)
    result = await trained(me, settings, name="Ann", gender="female")
    face = result["face"]
    assert (result["success"], face["name"], face["gender"], face["status"]) == (True, "Ann", "female", "ready")
    assert (result["total_cost"], result["currency"]) == (0.3522, "USD")
    listed = await list_faces(settings=settings)
    assert listed["faces"] == [face]

    preset = await generate_portrait(None, "id_photo_white", 4, face=face["id"], settings=settings)
    assert [(i["width"], i["height"], i["provider"]) for i in preset["images"]] == [(768, 1024, "dashscope")] * 4
    assert dash.faces.portraits[-1]["parameters"]["style"] == "f_idcard_female"
    assert dash.faces.portraits[-1]["resources"] == [{"resource_id": face["id"], "resource_type": "facelora"}]
    into = await generate_portrait(None, face=face["id"], template=template, count=2, settings=settings)
    assert (into["count_generated"], dash.faces.portraits[-1]["parameters"]["style"]) == (2, "portrait_url_template")
    free = await generate_portrait(me[0], photos=me[1:], template=template, retouch=False, settings=settings)
    assert free["images"][0]["model"] == "facechain-generation"
    assert len(dash.faces.portraits[-1]["input"]["user_urls"]) == 3
    assert (dash.billed, dash.faces.trained, free["total_cost"]) == (7, 1, 0.0254)

    left = await delete_face(face["id"], settings=settings)
    assert left["faces"] == []
    assert next(iter(dash.faces.trainings.values())).deleted
    gone = await generate_portrait(None, "professional", face=face["id"], settings=settings)
    assert gone["error"]["code"] == "unknown_face"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"face": "no-such"}, "unknown_face"),
        ({"template": "me"}, "need_photo"),
        ({"image": "me", "retouch": True}, "bad_request"),
        ({"image": "me", "template": "me", "gender": "x"}, "bad_gender"),
        ({"image": "me", "photos": ["me"] * 5, "template": "me"}, "no_provider"),
        ({"image": "me", "template": "me", "style": "anime"}, "bad_request"),
        ({"face": "own", "style": "professional", "gender": None}, "need_gender"),
        ({"face": "own", "style": "winter_chinese", "gender": "male"}, "provider_cannot"),
        ({"face": "own", "style": "anime", "gender": "male"}, "provider_cannot"),
        ({"face": "own", "image": "me"}, "bad_request"),
    ],
)
async def test_what_cannot_be_is_said_before_anything_is_sent(
    dash: FakeDashScope, settings: ProviderSettings, me: list[str], asked: dict[str, Any], code: str
) -> None:
    if asked.get("face") == "own":
        asked = asked | {"face": (await trained(me[:1], settings))["face"]["id"]}
    known: dict[Any, Any] = {"me": me[0]}
    given = {name: known.get(value, value) if isinstance(value, str) else value for name, value in asked.items()}
    given |= {"photos": me[:1] * 5} if "photos" in given else {}
    result = await generate_portrait(**given, settings=settings)
    assert (result["success"], result["error"]["code"]) == (False, code)
    assert dash.billed == 0


async def test_no_face_is_learnt_without_consent_or_from_a_wall(
    dash: FakeDashScope, settings: ProviderSettings, me: list[str], tmp_path: Path
) -> None:
    asked = await train_face(me, settings=settings)
    assert asked["error"] == {
        "code": "consent_needed", "message": "DashScope has not been accepted for these photos.", "retryable": False,
    }  # fmt: skip
    wall = await trained([*me, saved(tmp_path / "wall.png", -1)], settings)
    assert wall["error"]["message"] == "Photo 4 shows no face."
    many = await trained(me * 4, settings)
    assert many["error"]["code"] == "too_many_photos"
    cost = await train_face(me, estimate=True, settings=settings)
    assert cost["estimate"]["usd"] == 0.3522  # type: ignore[typeddict-item]
    assert (dash.submits, dash.faces.trained) == (0, 0)


async def test_one_being_learnt_is_listed_and_not_used(
    dash: FakeDashScope, settings: ProviderSettings, me: list[str]
) -> None:
    dash.plan("never")
    short = settings.model_copy(update={"job_deadline_seconds": 1.0})
    begun = ProcessUnderWay(me, environment_of(short))
    begun.until(lambda: dash.counts["training_looks"] > 2)
    (face,) = (await list_faces(settings=settings))["faces"]
    used = await generate_portrait(None, "spring_garden", face=face["id"], settings=settings)
    begun.kill()
    assert (face["status"], used["error"]["code"]) == ("training", "unknown_face")


def environment_of(settings: ProviderSettings) -> dict[str, str]:
    return {
        "DASHSCOPE_API_KEY": KEY, "DASHSCOPE_BASE_URL": settings.dashscope_base_url, "POLL_SCALE": "0.001",
        "DATA_DIR": str(settings.data_dir), "OUTPUT_DIR": str(settings.output_dir),
    }  # fmt: skip


class ProcessUnderWay:
    """`likeness face train` in a process of its own."""

    def __init__(self, me: list[str], env: dict[str, str], *command: str) -> None:
        words = command or ("face", "train", *me, "--consent")
        env = {**env, "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        self._program = Program(*words, "--json", env=env, stdout=UNREAD, stderr=UNREAD)

    def until(self, happened: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not happened():
            assert time.monotonic() < end
            time.sleep(0.01)

    def kill(self) -> None:
        self._program.killed()


@pytest.mark.parametrize("when", ["checking", "posting", "learning"])
async def test_a_training_killed_on_the_way_is_resumed_and_charged_once(
    dash: FakeDashScope, settings: ProviderSettings, me: list[str], when: str
) -> None:
    """Inside the POST nobody can know whether it was taken: it is not sent again."""
    dash.faces.stuck = when == "checking"
    if when == "posting":
        dash.plan(hold="after")
    else:
        dash.plan(polls=10_000)
    process = ProcessUnderWay(me, environment_of(settings))
    seen: dict[str, Callable[[], bool]] = {
        "checking": dash.holding.is_set,
        "posting": dash.holding.is_set,
        "learning": lambda: dash.counts["training_looks"] > 1,
    }
    process.until(seen[when])
    process.kill()
    dash.release()
    taken = len(dash.faces.trainings)
    for training in dash.faces.trainings.values():
        training.looks = 10_000
    dash.plans.clear()
    (call,) = await list_requests(settings=settings)
    result = await resume_request(call["key"], settings=settings)
    if when == "posting":
        assert result["error"]["code"] == "outcome_unknown"
    else:
        assert result["face"]["status"] == "ready"
        assert result["total_cost"] == 0.3522
        assert (await list_faces(settings=settings))["faces"] == [result["face"]]
    assert (len(dash.faces.trainings), taken <= 1) == (1, True)


@pytest.mark.parametrize("when", ["checking", "waiting"])
async def test_a_portrait_in_a_template_killed_on_the_way_is_resumed_and_charged_once(
    dash: FakeDashScope, settings: ProviderSettings, me: list[str], tmp_path: Path, when: str
) -> None:
    dash.always(polls=10_000)
    dash.faces.stuck = when == "checking"
    template = saved(tmp_path / "template.png", 9)
    process = ProcessUnderWay(me, environment_of(settings), "portrait", me[0], "--template", template, "--count", "2")
    seen: dict[str, Callable[[], bool]] = {"checking": dash.holding.is_set, "waiting": lambda: dash.counts["looks"] > 1}
    process.until(seen[when])
    process.kill()
    dash.release()
    dash.always()
    for task in dash.tasks.values():
        task.looks = 10_000
    (call,) = await list_requests(settings=settings)
    result = await resume_request(call["key"], settings=settings)
    assert (result["success"], result["count_generated"], dash.billed, dash.submits) == (True, 2, 2, 1)


def test_the_command_line_says_the_same(dash: FakeDashScope, me: list[str], tmp_path: Path) -> None:
    def run(*words: str) -> tuple[int, Any]:
        done = CliRunner().invoke(main, [*words, "--json"], env=environment(dash, tmp_path))
        return done.exit_code, json.loads(done.stdout)

    code, checked = run("face", "check", me[0], saved(tmp_path / "wall.png", -1))
    assert (code, [row["is_face"] for row in checked["photos"]]) == (0, [True, False])
    assert run("face", "train", *me)[1]["error"]["code"] == "consent_needed"
    code, trained = run("face", "train", *me, "--consent", "--name", "Ann")
    face = trained["face"]
    assert (code, face["name"], face["status"]) == (0, "Ann", "ready")
    assert run("jobs", "resume", trained["key"])[1]["face"] == face
    code, made = run("portrait", "-", "hongkong_vintage", "2", "--face", face["id"])
    assert (code, made["count_generated"]) == (0, 2)
    template = saved(tmp_path / "template.png", 4)
    code, made = run("portrait", "-", "--face", face["id"], "--template", template, "--count", "3")
    assert (code, made["count_generated"]) == (0, 3)
    code, made = run("portrait", me[0], "--photo", me[1], "--template", template, "--no-retouch")
    assert (code, dash.faces.portraits[-1]["parameters"]["skin_retouch"]) == (0, False)
    assert run("face", "list")[1]["faces"] == [face]
    assert run("face", "delete", face["id"])[1] == {"success": True, "faces": []}
    assert run("face", "delete", face["id"])[1]["error"]["code"] == "unknown_face"
