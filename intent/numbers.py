"""How many, how large, which shape: counts, scale and ratio out of digits and number words."""

import re

from intent.lexicon.patterns import pattern, prefilter, prefiltered
from intent.prefilter import any_of
from intent.scan import Scan

MOST = 8
_ZH = {
    "一": 1,
    "二": 2,
    "两": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
    "十": 10,
    "俩": 2,
    "仨": 3,
    "一打": 12,
    "半打": 6,
    "壹": 1,
}
_EN = {
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "twenty": 20,
    "a couple": 2,
    "couple": 2,
    "a pair": 2,
    "a few": 3,
    "few": 3,
    "some": 3,
    "several": 3,
    "a bunch": 4,
    "bunch": 4,
    "bunches": 4,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "a hundred": 100,
    "one hundred": 100,
    "hundred": 100,
    "hundreds": 100,
    "a thousand": 1000,
    "half a dozen": 6,
    "a dozen": 12,
    "dozen": 12,
    "loads": 4,
    "lots": 4,
    "a handful": 4,
    "a trio": 3,
    "tons": 4,
    "multiple": 3,
    "a ton": 4,
    "a load": 4,
    "another": 1,
}
_EN_NUMBER = (
    "half a dozen|a dozen|a hundred|one hundred|a thousand|a couple|a pair|a few|a bunch|a handful|a trio|a ton|a load|"
    + "|".join(w for w in _EN if " " not in w)
)
_EN_PICTURES = (
    r"(?:photo|pic|picture|image|portrait|headshot|shot|selfie|version|option|variation|variant|copie|copy|piece|render|"
    r"avatar|take|edit|draft|design|look|of them|of these|of those|of it|of each|pls|please|plz|ones|wallpaper|poster|"
    r"illustration|drawing|sample|result|output|tries|picks|snap|choices|choice|alternative|concept|logo|sketche|more|"
    r"idea|different (?:one|version|photo|pic|picture|shot|option))"
)
_COUNT_EN = prefiltered("numbers", "count_en")
_COUNT_OF = prefilter(
    rf"(?<![\w.:/-])(\d{{1,3}}|{_EN_NUMBER}) (?:of (?:them|these|those|me(?! and\b))|in total|total)\b|"
    rf"(?:^|[,;.!?(]\s*)(\d{{1,3}}|{_EN_NUMBER}) (?:pls|please|plz|thanks|thx|ty)\b"
)
_COUNT_TAIL = prefiltered("numbers", "count_tail")
_TIMES = prefiltered("numbers", "times")
_LATIN = any_of(_COUNT_EN, _COUNT_OF, _COUNT_TAIL)
_LETTER = re.compile(r"[a-z]")
_MEASURE = (
    r"张|幅|款|版|份|组|副|帧|枚|p(?![a-z])|pcs|"
    r"个(?:不同|变化|新|其他|别|微调|相似|类似)?的?(?:版本|选择|选项|方案|变体|款式|图|样子|备选|效果)|"
    r"种(?:版本|方案|效果)|套|次(?=$|[,.!?])|个(?=[,.\s!?]|$)"
)
_COUNT_ZH = prefilter(
    rf"(?<![第这那哪前后上下每另几数\d.:/年月日xX])(多来几|多几|来个几|几十|几百|上百|几|好几|[一二两三四五六七八九十百俩仨壹]{{1,3}}|\d{{1,4}})\s*(?:{_MEASURE})"
)
_COUNT_OF_ZH = prefilter(
    r"(?:做|来|要|整|出|弄|搞|画|生成|设计)([两二三四五六七八几]|\d)个(?=[^,.!?个]{0,10}(?:头像|形象|立绘|公仔|卡通|版本))"
)
_COUNT_ALONE_ZH = prefilter(
    r"(?:来|要|做|出|整|弄|给我|搞|画|拍|生成|再来)个?(俩|仨)(?![弄整补来做拍合出p搞画修留换都也一]|人|孩子|娃|宝|口|字|小|朋友|闺女|儿子|姐|兄|哥|弟|妹|老)|"
    r"(?:来|要|做|出|整|弄|给我|搞|画|生成|[照像相图片])(?:个|上)?(一打|半打)(?!开|电话|扮|理|算|印|招)|"
    r"(?:^|[,.!?])(俩|仨|一打|半打)(?=$|[,.!?吧]|(?<=打)[^,.!?]{0,6}(?:头像|照|图|像|版|画|风))"
)
"""俩, 仨 and 一打 hold their measure in themselves."""
_PEOPLE_ZH = re.compile(r"(?:们|咱|姐妹?|兄弟|室|宿舍|闺蜜|孩子)[^,.!?张]{0,3}$|[了过]$")
"""Before a number: so many people (我们三个), or so many times it happened (延了三次)."""
_FILM = re.compile(r"\b(?:portra|ektar|iso|gold|provia|velvia|superia|hp5|fuji|kodak) $")
_ANY_COUNT = any_of(_COUNT_ZH, _COUNT_OF_ZH, _COUNT_ALONE_ZH) | _LATIN
_UNIT = re.compile(
    r"\s*-?(?:inch(?:es)?|cm|mm|ft|feet|foot|years?|yrs?|y/?o|months?|weeks?|days?|hours?|hrs?|min(?:ute)?s?|secs?|"
    r"mp|megapixels?|kb|mb|dpi|people|persons?|pounds?|lbs?|kg|bucks|dollars|euros|percent|[x×*]\s?\d)\b|\s?[\"″”%°$€£]"
)
"""What makes a number a size, an age, a time or a price: "2 inch photo" is one photo."""
_RATIO = prefilter(r"(?<![\d:.])(1\s?:\s?1|3\s?:\s?4|4\s?:\s?3|9\s?:\s?16|16\s?:\s?9)(?![\d:])")


