"""The command line in an empty home: `shell("run", PORT="0")`."""

import os
import subprocess
import tempfile
from pathlib import Path

from tests.leaks import said
from tests.programs import ROOT, Program


class Shell:
    """Runs `likeness` in an empty home of its own, without any setting."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(self, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
        env = {"PATH": os.environ["PATH"], "HOME": str(self.home), "PYTHONPATH": str(ROOT), **env}
        with tempfile.TemporaryDirectory() as folder:
            out, err = Path(folder) / "out", Path(folder) / "err"
            code = Program(*words, env=env, cwd=self.home, stdout=out, stderr=err).result()
            done = subprocess.CompletedProcess(words, code, out.read_text("utf-8"), err.read_text("utf-8"))
            said(done.stdout)
            said(done.stderr)
            return done
