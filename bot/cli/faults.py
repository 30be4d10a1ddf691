"""What a command says when it cannot even begin: wrong usage (exit 2), settings, folders or a database that do not
work, a bug of ours (exit 1). With `--json` among the arguments it is one JSON document; never an exception's text or a
setting's value, because either may be a secret."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from traceback import extract_tb
from typing import Any, NoReturn

import click
from pydantic import ValidationError

from bot.cli.output import failure, print_json


def guarded(run: Callable[[], Any], words: Sequence[str]) -> NoReturn:
    """Call `run` and end the process with its exit code, or with a sentence saying what went wrong."""
    as_json = "--json" in _options(words)
    try:
        code = run()
    except click.UsageError as error:
        if as_json:
            print_json(failure("usage", error.format_message()))
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        _failed("command_failed", error.format_message(), as_json)
    except (click.Abort, KeyboardInterrupt):
        _failed("interrupted", "Stopped.", as_json)
    except BrokenPipeError:  # the reader of our output is gone; nothing can be said there
        sys.stderr.close()
        sys.exit(1)
    except ValidationError as error:
        _failed("bad_settings", _settings(error), as_json)
    except OSError as error:
        _failed("no_access", _path(error), as_json)
    except Exception as error:
        if (fault := getattr(sys.modules.get("bot.setup_faults"), "SetupFault", None)) and isinstance(error, fault):
            _failed(error.code, f"{error.name}: {error.message}.", as_json)
        if _of_database(error):
            _failed(*_why(error), as_json)
        _failed("internal", f"Something of ours broke: {type(error).__name__} at {_place(error)}.", as_json)
    sys.exit(code if isinstance(code, int) else 0)


def _options(words: Sequence[str]) -> Sequence[str]:
    return words[: words.index("--")] if "--" in words else words


def _failed(code: str, message: str, as_json: bool) -> NoReturn:
    if as_json:
        print_json(failure(code, message))
    else:
        click.echo(f"Error: {message} ({code})", err=True)
    sys.exit(1)


def _settings(error: ValidationError) -> str:
    """Names only."""
    names = sorted({str(e["loc"][0]).upper() if e["loc"] else error.title for e in error.errors()})
    return f"These settings have no valid value: {', '.join(names)}. See .env.example."


def _path(error: OSError) -> str:
    if error.filename is None:
        return "The system refused a file or a connection."
    return f"{error.filename} cannot be used: {(error.strerror or 'refused').lower()}."


def _place(error: Exception) -> str:
    """`module.py:12`, without the contents of the error or its variables."""
    frames = extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown place"


def _why(error: Exception) -> tuple[str, str]:
    """Code and sentence of a database error: which of its files or folders it is, as far as can be seen."""
    from bot.settings import Settings
    from bot.setup_faults import SetupFault, check_before_start
    from handlers.store.base import StoreCrowded
    from handlers.store.sql.connections import is_crowded

    settings = Settings()
    if isinstance(error, StoreCrowded) or is_crowded(error):
        return "database_full", (
            "The database has no connection left for this process. Each process takes at most DATABASE_CONNECTIONS "
            f"({settings.database_connections}): lower it for all of them, start fewer, or raise max_connections "
            "(docs/operating.md has the arithmetic)."
        )
    try:
        check_before_start(settings)
    except SetupFault as fault:
        return fault.code, f"{fault.name}: {fault.message}."
    if settings.database_url:
        return "database", (
            "The database at DATABASE_URL does not answer, or refuses this user: see that it runs, that the address, "
            "user and password are right, and that it has connections left."
        )
    return "database", f"The database files in {settings.data_dir} cannot be opened; look at DATA_DIR."


def _of_database(error: Exception) -> bool:
    """Checked by name: commands that use no database do not load its library."""
    loaded = [
        kind
        for module, name in (
            ("handlers.store.base", "StoreError"),
            ("sqlalchemy.exc", "SQLAlchemyError"),
            ("sqlite3", "Error"),
            ("psycopg", "Error"),
        )
        if (kind := getattr(sys.modules.get(module), name, None)) is not None
    ]
    return isinstance(error, tuple(loaded))
