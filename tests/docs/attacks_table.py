"""Writes docs/attacks.md: what was tried against the program, and what came of it, from the tests that try it.

    python -m tests.docs.attacks_table          writes the page; a test says which of its lines are no tests any more

The answer is the name of a test, the attack one of the values it is run with.
"""

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from itertools import product
from typing import Any

from tests.docs.example import ROOT

PAGE = ROOT / "docs" / "attacks.md"
MODULES: Mapping[str, Sequence[str]] = {
    "Photos": ("tests.attacks.test_pictures", "tests.providers.media.test_files_of_many_pieces"),
    "Addresses and downloads": ("tests.providers.media.test_addresses", "tests.providers.media.test_downloads"),
    "HTTP at the door": ("tests.bot.test_front_door",),
    "XML, signatures, cookies, names, forms": ("tests.attacks.test_doors",),
    "Words and presses": ("tests.attacks.test_words_and_presses",),
    "The operator's page": ("tests.bot.test_admin_page",),
    "Limits, raced": ("tests.contract.test_ledger",),
}
_ONLY: Mapping[str, str] = {
    "tests.contract.test_ledger": "at_once|fifty",
    "tests.bot.test_admin_page": "password|session|site|form|made_up",
}
_HARMLESS = re.compile(
    "ordinary|usual|as_programs_write|public_address_is|greys|exactly|zlib|proxies|many_downloads|with_pauses|dead_the_next"
    "|is_a_provider|thumbnails|padding|restart|speaks|shows_the_numbers|do_what_the_words"
)
"""Tests of the same files that attack nothing."""
_LONGEST = 60
_INTRO = """\
# What was tried against it

Every line is a test that runs with the suite: what is tried, and what comes of it. Written from the tests themselves by
`python -m tests.docs.attacks_table`. `docs/public.md` says which settings matter where strangers come.
"""


def answers() -> frozenset[str]:
    """The first column, as it would be written now."""
    return frozenset(answer for modules in MODULES.values() for module in modules for answer, _, _ in _rows(module))


def page() -> str:
    parts, total = [], 0
    for title, modules in MODULES.items():
        rows = [row for module in modules for row in _rows(module)]
        total += sum(count for _, count, _ in rows)
        lines = [f"| {answer} | {count} | {attacks} |" for answer, count, attacks in rows]
        parts.append("\n".join((f"## {title}", "", "| what comes of it | tried | by |", "| --- | --- | --- |", *lines)))
    return f"{_INTRO}\n{total} attacks in all.\n\n" + "\n\n".join(parts) + "\n"


def _rows(module: str) -> Iterator[tuple[str, int, str]]:
    only = re.compile(_ONLY.get(module, ""))
    for name, test in inspect.getmembers(import_module(module), inspect.isfunction):
        if not name.startswith("test_") or test.__module__ != module or not only.search(name) or _HARMLESS.search(name):
            continue
        attacks = list(_attacks(test))
        told = ", ".join(dict.fromkeys(attacks)) if attacks != [""] else ""
        yield name.removeprefix("test_").replace("_", " "), len(attacks), told


def _attacks(test: Any) -> Iterator[str]:
    """Each set of values the test is run with, as words; one empty word for a test without any."""
    marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    for values in product(*(_values(mark) for mark in marks)):
        yield " · ".join(values)


def _values(mark: Any) -> list[str]:
    ids = mark.kwargs.get("ids")
    names = list(ids) if isinstance(ids, Sequence | Mapping) and not isinstance(ids, range) else []
    given = list(mark.args[1])
    return [_shown(names[n]) if n < len(names) else _shown(value) for n, value in enumerate(given)]


def _shown(value: Any) -> str:
    """Short, on one line, and no Markdown of its own."""
    value = getattr(value, "values", value)
    if isinstance(value, tuple | list) and value:
        return _shown(value[0])
    text = value if isinstance(value, str) else "a function" if callable(value) else repr(value)
    plain = "".join(c if c.isascii() and c.isprintable() else f"\\u{ord(c):04x}" for c in text[:_LONGEST])
    cut = plain[:_LONGEST] + ("…" if len(plain) > _LONGEST or len(text) > _LONGEST else "")
    return "`" + cut.replace("|", "\\|").replace("`", "'") + "`" if cut else "nothing"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
