"""From what was found to what is meant."""

import re
from dataclasses import dataclass, field

from intent import numbers
from intent.cut import without
from intent.intent import Intent, SeriesItem, ThenEdit
from intent.scan import Hit, Scan

DATING = ("dating_cafe", "dating_beach", "dating_city", "dating_restaurant")
TRAVEL = ("travel_europe", "travel_japan", "travel_tropical")
SPORT = ("sports_gym", "sports_running", "summer_sport")
BEACH = ("travel_tropical", "dating_beach")
ID = ("id_photo_white", "id_photo_blue", "id_photo_red")
ART = frozenset({"oil_painting", "watercolor", "anime", "vintage", "cyberpunk", "artistic", "avatar_3d", "light_portrait"})
GENERIC = {"professional": 0.6, "casual": 0.6, "artistic": 0.8, "social_media": 0.7, "vintage": 0.3, "child_portrait": 0.3,
           "family_photo": 0.1, "night_city": 0.2, "spring_garden": 0.2, "autumn_leaf": 0.1, "personal_brand": 0.1, "reading": 0.1,
           "avatar_gaming": 0.1, "sports_gym": 0.05}  # fmt: skip
TAKES_OVER = frozenset({
    "filter", "restore", "colorize", "remove_person", "replace_bg", "text_render", "extend", "multi_angle", "character_sheet",
    "expression_sheet", "before_after", "comparison", "car_wrap", "car_color", "transfer_style", "variations", "blend", "upscale",
})  # fmt: skip


@dataclass
class Controls:
    model: str = "nanopro"
    count: int = 1
    counted: bool = False
    ratio: str | None = None
    provider: str | None = None
    spans: list[tuple[int, int]] = field(default_factory=list)
    counts: list[tuple[int, int, int]] = field(default_factory=list)


def controls(scan: Scan) -> Controls:
    c = Controls()
    shape = numbers.ratio(scan)
    if shape:
        c.ratio = shape[0]
        c.spans.append(shape[1:])
    for hit in scan.kinds.get("model", ()):
        if scan.quoted(hit):
            continue
        if hit.key.startswith("weak_") or hit.weak:
            continue
        if hit.key == "gpt" or c.model == "nanopro":
            c.model = hit.key
        c.spans.append((hit.start, hit.end))
    c.counts = numbers.counts(scan)
    if c.counts:
        c.counted = True
        c.count = numbers.capped(c.counts[0][2])
    else:
        n = numbers.times(scan)
        if n and not any(h.kind == "scale" for h in scan.hits):
            c.count, c.counted = numbers.capped(n), True
    c.spans.extend((a, b) for a, b, _ in c.counts)
    if scan.has("free"):
        c.provider = "embedded"
        c.spans.extend((h.start, h.end) for h in scan.words("free"))
    return c


def negated(scan: Scan, hit: Hit) -> bool:
    n = scan.clause(hit.start)
    a, _ = scan.clause_span(n)
    for neg in scan.words("negation"):
        if a <= neg.start and neg.end <= hit.start:
            between = scan.text[neg.end : hit.start]
            if len(between) <= 14 and not re.search(r"只|就|而是|要(?!的)|换|just|only|but|改", between):
                return True
    after = scan.text[hit.end : hit.end + 6]
    return bool(re.match(r"(?:风格|风|的)?(?:就)?(?:不要|别|不喜欢|不行)", after))


@dataclass
class Found:
    """Style candidates with their scores, and what a group would ask."""

    scores: dict[str, float] = field(default_factory=dict)
    at: dict[str, Hit] = field(default_factory=dict)
    ask: tuple[str, ...] = ()
    named: set[str] = field(default_factory=set)

    def add(self, key: str, score: float, hit: Hit) -> None:
        self.scores[key] = self.scores.get(key, 0.0) + score
        if key not in self.at:
            self.at[key] = hit

    def best(self) -> str | None:
        if not self.scores:
            return None
        return max(self.scores, key=lambda k: (self.scores[k] - GENERIC.get(k, 0.0), -self.at[k].start))


