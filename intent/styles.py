"""Which portrait style the words name or suggest, and where a person would ask back."""

import re
from bisect import bisect_right
from dataclasses import dataclass, field

from intent.id_photos import id_photo_in
from intent.lexicon.patterns import pattern, prefilter, prefiltered
from intent.prefilter import any_of
from intent.scan import Hit, Scan
from intent.style_precedence import apply_precedence

DATING = ("dating_cafe", "dating_beach", "dating_city", "dating_restaurant")
TRAVEL = ("travel_europe", "travel_japan", "travel_tropical")
SPORT = ("sports_gym", "sports_running", "summer_sport")
BEACH = ("travel_tropical", "dating_beach")
ID = ("id_photo_white", "id_photo_blue", "id_photo_red")
AVATAR = ("avatar_3d", "avatar_gaming", "avatar_vtuber")
ART = frozenset({"oil_painting", "watercolor", "anime", "vintage", "cyberpunk", "artistic", "avatar_3d"})
"""Styles that are a way of painting: they fit a picture of anything."""
PLACES = frozenset(
    {*TRAVEL, "night_city", "spring_garden", "autumn_leaf", "reading", "outdoor_adventure", "winter_chinese"}
)
"""Styles whose words are places or times too: beside another description they are only its scene."""
SUBJECTS = frozenset({"child_portrait", "family_photo", "pet_together"})
"""Styles whose words say who is in the picture: "my toddler as an emperor" is no child portrait."""
GENERIC = {
    "professional": 0.6,
    "casual": 0.7,
    "artistic": 0.8,
    "social_media": 0.7,
    "vintage": 0.3,
    "child_portrait": 0.4,
    "family_photo": 0.15,
    "night_city": 0.3,
    "spring_garden": 0.3,
    "autumn_leaf": 0.2,
    "personal_brand": 0.1,
    "reading": 0.2,
    "avatar_gaming": 0.1,
    "light_portrait": 0.2,
    "sports_gym": 0.05,
    "travel_europe": 0.1,
    "travel_japan": 0.1,
    "travel_tropical": 0.1,
}
"""How much a style gives way to a more particular one."""

_SUFFIX = pattern("styles", "suffix")
_NOT_PEOPLE = re.compile(r"\s*(?:filter|effect|preset|tone|grade|滤镜|效果|色调|特效)")


@dataclass(slots=True)
class Found:
    """Style candidates with their scores.

    `ask`: the words fit several. `named`: said as a kind of picture. `strong`: not by a hint or a weak word alone.
    """

    scores: dict[str, float] = field(default_factory=dict)
    at: dict[str, Hit] = field(default_factory=dict)
    ask: tuple[str, ...] = ()
    named: set[str] = field(default_factory=set)
    strong: set[str] = field(default_factory=set)

    def add(self, key: str, score: float, hit: Hit) -> None:
        self.scores[key] = self.scores.get(key, 0.0) + score
        self.at.setdefault(key, hit)

    def worth(self, key: str) -> float:
        return self.scores[key] - GENERIC.get(key, 0.0)

    def best(self) -> tuple[str | None, float]:
        if not self.scores:
            return None, 0.0
        if len(self.scores) == 1:
            (key,) = self.scores
        else:
            key = max(self.scores, key=lambda k: (self.worth(k), -self.at[k].start))
        return key, self.worth(key)


_REFUSED = re.compile(r"(?:风格|风|的)?(?:就)?(?:不要|就算了|不喜欢|不行)")
_REFUSAL = prefilter(r"不要|算了|不喜欢|不行").needed


