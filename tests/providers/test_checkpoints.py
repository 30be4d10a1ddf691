"""What the name of a checkpoint tells."""

import pytest

from providers.checkpoints import Checkpoint, find

NAMES = ("sd/dreamshaper_8.safetensors [879db523c3]", "sd_xl_base_1.0.safetensors", "RealVisXL_V4.0_Lightning.ckpt")


@pytest.mark.parametrize(
    ("name", "side", "steps", "cfg"),
    [
        ("sd_xl_base_1.0.safetensors [31e35c80fc]", 1024, 28, 7.0),
        ("RealVisXL_V4.0_Lightning.safetensors", 1024, 8, 1.5),
        ("dreamshaper_8.safetensors", 512, 28, 7.0),
        ("flux1-dev-fp8.safetensors", 1024, 28, 1.0),
        ("somebody's own.ckpt", 512, 28, 7.0),
    ],
)
def test_a_name_tells_size_steps_and_guidance(name: str, side: int, steps: int, cfg: float) -> None:
    checkpoint = Checkpoint(name=name)
    assert (checkpoint.side, checkpoint.steps("nanopro"), checkpoint.cfg) == (side, steps, cfg)


@pytest.mark.parametrize("ratio", ["1:1", "3:4", "4:3", "9:16", "16:9"])
@pytest.mark.parametrize("name", ["sd_xl.safetensors", "v1-5.safetensors"])
def test_sizes_come_in_steps_of_eight_and_near_the_ratio(name: str, ratio: str) -> None:
    width, height = Checkpoint(name=name).size(ratio)
    across, down = (int(part) for part in ratio.split(":"))
    assert width % 8 == height % 8 == 0
    assert width / height == pytest.approx(across / down, rel=0.05)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("sd/dreamshaper_8.safetensors [879db523c3]", NAMES[0]),
        ("sd/dreamshaper_8.safetensors", NAMES[0]),
        ("DreamShaper_8", NAMES[0]),
        ("sd_xl_base_1.0", NAMES[1]),
        ("sd_xl_base", None),
    ],
)
def test_a_checkpoint_is_found_by_its_whole_name_or_what_people_write(wanted: str, found: str | None) -> None:
    assert find(NAMES, wanted) == found