_SUFFIX = re.compile(
    r"\s*(?:的)?(?:风格|风|画风|质感|版|主题|写真|照|头像|肖像|人像|相|造型|那种|的感觉|形象|大片|style|styled|look|theme|themed|vibe|version|aesthetic|portrait|photo|pic|picture|headshot|shot|image|avatar|selfie|pfp|one\b)"
)
_THIS = re.compile(r"(?:这张|这幅|这个|这些|這張|这|原来的|那张|this|these|the|that|of my|my old|my parents'?|our|old)\s?(?:[\w&]+\s){0,2}[^\s,]{0,4}$")


def styles(scan: Scan) -> Found:
    f = Found()
    text = scan.text
    for hit in scan.kinds.get("style", ()):
        if negated(scan, hit):
            continue
        score = 2.0
        if hit.named:
            score += 2.0
            f.named.add(hit.key)
        elif _SUFFIX.match(text, hit.end):
            score += 1.5
            f.named.add(hit.key)
        if hit.weak:
            score -= 1.2
        f.add(hit.key, score, hit)
    for hit in scan.kinds.get("hint", ()):
        if not negated(scan, hit):
            f.add(hit.key, 0.8, hit)
    groups(scan, f)
    pairs(scan, f)
    return f


def groups(scan: Scan, f: Found) -> None:
    """Dating with or without a place, ID photos with or without a colour, travel and sport with nothing more."""
    dating = [h for h in scan.by.get(("group", "dating"), ()) if not negated(scan, h)]
    places = {k: [h for h in scan.by.get(("group", k), ()) if not negated(scan, h)] for k in ("cafe", "beach", "city", "restaurant")}
    said = [k for k in places if places[k]]
    if dating:
        if "cafe" in said and "restaurant" in said and places["cafe"][0].start == places["restaurant"][0].start:
            said.remove("restaurant")
        for k in said:
            f.add(f"dating_{k}", 6.0, places[k][0])
            f.named.add(f"dating_{k}")
        if not said:
            f.ask = DATING
        return
    ids = [h for h in scan.all("group", "id") if not negated(scan, h)]
    white, blue, red = (
        [h for h in scan.all("group", k) if not negated(scan, h)] for k in ("id_white", "id_blue", "id_red")
    )
    if ids or white or blue or red:
        strong = bool(ids) or any(h.named for h in (*white, *blue, *red)) or scan.has("pic")
        if ids or strong:
            for color, direct in (("white", white), ("blue", blue), ("red", red)):
                near = direct or ([] if not ids else _ground(scan, color))
                if near:
                    f.add(f"id_photo_{color}", 6.0 if direct else 7.0, near[0])
                    f.named.add(f"id_photo_{color}")
            keys = [k for k in ID if k in f.scores]
            if len(keys) > 1 and white and all(re.match("passport|护照", text_of(scan, h)) for h in white):
                f.scores["id_photo_white"] -= 3
            if not keys:
                f.ask = ID
            return
    beach = places["beach"]
    if beach and not f.scores and (scan.has("pic") or scan.has("me", "want", "make")):
        f.ask = BEACH
        return
    if places["cafe"] and scan.has("pic", "me") and not f.scores:
        f.add("dating_cafe", 1.5, places["cafe"][0])
    if not f.scores or max(f.scores.values()) < 1.5:
        if ("group", "travel") in scan.by:
            f.ask = TRAVEL
        elif ("group", "sport") in scan.by:
            f.ask = SPORT
    for h in scan.all("group", "travel"):
        for k in TRAVEL:
            if k in f.scores:
                f.add(k, 3.0, h)
                f.named.add(k)


_GROUND = {
    "white": r"white\s*(?:bg|back|background|one)?|白色?(?:底|的|背景)?",
    "blue": r"blue\s*(?:bg|back|background|one)?|蓝色?(?:底|的|背景)?",
    "red": r"red\s*(?:bg|back|background|one)?|红色?(?:底|的|背景)?",
}


def _ground(scan: Scan, color: str) -> list[Hit]:
    """A colour said as the ground of an ID photo: not of the shirt."""
    out = []
    for h in scan.all("group", color):
        tail = scan.text[h.end : h.end + 12]
        if re.match(r"\s*(?:shirt|tie|dress|blouse|suit|collar|衬衫|衣|领|裙|毛衣|T恤|t恤|西装)", tail):
            continue
        out.append(h)
    return out