def negated(scan: Scan, hit: Hit) -> bool:
    """Whether the words before (or right after) say that this is not wanted."""
    if scan.may & _REFUSAL and _REFUSED.match(scan.text, hit.end, hit.end + 7):
        return True
    refusals = scan.classes.get("negation")
    if not refusals:
        return False
    a, _ = scan.clause_span(scan.clause(hit.start))
    last = bisect_right(refusals, hit.start, key=lambda h: h.end)
    for refusal in reversed(refusals[max(0, last - 4) : last]):
        between = scan.text[refusal.end : hit.start]
        if refusal.start < a or len(between) > 14:
            break
        if re.match(r"\s*(?:had|have|got)\b|有", between):
            continue  # "we never had a proper wedding photo": a lack, not a refusal
        if not re.search(r"只|就|而是|要(?!的)|换|just|only|but|改|touch|动", between):
            return True
    return False


def styles(scan: Scan) -> Found:
    f = Found()
    text = scan.text
    reach, holder = 0, ""
    for hit in scan.kinds.get("style", ()):
        if hit.start < reach and hit.end > reach and hit.key != holder:
            continue  # 复古风写真 says 复古风, not 古风写真: what is said first holds its characters
        reach, holder = hit.end, hit.key
        if negated(scan, hit):
            continue
        score = 2.0
        if hit.named:
            score += 2.0
            f.named.add(hit.key)
        elif (m := _SUFFIX.match(text, hit.end)) and m.end() > hit.end:
            score += 1.5
            f.named.add(hit.key)
        if hit.weak:
            score -= 1.0
        else:
            f.strong.add(hit.key)
        if _NOT_PEOPLE.match(text, hit.end):
            score -= 2.5
        f.add(hit.key, score, hit)
    for hit in scan.kinds.get("hint", ()):
        if not negated(scan, hit):
            f.add(hit.key, 0.6 if hit.weak else 1.0, hit)
    if "group" in scan.kinds:
        _groups(scan, f)
    if scan.may & _TOGETHER:
        _pairs(scan, f)
    if len(f.scores) > 1:
        apply_precedence(f.scores, f.strong | f.named)
    return f


def _wanted(scan: Scan, key: str) -> list[Hit]:
    return [h for h in scan.by.get(("group", key), ()) if not negated(scan, h)]


def _groups(scan: Scan, f: Found) -> None:
    """Dating with or without a place, ID photos with or without a colour, travel and sport with nothing more."""
    places = {k: h for k in ("cafe", "beach", "city", "restaurant") if (h := _wanted(scan, k))}
    if _wanted(scan, "dating"):
        for k, pattern in _PLACE.items():
            if k not in places and (m := pattern.search(scan.text)):
                places[k] = [Hit(m.start(), m.end(), "group", k, False, False)]
        _dating(f, places)
    elif not _id(scan, f):
        _elsewhere(scan, f, places)


_PLACE = {
    "cafe": re.compile(r"coffee(?! meets)|caf[eé]|咖啡|下午茶"),
    "beach": re.compile(r"beach|seaside|by the sea|ocean|on the sand|海边|沙滩|海滩"),
    "city": re.compile(r"\bcity\b|downtown|\bstreets?\b|rooftop|街头|街拍|街上|城市|都市|天台|天桥"),
    "restaurant": re.compile(r"restaurant|dinner|bistro|餐厅|晚餐|西餐|餐馆"),
}
"""Places that may stand inside a longer phrase of the lexicon ("city at night")."""


def _dating(f: Found, places: dict[str, list[Hit]]) -> None:
    if len(places) > 1 and "city" in places:
        others = [h.start for k, hs in places.items() if k != "city" for h in hs]
        if min(others) < places["city"][0].start + 40:
            f.ask = ()
    for k, hits in places.items():
        f.add(f"dating_{k}", 7.0 - (0.5 if k == "city" else 0.0), hits[0])
        f.named.add(f"dating_{k}")
    if not places:
        f.ask = DATING


