"""What the learned choice sees of a message: pieces of its letters, its words, and what the lexicon found, hashed.

Pieces are taken of the whole, once more of the clause that asks (the last one, as people write), and once more together
with how many photos lie there: "remove him" beside a photo is another thing than without one.
"""

import re
from itertools import pairwise
from zlib import crc32

from intent.scan import Scan

_READ = 600
"""Characters that are looked at: the first three quarters of this and the last quarter."""
_WORD = re.compile(r"[a-z']+|\d+")
_HAN = re.compile(r"[\u3400-\u9fff]")
_END = re.compile(r"[,.;!?\n，。！？；]+")
_EDGES = " ,.;!?\n，。！？；"
_QUESTION = re.compile(r"[?？]|吗|呢|吧")
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
    photos = f"p{min(scan.photos, 2)}"
    said: set[str] = {photos + "  "}
    edged = f"\x02{text}\x03"
    size = len(edged)
    for n in (1, 2, 3, 4):
        said.update([edged[i : i + n] for i in range(size - n + 1)])
    words = _WORD.findall(text)
    strung = [f"{a} {b} " for a, b in pairwise(words)]
    said.update(["w" + word + " " for word in words])
    said.update(["b" + pair for pair in strung])
    beside = words + strung
    if not text.isascii():
        beside += [piece for n in (2, 3) for i in range(size - n + 1) if not (piece := edged[i : i + n]).isascii()]
    said.update(["q" + photos + piece for piece in beside])
    said.update(_of_the_end(text))
    said.update(["F" + word for word in words[:2]])
    said.add("F" + text[:2])
    said.update(_of_the_shape(text, words, len(scan.cuts)))
    for hit in scan.hits:
        name = f"{hit.kind}:{hit.key}{'~' if hit.weak else ''}"
        said.add("h" + name)
        said.add(photos + name)
    return sorted({crc32(piece.encode()) for piece in said})


def _of_the_end(text: str) -> list[str]:
    """The words of the last clause, where most people say what they want."""
    last = _END.split(text.strip(_EDGES))[-1]
    pairs = [last[i : i + 2] for i in range(len(last) - 1)]
    return ["L" + word for word in _WORD.findall(last)] + ["L" + pair for pair in pairs if not pair.isascii()]


def _of_the_shape(text: str, words: list[str], cuts: int) -> list[str]:
    """How long it is, of how many clauses, and whether it asks."""
    length = len(words) + len(_HAN.findall(text))
    return [f"#long{min(length, 40) // 3}", f"#cut{min(5, cuts)}", f"#asks{bool(_QUESTION.search(text))}"]
