"""Changes of the picture in the person's own words, which no action of the catalogue names."""

import re

from intent.lexicon.patterns import pattern, prefiltered
from intent.personas import AS_ZH, BA
from intent.scan import Scan

_OWN_EN = pattern("free_edits", "own_en")
_OWN_ZH = prefiltered("free_edits", "own_zh")


_WHAT_IF = prefiltered("free_edits", "what_if")
_ON_SOMEBODY = re.compile(r"\bon (?:me|him|her|us|my (?:son|daughter|kid|baby|wife|husband|dog|cat))\b")
"""Clothes put on somebody: a portrait where they name a style ("put a chef hat on me")."""


def free_edit(scan: Scan) -> str | None:
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


_ONLY = prefiltered("free_edits", "only")


def confined(scan: Scan) -> str:
    return "local_edit" if _ONLY.search(scan.text) else "edit"
