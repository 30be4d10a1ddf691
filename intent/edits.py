"""Which changes of the picture the words ask for."""

import re
from dataclasses import dataclass
from typing import Protocol

from intent.lexicon.patterns import prefilter, prefiltered
from intent.prefilter import any_of
from intent.scan import Hit, Scan
from intent.styles import negated

ALWAYS = frozenset(
    {
        "filter",
        "restore",
        "colorize",
        "remove_person",
        "text_render",
        "extend",
        "multi_angle",
        "character_sheet",
        "expression_sheet",
        "before_after",
        "comparison",
        "car_wrap",
        "car_color",
        "transfer_style",
        "variations",
        "upscale",
    }
)
"""Actions that work on a picture as it is: a style word beside them says what is in it."""
SPECIFIC_FIRST = ("edit", "local_edit")

_WRITE = prefiltered("edits", "write")
_TEXT_CHANGE = prefiltered("edits", "text_change")
_ADJECTIVAL = re.compile(r"'s|的(?!人|那|路|大|小|男|女|游|,|\.|$|都|全|给|去|p|删)")
_INSIDE = re.compile(r"\s*(?:里|中|上|的(?:人|路人|游客|杂物|电线)|people|person|guy|man|clutter|tourist|crowd)")
_CAR_CHANGE = prefilter(
    r"[换改变喷漆染涂要想看成]|in\b|paint|make|change|colou?r|look|what if|how would|but|respray|turn|see|\bto\b"
)


class Add(Protocol):
    """Adds an action said at a hit."""

    def __call__(self, key: str, hit: Hit, score: float, end: int | None = None) -> None: ...


@dataclass(slots=True)
class Act:
    """An action, the place of its words, how surely it is meant: 3 and more by itself, about 1 as support."""

    key: str
    at: int
    end: int
    score: float
    words: str = ""


def actions(scan: Scan) -> list[Act]:
    acts: list[Act] = []
    may = scan.may
    writing = bool(scan.quotes) and bool(_WRITE.search(scan.text))

    def add(key: str, hit: Hit, score: float, end: int | None = None) -> None:
        stop = max(hit.end, end or 0)
        acts.append(Act(key, hit.start, stop, score, scan.text[hit.start : stop]))

    dressed = bool(may & _GARMENT.needed and _GARMENT.search(scan.text))
    for hit in scan.kinds.get("action", ()):
        if (writing and scan.quoted(hit)) or negated(scan, hit) or (hit.key == "blend" and dressed):
            continue
        add(hit.key, hit, 1.0 if hit.weak else 3.0)
    _removals(scan, add)
    _grounds(scan, add)
    if may & _LOOKS:
        _looks(scan, add)
    if may & _WISHED:
        _wishes(scan, add)
    if "thinword" in scan.classes and (pair := scan.near(scan.words("thinword"), scan.words("body"), 4)):
        first, last = sorted(pair, key=lambda h: h.start)
        add("slim", first, 2.5, last.end)
    if "car" in scan.classes:
        _cars(scan, add)
    if writing and (m := _WRITE.search(scan.text)):
        acts.append(Act("text_render", m.start(), m.end(), 3.6, m.group()))
    elif may & _TEXT_CHANGE.needed and (m := _TEXT_CHANGE.search(scan.text)):
        acts.append(Act("text_render", m.start(), m.end(), 3.0, m.group()))
    return acts


_NONE_OF_THEM = re.compile(r"\b(?:no|without(?: any| the)?)\s+(?:\w+\s+)?$")
_APART = prefiltered("edits", "apart")


def _removals(scan: Scan, add: Add) -> None:
    apart = []
    if scan.may & _APART.needed:
        apart = [Hit(m.start(), m.end(), "word", "remove", False, False) for m in _APART.finditer(scan.text)]
    if (
        scan.photos
        and "people" in scan.classes
        and (bare := [h for h in scan.words("people") if _NONE_OF_THEM.search(scan.text[: h.start][-24:])])
    ):
        words = scan.text[bare[0].start : bare[0].end]
        if words not in ("him", "her", "them", "he", "person", "man", "woman", "staff member"):
            add("remove_person", bare[0], 3.0)
    if not scan.has("remove") and not apart:
        return
    removes = [h for h in scan.words("remove") if not negated(scan, h)] + apart
    people = scan.near(removes, scan.words("people"), 14)
    if people and not _ADJECTIVAL.match(scan.text, people[1].end):
        first, last = sorted(people, key=lambda h: h.start)
        if first == people[1] and re.search(r"^(?:\S{0,3})[把将]", scan.text[first.end : last.start]):
            return  # 同事把PPT删了: somebody removed something
        add("remove_person", first, 3.6, last.end)
        return
    ground = scan.near(removes, scan.words("bg"), 10)
    if ground and not _INSIDE.match(scan.text, ground[1].end):
        first, last = sorted(ground, key=lambda h: h.start)
        add("replace_bg", first, 3.5, last.end)
    skin = scan.near(removes, scan.words("skin"), 12)
    if skin:
        first, last = sorted(skin, key=lambda h: h.start)
        add("retouch", first, 3.3, last.end)


