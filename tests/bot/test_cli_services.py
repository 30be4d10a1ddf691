"""`likeness providers`: every service there is, by the contract's fields; and the doctor, who looks at those set up."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bot.cli import main
from bot.cli.services import CAPABILITIES
from tests.servers.a1111 import FakeA1111
from tests.servers.openai import FakeOpenAI
from tests.servers.service import KEY
from tests.servers.stability import FakeStability

KEYS = ("fal", "openai", "stability", "bfl", "openrouter", "replicate", "dashscope", "a1111", "comfyui", "embedded")
FIELDS = {
    "name", "label", "setting", "configured", "operations", "models", "max_count", "max_photos", "consistency",
    "capabilities", "estimates",
}  # fmt: skip


def run(*words: str, folder: Path, **env: str) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(main, [*words, "--json"], env={"DATA_DIR": str(folder), "OUTPUT_DIR": str(folder), **env})
    document: dict[str, Any] = json.loads(done.stdout)
    return done.exit_code, document


def listed(folder: Path, **env: str) -> dict[str, dict[str, Any]]:
    code, document = run("providers", folder=folder, **env)
    assert (code, document["success"]) == (0, True)
    return {row["name"]: row for row in document["providers"]}


def test_all_nine_and_the_embedded_are_listed_whether_set_up_or_not(tmp_path: Path) -> None:
    rows = listed(tmp_path, OPENAI_API_KEY=KEY)
    assert set(rows) == set(KEYS)
    assert [name for name, row in rows.items() if row["configured"]] == ["openai", "embedded"]
    for name, row in rows.items():
        assert set(row) >= FIELDS
        assert (row["setting"] == "") == (name == "embedded")
        assert set(row["capabilities"]) == set(CAPABILITIES)
        assert {entry["support"] for entry in row["capabilities"].values()} <= {"native", "emulated", "no"}
        assert all(entry["how"] for entry in row["capabilities"].values() if entry["support"] == "emulated")
        assert row["models"]
        assert row["estimates"]
        assert all(set(estimate) >= {"usd", "seconds"} for estimate in row["estimates"].values())


@pytest.mark.parametrize(
    ("name", "capability", "support"),
    [
        ("openai", "upscale_2x", "no"),
        ("openai", "outpaint", "emulated"),
        ("openai", "inpaint", "native"),
        ("stability", "portrait", "no"),
        ("stability", "upscale_2x", "emulated"),
        ("stability", "upscale_4x", "native"),
        ("bfl", "remove_background", "no"),
        ("openrouter", "inpaint", "no"),
        ("a1111", "portrait", "native"),
    ],
)
def test_a_capability_is_native_emulated_or_not_there(tmp_path: Path, name: str, capability: str, support: str) -> None:
    assert listed(tmp_path)[name]["capabilities"][capability]["support"] == support


def test_who_holds_no_identity_says_so(tmp_path: Path) -> None:
    rows = listed(tmp_path)
    assert rows["openai"]["consistency"] == ["strict", "balanced", "loose"]
    assert rows["stability"]["consistency"] == []


def test_a_local_server_is_listed_with_what_it_has_and_the_other_kind_is_not_there(tmp_path: Path) -> None:
    with FakeA1111.running() as server:
        rows = listed(tmp_path, STABLE_DIFFUSION_LOCAL_BASE_URL=server.origin)
    assert (rows["a1111"]["configured"], rows["comfyui"]["configured"]) == (True, False)
    assert set(server.checkpoints) <= set(rows["a1111"]["models"])
    assert rows["a1111"]["capabilities"]["style_transfer"]["support"] == "no"
    assert rows["a1111"]["capabilities"]["portrait"] == {"support": "emulated", "how": "img2img"}
    assert "strict" not in rows["a1111"]["consistency"]


def test_the_table_fits_a_narrow_terminal_and_names_what_is_not_set_up(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["providers"], env={"DATA_DIR": str(tmp_path), "COLUMNS": "80"})
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines[1 : 1 + len(KEYS)]] == list(KEYS)
    assert "openai (OPENAI_API_KEY)" in " ".join(done.stdout.split())


def test_the_doctor_names_every_service_that_is_set_by_its_key_and_looking_costs_nothing(tmp_path: Path) -> None:
    with FakeOpenAI.serving() as openai, FakeStability.serving() as stability:
        env = {
            "OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": openai.url,
            "STABILITY_API_KEY": "another", "STABILITY_BASE_URL": stability.url,
            "BFL_API_KEY": KEY, "BFL_BASE_URL": "http://127.0.0.1:9",
        }  # fmt: skip
        code, document = run("doctor", folder=tmp_path, **env)
        verdicts = {finding["name"]: finding["verdict"] for finding in document["findings"]}
        assert (openai.submits, stability.submits) == (0, 0)
    assert {name: verdicts[name] for name in ("openai", "stability", "bfl", "embedded")} == {
        "openai": "ok", "stability": "broken", "bfl": "broken", "embedded": "ok",
    }  # fmt: skip
    assert (code, document["success"]) == (1, False)
    assert all(set(finding) == {"name", "verdict", "message"} for finding in document["findings"])
    assert "another" not in json.dumps(document)
