"""A series in any form: the message cut at whatever separates, each piece read by itself."""

import re

from intent.evidence import Evidence
from intent.extract import says_nothing, tidy
from intent.intent import SeriesItem
from intent.scan import Scan
from intent.styles import styles

_READ = 600
_MOST = 8
_HEADER = re.compile(r"^[^:：]{0,40}[:：]\s*(?=\S)")
_SEPARATOR = re.compile(
    r"\s*(?:[,;、/+&|\n]|(?<=\s)[-–](?=\s)|(?<![\d.])[1-8][.)]\s|\b(?:and then|and|then|plus|also)\b|"
    r"然后|还有|以及|另外|最后|再来|再|(?<=[张个])和|和(?!服)|跟)\s*"
)
_EMPTY = re.compile(
    r"^(?:one|another|each|three|two|four|pics?|pictures?|photos?|please|pls|thanks|first|last|me|make|give me|do|"
    r"i want|want|一[张个]|[两三四五六]种|[两三四五六]张|各|都|"
    r"各一张|各来一张|给我|来|要|帮我|做|的|一套|不同|风格|先|那种|吧|谢谢|[\s.!?~])*$"
)
_LEAD = re.compile(
    r"^(?:(?:please|pls|can you|could you|give me|do me|make me|do|make|i want|i'd like|let's do|a set|one|another|an?|"
    r"as|first|给我|帮我|我要|想要|来|要|做|出|一[张个]|再来|再|先|最后|先来|分别)[\s:]*)+"
)


def segmented(e: Evidence) -> list[SeriesItem]:
    """The pictures in the order said, each a style or, where none is found, the person's own words; [] below two."""
    scan = e.scan
    text = scan.text[:_READ]
    start = m.end() if (m := _HEADER.match(text)) else 0
    items: list[SeriesItem] = []
    edges = [start]
    for m in _SEPARATOR.finditer(text, start):
        if not any(a < m.start() < b for a, b in scan.quotes):
            edges += [m.start(), m.end()]
    edges.append(len(text))
    for a, b in zip(edges[::2], edges[1::2], strict=True):
        item = _item(scan, a, b)
        if item is not None:
            items.append(item)
    return items[:_MOST] if len(items) >= 2 else []


def _item(scan: Scan, a: int, b: int) -> SeriesItem | None:
    piece = scan.text[a:b]
    if _EMPTY.match(piece.strip()) or says_nothing(piece):
        return None
    said = Scan(piece, scan.photos)
    found = styles(said)
    key, worth = found.best()
    raw_a, raw_b = scan.normalized.raw_span(a, b)
    words = tidy(scan.raw[raw_a:raw_b])
    if key is not None and worth > 0.3:
        return SeriesItem(style=key, scene=words)
    lead = _LEAD.match(piece)
    if lead and lead.end() < len(piece):
        raw_a, raw_b = scan.normalized.raw_span(a + lead.end(), b)
        words = tidy(scan.raw[raw_a:raw_b])
    return SeriesItem(prompt=words) if words else None
