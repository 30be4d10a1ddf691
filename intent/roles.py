"""Somebody shown as something ("me as a wizard", 把我变成骑士, 羊毛毡风格的我), which no style of the catalogue names."""

import re

from intent.scan import Scan

_REL = r"(?:me|us|myself|him|her|them|my \w+|our \w+|this (?:guy|girl|man|woman|kid|boy|person|baby|couple)|the (?:guy|girl|man|woman|kid|boy|baby|couple))"
AS_EN = re.compile(
    rf"\b(?:make|turn|transform|convert|change|draw|paint|reimagine|imagine|render|style|cast|morph|transforming|turning)\s+{_REL}(?: (?:all|both|look))?\s+(?:into|as|a|an|the|like|in)\b|"
    rf"\b{_REL}(?:,)? (?:as|like|dressed (?:up )?(?:as|in|like)|cosplaying|in the role of|wearing)\b|\bas (?:a|an|the|my|some|one of the)\b|\bversion of (?:me|us|him|her|my)\b|\b(?!make|do|give|show|turn|put|for|with|and|of|to|tell|call|text|let|help|send|on|at|see|like|get|is|than|behind|about|surprise|trust|ask|remind|join|love|excuse|thank|message|dm|miss|hit|kill|bless|from|by|around|near|beside|beat|want|need|pay|bring|take|suits|fits|it|or|but|in|not|without|poor|silly|just|only|both|remove|delete|erase|forget|slim|retouch|beautify|photoshop|edit|upscale)[\w-]+ me(?:,| please| pls| plz|!|$)|"
    rf"\b(?:what|how) (?:would|will|do|did|could) (?:i|he|she|we|they|my \w+) look\b|\bshow (?:me|him|her|my \w+) (?:in|as|on|at|with|riding|wearing|driving|flying)\b|\bcosplay\b|\bdress(?:ed)? (?:me|him|her|us|my \w+) (?:up )?(?:as|in|like)\b|\bgive me (?:a|an|the) [\w -]{{2,30}}(?:look|makeover|portrait|outfit|costume)\b|\bi want to (?:be|look like)\b|\bwanna be\b"
)
OF_EN = re.compile(
    r"\b(?:portraits?|photos?|pics?|pictures?|images?|drawing|painting|sketch|shots?) of (?:me|us|my \w+|him|her|them)\b"
)
AS_ZH = re.compile(
    r"变成|变身|扮成?|化身|当(?:一[回次天个名位把]|个|回|次)|(?:我|想|要|想要|也要)当(?!然|时|天|地)|想变|造型|cos(?:成|play)?|版的?(?:我|自己)|打扮成?|穿越[成到]|成为|装扮成?|[画p做弄整搞拍]成|变做|变个|变一|风(?:格)?的?(?:我|自己|人像|肖像|头像|照|人物)|形象的?我|演(?:一|个)|(?:什么样|啥样|样子)|换成[^,]{0,8}(?:造型|服|装|打扮)|模样"
)
_SELF_ZH = re.compile(
    r"我|自己|本人|他|她|人|妈|爸|老婆|老公|儿子|女儿|孩子|娃|宝|朋友|闺蜜|弟|妹|哥|姐|爷|奶|狗|猫|同学|老师|老板|脸"
)
_PICTURE_ZH = re.compile(
    r"这(?:张|幅|个|图|照)|图|照片|相片|画面|天空|背景|衣|裙|头发|眼|杯|桌|墙|车|灯|窗|花|水|季|白天|颜色|字|帽|鞋|包|场景"
)
BA = re.compile(
    r"(?:把|将)([^,.!?]{1,14}?)(?:变成|变为|做成|弄成|改成|换成|p成|画成|整成|搞成|调成|变|换|改|染成|涂成|去|删|抹|擦|放|移|p|遮)"
)
_LOOK_ZH = re.compile(r"[\u4e00-\u9fff]{2,6}(?:风格|画风|艺术风|风)(?=$|[,.!的我头人肖 ])")


def shown_as(scan: Scan) -> bool:
    """Somebody is to be shown as something."""
    text = scan.text
    if AS_EN.search(text) and (scan.photos or scan.has("me", "relative")):
        return True
    if text.isascii():
        return False
    if (scan.photos or scan.has("me", "relative")) and _LOOK_ZH.search(text) and not scan.has("change", "bg"):
        return True
    if not AS_ZH.search(text):
        return False
    m = BA.search(text)
    if m and not _SELF_ZH.search(m.group(1)):
        return False
    return scan.photos > 0 or scan.has("me", "relative")