def _id(scan: Scan, f: Found) -> bool:
    general = _wanted(scan, "id")
    if not general and (m := _BARE_ID.search(scan.text)):
        general = [Hit(m.start(), m.end(), "group", "id", False, True)]
    direct = {k: _wanted(scan, f"id_{k}") for k in ("white", "blue", "red")}
    said = [h for hits in direct.values() for h in hits]
    size = id_photo_in(scan.raw)
    if not general and not said and size is not None and (size.background or size.paper):
        general = [Hit(0, len(scan.text), "group", "id", False, True)]  # "two-inch white, six on a sheet"
    if not general and not said:
        return False
    passport = re.compile(r"passport|护照|visa|签证|driver|licen|通行证|台胞证|schengen|工签|工作签|permit")
    if (
        not general
        and not any(h.named or passport.match(scan.text, h.start) for h in said)
        and not scan.has("pic")
        and sum(bool(hits) for hits in direct.values()) < 2
        and not _PAPERS.search(scan.text)
        and not (scan.photos == 1 and _GROUND_ALONE.search(scan.text))
    ):
        return False
    colors = (
        {k: _ground(scan, k) for k in direct}
        if general or any(passport.match(scan.text, h.start) for h in said)
        else {}
    )
    for k, hits in direct.items():
        named = [h for h in hits if not passport.match(scan.text, h.start)]
        if named or colors.get(k):
            at = (named or colors[k])[0]
            f.add(f"id_photo_{k}", 8.0, at)
            f.named.add(f"id_photo_{k}")
    if not any(k in f.scores for k in ID):
        for k, hits in direct.items():
            if hits:
                f.add(f"id_photo_{k}", 8.0, hits[0])
                f.named.add(f"id_photo_{k}")
    if not any(k in f.scores for k in ID) and size is not None and not size.size.startswith("cn_"):
        f.add("id_photo_white", 8.0, general[0])  # the document decides: nearly every country wants white
        f.named.add("id_photo_white")
    if not any(k in f.scores for k in ID):
        f.ask = ID
    return True


_BARE_ID = prefilter(
    r"\bid\b(?=.*\b(?:background|bg|backdrop|inch|size|photo|pic|picture)\b)|(?:background|bg|backdrop|inch|size)\b.*\bid\b"
)
_PAPERS = prefilter(r"证|寸|吋|申请|入职|报名|入党|入学|公司|学校|单位|考试|HR|hr|official|document|form\b")
_GROUND_ALONE = prefilter(
    r"^(?:请|帮我|麻烦|给我|给|把|照片|背景|底色|我要|我想要|想要|能不能|能|可以|就|还是|这张)*(?:换|改|变|做|弄|p|来|要|用|整|搞)?(?:一?个|一?张|成|为|到)?(?:纯)?[白蓝红]色?的?底色?的?(?:吧|呗|可以吗|行吗|行不|就行|就好|一张)?$|"
    r"底色?(?:换|改|变|要|用|弄|p)(?:成|为)?(?:纯)?[白蓝红]"
)
"""Beside a photo a coloured ground and nothing more is that of an ID photo: 换成蓝底."""
_CLOTHES = pattern("styles", "clothes")


def _ground(scan: Scan, color: str) -> list[Hit]:
    """A colour said as the ground of an ID photo: not that of the shirt."""
    return [
        h for h in scan.by.get(("group", color), ()) if not _CLOTHES.match(scan.text, h.end) and not negated(scan, h)
    ]


def _elsewhere(scan: Scan, f: Found, places: dict[str, list[Hit]]) -> None:
    strongest = max((f.worth(k) for k in f.scores), default=0.0)
    if "beach" in places and strongest < 1.5 and (scan.has("pic", "me", "want", "make") or len(scan.text) < 12):
        f.ask = BEACH
        return
    for k in ("cafe", "restaurant"):
        if k in places and strongest < 1.0 and scan.has("pic", "me"):
            f.add(f"dating_{k}", 1.3, places[k][0])
            return
    for group, keys in (("travel", TRAVEL), ("sport", SPORT)):
        hits = _wanted(scan, group)
        if not hits:
            continue
        known = [k for k in keys if k in f.scores]
        for k in known:
            f.add(k, 3.0, hits[0])
            f.named.add(k)
        if not known and strongest < 1.5:
            f.ask = keys


