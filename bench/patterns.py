"""Which lines of the rules' patterns any labelled message needs: `python -m bench.patterns [--unused]`.

Every message of `intent/data/` but the held-out writers' is read once, and each call of a pattern that finds something
is put down to the first line (alternative) that finds it there. A line that was never the first reads nothing that the
others do not, on some 20,000 messages by 170 hands: `--unused` prints those, so that they can be looked at and deleted.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence

from intent import parse
from intent.corpus import messages_of, writers
from intent.lexicon import patterns
from intent.prefilter import Prefiltered

Name = tuple[str, str]
_USED: Counter[tuple[Name, int]] = Counter()


class _Watched:
    """A pattern that notes which of its lines found something."""

    def __init__(self, name: Name, lines: Sequence[str], needed: int) -> None:
        self.name = name
        self.pattern = "|".join(lines)
        self.needed = needed
        self._whole = re.compile(self.pattern)
        self._lines = [re.compile(line) for line in lines]

    def _note(self, m: re.Match[str] | None) -> re.Match[str] | None:
        if m is not None:
            for n, line in enumerate(self._lines):
                if (own := line.match(m.string, m.start())) is not None and own.end() == m.end():
                    _USED[self.name, n] += 1
                    break
        return m

    def search(self, text: str, *at: int) -> re.Match[str] | None:
        return self._note(self._whole.search(text, *at))

    def match(self, text: str, *at: int) -> re.Match[str] | None:
        return self._note(self._whole.match(text, *at))

    def fullmatch(self, text: str, *at: int) -> re.Match[str] | None:
        return self._note(self._whole.fullmatch(text, *at))

    def finditer(self, text: str, *at: int) -> Iterator[re.Match[str]]:
        for m in self._whole.finditer(text, *at):
            self._note(m)
            yield m

    def findall(self, text: str) -> list[str]:
        for m in self._whole.finditer(text):
            self._note(m)
        return self._whole.findall(text)

    def each(self, text: str) -> Iterator[re.Match[str]]:
        for n, line in enumerate(self._lines):
            for m in line.finditer(text):
                _USED[self.name, n] += 1
                yield m

    def sub(self, by: str, text: str, count: int = 0) -> str:
        for m in self._whole.finditer(text):
            self._note(m)
        return self._whole.sub(by, text, count=count)

    def split(self, text: str, most: int = 0) -> list[str | None]:
        for m in self._whole.finditer(text):
            self._note(m)
        return self._whole.split(text, most)


def watched() -> dict[Name, list[str]]:
    """Puts a watched pattern in the place of each, wherever a module of `intent` holds it; all lines by name."""
    lines = {
        (module, name): patterns._lines(module, name) for module, table in patterns._tables().items() for name in table
    }
    names = {"|".join(patterns._shorter(alternatives)): name for name, alternatives in lines.items()}
    found: dict[Name, list[str]] = {}
    for module in [module for name, module in sys.modules.items() if name.startswith("intent.")]:
        for attribute, value in vars(module).items():
            if isinstance(value, re.Pattern | Prefiltered) and (name := names.get(value.pattern)) is not None:
                found[name] = lines[name]
                setattr(module, attribute, _Watched(name, lines[name], getattr(value, "needed", 1)))
    return found


def lines_used() -> tuple[dict[Name, list[str]], Counter[tuple[Name, int]]]:
    """All lines, and how often each was the first to find something."""
    lines = watched()
    for writer in writers().values():
        for row in [] if writer.held_out else messages_of(writer):
            parse(row.text, photos=row.photos)
    return lines, _USED


def main(unused: bool) -> None:
    lines, used = lines_used()
    for name, alternatives in lines.items():
        idle = [n for n in range(len(alternatives)) if not used[name, n]]
        print(f"{'.'.join(name):32s} {len(alternatives):4d} lines, {len(idle):4d} never needed")
        for n in idle if unused else ():
            print(f"    {alternatives[n][:150]}")
    print(f"{sum(map(len, lines.values()))} lines, {len(used)} needed")


if __name__ == "__main__":
    main("--unused" in sys.argv)
