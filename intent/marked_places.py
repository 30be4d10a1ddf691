"""Words said of a place that was marked on a photo by hand: whether what is there is to go, or something is to come.

"remove this", "把圈起来的去掉" want what is marked gone; "replace it with flowers", "这里换成花" want something there.
"""

import re

_GOES = re.compile(
    r"\b(?:remov\w+|eras\w+|delet\w+|get rid|wipe|clear|take (?:it|this|that|them|these|those) (?:out|away|off)|"
    r"(?:make|have) (?:it|this|that|them) (?:gone|disappear|vanish)|clean (?:it|this|that)(?: up)?|gone)\b|"
    r"去掉|去除|去了|移除|移走|删|擦掉|擦除|涂掉|抹掉|抹去|抹除|消除|消掉|清除|清掉|拿掉|弄掉|搞掉|p掉|不要|消失|除掉"
)
_COMES = re.compile(
    r"\b(?:with|into|instead|replace\w*|add|put|turn (?:it|this|that)|becomes?|change)\b|"
    r"换|改|变|加|放|添|替|画|写|补(?:上|一|个)|长出|戴"
)


def wants_it_gone(text: str) -> bool:
    """Whether the words ask only that what is marked goes. Pure."""
    plain = text.casefold()
    return bool(_GOES.search(plain)) and not _COMES.search(plain)
