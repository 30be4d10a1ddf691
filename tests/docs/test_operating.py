"""The files of `deploy/` and the operator's page name what there is: settings, commands, figures."""

import json
import re
from pathlib import Path

import pytest
import yaml

from bot.cli import COMMANDS
from bot.metrics import Metrics
from bot.settings import Settings
from handlers.store.sql.connections import LEAST, USUAL, Connections

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PAGE = (ROOT / "docs" / "operating.md").read_text("utf-8")
SETTINGS = {name.upper() for name in Settings.model_fields}
FIGURES = {metric.name for metric in Metrics().registry.collect()}


def figures_in(text: str) -> set[str]:
    return {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in re.findall(r"likeness_[a-z_]+", text)}


def test_the_dashboard_draws_figures_that_there_are() -> None:
    board = json.loads((DEPLOY / "grafana-dashboard.json").read_text("utf-8"))
    shown = figures_in(" ".join(t["expr"] for panel in board["panels"] for t in panel["targets"]))
    assert shown
    assert shown <= FIGURES


def test_the_page_shares_connections_as_the_program_does() -> None:
    rows = re.findall(r"^\| (\d+) .*\| (\d+) \+ (\d+) \+ (\d+) \+ 2 \| (\d+) \|$", PAGE, re.MULTILINE)
    assert len(rows) == 3
    for most, store, engine, client, processes in (map(int, row) for row in rows):
        assert Connections.of(most) == Connections(store=store, engine=engine, client=client)
        assert processes == (100 - 3) // most
    assert f"{USUAL} (default)" in PAGE
    assert f"{LEAST} (the least)" in PAGE


def test_the_page_names_figures_that_there_are() -> None:
    assert figures_in(PAGE) <= FIGURES


@pytest.mark.parametrize("unit", sorted(DEPLOY.glob("*.service")), ids=lambda path: path.name)
def test_a_unit_names_commands_and_settings_that_there_are(unit: Path) -> None:
    text = unit.read_text("utf-8")
    (command,) = re.findall(r"^ExecStart=\S+/likeness (\w+)", text, re.MULTILINE)
    assert command in COMMANDS
    (line,) = re.findall(r"^Environment=(.*)$", text, re.MULTILINE)
    assert {word.partition("=")[0] for word in line.split()} <= SETTINGS


def test_the_containers_name_commands_and_settings_that_there_are() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]
    ours = {name: service for name, service in services.items() if service["image"] == "likeness"}
    assert set(ours) == {"front", "worker"}
    for service in ours.values():
        assert service["command"][0] == "likeness"
        assert service["command"][1] in COMMANDS
        assert set(service["environment"]) <= SETTINGS
    image = (ROOT / "Dockerfile").read_text("utf-8")
    named = set(re.findall(r"^(?:ENV|   ) ([A-Z_]+)=", image, re.MULTILINE))
    assert named - {"PATH", "PYTHONUNBUFFERED"} <= SETTINGS
    assert re.search(r"^USER (?!root)", image, re.MULTILINE)


def test_the_page_names_commands_that_there_are() -> None:
    named = set(re.findall(r"`(?:[A-Z_]+=\S+ )?likeness ([a-z]+)", PAGE))
    named |= set(re.findall(r"^likeness ([a-z]+)", PAGE, re.MULTILINE))
    assert {"backup", "restore"} <= named <= set(COMMANDS)