_FEELING = prefiltered("edits", "feeling")
_GARMENT = prefiltered("edits", "garment")


_PROGRESS = prefiltered("edits", "progress")
_BOTH = prefiltered("edits", "both")
_SOFTEN = prefiltered("edits", "soften")
_WANTED_GROUND = prefiltered("edits", "wanted_ground")
_WISHES = tuple(
    (key, prefiltered("edits", f"wish_{key}"))
    for key in ("enhance", "colorize", "filter", "upscale", "variations", "restore", "slim")
)
"""Wishes of a word or two that the lexicon's phrases cannot hold: 调一下色, "HD please"."""
_PUT_SOMEBODY = prefiltered("edits", "put_somebody")
_TURN = prefiltered("edits", "turn")
_FILL = prefiltered("edits", "fill")
_PEOPLE_GO = prefiltered("edits", "people_go")
_GROUND_BEHIND = prefiltered("edits", "ground_behind")
_LOOK_LIKE = prefiltered("edits", "look_like")
_WISH_STYLE = prefiltered("edits", "wish_style")
_TINT = prefiltered("edits", "tint")
_BODY = prefilter(
    r"(?:脸|腰|腿|肚子|手臂|胳膊|下巴|身材|屁股|肩)(?:太|有点|好|显得?)?(?:圆|大|胖|粗|宽|肿|肥).{0,10}(?:修|p|小|瘦|细|收|改|调)"
)


_LOOKS = any_of(
    _PROGRESS,
    _BOTH,
    _SOFTEN,
    _TURN,
    _PUT_SOMEBODY,
    _FILL,
    _PEOPLE_GO,
    _GROUND_BEHIND,
    _LOOK_LIKE,
    _WISH_STYLE,
    _TINT,
    _BODY,
    _FEELING,
)
_WISHED = any_of(*(wish for _, wish in _WISHES))


def _grounds(scan: Scan, add: Add) -> None:
    """The background changed, or wished for in a colour."""
    if not scan.has("bg"):
        return
    if scan.has("change"):
        changes = [h for h in scan.words("change") if not negated(scan, h)]
        pair = scan.near(changes, [h for h in scan.words("bg") if not _INSIDE.match(scan.text, h.end)], 8)
        if pair:
            first, last = sorted(pair, key=lambda h: h.start)
            add("replace_bg", first, 3.0, last.end)
    if scan.may & _WANTED_GROUND.needed and _WANTED_GROUND.search(scan.text):
        add("replace_bg", scan.words("bg")[0], 2.0)


def _looks(scan: Scan, add: Add) -> None:
    """What the longer patterns find."""
    if m := _PROGRESS.search(scan.text):
        add("comparison", Hit(m.start(), m.end(), "action", "comparison", False, False), 3.2)
    elif m := _BOTH.search(scan.text):
        add("before_after", Hit(m.start(), m.end(), "action", "before_after", False, False), 3.0)
    if scan.has("skin") and (m := _SOFTEN.search(scan.text)):
        add("retouch", Hit(m.start(), m.end(), "action", "retouch", False, False), 2.6)
    if m := _TURN.search(scan.text):
        add("multi_angle", Hit(m.start(), m.end(), "action", "multi_angle", False, False), 2.6)
    if (m := _PUT_SOMEBODY.search(scan.text)) and not _GARMENT.search(scan.text):
        add("blend", Hit(m.start(), m.end(), "action", "blend", False, False), 3.0)
    if m := _FILL.search(scan.text):
        add("extend", Hit(m.start(), m.end(), "action", "extend", False, False), 2.6)
    if scan.photos and (m := _PEOPLE_GO.search(scan.text)):
        add("remove_person", Hit(m.start(), m.end(), "action", "remove_person", False, False), 3.2)
    if scan.photos and (m := _GROUND_BEHIND.search(scan.text)):
        add("replace_bg", Hit(m.start(), m.end(), "action", "replace_bg", False, False), 2.8)
    if m := _LOOK_LIKE.search(scan.text):
        add("filter", Hit(m.start(), m.end(), "action", "filter", False, False), 3.2)
    if scan.photos != 1 and (m := _WISH_STYLE.search(scan.text)):
        add("transfer_style", Hit(m.start(), m.end(), "action", "transfer_style", False, False), 3.2)
    if m := _TINT.search(scan.text):
        add("colorize", Hit(m.start(), m.end(), "action", "colorize", False, False), 3.0)
    if m := _BODY.search(scan.text):
        add("slim", Hit(m.start(), m.end(), "action", "slim", False, False), 2.6)
    if len(set(_FEELING.findall(scan.text))) >= 3 and re.search(
        r"faces?\b|sheet|expression|emotion|表情|一套|一组|集", scan.text
    ):
        felt = next(_FEELING.finditer(scan.text))
        add("expression_sheet", Hit(felt.start(), felt.end(), "action", "expression_sheet", False, False), 3.2)