def text_of(scan: Scan, hit: Hit) -> str:
    return scan.text[hit.start : hit.end]


_SNOW = re.compile(r"冬|雪|winter|snow")
_GUOFENG = re.compile(r"中国风|国风|chinese[- ]style|chinese style|guofeng|新中式")
_HK = re.compile(r"香港|港式|hong ?kong|\bhk\b")
_OLD = re.compile(r"复古|怀旧|retro|vintage|[89]0|[八九]十年代|电影|film|movie")


def pairs(scan: Scan, f: Found) -> None:
    """Two words that together name a style neither names alone."""
    text = scan.text
    h = scan.hits[0] if scan.hits else None
    if h and _GUOFENG.search(text) and (m := _SNOW.search(text)) and "winter_chinese" not in f.named:
        f.add("winter_chinese", 5.0, Hit(m.start(), m.end(), "style", "winter_chinese", False, True))
    if h and "hongkong_vintage" not in f.scores and (m := _HK.search(text)) and _OLD.search(text):
        f.add("hongkong_vintage", 4.0, Hit(m.start(), m.end(), "style", "hongkong_vintage", False, True))
    if "avatar_3d" in f.scores and "anime" in f.scores:
        f.scores["avatar_3d"] += 2.0
    for key in ("avatar_vtuber", "avatar_gaming"):
        if key in f.scores and "anime" in f.scores:
            f.scores[key] += 2.0
    if "hongkong_vintage" in f.scores and "vintage" in f.scores:
        f.scores["vintage"] -= 3
    if "linkedin" in f.scores and "professional" in f.scores:
        f.scores["linkedin"] += 4


# --- edits -------------------------------------------------------------------------------------------------------------

_WRITE = re.compile(r"写|加.{0,6}字|字|标题|水印|文案|\btext|\bwrite|\bwords?\b|caption|title|says?\b|letter|headline|sign\b|spell|typo|print|add\b|put\b|加|放|印|slogan|标语|贴")
_SECOND = re.compile(r"(?:第二|后一|另一|图二|图2|second|2nd|other)")
_SKIN_FIX = re.compile(r"(?:修|去|祛|淡|遮|磨|白|匀|平|消|P|p|没|除)")
_BETTER = re.compile(r"")


@dataclass
class Act:
    key: str
    at: int
    end: int
    score: float


def actions(scan: Scan) -> list[Act]:
    acts: list[Act] = []
    writing = bool(scan.quotes) and bool(_WRITE.search(scan.text))

    def add(key: str, hit: Hit, score: float, end: int | None = None) -> None:
        acts.append(Act(key, hit.start, end or hit.end, score))

    for hit in scan.kinds.get("action", ()):
        if (scan.quoted(hit) and writing) or negated(scan, hit):
            continue
        add(hit.key, hit, 1.0 if hit.weak else 3.0)
    removes = [h for h in scan.words("remove") if not negated(scan, h)]
    if removes:
        for word, key in (("people", "remove_person"), ("bg", "replace_bg"), ("skin", "retouch")):
            pair = scan.near(removes, scan.words(word), 16)
            if pair:
                noun = pair[1]
                tail = scan.text[noun.end : noun.end + 3]
                if word == "people" and re.match(r"'s|的(?!人)", tail) and not re.match(r"的(?:人|那|路|大|小|男|女|,|$)", tail):
                    continue
                if word == "bg" and scan.near(removes, scan.words("people"), 16):
                    continue
                if word == "bg" and re.match(r"里|中|上|\s*(?:people|person|guy|man|clutter|tourist)", scan.text[noun.end : noun.end + 9]):
                    continue
                add(key, min(pair, key=lambda h: h.start), 3.5)
    changes = [h for h in scan.words("change") if not negated(scan, h)]
    bg = scan.words("bg")
    if bg and changes and (pair := scan.near(changes, bg, 8)):
        add("replace_bg", min(pair, key=lambda h: h.start), 3.0)
    cars, colors, wraps = scan.words("car"), scan.words("color"), scan.words("wrap")
    if cars:
        if wraps:
            add("car_wrap", wraps[0], 3.5)
        elif colors:
            add("car_color", min(cars[0], colors[0], key=lambda h: h.start), 3.0)
    if (thin := scan.words("thinword")) and (pair := scan.near(thin, scan.words("body"), 4)):
        add("slim", min(pair, key=lambda h: h.start), 2.5)
    if writing and (m := _WRITE.search(scan.text)):
        acts.append(Act("text_render", m.start(), m.end(), 3.2))
    return acts


