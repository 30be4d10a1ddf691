"""The fenced examples of a document, as a reader would copy them: the first line of each says into which file."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCED = re.compile(r"^```(\w+)\n(?:#|<!--) ([\w./-]+)(?: -->)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples(document: str) -> dict[str, str]:
    """File → text, in the order of the document; several blocks of one file are put together."""
    found: dict[str, str] = {}
    for _, name, text in _FENCED.findall((ROOT / "docs" / document).read_text("utf-8")):
        found[name] = found.get(name, "") + text
    return found
