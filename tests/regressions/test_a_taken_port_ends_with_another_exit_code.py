"""`likeness run` on a port that is taken ended with exit code 3; the contract knows 0, 1 and 2."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from tests.waiting import LONG

ROOT = Path(__file__).parents[2]


def test_a_taken_port_is_a_failure_like_any_other(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                "from bot.cli import main; main(prog_name='likeness')",
                "run",
                "--port",
                str(taken.getsockname()[1]),
            ],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
            timeout=LONG,
        )
    assert (done.returncode, done.stdout) == (1, "")
    assert "address already in use" in done.stderr
    assert "Traceback" not in done.stderr