def choose_actions(scan: Scan, acts: list[Act]) -> list[Act]:
    """The actions of the message in order: one each, the doubtful ones only when nothing better is there."""
    if not acts:
        return []
    best: dict[str, Act] = {}
    for act in acts:
        old = best.get(act.key)
        if old is None:
            best[act.key] = act
        else:
            old.score += act.score * 0.3
            old.at = min(old.at, act.at)
    if any(a.score >= 2 for a in best.values()):
        best = {k: a for k, a in best.items() if a.score >= 2}
    for strong, weaker in (
        ("car_wrap", ("car_color", "edit")), ("comparison", ("before_after", "slim", "retouch")), ("before_after", ("comparison_",)),
        ("character_sheet", ("multi_angle",)), ("expression_sheet", ("multi_angle", "variations")), ("filter", ("enhance", "edit")),
        ("transfer_style", ("blend", "variations", "filter", "edit")), ("text_render", ("edit",)), ("remove_person", ("edit",)),
        ("restore", ("upscale",) if not scan_has_resolution(scan) else ()), ("car_color", ("edit", "enhance")), ("colorize", ("enhance", "restore_")),
    ):
        if strong in best:
            for w in weaker:
                best.pop(w, None)
    specific = [k for k in best if k not in ("edit", "local_edit")]
    if specific:
        best.pop("edit", None)
        best.pop("local_edit", None)
    elif "local_edit" in best:
        best.pop("edit", None)
    return sorted(best.values(), key=lambda a: a.at)


def scan_has_resolution(scan: Scan) -> bool:
    return bool(re.search(r"分辨率|4k|upscale|超分|放大|高清|resolution", scan.text))


# --- asking or telling -------------------------------------------------------------------------------------------------


def imperative(scan: Scan) -> bool:
    """An English clause that starts with a verb of making or changing, politeness aside."""
    for n in range(len(scan.cuts) + 1):
        a, b = scan.clause_span(n)
        at = a
        for h in scan.hits:
            if h.start < at or h.end > b:
                continue
            if scan.text[at : h.start].strip(" ,;.!?\n:-") not in ("", "to", "now"):
                break
            if h.kind == "word" and h.key in ("make", "change", "remove", "add", "createverb"):
                return True
            if h.kind == "action" and not h.weak:
                return True
            if h.kind == "word" and h.key in ("please", "canyou", "want", "then"):
                at = h.end
                continue
            if h.kind == "word":
                continue
            break
    return False


def request_score(scan: Scan, c: Controls, style: float, action: float) -> float:
    text = scan.text
    s = 0.0
    if scan.has("canyou"):
        s += 1.6
    if scan.has("want"):
        s += 1.2
    if scan.has("make"):
        s += 0.8
    if re.search(r"\bpl(?:ea)?[sz]+e?\b|麻烦|拜托|请|帮|gimme|give me|给我|想要|来.?张|来.?个", text):
        s += 1.6
    if imperative(scan):
        s += 1.5
    if c.counted:
        s += 1.2
    if c.ratio:
        s += 1.0
    if c.model != "nanopro":
        s += 1.0
    if scan.has("askdo"):
        s += 1.5
    s += min(style, 4.0) * 0.35 + min(action, 3.5) * 0.5
    if scan.photos:
        s += 0.8
    if len(text) <= 8 and (style or action):
        s += 1.0
    return s


def remark_score(scan: Scan) -> float:
    s = 0.0
    past = scan.words("past")
    s += 1.5 * min(2, len(past))
    s += 1.6 * min(2, len(scan.words("opinion")))
    if scan.has("question") and not scan.has("canyou"):
        s += 1.6
    if re.search(r"[?？]\s*$", scan.text) and not scan.has("canyou"):
        s += 0.8
    s += 1.0 * min(2, len(scan.words("finite")))
    if re.search(r"了(?:[,.!?~ ]|$)|过(?:[,.!?]|$)", scan.text):
        s += 0.8
    if scan.has("possessive"):
        s += 0.5
    if scan.has("nonpic"):
        s += 1.5
    return s


