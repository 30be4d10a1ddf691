"""What the learned choice sees of a message: pieces of its letters, its words, and what the lexicon found, hashed."""

import re
from itertools import pairwise
from zlib import crc32

from intent.scan import Scan

_READ = 600
"""Characters that are looked at: the first three quarters of this and the last quarter."""
_WORD = re.compile(r"[a-z']+|\d+")
_POLITE_END = re.compile(
    r"(?:[\s,.!~]*(?:\b(?:please|pls|plz|thanks|thank you)\b|"
    r"谢谢[你您]?[啦了哦]?|麻烦[你您]?了?|拜托了?|🙏))+[\s,.!~]*$"
)
"""Politeness at the end changes nothing."""


def features(scan: Scan) -> list[int]:
    """A message's features as 32-bit hashes, each once, sorted."""
    text = scan.text
    m = _POLITE_END.search(text, max(0, len(text) - 40))
    if m and m.start() > 1:
        text = text[: m.start()]
    if len(text) > _READ:
        text = text[: _READ * 3 // 4] + "\n" + text[-_READ // 4 :]
    said: set[str] = set()
    edged = f"\x02{text}\x03"
    size = len(edged)
    for n in (1, 2, 3, 4):
        said.update([edged[i : i + n] for i in range(size - n + 1)])
    words = _WORD.findall(text)
    said.update(["w" + word + " " for word in words])
    said.update([f"b{a} {b} " for a, b in pairwise(words)])
    photos = f"p{min(scan.photos, 2)}"
    said.add(photos + "  ")
    for hit in scan.hits:
        name = f"{hit.kind}:{hit.key}{'~' if hit.weak else ''}"
        said.add("h" + name)
        said.add(photos + name)
    return sorted({crc32(piece.encode()) for piece in said})
