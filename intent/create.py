"""A picture from words alone: an order to draw, a thing that is made from nothing, or a bare description."""

import re
from collections.abc import Callable

from intent.lexicon.patterns import prefilter, prefiltered
from intent.prefilter import Prefiltered
from intent.scan import Hit, Scan
from intent.speech_acts import FAVOUR, STATEMENT
from intent.styles import ART, Found

_DATIVE = prefiltered("create", "dative")
_QUANT = prefiltered("create", "quant")
_SCENE_ZH = prefilter(
    r"[里上下中旁边前后](?:的|有|$|,)|(?:在|坐|站|趴|飞|飘|骑|穿|戴|抱|拿).{1,10}|[^,.!?]{2,}的[^,.!?]{2,}"
)
_PRONOUN_EN = prefiltered("create", "pronoun_en")
_PRONOUN_ZH = prefilter(
    r"我|你|您|他(?!们的画)|她|咱|大家|谁|今天|明天|昨天|这(?!种|样)|老师|妈|老公|老婆|吗|怎么|什么|为什么|哪"
)
_VERB_EN = prefiltered("create", "verb_en")
_DETERMINER = re.compile(r"\b(?:a|an|the|two|three|some|\d)\b")
_MAKE_THING = prefiltered("create", "make_thing")
_OF_ME = prefiltered("create", "of_me")
_MAKE_ME = prefilter(
    r"\b(?:make|turn) me (?:into )?(?:an?|the)\b(?! (?:\w+ ){0,3}(?:picture|photo|pic|image|drawing|sketch)\b)"
)
_PICTURE_OF = prefiltered("create", "picture_of")
_NOBODY = prefiltered("create", "nobody")


_HAN = re.compile(r"[\u4e00-\u9fff]")
_CHATTY = re.compile(r"(?:stuck|lost|late|back|busy|home|off|still|just|got|dinner|lunch|good|see|same|meet|gone)\b")
_DOING = prefilter(
    r"\b(?:in an?|wearing|riding|holding|eating|made (?:of|from|out of)|playing|driving|with an?|on an?|dressed as)\b"
)


_ONE_OF_IT_ZH = prefilter(r"(?:要|来|做|出|求|弄|整|搞)(?:一|两|几|\d)?[张个幅款版套份]")
_WISH = re.compile(r"want|need|like|have")


class _View:
    """What the rules below look at, worked out once."""

    def __init__(self, scan: Scan, found: Found, told: float, core: str) -> None:
        self.scan, self.found, self.told, self.core = scan, found, told, core
        text = scan.text
        named = scan.kinds.get("style", ())
        self.verb = [  # 油画一张 is no order to draw
            v for v in scan.words("createverb") if not any(h.start < v.start < h.end for h in named)
        ]
        self.noun = scan.words("createnoun")
        self.seen = _seen(scan)
        self.of_me = bool(scan.may & _OF_ME.needed and _OF_ME.search(text))
        if scan.photos and not self.noun and scan.may & _MAKE_ME.needed and _MAKE_ME.search(text):
            self.of_me = True  # beside a photo "make me a cyborg" is a wish to be one
        self.us = scan.has("me", "relative")
        self.made = None if self.verb or scan.has("nonpic") else self.search(_MAKE_THING)

    def search(self, rule: Prefiltered) -> re.Match[str] | None:
        return rule.search(self.scan.text) if self.scan.may & rule.needed else None

    def for_people(self) -> bool:
        """A portrait style is named."""
        found = self.found
        return any(k not in ART and k in found.named and found.worth(k) >= 3.0 for k in found.scores)

    def way_of_painting(self) -> bool:
        return any(k in ART and self.found.worth(k) >= 1.5 for k in self.found.scores)


def _seen(scan: Scan) -> list[Hit]:
    """The words that paint something: things, places, weather, props."""
    seen = scan.words("visual")
    if hints := scan.kinds.get("hint"):
        places = {h.start for h in seen}
        for h in hints:
            if h.key not in ("child_portrait", "family_photo") and h.start not in places:
                seen = [*seen, h]
                places.add(h.start)
    return seen


def _made(v: _View) -> float:
    """ "make a …" asks for a thing; "I want a …" only where it is described."""
    if v.made is None:
        return 0.0
    if _WISH.search(v.made.group()) and not v.noun and not v.scan.has("pic"):
        return 0.6 if len(v.scan.text.split()) >= 7 and v.seen else -0.6
    return 1.0


def _thing(v: _View) -> bool:
    m = None if v.scan.photos or v.verb else v.search(_PICTURE_OF)
    return m is not None and not somebody_in(v.scan, m)


