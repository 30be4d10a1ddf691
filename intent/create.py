"""A picture from words alone: an order to draw, a thing that is made from nothing, or a bare description."""

import re

from intent.scan import Scan
from intent.styles import ART, Found

_DATIVE = re.compile(
    r"给我|帮我|替我|\bfor me\b|\b(?:give|draw|make|get|send|show|paint|generate|create|design|do|sketch|render|illustrate) me (?!as\b|in\b|into\b|look\b|like\b|at\b|on\b|with\b|a bit\b)|^i (?:want|need|would like|'d like|wanna)|^i'd like|\bcan i (?:get|have)\b|我想要|我要(?!当|变|做)|我需要|我们(?:公司|店|班|学校|小区|家店|社团|群)|我(?:的|家)?(?:店|公司|奶茶店|咖啡店|公众号|频道|书|课件|ppt)|\b(?:my|our) (?:shop|store|bakery|cafe|channel|blog|book|company|club|band|kid's|daughter's|son's|niece's|nephew's|room|wall|desk|presentation|website|d&d|dnd|team|class|party|newsletter|desktop|phone|laptop|podcast|startup|restaurant|story)\b|\bi (?:can|could)\b"
)
_QUANT = re.compile(
    r"^(?:一|两|二|三|几|十)?(?:只|片|座|条|群|间|棵|艘|朵|位|辆|栋|匹|盏|束|幅|张|个|头|碗|杯|排|对|双|扇|颗|株|架|道|串|堆)|(?:^|[,.])一(?:只|片|座|条|群|间|棵|艘|朵|位|辆|栋|匹|盏|束|碗|杯|头|扇|个)"
)
_SCENE_ZH = re.compile(
    r"[里上下中旁边前后](?:的|有|$|,)|(?:在|坐|站|趴|飞|飘|骑|穿|戴|抱|拿).{1,10}|[^,.!?]{2,}的[^,.!?]{2,}"
)
_PRONOUN_EN = re.compile(
    r"\b(?:i|i'm|im|i've|we|you|u|your|he|she|they|ur|who|what|when|where|why|how|my|our|us|anyone|it's|its|that's|there's|let's|lol|lmao|this|that|his|her|their|tomorrow|today|tonight|yesterday|monday|tuesday|wednesday|thursday|friday|saturday|sunday|please enter|reminder|meeting)\b"
)
_PRONOUN_ZH = re.compile(
    r"我|你|您|他(?!们的画)|她|咱|大家|谁|今天|明天|昨天|这(?!种|样)|老师|妈|老公|老婆|吗|怎么|什么|为什么|哪"
)
_VERB_EN = re.compile(
    r"\b(?:is|are|was|were|has|have|had|will|went|got|closed|cancelled|sold|arrived|starts|ends|opens|said|says|loves?|hates?|needs|costs?|can|could|should|don't|won't|broke|forgot|knocked)\b"
)
_DETERMINER = re.compile(r"\b(?:a|an|the|two|three|some|\d)\b")
_MAKE_THING = re.compile(
    r"\b(?:make|do|give me|gimme|get me|show me|want|need|like|have|produce|render|imagine|create|generate|design|build)\s+(?:me\s+)?(?:a|an|some|two|three|four|five|\d|the)\b"
)
_OF_ME = re.compile(
    r"\b(?:of|as|with|for)\s+(?:me|us|myself|him|her|them|my (?:face|self|dog|cat|son|daughter|wife|husband|mum|mom|dad|kid|family|baby|boyfriend|girlfriend|friend|grandma|grandpa|boss|sister|brother|parents))\b(?<!for me)|"
    r"\b(?:make|turn|put|draw|paint)\s+(?:me|us|myself|him|her|them|my (?:face|self|dog|cat|son|daughter|wife|husband|mum|mom|dad|kid|family|baby|boyfriend|girlfriend|friend))\b(?! (?:a|an|some|two|three|four|five|the|one|\d|another)\b)|\bme (?:as|in|at|on|with|and)\b|"
    r"(?:画|把)我(?!的|们)|我(?:自己)?(?:在|当|变|站|坐|穿|戴)|变成|我的(?:照片|脸|样子|头像|形象|自拍)|(?:版|风|风格)的?(?:我|自己)|的我(?:$|[,.!])"
)


def creation(scan: Scan, found: Found, told: float, core: str) -> tuple[float, list[str]]:
    """How far this is a picture from words alone (2 and more: it is), and why."""
    text = scan.text
    why: list[str] = []
    score = 0.0
    visual = scan.words("visual") + [
        h for h in scan.kinds.get("hint", ()) if h.key not in ("child_portrait", "family_photo")
    ]
    verb, noun = scan.words("createverb"), scan.words("createnoun")
    if verb:
        score += 2.0
        why.append(f"draw: {text[verb[0].start : verb[0].end]}")
    if noun:
        score += 1.6
        why.append(f"a thing made: {text[noun[0].start : noun[0].end]}")
    if visual:
        score += min(3, len(visual)) * 0.6
        why.append("described: " + ", ".join(text[h.start : h.end] for h in visual[:3]))
    if noun and not verb and re.search(r"(?:要|来|做|出|求|弄|整|搞)(?:一|两|几|\d)?[张个幅款版套份]", text):
        score += 1.0
    if not verb and _MAKE_THING.search(text) and not scan.has("nonpic"):
        score += 1.0
    if told < 1.2 and describes(scan, core):
        score += 1.6
        why.append("a bare description")
    if _OF_ME.search(text):
        score -= 3.5
    elif scan.has("me", "relative"):
        if not _DATIVE.search(text):
            score -= 1.0 if verb or noun else 3.0
    if scan.photos:
        score -= 2.0
    if scan.has("thispic") and not noun:
        score -= 1.5
    if scan.has("nonpic") and not noun:
        score -= 2.0
    if found.ask:
        score -= 2.5
    people = [k for k in found.scores if k not in ART and k in found.named and found.worth(k) >= 3.0]
    if people and not noun and not verb:
        score -= 2.0
    elif any(k in ART and found.worth(k) >= 1.5 for k in found.scores) and len(visual) < 2 and not verb and not noun:
        score -= 1.5
    return score, why


def describes(scan: Scan, text: str) -> bool:
    """A noun phrase that paints a scene, not a sentence about somebody."""
    han = sum(1 for ch in text[:200] if "\u4e00" <= ch <= "\u9fff")
    if han >= 3:
        if _PRONOUN_ZH.search(text) or scan.has("opinion") or text.rstrip().endswith(("?", "了", "吧", "啊", "呢")):
            return False
        return bool(
            (scan.has("visual") or "hint" in scan.kinds)
            and (_QUANT.search(text) or _SCENE_ZH.search(text) or len(scan.words("visual")) >= 2)
        )
    words = text.split()
    start = " ".join(words[:5])
    if (
        any(scan.text[h.start : h.end] in start for h in scan.words("createnoun"))
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
    return (
        bool(re.match(r"(?:a|an|two|three|the|\d)\b", text))
        and len(words) >= 4
        and bool(re.search(r"\b(?:with|in|on|under|over|of|at|by|made|\w+ing)\b", text))
    )