def _wishes(scan: Scan, add: Add) -> None:
    for key, wish in _WISHES:
        if m := wish.search(scan.text):
            add(key, Hit(m.start(), m.end(), "action", key, False, False), 3.0)
            break


def _cars(scan: Scan, add: Add) -> None:
    cars = scan.words("car")
    if scan.has("wrap"):
        add("car_wrap", scan.words("wrap")[0], 3.5)
    elif scan.has("color"):
        colors = [h for h in scan.words("color") if not negated(scan, h)]
        if colors and any(abs(a.start - b.start) <= 60 for a in cars for b in colors):
            sure = (
                3.2
                if _CAR_CHANGE.search(scan.text) and (scan.photos or scan.has("change", "make", "want", "canyou"))
                else 1.2
            )
            add("car_color", min(cars[0], colors[0], key=lambda h: h.start), sure, max(cars[0].end, colors[0].end))


_GIVES_WAY = (
    ("car_wrap", ("car_color",)),
    ("car_color", ("enhance", "retouch", "filter", "colorize")),
    ("comparison", ("before_after", "slim", "retouch", "variations")),
    ("character_sheet", ("multi_angle", "expression_sheet", "variations")),
    ("expression_sheet", ("multi_angle", "variations", "text_render_")),
    ("filter", ("enhance", "colorize")),
    ("transfer_style", ("blend", "variations", "filter", "restore_", "multi_angle", "colorize")),
    ("remove_person", ("retouch",)),
    ("before_after", ("restore_", "variations")),
    ("colorize", ("enhance", "filter")),
    ("retouch", ("slim_",)),
    ("text_render", ("variations", "multi_angle", "enhance", "blend")),
    ("blend", ("replace_bg",)),
    ("extend", ("multi_angle", "blend")),
)
_ELSEWHERE = prefilter(
    r"我们?.{0,4}(?:站|坐|躺|出现|去)?(?:在|到)[^,.!?]{2,12}(?:上|里|前|边|下|旁|中|现场)|想去[^,.!?]{2,10}"
)
_RESOLUTION = prefilter(r"分辨率|4k|upscale|超分|放大|高清|resolution|清晰|sharp|bigger")


def choose(scan: Scan, acts: list[Act]) -> list[Act]:
    """The actions in the order they are said, one of a kind; doubtful ones only when nothing better is there."""
    if not acts:
        return []
    best: dict[str, Act] = {}
    for act in acts:
        old = best.get(act.key)
        if old is None:
            best[act.key] = act
        else:
            old.score = max(old.score, act.score) + min(old.score, act.score) * 0.3
            old.at, old.end = min(old.at, act.at), max(old.end, act.end)
    if "edit" in best and (m := _ELSEWHERE.search(scan.text)):
        best["blend"] = Act("blend", m.start(), m.end(), 3.2, m.group())
    if "comparison" in best and "before_after" in best:
        best["comparison"].score = max(3.0, best["comparison"].score)
    if any(a.score >= 2 for a in best.values()):
        best = {k: a for k, a in best.items() if a.score >= 2}
    for winner, losers in _GIVES_WAY if len(best) > 1 else ():
        if winner in best:
            for key in losers:
                best.pop(key, None)
    if "multi_angle" in best and re.search(r"三视图", scan.text) and re.search(r"角色|人物|人设|oc\b", scan.text):
        best["character_sheet"] = best.pop("multi_angle")
        best["character_sheet"].key = "character_sheet"
    if "restore" in best and "upscale" in best and not _RESOLUTION.search(scan.text):
        best.pop("upscale")
    if "blend" in best and "replace_bg" in best:
        best.pop("replace_bg")
    if any(k not in SPECIFIC_FIRST for k in best):
        best.pop("edit", None)
        best.pop("local_edit", None)
    elif "local_edit" in best:
        best.pop("edit", None)
    return sorted(best.values(), key=lambda a: a.at)