_SNOW = prefilter(r"冬|雪|winter|snow")
_GUOFENG = prefilter(r"中国风|国风|chinese[- ]style|guofeng|新中式|中式")
_HK = prefilter(r"香港|港式|hong ?kong|\bhk\b")
_OLD = prefilter(r"复古|怀旧|retro|vintage|[89]0|[八九]十年代|电影|film|movie")


_WITH_PET = prefilter(
    r"我?(?:跟|和|与|同|抱着|搂着|带着)[^,.!?]{0,8}(?:猫|狗|犬|兔|柯基|金毛|哈士奇|柴犬|泰迪|宠物|鹦鹉|仓鼠)[^,.!?]{0,6}(?:合影|合照|照|拍|一起|同框|写真|合个影)"
)
_CITY_NIGHT = prefilter(
    r"(?:夜|晚上|深夜|凌晨).{0,10}(?:城市|街|都市|江边|天桥|灯火|巷|便利店|店门口|路口)|\b(?:night|midnight)\b.{0,24}\b(?:city|downtown|streets?|skyline)\b|\b(?:city|downtown|streets?)\b.{0,24}\b(?:night|midnight)\b"
)
_CHILD = prefilter(
    r"(?:小朋友|宝宝|孩子|小孩|娃|闺女|女儿|儿子|孙子|孙女|宝贝)的?(?:艺术照|写真|艺术写真|个人写真|美照)"
)
_PARENTS = prefiltered("styles", "parents")
"""Two parents and a child: a family, whoever else is named."""
_DECADE = prefilter(r"\b(?:18[5-9]|19[0-7])0s\b|\bthe (?:twenties|thirties|forties|fifties|sixties|seventies)\b")
_MY_PET = prefiltered("styles", "my_pet")


_TOGETHER = any_of(_CHILD, _WITH_PET, _PARENTS, _DECADE, _CITY_NIGHT, _MY_PET, _GUOFENG, _HK)


def _pairs(scan: Scan, f: Found) -> None:
    """Two words that together name a style neither names alone."""
    text = scan.text
    if m := _CHILD.search(text):
        f.add("child_portrait", 3.5, Hit(m.start(), m.end(), "style", "child_portrait", False, True))
        f.named.add("child_portrait")
    if m := _WITH_PET.search(text):
        f.add("pet_together", 3.0, Hit(m.start(), m.end(), "style", "pet_together", False, True))
        f.named.add("pet_together")
    if m := _PARENTS.search(text):
        f.add("family_photo", 4.0, Hit(m.start(), m.end(), "style", "family_photo", False, True))
        f.named.add("family_photo")
    if (m := _DECADE.search(text)) and scan.has("pic", "me") and all(f.worth(k) < 1.5 for k in f.scores):
        f.add("vintage", 2.0, Hit(m.start(), m.end(), "style", "vintage", False, False))
        f.strong.add("vintage")
    if (m := _CITY_NIGHT.search(text)) and all(f.worth(k) < 1.5 for k in f.scores):
        f.add("night_city", 2.0, Hit(m.start(), m.end(), "hint", "night_city", False, False))
    if (m := _MY_PET.search(text)) and ("pet_together" in f.scores or re.search(r"\b(?:me|us|i|we|i'm)\b", text)):
        f.add("pet_together", 1.5, Hit(m.start(), m.end(), "hint", "pet_together", False, False))
    if "winter_chinese" not in f.named and _GUOFENG.search(text) and (m := _SNOW.search(text)):
        f.add("winter_chinese", 5.0, Hit(m.start(), m.end(), "style", "winter_chinese", False, True))
        f.named.add("winter_chinese")
        f.strong.add("winter_chinese")
    if "hongkong_vintage" not in f.named and (m := _HK.search(text)) and _OLD.search(text):
        f.add("hongkong_vintage", 4.0, Hit(m.start(), m.end(), "style", "hongkong_vintage", False, True))
        f.named.add("hongkong_vintage")
        f.strong.add("hongkong_vintage")
