"""`likeness portrait`, `edit`, `create`, `series` with the contract's options: one document, exit codes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image

from bot.cli import main
from tests.servers.fal import KEY as FAL_KEY
from tests.servers.fal import FakeFal
from tests.servers.openai import FakeOpenAI
from tests.servers.service import KEY


@pytest.fixture(scope="module")
def _servers() -> Iterator[tuple[FakeFal, FakeOpenAI]]:
    with FakeFal.serving() as fal, FakeOpenAI.serving() as openai:
        yield fal, openai


@pytest.fixture
def fal(_servers: tuple[FakeFal, FakeOpenAI]) -> FakeFal:
    _servers[0].reset()
    return _servers[0]


@pytest.fixture
def openai(_servers: tuple[FakeFal, FakeOpenAI]) -> FakeOpenAI:
    _servers[1].reset()
    return _servers[1]


class Shell:
    """Runs `likeness … --json` with fal and OpenAI set up, fal preferred."""

    def __init__(self, folder: Path, fal: FakeFal, openai: FakeOpenAI) -> None:
        self.env = {
            "FAL_KEY": FAL_KEY, "FAL_QUEUE_URL": fal.url, "OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": openai.url,
            "PROVIDERS_PREFERRED": "fal", "DATA_DIR": str(folder / "data"), "OUTPUT_DIR": str(folder / "pictures"),
            "POLL_SCALE": "0.05", "DATABASE_URL": "",
        }  # fmt: skip

    def __call__(self, *words: str, **env: str) -> tuple[int, dict[str, Any]]:
        done = CliRunner().invoke(main, [*words, "--json"], env={**self.env, **env})
        document: dict[str, Any] = json.loads(done.stdout)
        return done.exit_code, document


@pytest.fixture
def likeness(tmp_path: Path, fal: FakeFal, openai: FakeOpenAI) -> Shell:
    return Shell(tmp_path, fal, openai)


@pytest.fixture
def photo(tmp_path: Path) -> str:
    path = tmp_path / "me.png"
    Image.new("RGB", (300, 400), (180, 140, 120)).save(path)
    return str(path)


def test_create_says_who_was_tried_who_made_it_and_what_it_cost(
    likeness: Shell, fal: FakeFal, openai: FakeOpenAI
) -> None:
    fal.plan("402")
    code, result = likeness("create", "a boat", "--count", "2")
    assert (code, result["success"]) == (0, True)
    assert result["tried"] == [
        {"provider": "fal", "outcome": "not_taken", "code": "provider_credit"},
        {"provider": "openai", "outcome": "made", "code": None},
    ]
    assert (result["estimate_usd"], result["currency"], result["cost_source"]) == (0.3, "USD", "tokens")
    assert {"key", "costs"} <= set(result)
    assert all(image["model"] == "gpt-image-2" and image["produce_id"] for image in result["images"])


@pytest.mark.parametrize(
    ("options", "maker"),
    [
        (("--prefer", "openai,fal"), "openai"),
        (("--block", "fal"), "openai"),
        (("--weights", "openai=1,fal=0"), "openai"),
        (("--priority", "cost"), "openai"),
        (("--provider", "fal", "--priority", "cost"), "fal"),
        (("--model", "openai/gpt-image-1-mini"), "openai"),
    ],
)
def test_a_calls_own_preferences_win_over_the_settings(likeness: Shell, options: tuple[str, ...], maker: str) -> None:
    code, result = likeness("create", "a boat", *options)
    assert (code, [image["provider"] for image in result["images"]]) == (0, [maker])


def test_an_estimate_submits_nothing(likeness: Shell, photo: str, fal: FakeFal, openai: FakeOpenAI) -> None:
    code, result = likeness("portrait", photo, "anime", "2", "--estimate")
    assert (code, set(result)) == (0, {"success", "estimate"})
    assert set(result["estimate"]) == {"usd", "seconds", "provider", "model", "source"}
    assert (fal.submits, openai.submits) == (0, 0)
    said = CliRunner().invoke(main, ["create", "a boat", "--estimate"], env=likeness.env).stdout
    assert said == "0.15 USD, about 25 seconds, with fal (fal-ai/nano-banana-pro)\n"


def test_a_portrait_takes_more_photos_and_a_level_of_consistency(likeness: Shell, photo: str, fal: FakeFal) -> None:
    code, result = likeness("portrait", photo, "anime", "--photo", photo, "--photo", photo, "--consistency", "strict")
    assert (code, result["consistency"]["asked"], result["consistency"]["given"]) == (0, "strict", "strict")
    assert len(fal.bodies[-1]["reference_images"]) == 3


@pytest.mark.parametrize(
    ("options", "sent", "count"),
    [
        (("", "upscale", "--scale", "4"), {"scale": 4}, 1),
        (("", "variations", "--count", "2"), {"num_images": 2}, 2),
        (("", "transfer_style", "--image2", "PHOTO"), {"style_reference_image_url", "image_url"}, 1),
        (("--outpaint", "left=100,bottom=50"), {"canvas_size": [400, 450], "original_image_location": [100, 0]}, 1),
        (("--transparent",), {"refine_foreground"}, 1),
    ],
)
def test_every_kind_of_edit_is_one_command(
    likeness: Shell, photo: str, fal: FakeFal, options: tuple[str, ...], sent: dict[str, Any] | set[str], count: int
) -> None:
    words = (photo if word == "PHOTO" else word for word in options)
    code, result = likeness("edit", photo, *words, "--provider", "fal")
    assert (code, result["count_generated"], result["images"][0]["provider"]) == (0, count, "fal"), result
    body = fal.bodies[-1]
    assert set(sent) <= set(body)
    assert not isinstance(sent, dict) or sent.items() <= body.items()


def test_a_series_is_a_success_where_one_item_failed(likeness: Shell, photo: str, fal: FakeFal, tmp_path: Path) -> None:
    fal.plan("result_nothing", match="superhero")
    items = tmp_path / "items.json"
    items.write_text(json.dumps([{"style": "anime"}, {"prompt": "as a superhero"}]))
    code, result = likeness("series", photo, str(items), "--provider", "fal", "--consistency", "balanced")
    assert (code, [image["item"] for image in result["images"]]) == (0, [0])
    assert [(error["item"], error["code"]) for error in result["errors"]] == [(1, "made_nothing")]


@pytest.mark.parametrize(
    ("options", "env", "code"),
    [
        (("--provider", "fal", "--block", "fal"), {}, "provider_blocked"),
        (("--provider", "fal"), {"PROVIDERS_BLOCKED": "fal"}, "provider_blocked"),
        (("--provider", "stability"), {}, "provider_not_configured"),
        (("--provider", "embedded"), {}, "provider_cannot"),
        (("--prefer", "falk"), {}, "unknown_provider"),
        (("--weights", "fal=many"), {}, "bad_weights"),
        (("--priority", "beauty"), {}, "bad_priority"),
        ((), {"BUDGET_BOT_DAILY_USD": "0.01"}, "budget_exceeded"),
    ],
)
def test_what_is_not_done_ends_with_one_and_a_code_and_nobody_was_asked(
    likeness: Shell, fal: FakeFal, openai: FakeOpenAI, options: tuple[str, ...], env: dict[str, str], code: str
) -> None:
    exit_code, result = likeness("create", "a boat", *options, **env)
    assert (exit_code, result["success"], result["error"]["code"]) == (1, False, code)
    assert (result["tried"], fal.submits, openai.submits) == ([], 0, 0)
    if code == "provider_cannot":
        assert {"fal", "openai"} <= set(result["could"])


@pytest.mark.parametrize("command", [("portrait", "{}", "anime"), ("edit", "{}", "wider", "extend")])
def test_a_bigtiff_of_16_bytes_is_one_sentence_and_nobody_was_asked(
    likeness: Shell, fal: FakeFal, tmp_path: Path, command: tuple[str, ...], recwarn: pytest.WarningsRecorder
) -> None:
    (tmp_path / "b.tif").write_bytes(b"II+\0\x08\0\0\0" + b"\x10" + bytes(7))
    exit_code, result = likeness(*(word.format(tmp_path / "b.tif") for word in command))
    assert (exit_code, result["success"], result["error"]["code"]) == (1, False, "photo_unreadable")
    assert (fal.submits, [str(w.message) for w in recwarn if "PIL" in w.filename]) == (0, [])


def test_what_was_not_finished_in_time_is_listed_and_resumed_without_another_post(
    likeness: Shell, fal: FakeFal
) -> None:
    fal.plan(never=True)
    code, result = likeness("create", "a boat", JOB_DEADLINE_SECONDS="1")
    assert (code, result["error"]["code"]) == (1, "deadline")
    assert result["tried"] == [{"provider": "fal", "outcome": "failed", "code": "deadline"}]
    _, listed = likeness("jobs", "list")
    assert [(row["key"], row["made"]) for row in listed["requests"]] == [(result["key"], False)]
    for job in fal.jobs.values():
        job.plan = type(job.plan)()
    code, resumed = likeness("jobs", "resume", result["key"])
    assert (code, resumed["success"], resumed["key"], fal.submits) == (0, True, result["key"], 1)
    _, listed = likeness("jobs", "list")
    assert [row["made"] for row in listed["requests"]] == [True]


def test_what_was_spent_is_told_by_costs(likeness: Shell) -> None:
    assert likeness("create", "a boat")[0] == 0
    code, costs = likeness("costs", "--by", "provider", "--entries")
    assert (code, costs["total"], costs["currency"]) == (0, 0.15, "USD")
    assert costs["rows"] == [{"key": "fal", "amount": 0.15, "pictures": 1, "requests": 1}]
    assert {entry["type"] for entry in costs["entries"]} == {"estimate", "charge", "give_back"}
