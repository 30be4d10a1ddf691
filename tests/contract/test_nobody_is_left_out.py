"""What registers itself is in the contract suites, has its settings, and can be built. A message says what to do."""

from pathlib import Path

import pytest

import bot.channels
from bot.channels.registry import registered
from bot.settings import Settings
from providers.configure import build_router
from providers.registry import services
from tests.contract.channels import PLATFORMS
from tests.contract.stages import SERVED, STAGES

APART = {"fal", "embedded"}
"""Their faults are tried by tests of their own: fal's fake is older than `FakeService`, embedded has no server."""


def test_every_service_has_a_stage_and_its_faults_are_tried() -> None:
    for key in services():
        assert key in STAGES, f"add a stage for {key} to STAGES in tests/contract/stages.py"
        assert key in SERVED or key in APART, (
            f"add {key} to SERVED in tests/contract/stages.py: its faults are not tried"
        )


@pytest.mark.parametrize("key", sorted(services()))
def test_every_service_is_built_of_its_settings(key: str, tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path / "data", output_dir=tmp_path / "made")
    service = services()[key]
    given = {name.strip().lower(): "http://127.0.0.1:9" for name in (service.setting or "").split(",") if name.strip()}
    fields = Settings.model_fields
    for name in given:
        assert name in fields, f"{key} is turned on by {name.upper()}, which providers/settings.py does not have"
    made = Settings.model_validate({**settings.model_dump(), **given})
    router = build_router(made)
    assert router.provider(key) is not None, f"{key} is not built where its setting is there"


def test_every_channel_is_put_through_the_contract() -> None:
    for channel in registered():
        said = channel.name.replace("_", " ")
        assert any(platform.startswith(said) for platform in PLATFORMS), (
            f"name a platform for {channel.name} in PLATFORMS and platform_of of tests/contract/channels.py"
        )


def test_no_channel_lies_in_a_folder_that_nobody_finds() -> None:
    for root in bot.channels.__path__:
        for folder in Path(root).iterdir():
            if (folder / "registration.py").is_file():
                assert (folder / "__init__.py").is_file(), f"bot/channels/{folder.name} needs an empty __init__.py"
