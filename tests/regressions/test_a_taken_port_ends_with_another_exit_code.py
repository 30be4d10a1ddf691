"""`likeness run` on a port that is taken ended with exit code 3; the contract knows 0, 1 and 2."""

import socket
from pathlib import Path

from tests.shell import Shell


def test_a_taken_port_is_a_failure_like_any_other(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = Shell(tmp_path)("run", "--port", str(taken.getsockname()[1]))
    assert (done.returncode, done.stdout) == (1, "")
    assert "address already in use" in done.stderr
    assert "Traceback" not in done.stderr
