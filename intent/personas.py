"""Somebody shown as something that no style of the catalogue names ("me as a wizard", 把我变成骑士)."""

import re

from intent.lexicon.patterns import prefilter, prefiltered
from intent.scan import Scan

AS_EN = prefiltered("personas", "as_en")
OF_EN = prefiltered("personas", "of_en")
OF_SELF = re.compile(
    r"(?:just |only |maybe )?(?:me|us|my \w+ and (?:i|me)) (?:in|on|at|as|with|wearing|holding|by|under)\b"
)
"""A sentence that begins by placing oneself: "me in the robes with a diploma"."""
AS_ZH = prefiltered("personas", "as_zh")
_SELF_ZH = re.compile(
    r"我|自己|本人|他|她|人|妈|爸|老婆|老公|儿子|女儿|孩子|娃|宝|朋友|闺蜜|弟|妹|哥|姐|爷|奶|狗|猫|同学|老师|老板|脸"
)
_PICTURE_ZH = re.compile(
    r"这(?:张|幅|个|图|照)|图|照片|相片|画面|天空|背景|衣|裙|头发|眼|杯|桌|墙|车|灯|窗|花|水|季|白天|颜色|字|帽|鞋|包|场景"
)
BA = prefilter(
    r"(?:把|将)([^,.!?]{1,14}?)(?:变成|变为|做成|弄成|改成|换成|p成|画成|整成|搞成|调成|变|换|改|染成|涂成|去|删|抹|擦|放|移|p|遮)"
)
_LOOK_ZH = prefilter(r"[\u4e00-\u9fff]{2,6}(?:风格|画风|艺术风|风)(?=$|[,.!的我头人肖 ])")


_SOMETHING_ME = re.compile(r"[\w-]+ me\W*(?:please|pls|plz)?\W*")
"""Such as "claymation me": a wish beside a photo, alone perhaps a saying ("new year new me")."""


_ONLY_DRESSED = re.compile(r"(?:wearing|in|at|on|with|like in)$|^show (?:me|him|her|my \w+) (?!as)")
_DAY_ZH = re.compile(r"(?:把)?(?:白天|晴天|阴天|晚上|夜晚|黑夜|傍晚|春天|夏天|秋天|冬天|天空)(?:变|换|改|弄|p)")
_ONLY_SCENE_ZH = re.compile(r"样子|模样|[拍画p做弄整搞]成|风(?:格)?的?(?:照|人物)")
_LOOK = prefiltered("personas", "look")
"""Looks that no style of the catalogue has, said of a person: they are the description itself."""


def only_placed(scan: Scan) -> bool:
    """The words that show somebody say only what is worn and where, not as whom: a style beside them holds."""
    said = [m.group() for m in AS_EN.finditer(scan.text)]
    if any(not _ONLY_DRESSED.search(words) for words in said):
        return False
    return all(_ONLY_SCENE_ZH.search(m.group()) for m in AS_ZH.finditer(scan.text))


def own_look(scan: Scan) -> bool:
    return bool(_LOOK.search(scan.text))


def shown_as(scan: Scan) -> bool:
    """Somebody is to be shown as something."""
    text = scan.text
    m = AS_EN.search(text)
    if m and (scan.photos or (scan.has("me", "relative") and not _SOMETHING_ME.fullmatch(m.group()))):
        return True
    if text.isascii():
        return False
    if (scan.photos or scan.has("me", "relative")) and _LOOK_ZH.search(text) and not scan.has("change", "bg"):
        return True
    if not AS_ZH.search(text) or _DAY_ZH.match(text):
        return False
    m = BA.search(text)
    if m and not _SELF_ZH.search(m.group(1)):
        return False
    return scan.photos > 0 or scan.has("me", "relative")