# --- commands ----------------------------------------------------------------------------------------------------------

_STATUS = re.compile(
    r"(?:did|is|are|has|was)\b.{0,28}\b(?:finish|finished|done|ready|stuck|complete|completed|come out)\b|(?:图|照片|片|我的).{0,6}(?:好|完|出来)了?(?:吗|没|么)|(?:好|完|出来)(?:了吗|了没|了么|没有?|未)[\s?呀啊.]*$"
)
_FORGET = re.compile(
    r"(?:delete|erase|remove|wipe|clear|purge|forget)\b.{0,24}\b(?:data|history|everything|my (?:photos|pictures|pics|images|info|face|account)|all my|memory|records?)\b|(?:删|清|抹|忘|销毁).{0,8}(?:数据|记录|所有|全部|资料|信息|账号|历史|存的)|(?:数据|记录|资料|信息|历史|(?:所有|全部).{0,4}(?:照片|图)|照片.{0,2}(?:都|全)).{0,6}(?:删|清|抹)"
)
_USAGE = re.compile(r"还(?:剩|有).{0,4}(?:次|额度|张|点)|(?:用|花|扣)了.{0,3}(?:多少|几)|how (?:many|much).{0,30}\b(?:left|used|remaining|spent|spend|cost|pay|paid)\b")
_AGAIN = re.compile(r"^(?:please |pls |ok |ok,? |and |can (?:you|u) )?(?:one|two|three|four|five|2|3|4|5|another|a few|a couple)?\s*(?:more|again|another)\b")


def command(scan: Scan, found: Found, acts: list[Act]) -> tuple[str, float] | None:
    text = scan.text.strip()
    m = re.match(r"/([a-z]+)(?:@\w+)?\b", text)
    if m:
        names = {"help": "help", "start": "start", "styles": "styles", "style": "styles", "cancel": "cancel", "stop": "cancel", "status": "status", "usage": "usage",
                 "balance": "usage", "again": "again", "redo": "again", "forget": "forget", "delete": "forget", "settings": "settings", "setting": "settings", "menu": "help"}  # fmt: skip
        if m.group(1) in names:
            return names[m.group(1)], 1.0
    hits = [h for h in scan.kinds.get("command", ()) if not scan.quoted(h) and not (h.key in ("cancel", "start") and negated(scan, h))]
    covered = bytearray(len(scan.text))
    for h in scan.hits:
        if (h.kind == "word" and h.key in ("please", "opinion", "canyou", "make", "want", "me", "thispic", "pic", "then", "negation", "question")) or h.kind == "command":
            covered[h.start : h.end] = b"\x01" * (h.end - h.start)
    for a, b, _ in numbers.counts(scan):
        covered[a:b] = b"\x01" * (b - a)
    residue = "".join(ch for ch, k in zip(scan.text, covered, strict=True) if not k and ch.isalnum())
    left = len(residue) / (1.0 if any("\u4e00" <= ch <= "\u9fff" for ch in residue) else 3.2)
    content = max([*found.scores.values(), 0.0]) >= 2 or any(a.score >= 2.5 and a.key != "variations" for a in acts) or bool(found.ask)
    if _FORGET.search(text) and not re.search(r"背景|路人|background|水印", text):
        return "forget", 0.9
    if _STATUS.search(text):
        return "status", 0.9
    if _USAGE.search(text):
        return "usage", 0.9
    order = ("forget", "usage", "styles", "settings", "help", "status", "cancel", "again", "start")
    for key in order:
        mine = [h for h in hits if h.key == key]
        if not mine:
            continue
        longest = max(h.end - h.start for h in mine)
        strong = longest >= (4 if any("\u4e00" <= ch <= "\u9fff" for ch in text_of(scan, mine[0])) else 9)
        room = {"forget": 14, "usage": 12, "styles": 10, "settings": 10, "help": 12, "status": 10, "cancel": 8, "again": 6, "start": 5}[key]
        if content and key in ("again", "start", "cancel", "status", "help", "settings"):
            continue
        if left <= (room if strong else 4):
            return key, 0.9 if strong else 0.75
    return None


