"""How commands print: one JSON document on stdout with `--json`, plain lines without; everything else on stderr."""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print exactly one JSON document on stdout.")


def print_json(document: object) -> None:
    """The one document. Real characters, no escapes, so that Chinese stays readable."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2, default=str) + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """A line for the person at the terminal, never on stdout."""
    click.echo(text, err=True)


def failure(code: str, message: str, *, retryable: bool = False) -> dict[str, Any]:
    return {"success": False, "error": {"code": code, "message": message, "retryable": retryable}}


def fail(document: Mapping[str, Any], as_json: bool) -> NoReturn:
    """Report a failure and end with exit code 1."""
    if as_json:
        print_json(document)
    else:
        say(f"Error: {document['error']['message']} ({document['error']['code']})")
    raise SystemExit(1)