def value_of(word: str) -> int:
    """How many a number word says, uncapped: 两, 十二, a dozen, a hundred."""
    if word.isdigit():
        return int(word)
    if word in _EN:
        return _EN[word]
    if word in _ZH:
        return _ZH[word]
    if "百" in word:
        return 100
    if "几" in word:
        return 20 if "十" in word else 4 if word.startswith("多") else 3
    if len(word) == 1:
        return _ZH[word]
    if "十" in word:
        tens, _, ones = word.partition("十")
        return (_ZH.get(tens, 1) if tens else 1) * 10 + (_ZH.get(ones, 0) if ones else 0)
    return _ZH[word[0]]


_PLAIN_MEASURE = pattern("numbers", "plain_measure")


def _bare(after: str) -> bool:
    """Only a measure of pictures follows the number: nothing is lost by leaving both out."""
    return bool(_PLAIN_MEASURE.match(after))


def capped(n: int) -> int:
    return max(1, min(MOST, n))


_ENDING = prefiltered("numbers", "ending")


def ending(text: str) -> tuple[int, int] | None:
    """Where the number of pictures stands that a text ends with ("please do three "), and how many."""
    m = _ENDING.search(text)
    if not m or re.search(r"\b(?:the|my|our|these|those|all)\s+\S+\s+$", text):
        return None
    return m.start(1), value_of(m.group(1).removesuffix(" of"))


def counts(scan: Scan) -> list[tuple[int, int, int]]:
    """(start, end, how many) for each number of pictures said, in the order said. Worked out once a message."""
    if scan.counted is None:
        scan.counted = _counts(scan)
    return scan.counted


def _counts(scan: Scan) -> list[tuple[int, int, int]]:
    text = scan.text
    out: list[tuple[int, int, int]] = []
    if not scan.may & _ANY_COUNT:
        return out
    for m in _COUNT_ZH.finditer(text):
        if m.group() != "九份" and not _PEOPLE_ZH.search(text, max(0, m.start() - 8), m.start()):
            out.append((m.start(), m.end(), value_of(m.group(1))))
    for m in _COUNT_OF_ZH.finditer(text):
        if not any(a < m.end() and m.start(1) < b for a, b, _ in out):
            out.append((m.start(1), m.start(1), value_of(m.group(1))))
    for m in _COUNT_ALONE_ZH.finditer(text):
        at = next(i for i in (1, 2, 3) if m.group(i))
        if not any(a < m.end() and m.start(at) < b for a, b, _ in out):
            out.append((m.start(at), m.end(at), value_of(m.group(at))))
    if scan.may & _LATIN and _LETTER.search(text):
        for pattern in (_COUNT_EN, _COUNT_OF, _COUNT_TAIL):
            for m in pattern.finditer(text):
                said = 1 if m.group(1) else 2
                before = text[: m.start(said)]
                if before.endswith("the ") and text.startswith(" of ", m.end(said)):
                    continue  # "the two of them": who is in the picture
                if before.endswith(("us ", "all ")) or _FILM.search(before) or _UNIT.match(text, m.end(said)):
                    continue  # "just us two please": how many people, not how many pictures
                if not any(a < m.end(said) and m.start(said) < b for a, b, _ in out):
                    out.append(
                        (
                            m.start(said),
                            m.end() if _bare(text[m.end(said) : m.end()]) else m.end(said),
                            value_of(m.group(said)),
                        )
                    )
    if not out:
        return out
    out = [c for c in out if c[2] > 0 and not any(a <= c[0] and c[1] <= b for a, b in scan.quotes)]
    out.sort()
    return out


def ratio(scan: Scan) -> tuple[str, int, int] | None:
    """The shape said in digits and where it stands: (ratio, start, end)."""
    for m in _RATIO.finditer(scan.text):
        if not any(a <= m.start() and m.end() <= b for a, b in scan.quotes):
            return m.group(1).replace(" ", ""), m.start(), m.end()
    return None


_ANY = prefilter(r"\b(two|three|four|five|six|seven|eight|couple|few|[2-8])\b|([两二三四五六七八几])")


def any_number(text: str) -> int:
    """The first number in a short command ("another two"); 1 where there is none."""
    m = _ANY.search(text)
    return capped(value_of(m.group(1) or m.group(2))) if m else 1


_OTHERS = prefilter(
    r"(?<!第)([两二三四五六七八]|[2-8])(?:[个种款幅套]|不同)|"
    r"\b(two|three|four|five|six|seven|eight|couple|[2-8]) (?:other|alternat|alternate|different|like|similar|more|"
    r"others|takes|goes|framings|options|of)"
)


def others(text: str) -> int:
    """How many other versions are asked for ("three others", 再给两个); 1 where it is not said."""
    m = _OTHERS.search(text)
    return capped(value_of(m.group(1) or m.group(2))) if m else 1


def times(scan: Scan) -> tuple[int, int, int] | None:
    """(start, end, how many) where it is said as a factor: `x3`, `3x`."""
    m = _TIMES.search(scan.text)
    return (m.start(), m.end(), int(m.group(1) or m.group(2))) if m else None
