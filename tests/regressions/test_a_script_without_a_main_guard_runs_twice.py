"""A plain script calling the Python API was run once more by the worker process: no picture, and a second paid call."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.waiting import LONG

ROOT = Path(__file__).parents[2]
SCRIPT = """
import asyncio
from pathlib import Path

from providers import edit_image

with Path("runs").open("a") as runs:
    runs.write("once\\n")
result = asyncio.run(edit_image("me.png", action="enhance", provider="embedded"))
print(result["success"], result["errors"])
"""


def test_a_script_without_a_main_guard_runs_once_and_gets_its_picture(tmp_path: Path) -> None:
    skimage = pytest.importorskip("skimage.data")
    Image.fromarray(skimage.astronaut()).resize((256, 256)).save(tmp_path / "me.png")
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=LONG,
    )
    assert (tmp_path / "runs").read_text() == "once\n"
    assert done.stdout.strip() == "True []", done.stderr