def _ours(v: _View) -> float:
    """Somebody we know is in it, unless it is only made for them."""
    if v.of_me or not v.us or _DATIVE.search(v.scan.text):
        return 0.0
    return 1.0 if v.verb or v.noun else 3.0


Rule = tuple[float, Callable[[_View], float], str]

_RULES: tuple[Rule, ...] = (
    (2.0, lambda v: bool(v.verb), "an order to draw"),
    (1.6, lambda v: bool(v.noun), "a thing made"),
    (0.6, lambda v: min(3, len(v.seen)), "described"),
    (2.0, _thing, "a picture of a thing"),
    (2.0, lambda v: not v.scan.photos and v.search(_NOBODY) is not None, "nobody in it"),
    (
        0.6,
        lambda v: (
            bool(v.noun) and not (v.verb or v.of_me or v.us or v.scan.photos or v.found.named - ART) and v.told < 0.8
        ),
        "a thing made, of nobody",
    ),
    (1.0, lambda v: bool(v.noun) and not v.verb and v.search(_ONE_OF_IT_ZH) is not None, "one of it is wanted"),
    (1.0, _made, "make a …"),
    (1.6, lambda v: v.told < 1.2 and describes(v.scan, v.core), "a bare description"),
    (-3.5, lambda v: v.of_me, "a picture of somebody"),
    (-1.0, _ours, "somebody known is in it"),
    (-2.0, lambda v: bool(v.scan.photos), "a photo lies there"),
    (-1.5, lambda v: v.scan.has("thispic") and not v.noun, "this picture"),
    (-2.0, lambda v: v.scan.has("nonpic") and not v.noun, "something that is no picture"),
    (-4.0, lambda v: v.search(FAVOUR) is not None, "a favour of another kind"),
    (-2.0, lambda v: not v.scan.photos and not v.verb and v.search(STATEMENT) is not None, "a statement"),
    (-2.5, lambda v: bool(v.found.ask), "a style to ask back about"),
    (-2.0, lambda v: not v.noun and not v.verb and v.for_people(), "a portrait style is named"),
    (
        -1.5,
        lambda v: len(v.seen) < 2 and not (v.verb or v.noun) and not v.for_people() and v.way_of_painting(),
        "a way of painting and hardly more",
    ),
)
"""(points, how far it applies, why)."""


def creation(scan: Scan, found: Found, told: float, core: str) -> tuple[float, list[str]]:
    """How far this is a picture from words alone (`thresholds.CREATE` and more: it is), and why."""
    view = _View(scan, found, told, core)
    score = 0.0
    why: list[str] = []
    for points, applies, reason in _RULES:
        if far := applies(view):
            score += points * far
            why.append(f"{points * far:+.1f} {reason}")
    return score, why


def somebody_in(scan: Scan, m: re.Match[str]) -> bool:
    """Whether the words of a match, or those after it, speak of a person who is known."""
    return any(h.start >= m.start() + 2 for h in scan.words("me", "relative"))


def describes(scan: Scan, text: str) -> bool:
    """A noun phrase that paints a scene, not a sentence about somebody."""
    han = 0 if text.isascii() else len(_HAN.findall(text, 0, 200))
    if han >= 3:
        if not ("visual" in scan.classes or "hint" in scan.kinds) or "past" in scan.classes:
            return False
        if _PRONOUN_ZH.search(text) or scan.has("opinion") or text.rstrip().endswith(("?", "了", "吧", "啊", "呢")):
            return False
        return bool(_QUANT.search(text) or _SCENE_ZH.search(text) or len(scan.words("visual")) >= 2)
    if "command" in scan.kinds or "past" in scan.classes:
        return False
    words = text.split()
    start = " ".join(words[:5]) if "createnoun" in scan.classes else ""
    if (
        start
        and any(scan.text[h.start : h.end] in start for h in scan.words("createnoun"))
        and not _VERB_EN.search(text)
        and not scan.has("question", "opinion")
        and not text.rstrip().endswith("?")
    ):
        return not re.match(r"(?:my|our|his|her|your|i|we)\b", text)
    if (
        len(words) < (2 if scan.has("createnoun") or len(scan.words("visual")) >= 2 else 3)
        or _PRONOUN_EN.search(text)
        or _VERB_EN.search(text)
        or scan.has("question")
        or text.rstrip().endswith("?")
    ):
        return False
    if scan.has("visual") or scan.has("createnoun") or "hint" in scan.kinds:
        return True
    if len(words) <= 9 and _DOING.search(text) and not _CHATTY.match(text):
        return True
    return (
        bool(re.match(r"(?:a|an|two|three|the|\d)\b", text))
        and len(words) >= 4
        and bool(re.search(r"\b(?:with|in|on|under|over|of|at|by|made|\w+ing)\b", text))
    )
