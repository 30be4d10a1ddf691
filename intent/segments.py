"""A series in any form: the message cut at whatever separates, each piece read by itself."""

import re

from intent.evidence import Evidence
from intent.extract import says_nothing, tidy
from intent.features import features
from intent.intent import SeriesItem
from intent.model import Model
from intent.numbers import value_of
from intent.scan import Scan
from intent.styles import styles

_READ = 600
_MOST = 8
_HINT = 0.3
_SURE = 0.35
"""The learned score from which a piece without a style's words is that style."""
_HEADER = re.compile(r"^[^:：]{0,40}[:：]\s*(?=\S)")
_SEPARATOR = re.compile(
    r"\s*(?:[,;、/+&|\n]|(?<=\s)[-–](?=\s)|(?<![\d.])[1-8][.)]\s|\b(?:and then|and|then|plus|also|vs)\b|"
    r"然后|还有|以及|另外|最后|再来|再|(?<=[张个])和|和(?!服)|跟(?!狗|猫))\s*|(?<=[^第])(?=第[一二三四五六]张)|\.\s+(?=\w+:)"
)
_ONE_ZH = re.compile(r"(?<=[的装照])(?=一张)|(?<=[^一各,、；:\s]一张)(?=[^,、;:\s的。.!?])")
"""Where 一张…一张 follow each other with nothing between: before the second, or after it where it stands behind."""
_SPACED = re.compile(r"(?<=[\u3400-\u9fff])\s+(?=[\u3400-\u9fff])")
_EMPTY = re.compile(
    r"^(?:one|another|each|of each|both|three|two|four|pics?|pictures?|photos?|images?|portraits?|posts?|looks?|"
    r"avatars?|please|pls|thanks|first|last|me|make|give me|do|i want|want|(?:a )?set|sep[ae]rate(?:ly)?|lah|okay|"
    r"一[张个]|[两三四五六]种|[两三四五六][张套款]|各|都|分开|一起|哪个|看看|"
    r"各一张|各来一张|给我|来|要|帮我|做|出|弄|的|一套|一共|这|不同|风格|先|那种|吧|啊|谢谢|三处用|[\s.:!?~])*$"
)
_KINDS = re.compile(
    r"([两三四五六七八])(?:[种样张套款处身]|个(?:造型|样|不同|风格|角色|扮相|场景))|"
    r"\b(two|three|four|five|six)\b(?! (?:of us|people|kids))"
)
_EACH_ONE = re.compile(r"一[张个]|\bone\b")
_ONE_MORE = re.compile(r"一[张个]|\bone\b|\ban?\b|版|[的樣样]$")
_IN_A_LIST = (
    ("casual", re.compile(
        r"平[常时]|便[装服]|轻松|随意|放假|普通|日常|\b(?:normal|plain|regular|relax(?:ed)?|informal|everyday|weekend|"
        r"just me|hoodie|jeans)\b"
    )),
    ("professional", re.compile(
        r"正儿八经|正经|返工|上班|见客户|\b(?:work|serious|dressy|staff|formal|black tie)\b"
    )),
    ("vintage", re.compile(r"老照片|旧照")),
    ("outdoor_adventure", re.compile(r"山[上里顶]|雪山|\b(?:mountain|hiking|trek)\b")),
    ("travel_tropical", re.compile(r"海岛|海边|\bbeach\b")),
)  # fmt: skip
"""Words that name a style only where it stands beside others: "one formal, one normal"."""
_LEAD = re.compile(
    r"^(?:(?:please|pls|can you|could you|give me|do me|make me|do|make|i want|i'd like|let's do|a set|one|another|an?|"
    r"as|first|给我|帮我|我要|想要|来|要|做|出|一[张个]|再来|再|先|最后|先来|分别)[\s:]*)+"
)


def segmented(e: Evidence, learned: Model) -> list[SeriesItem]:
    """The pictures in the order said, each a style or, where none is found, the person's own words; [] below two."""
    scan = e.scan
    text = scan.text[:_READ]
    start = m.end() if (m := _HEADER.match(text)) else 0
    cuts = list(_SEPARATOR.finditer(text, start))
    if text.count("一张", start) >= 2:
        cuts += _ONE_ZH.finditer(text, start)
    if not cuts:
        cuts += _SPACED.finditer(text, start)
    items: list[SeriesItem] = []
    edges = [start]
    for m in sorted(cuts, key=lambda cut: cut.span()):
        if m.start() >= edges[-1] and not any(a < m.start() < b for a, b in scan.quotes):
            edges += [m.start(), m.end()]
    edges.append(len(text))
    for a, b in zip(edges[::2], edges[1::2], strict=True):
        item = _item(scan, a, b, learned)
        if item is not None:
            items.append(item)
    items = _as_many(scan, items)
    return items[:_MOST] if len(items) >= 2 else []


def _as_many(scan: Scan, items: list[SeriesItem]) -> list[SeriesItem]:
    """Without a closing remark that was read as one more picture ("…, for the shop's page")."""
    said = _said(scan)
    while len(items) > max(2, said or 2):
        last, first = items[-1], items[0]
        if last.style is None and (said or not _ONE_MORE.search(last.prompt or "")) and _others_named(items[:-1]):
            items = items[:-1]
        elif said and first.style is None and _others_named(items[1:]):
            items = items[1:]
        else:
            break
    return items


def _others_named(items: list[SeriesItem]) -> bool:
    return all(item.style is not None for item in items)


def many_said(scan: Scan, many: int) -> bool:
    """Whether the words say that there are to be so many: by a number, or by "one …" said as often."""
    return _said(scan) == many or len(_EACH_ONE.findall(scan.text)) >= many


def _said(scan: Scan) -> int | None:
    """How many pictures are said to be wanted, where it is more than one."""
    m = _KINDS.search(scan.text)
    many = value_of(next(group for group in m.groups() if group)) if m else 0
    if many < 2:
        many = max((count for _, _, count in scan.counted or ()), default=0)
    return many if 2 <= many <= _MOST else None


def _item(scan: Scan, a: int, b: int, learned: Model) -> SeriesItem | None:
    piece = scan.text[a:b]
    if _EMPTY.match(piece.strip()) or says_nothing(piece):
        return None
    said = Scan(piece, scan.photos)
    key, worth = styles(said).best()
    raw_a, raw_b = scan.normalized.raw_span(a, b)
    words = tidy(scan.raw[raw_a:raw_b])
    if key is None or worth <= _HINT:
        key = _taught(said, learned) or next((style for style, words in _IN_A_LIST if words.search(piece)), None)
    if key is not None:
        return SeriesItem(style=key, scene=words)
    lead = _LEAD.match(piece)
    if lead and lead.end() < len(piece):
        raw_a, raw_b = scan.normalized.raw_span(a + lead.end(), b)
        words = tidy(scan.raw[raw_a:raw_b])
    return SeriesItem(prompt=words) if words else None


def _taught(piece: Scan, learned: Model) -> str | None:
    """The style that the learned side reads in one piece of a list, where it is sure enough."""
    scores = learned.scores(features(piece))
    best = int(scores.argmax())
    operation, _, key = learned.cores[best].partition(":")
    return key if operation == "portrait" and key and scores[best] >= _SURE else None
