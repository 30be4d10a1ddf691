"""Cutting `prompt` and `scene` out of what the person wrote: only whole pieces are left out, nothing is ever added."""

import re
from collections.abc import Iterable

from intent.scan import Scan

_EDGE = " \t\r\n,.;:!?，。；：！？、~～…-—+&|/"
_EDGE_END = " \t\r\n,;:，；：、~～-—+&|/。.!！?？"


def tidy(text: str) -> str | None:
    out = text.strip().lstrip(_EDGE).rstrip(_EDGE_END).strip()
    return out or None


def without(scan: Scan, drop: Iterable[tuple[int, int]]) -> str | None:
    """The raw text without the given folded spans, edges tidied. A clause left with nothing takes its comma along."""
    if not scan.whole:
        return tidy(scan.raw)
    spans = sorted(drop)
    keep: list[str] = []
    at = 0
    raw, fold = scan.raw, scan.folded
    for start, end in spans:
        if end <= at:
            continue
        start = max(start, at)
        a, b = fold.raw_span(at, start) if at < start else (0, 0)
        keep.append(raw[a:b])
        at = end
    if at < len(scan.text):
        a, _ = fold.raw_span(at, at + 1)
        keep.append(raw[a:])
    joined = "".join(keep)
    joined = re.sub(r"[ \t]{2,}", " ", joined)
    joined = re.sub(r"\s+([,，。；;!！?？])", r"\1", joined)
    joined = re.sub(r"([,，。；;、])(?:\s*[,，。；;、])+", r"\1", joined)
    return tidy(joined)