# --- the whole ----------------------------------------------------------------------------------------------------------

_FILLER = re.compile(r"\b(?:a|an|the|of|for|in|and|with|to|some|one|my|style|look|looks|version|on|at|is|this|that|it|from|by|as|w|like|feel|vibe|vibes|theme|themed|mode|kind|sort|type|nice|good|cool|thing|something|new)\b|风格|那种|感觉|质感|效果|的|一|张|个|了|吧|啊|呀|风|版|款|照|要|用|这|种|样|们|把|给|帮|就|样子|子|色调|为|是|在|拍|系")


def covered_residue(scan: Scan, c: Controls, a: int, b: int, extra: list[tuple[int, int]]) -> str:
    """What a clause says beyond choosing: nothing left means it can be dropped whole."""
    keep = bytearray(b"\x01" * (b - a))
    def mark(x: int, y: int) -> None:
        x, y = max(x, a), min(y, b)
        if x < y:
            keep[x - a : y - a] = b"\x00" * (y - x)
    for h in scan.hits:
        if h.kind == "word" and h.key in ("please", "canyou", "want", "make", "me", "pic", "askdo", "opinion", "free", "then", "thispic", "series"):
            mark(h.start, h.end)
    for x, y in (*c.spans, *extra):
        mark(x, y)
    left = "".join(ch if k else " " for ch, k in zip(scan.text[a:b], keep, strict=True))
    return "".join(ch for ch in _FILLER.sub(" ", left) if ch.isalnum())


def content(scan: Scan, c: Controls, chosen: list[tuple[int, int]], a: int = 0, b: int | None = None) -> str | None:
    """The person's words between a and b, without clauses that only chose something, and without polite edges."""
    drop: list[tuple[int, int]] = []
    stop = len(scan.text) if b is None else b
    if a:
        drop.append((0, a))
    if stop < len(scan.text):
        drop.append((stop, len(scan.text)))
    for n in range(len(scan.cuts) + 1):
        x, y = scan.clause_span(n)
        x, y = max(x, a), min(y, stop)
        if x >= y:
            continue
        if not covered_residue(scan, c, x, y, chosen):
            drop.append((x, y))
            continue
        at = x
        while at < y and not scan.text[at].isalnum() and scan.text[at] not in "\"'「『《【“(":
            at += 1
        for h in scan.hits:
            if h.start == at and h.end <= y and h.kind == "word" and h.key in ("please", "canyou"):
                drop.append((at, h.end))
                at = h.end
                while at < y and scan.text[at] == " ":
                    at += 1
    drop.extend(c.spans)
    return without(scan, drop)


def language(scan: Scan) -> str:
    han = sum(1 for ch in scan.text[:400] if "\u3400" <= ch <= "\u9fff")
    if not han:
        return "en"
    latin = len(re.findall(r"[a-z]+", scan.text[:400]))
    return "zh" if han >= latin else "en"


