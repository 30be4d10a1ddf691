"""Changes of the picture in the person's own words, which no action of the catalogue names."""

import re

from intent.patterns import gated, pattern
from intent.roles import AS_ZH, BA
from intent.scan import Scan

_OWN_EN = pattern("own", "own_en")
_OWN_ZH = gated("own", "own_zh")


_WHAT_IF = gated("own", "what_if")
_ON_SOMEBODY = re.compile(r"\bon (?:me|him|her|us|my (?:son|daughter|kid|baby|wife|husband|dog|cat))\b")
"""Clothes put on somebody: a portrait where they name a style ("put a chef hat on me")."""


def own_change(scan: Scan) -> str | None:
    """An order to change something in the picture that no action of the catalogue names."""
    for n in range(min(len(scan.cuts), 8) + 1):
        start, end = scan.clause_span(n)
        said = scan.text[start:end].lstrip(" ,;.!?\n")
        m = _OWN_EN.match(said)
        if m and not (_ON_SOMEBODY.search(said) and ("style" in scan.kinds or "hint" in scan.kinds)):
            return m.group()
    if not scan.has("relative", "bg") and (m := _WHAT_IF.search(scan.text)):
        return m.group()
    if scan.text.isascii():
        return None
    ba = BA.search(scan.text)
    if ba:
        return (
            None
            if re.match(r"^(?:我|自己|他|她|我们|我\w{1,3}|人|本人|大家|全家|他们|她们|我俩)$", ba.group(1))
            else ba.group()
        )
    m = _OWN_ZH.search(scan.text)
    return m.group() if m and not AS_ZH.search(scan.text) else None


_ONLY = gated("own", "only")


def confined(scan: Scan) -> str:
    return "local_edit" if _ONLY.search(scan.text) else "edit"
