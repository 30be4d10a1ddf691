"""Patterns for messages about trained faces and templates, in both languages."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

Wish = Literal["train", "list", "delete", "template"]

_TEMPLATE = re.compile(
    r"(?:用|把|拿|以|照着|按)?(?:第.张|最后一张|上面|后面)?(?:这|那)?(?:一)?(?:张|幅|个)?(?:图片|照片|图|片)?"
    r"(?:来)?(?:当|做|作为|当作|当成|作|为|是)(?:我的)?(?:模板|模版|样板|范本)"
    r"|(?:模板|模版)(?:写真|照|换脸)|(?:套|按|照|用)(?:这张|那张|这个|那个|这)?(?:模板|模版)"
    r"|\b(?:use|take|with|make) (?:this|that|it|the (?:first|second|third|last|other))"
    r"(?: one| picture| photo| image| pic)?"
    r" (?:as|for) (?:a |the |my )?template\b|\bas (?:a |the |my )template\b|\btemplate (?:portrait|photo)\b"
    r"|\buse (?:this|that|the) template\b|\b(?:this|that) (?:one )?is (?:the|my) template\b",
    re.IGNORECASE,
)
_MODEL = r"(?:数字分身|人脸模型|脸部模型|脸模|写真模型)"
_TRAINED = r"(?:训练好的|训练过的|训练的|已训练的|专属)(?:的)?(?:人脸|脸)(?:模型)?"
_DELETE = re.compile(
    rf"(?:删除|删掉|删了|清除|移除)(?:掉)?(?:我)?(?:的)?(?:专属)?(?:{_MODEL}|{_TRAINED})"
    r"|\b(?:delete|remove|erase) (?:my |the |all )*(?:trained faces?|face models?|lora|digital twin)\b",
    re.IGNORECASE,
)
_LIST = re.compile(
    rf"^(?:看看|列出|查看)?(?:我)?(?:的|有哪些|有什么)?(?:专属)?(?:{_MODEL}|{_TRAINED})(?:有哪些|列表|呢)?[??]?$"
    r"|\b(?:list|show)(?: me)?(?: my| the)? (?:trained faces|face models)\b"
    r"|^(?:which|what) (?:trained faces|face models) do (?:you|i) have"
    r"|^my (?:trained faces?|face models?)\??$",
    re.IGNORECASE,
)
_TRAIN = re.compile(
    rf"训练(?:一个|一下|出|个)?(?:我|我们)?(?:的|自己的)*(?:专属)?(?:人脸|脸|分身|模型|lora|{_MODEL})"
    rf"|(?:做|建|创建|生成|要|弄)(?:一个|个)?(?:我)?(?:的)?(?:专属)?{_MODEL}|(?:学会|学习|记住)(?:一下)?我的(?:脸|样子|长相)"
    r"|\b(?:train|learn) (?:an?|my|our)(?: own| personal)? (?:face|lora|model of (?:me|my face))\b"
    r"|\b(?:train|learn|create|make)(?: me)? (?:an?|my|our)(?: own| personal)? (?:face model|lora|digital twin)\b",
    re.IGNORECASE,
)
_WITH_FACE = re.compile(
    r"用(?:我)?(?:的)?(?:训练好的|训练的|专属|已训练)(?:的)?(?:人脸|脸|数字分身|分身|模型)|用(?:我的)?(?:数字分身|分身|脸模)"
    r"|\b(?:with|use|using|from) (?:my|the) (?:trained |own )?(?:face model|trained face|lora|digital twin)\b"
    r"|\b(?:with|use|using) my trained\b",
    re.IGNORECASE,
)
_UNTOUCHED = re.compile(
    r"(?:不要|不用|别|无需|不)(?:再)?(?:美颜|磨皮|修图|修脸)|原生皮肤|\b(?:no|without|don'?t) (?:any )?"
    r"(?:retouch(?:ing)?|beautify(?:ing)?|beauty|skin smoothing|smoothing)\b|\bnatural skin\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class FaceWords:
    """What was said. `rest`: the text without those words. `trained`: use the trained face."""

    wish: Wish | None = None
    trained: bool = False
    retouch: bool = True
    rest: str = ""


def face_words(text: str) -> FaceWords:
    """Nothing for a typed command (`/…`)."""
    text = unicodedata.normalize("NFKC", text).strip()
    if not text or text.startswith("/"):
        return FaceWords(rest=text)
    trained, retouch = _WITH_FACE.search(text) is not None, _UNTOUCHED.search(text) is None
    rest = _WITH_FACE.sub(" ", text)
    kinds: tuple[tuple[Wish, re.Pattern[str]], ...] = (
        ("template", _TEMPLATE), ("delete", _DELETE), ("list", _LIST), ("train", _TRAIN)
    )  # fmt: skip
    wish = next((wish for wish, pattern in kinds if pattern.search(rest)), None)
    if wish == "template":
        rest = _UNTOUCHED.sub(" ", _TEMPLATE.sub(" ", rest))
    return FaceWords(wish=wish, trained=trained, retouch=retouch, rest=" ".join(rest.split()).strip(" ,，。.!！、;；"))
