"""The command line in an empty home: `shell("run", PORT="0")`."""

import os
import subprocess
import tempfile
from pathlib import Path

from tests.leaks import said

ROOT = Path(__file__).parents[1]


class _Forker:
    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.shell"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        atexit.register(self._process.kill)

    def run(self, **what: Any) -> int:
        """The exit code of one command."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@cache
def _forker() -> _Forker:
    return _Forker()


class Shell:
    """Runs `likeness` in an empty home of its own, without any setting."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(self, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
        env = {"PATH": os.environ["PATH"], "HOME": str(self.home), "PYTHONPATH": str(ROOT), **env}
        with tempfile.TemporaryDirectory() as folder:
            out, err = Path(folder) / "out", Path(folder) / "err"
            code = _forker().run(words=words, home=str(self.home), env=env, out=str(out), err=str(err))
            done = subprocess.CompletedProcess(words, code, out.read_text("utf-8"), err.read_text("utf-8"))
            said(done.stdout)
            said(done.stderr)
            return done


def _serve() -> None:
    """Each line is a command; it is answered by its exit code."""
    import bot.channels
    from bot.cli import COMMANDS
    from providers.registry import services

    packages = [found.name for found in iter_modules(bot.channels.__path__, "bot.channels.") if found.ispkg]
    on_use = [f"{package}.channel" for package in packages]
    for module in ("bot.app", *on_use, *(named.partition(":")[0] for named in COMMANDS.values())):
        if find_spec(module):
            import_module(module)
    services()
    gc.freeze()
    for line in sys.stdin:
        what = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _be(what)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _be(what: dict[str, Any]) -> NoReturn:
    from bot.cli import main

    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for number, name in ((1, what["out"]), (2, what["err"])):
        file = os.open(name, os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(file, number)
        os.close(file)
    os.chdir(what["home"])
    os.environ.clear()
    os.environ.update(what["env"])
    sys.argv = ["likeness", *what["words"]]
    code: Any = 0
    try:
        main(prog_name="likeness")
    except SystemExit as left:
        code = left.code
    except BaseException:  # as the interpreter would tell it
        traceback.print_exc()
        code = 1
    # What the interpreter does at its end, but for taking its modules apart.
    threading._shutdown()  # type: ignore[attr-defined]  # untyped
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    _serve()
