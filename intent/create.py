"""A picture from words alone: an order to draw, a thing that is made from nothing, or a bare description."""

import re

from intent.patterns import gate, gated
from intent.scan import Scan
from intent.speech import FAVOUR, STATEMENT
from intent.styles import ART, Found

_DATIVE = gated("create", "dative")
_QUANT = gated("create", "quant")
_SCENE_ZH = gate(
    r"[里上下中旁边前后](?:的|有|$|,)|(?:在|坐|站|趴|飞|飘|骑|穿|戴|抱|拿).{1,10}|[^,.!?]{2,}的[^,.!?]{2,}"
)
_PRONOUN_EN = gated("create", "pronoun_en")
_PRONOUN_ZH = gate(
    r"我|你|您|他(?!们的画)|她|咱|大家|谁|今天|明天|昨天|这(?!种|样)|老师|妈|老公|老婆|吗|怎么|什么|为什么|哪"
)
_VERB_EN = gated("create", "verb_en")
_DETERMINER = re.compile(r"\b(?:a|an|the|two|three|some|\d)\b")
_MAKE_THING = gated("create", "make_thing")
_OF_ME = gated("create", "of_me")
_MAKE_ME = gate(
    r"\b(?:make|turn) me (?:into )?(?:an?|the)\b(?! (?:\w+ ){0,3}(?:picture|photo|pic|image|drawing|sketch)\b)"
)
_PICTURE_OF = gated("create", "picture_of")
_NOBODY = gated("create", "nobody")


_HAN = re.compile(r"[\u4e00-\u9fff]")
_CHATTY = re.compile(r"(?:stuck|lost|late|back|busy|home|off|still|just|got|dinner|lunch|good|see|same|meet|gone)\b")
_DOING = gate(
    r"\b(?:in an?|wearing|riding|holding|eating|made (?:of|from|out of)|playing|driving|with an?|on an?|dressed as)\b"
)


def creation(scan: Scan, found: Found, told: float, core: str) -> tuple[float, list[str]]:
    """How far this is a picture from words alone (2 and more: it is), and why."""
    text = scan.text
    why: list[str] = []
    score = 0.0
    visual = scan.words("visual")
    if hints := scan.kinds.get("hint"):
        places = {h.start for h in visual}
        for h in hints:
            if h.key not in ("child_portrait", "family_photo") and h.start not in places:
                visual = [*visual, h]
                places.add(h.start)
    named = scan.kinds.get("style", ())
    verb = [v for v in scan.words("createverb") if not any(h.start < v.start < h.end for h in named)]  # 油画一张
    noun = scan.words("createnoun")
    if verb:
        score += 2.0
        why.append(f"draw: {text[verb[0].start : verb[0].end]}")
    if noun:
        score += 1.6
        why.append(f"a thing made: {text[noun[0].start : noun[0].end]}")
    if visual:
        score += min(3, len(visual)) * 0.6
        why.append("described: " + ", ".join(text[h.start : h.end] for h in visual[:3]))
    of_me = bool(scan.may & _OF_ME.needed and _OF_ME.search(text))
    if scan.photos and not noun and scan.may & _MAKE_ME.needed and _MAKE_ME.search(text):
        of_me = True  # beside a photo "make me a cyborg" is a wish to be one
    somebody = of_me or scan.has("me", "relative")
    if (
        not scan.photos
        and not verb
        and scan.may & _PICTURE_OF.needed
        and (m := _PICTURE_OF.search(text))
        and not somebody_in(scan, m)
    ):
        score += 2.0
        why.append(f"a picture of a thing: {m.group()}")
    if not scan.photos and scan.may & _NOBODY.needed and (m := _NOBODY.search(text)):
        score += 2.0
        why.append(f"nobody in it: {m.group()}")
    if noun and not verb and not somebody and not scan.photos and not found.named - ART and told < 0.8:
        score += 0.6
    if noun and not verb and re.search(r"(?:要|来|做|出|求|弄|整|搞)(?:一|两|几|\d)?[张个幅款版套份]", text):
        score += 1.0
    if not verb and scan.may & _MAKE_THING.needed and (m := _MAKE_THING.search(text)) and not scan.has("nonpic"):
        wish = re.search(r"want|need|like|have", m.group()) and not noun and not scan.has("pic")
        score += (0.6 if len(text.split()) >= 7 and visual else -0.6) if wish else 1.0
    if told < 1.2 and describes(scan, core):
        score += 1.6
        why.append("a bare description")
    if of_me:
        score -= 3.5
    elif scan.has("me", "relative") and not _DATIVE.search(text):
        score -= 1.0 if verb or noun else 3.0
    if scan.photos:
        score -= 2.0
    if scan.has("thispic") and not noun:
        score -= 1.5
    if scan.has("nonpic") and not noun:
        score -= 2.0
    if scan.may & FAVOUR.needed and FAVOUR.search(text):
        score -= 4.0
    if not scan.photos and not verb and scan.may & STATEMENT.needed and STATEMENT.search(text):
        score -= 2.0
    if found.ask:
        score -= 2.5
    people = [k for k in found.scores if k not in ART and k in found.named and found.worth(k) >= 3.0]
    if people and not noun and not verb:
        score -= 2.0
    elif any(k in ART and found.worth(k) >= 1.5 for k in found.scores) and len(visual) < 2 and not verb and not noun:
        score -= 1.5
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
