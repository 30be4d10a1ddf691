"""The examples in the docstrings of the Python API, run as they stand, by a program with fal set up."""

import inspect
import json
import subprocess
import sys
import textwrap
from pathlib import Path

from PIL import Image

import providers
from providers.api import functions
from tests.servers.fal import KEY, FakeFal
from tests.waiting import LONG

NAMES = (
    "generate_portrait", "generate_series", "edit_image", "generate_image", "upscale_image", "variate_image",
    "transfer_style", "remove_background",
)  # fmt: skip
PROGRAM = """
import ast, asyncio, json, sys
import providers

async def run(code):
    names = dict(vars(providers), **{name: getattr(providers, name) for name in providers.__all__})
    made = eval(compile(code, "example", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
    await made
    return names["result"]

examples = json.load(sys.stdin)
results = {name: asyncio.run(run(code)) for name, code in examples.items()}
print()
print(json.dumps(results))
"""


def example_of(name: str) -> str:
    text = inspect.getdoc(getattr(functions, name)) or ""
    return textwrap.dedent(text.partition("Example:\n\n")[2])


def test_every_example_makes_its_pictures(fal: FakeFal, tmp_path: Path) -> None:
    for name in ("me.jpg", "painting.jpg"):
        Image.new("RGB", (300, 400), (180, 140, 120)).save(tmp_path / name)
    examples = {name: example_of(name) for name in NAMES}
    assert all("await" in code for code in examples.values())
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env={
            "FAL_KEY": KEY,
            "FAL_QUEUE_URL": fal.url,
            "POLL_SCALE": "0.05",
            "PYTHONPATH": str(Path(providers.__file__).parents[1]),
        },
        input=json.dumps(examples),
        capture_output=True,
        text=True,
        check=False,
        timeout=LONG,
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout.splitlines()[-1])
    assert {name: (r["success"], r["count_generated"], r["errors"]) for name, r in results.items()} == {
        "generate_portrait": (True, 2, []),
        "generate_series": (True, 2, []),
        "edit_image": (True, 1, []),
        "generate_image": (True, 2, []),
        "upscale_image": (True, 1, []),
        "variate_image": (True, 4, []),
        "transfer_style": (True, 1, []),
        "remove_background": (True, 1, []),
    }