def series_items(scan: Scan, found: Found, c: Controls) -> list[SeriesItem] | None:
    """Several pictures of different kinds asked for at once."""
    text = scan.text
    marks: list[tuple[int, str, float]] = []
    for h in scan.kinds.get("style", ()):
        if not negated(scan, h):
            marks.append((h.start, h.key, 2.0))
    if any(k.startswith("dating_") and found.scores.get(k, 0) >= 6 for k in DATING):
        marks = []
        for place in ("cafe", "beach", "city", "restaurant"):
            for h in scan.by.get(("group", place), ()):
                marks.append((h.start, f"dating_{place}", 2.0))
                break
    elif any(found.scores.get(k, 0) >= 6 for k in ID):
        marks = [(found.at[k].start, k, 2.0) for k in ID if found.scores.get(k, 0) >= 5]
    elif "winter_chinese" in found.scores and "winter_chinese" not in {k for _, k, _ in marks}:
        marks.append((found.at["winter_chinese"].start, "winter_chinese", 2.0))
    marks.sort()
    cuts = [m.end() for m in re.finditer(r"[,、;+&\n/]|\band\b|\bthen\b|\bplus\b|\bone\b(?! of)|张(?!.{0,2}照)|一张|和|跟|以及|还有|再|另外|两张|:", text)]
    segments: list[tuple[int, int]] = []
    at = 0
    for cut in [*cuts, len(text)]:
        segments.append((at, cut))
        at = cut
    picked: list[tuple[int, str]] = []
    for a, b in segments:
        inside = [(k, s) for p, k, s in marks if a <= p < b]
        if inside:
            keys = [k for k, _ in inside]
            best = max(keys, key=lambda k: found.scores.get(k, 0) - GENERIC.get(k, 0))
            if best not in [k for _, k in picked]:
                picked.append((next(p for p, k, _ in marks if k == best and a <= p < b), best))
    if len(picked) < 2:
        return None
    ones = len(re.findall(r"一张|一個|一个|一版|各[一来]|\bone\b|\ba\b(?=\s\w+(?:\s\w+)? one)|张(?=[,、;\s]|$)", text))
    listed = bool(re.search(r"[+&、]|\band\b|和|跟|以及", text))
    said = scan.has("series") or (c.counted and any(n == len(picked) for _, _, n in c.counts))
    residue = covered_residue(scan, c, 0, len(text), [(h.start, h.end) for h in scan.hits if h.kind in ("style", "hint", "group")])
    pure = len(residue) <= 6 or len(residue) <= 0.15 * len(text)
    if ones >= 2 or said or (listed and pure) or (len(picked) >= 3 and pure):
        items = []
        for i, (p, key) in enumerate(picked):
            end = picked[i + 1][0] if i + 1 < len(picked) else len(text)
            start = p if i else 0
            spans = [(h.start, h.end) for h in scan.hits if h.kind == "style"]
            items.append(SeriesItem(style=key, scene=content(scan, c, spans, start, end)))
        return items
    return None


_AS = re.compile(r"\b(?:as (?:a|an|the|my|some|spider|bat|super)|into (?:a|an|the)?|dressed (?:up )?(?:as|like|in)|like (?:a|an)|wearing|cosplay(?:ing)?|version of me|in the role of)\b|变成|变身|扮|化身|当一?[天回个次名位]|我要当|想当|造型|cos|版的?(?:我|自己)|打扮|穿越|成为|装扮|画成|做成|变做|变")


