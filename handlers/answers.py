"""Words that answer an open question: a number, yes or no, or the name of what was offered."""

import re
import unicodedata
from collections import Counter

from handlers.table import Question

_NUMERALS = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "十": 10}
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4}
_YES = frozenset({
    "y", "yes", "yep", "yeah", "ok", "okay", "sure", "go", "go ahead", "do it", "start", "yes please", "please do",
    "好", "好的", "好啊", "行", "可以", "是", "是的", "对", "要", "开始", "开始吧", "确认", "确定", "嗯", "没问题",
    "做吧",
})  # fmt: skip
_NO = frozenset({
    "n", "no", "nope", "no thanks", "don't", "stop", "never mind", "nevermind", "leave it",
    "不", "不要", "不用", "不用了", "不要了", "不了", "算了", "别", "不做了", "先不", "否",
})  # fmt: skip


def folded(text: str) -> str:
    """Width, case, edges and end punctuation made equal."""
    return unicodedata.normalize("NFKC", text).casefold().strip().strip(".。!！?？,，~～ ")


def number_in(text: str, most: int) -> int | None:
    """The number a short answer names (`2`, `第二个`, `the second one`, `②`), from 1 to `most`."""
    plain = folded(text)
    found: int | None = None
    if m := re.fullmatch(r"(?:第|选|要|no\.? ?|number |#|option )?\s*(\d{1,2})\s*(?:个|张|号|种|款|\))?", plain):
        found = int(m[1])
    elif m := re.fullmatch(r"(?:第|选|要)?([一二两三四五六七八九十])(?:个|张|号|种|款)?", plain):
        found = _NUMERALS[m[1]]
    elif m := re.fullmatch(r"(?:the )?(\w+)(?: one| picture| photo)?", plain):
        found = _ORDINALS.get(m[1])
    return found if found and 1 <= found <= most else None


def picture_named(text: str, most: int) -> int | None:
    """Which of several pictures the words single out (`第二张亮一点`, `make the 2nd one brighter`), from 1."""
    plain = folded(text)
    if m := re.search(r"第\s*([一二三四五六七八]|\d)\s*[张幅个]", plain):
        n = _NUMERALS.get(m[1]) or int(m[1])
    elif m := re.search(
        r"\b(first|second|third|fourth|fifth|1st|2nd|3rd|4th)\b (?:one|picture|photo|image|pic)\b", plain
    ):
        n = _ORDINALS[m[1]]
    elif m := re.search(r"(?:#|number |picture |photo |no\. ?)(\d)\b", plain):
        n = int(m[1])
    else:
        return None
    return n if 1 <= n <= most else None


def yes_or_no(text: str) -> bool | None:
    plain = folded(text)
    if plain in _YES:
        return True
    return False if plain in _NO else None


def answer(question: Question, text: str) -> str | None:
    """The id of the offered choice these words pick, or None where they pick none, or more than one."""
    if not question.options:
        return None
    if (n := number_in(text, len(question.options))) is not None:
        return question.options[n - 1]
    plain = folded(text)
    for option, label in zip(question.options, question.labels, strict=False):
        if plain in (folded(label), option, option.partition(":")[2]):
            return option
    if len(plain) > 24:
        return None
    return _by_distinguishing_words(question, plain)


def _by_distinguishing_words(question: Question, plain: str) -> str | None:
    """`海边` picks `海边约会` out of four dating styles: words that only one of the names has."""
    parts = [_features(label) for label in question.labels]
    common = Counter(f for features in parts for f in features)
    said = _features(plain)
    scores = [sum(len(f) for f in features & said if common[f] == 1) for features in parts]
    best = max(scores, default=0)
    if best == 0 or scores.count(best) > 1:
        return None
    return question.options[scores.index(best)]


def _features(text: str) -> set[str]:
    plain = folded(text)
    latin = set(re.findall(r"[a-z0-9]{3,}", plain))
    han = re.findall(r"[\u4e00-\u9fff]+", plain)
    pairs = {run[i : i + 2] for run in han for i in range(len(run) - 1)}
    single = {c for run in han for c in run if c in "白蓝红"}
    return latin | pairs | single
