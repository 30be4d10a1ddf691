"""Whether anything that the suite makes the program say shows a secret that the suite gives it.

Looked through after every test: what it printed, what was logged in this process and by each command, what every
channel's platform was sent to show to people, and what the web page answered. The secrets are found in the tests
themselves: constants called KEY, TOKEN, SECRET or PASSWORD, and whatever is given to a setting that is a secret.
"""

import logging
import re
import threading
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import get_args

import httpx
from pydantic import SecretStr

from bot.logs import NOISY, PlainLines
from bot.settings import Settings

TESTS = Path(__file__).parent
SHORTEST = 8
"""Characters: shorter ones are words that anybody may say."""
_CONSTANT = re.compile(r"^(?:[A-Z_]+, )*[A-Z_]*(?:KEY|TOKEN|SECRET|PASSWORD)(?:, [A-Z_]+)* = (.+)$", re.M)
_TEXT = re.compile(r"\"([^\"\\{}\s]+)\"")
_MOST = 1 << 20
"""Characters of one thing that was said."""


@cache
def secrets_used() -> frozenset[str]:
    """Every secret that stands in the suite."""
    names = "|".join(
        name
        for name, field in Settings.model_fields.items()
        if SecretStr in (field.annotation, *get_args(field.annotation))
    )
    given = re.compile(rf"\b(?:{names}|{names.upper()})\"?(?:=|: )(?:SecretStr\()?\"([^\"\\{{}}\s]+)\"")
    found: set[str] = set()
    for file in TESTS.rglob("*.py"):
        text = file.read_text("utf-8")
        found.update(given.findall(text))
        for line in _CONSTANT.findall(text):
            found.update(_TEXT.findall(line))
    found |= {part for secret in found for part in secret.split(":")}  # a bot's token without its number
    return frozenset(secret for secret in found if len(secret) >= SHORTEST)


class _Said(logging.Handler):
    """Lines as the program writes them, and what tests hand in, until the test is over."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(PlainLines())
        self._texts: list[str] = []
        self._mine = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno < logging.WARNING and record.name.partition(".")[0] in NOISY:
            return  # not written by the program; here the fakes' own servers say which address was asked for
        self.add(self.format(record))

    def add(self, text: str) -> None:
        with self._mine:
            self._texts.append(text[:_MOST])

    def taken(self) -> list[str]:
        with self._mine:
            texts, self._texts = self._texts, []
        return texts


SAID = _Said()


def said(text: str) -> None:
    """To a person, or by a command."""
    SAID.add(text)


async def answered(response: httpx.Response) -> None:
    """A hook for clients of the page: streams are left alone, pictures are no words."""
    kind = response.headers.get("content-type", "")
    if kind.startswith(("text/", "application/json")) and not kind.startswith("text/event-stream"):
        said(str(response.headers) + (await response.aread()).decode("utf-8", "replace"))


def leaked(texts: Iterable[str]) -> Iterator[str]:
    """The secrets in these texts."""
    whole = "\n".join(texts)
    yield from (secret for secret in secrets_used() if secret in whole)