def read(scan: Scan) -> Intent:
    text = scan.text
    lang = "zh" if language(scan) == "zh" else "en"
    c = controls(scan)
    found = styles(scan)
    acts = actions(scan)
    if not any(ch.isalnum() for ch in text):
        return Intent(operation="none", language=lang)  # type: ignore[arg-type]
    common = {"model": c.model, "aspect_ratio": c.ratio, "language": lang, "provider": c.provider}
    style = found.best()
    top = found.scores[style] - GENERIC.get(style, 0) if style else 0.0
    chosen = choose_actions(scan, acts)
    strongest = max((a.score for a in chosen), default=0.0)
    cmd = command(scan, found, chosen)
    if cmd:
        n = c.count if cmd[0] == "again" and c.counted else 1
        if cmd[0] == "again":
            return Intent(operation="command", command="again", count=n, confidence=cmd[1], **common)  # type: ignore[arg-type]
        return Intent(operation="command", command=cmd[0], confidence=cmd[1], language=lang)  # type: ignore[arg-type]
    asked = request_score(scan, c, top if not found.ask else 4.0, strongest)
    told = remark_score(scan)
    me = scan.has("me", "relative")
    person = me or scan.photos > 0
    descr = bool(_AS.search(text))
    # a style or an edit?
    acting = [a for a in chosen if a.key in TAKES_OVER and a.score >= 2.5]
    edit_wins = bool(acting) and (top < 3.2 or not style_first(found, style, acting[0])) and not (found.ask)
    if not edit_wins and chosen and strongest > top and not found.ask:
        edit_wins = True
    if found.ask and acting and acting[0].key in ("replace_bg", "restore", "text_render", "upscale", "retouch", "blend") and found.ask != DATING and not (found.ask == ID):
        edit_wins = True
    create = create_score(scan, found, c, me, top)
    if told >= asked + (0.3 if person else 0.0) and not (create >= 3 and told < 2):
        return Intent(operation="none", language=lang, confidence=0.8)  # type: ignore[arg-type]
    if create >= 2 and create > (0 if not edit_wins else 3):
        prompt = content(scan, c, []) or scan.raw.strip()
        return Intent(operation="create", prompt=prompt, count=c.count, confidence=0.8, **common)  # type: ignore[arg-type]
    if edit_wins:
        return edit(scan, c, chosen, common)
    items = series_items(scan, found, c)
    if items:
        return Intent(operation="series", items=tuple(items[:8]), count=min(8, len(items)), confidence=0.9, **common)  # type: ignore[arg-type]
    spans = [(h.start, h.end) for h in scan.hits if h.kind in ("style", "group")]
    if found.ask and top < 4:
        return Intent(operation="portrait", ask=found.ask, count=c.count, scene=content(scan, c, spans), confidence=0.9, **common)  # type: ignore[arg-type]
    if style and (top >= 1.2 or (top >= 0.5 and (me or scan.has("pic", "make", "want")))) and not (descr and top < 1.9 and False):
        return Intent(operation="portrait", style=style, count=c.count, scene=content(scan, c, spans), confidence=min(1.0, 0.5 + top / 8), **common)  # type: ignore[arg-type]
    if chosen:
        return edit(scan, c, chosen, common)
    if descr and person:
        return Intent(operation="portrait", prompt=content(scan, c, []) or scan.raw.strip(), count=c.count, confidence=0.7, **common)  # type: ignore[arg-type]
    changing = scan.has("change", "remove", "add") or re.search(r"把|将", text)
    if changing and (scan.photos or scan.has("thispic")):
        key = "edit"
        return Intent(operation="edit", action=key, prompt=content(scan, c, []) or scan.raw.strip(), count=c.count, confidence=0.6, **common)  # type: ignore[arg-type]
    if person and (scan.has("pic", "asa") or asked >= 2) and scan.photos:
        return Intent(operation="portrait", prompt=content(scan, c, []) or scan.raw.strip(), count=c.count, confidence=0.5, **common)  # type: ignore[arg-type]
    if create >= 1:
        return Intent(operation="create", prompt=content(scan, c, []) or scan.raw.strip(), count=c.count, confidence=0.5, **common)  # type: ignore[arg-type]
    return Intent(operation="none", language=lang, confidence=0.7)  # type: ignore[arg-type]


def style_first(found: Found, style: str | None, act: Act) -> bool:
    return bool(style) and style in found.named and found.at[style].start < act.at


def create_score(scan: Scan, found: Found, c: Controls, me: bool, top: float) -> float:
    s = 0.0
    if scan.has("createverb"):
        s += 2.0
    if scan.has("createnoun"):
        s += 1.5
    s += 0.7 * min(4, len(scan.words("visual")))
    if me and not re.search(r"给我|帮我|for me|give me|draw me|make me|get me|i want|i need|i'd like|我想要|我要", scan.text):
        s -= 3.0
    if scan.photos:
        s -= 2.5
    if scan.has("thispic"):
        s -= 1.5
    keys = set(found.scores)
    if found.ask or (keys - ART and max((found.scores[k] for k in keys - ART), default=0) >= 3.2):
        s -= 2.5
    if scan.has("nonpic"):
        s -= 1.5
    return s


def edit(scan: Scan, c: Controls, chosen: list[Act], common: dict[str, object]) -> Intent:
    first, *rest = chosen
    spans = [(a.at, a.end) for a in chosen]
    scale = None
    if first.key == "upscale":
        hits = scan.kinds.get("scale", ())
        scale = 4 if any(h.key == "4" for h in hits) else 2
    prompt = content(scan, c, spans if first.key in ("upscale", "restore", "colorize") else [])
    if first.key == "local_edit" and not prompt:
        prompt = scan.raw.strip()
    then = tuple(ThenEdit(action=a.key, scale=2 if a.key == "upscale" else None) for a in rest[:4])
    return Intent(operation="edit", action=first.key, scale=scale, prompt=prompt, then=then, count=c.count, confidence=0.85, **common)  # type: ignore[arg-type]
