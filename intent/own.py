"""Changes of the picture in the person's own words, which no action of the catalogue names."""

import re

from intent.roles import AS_ZH, BA
from intent.scan import Scan

_OWN_EN = re.compile(
    r"^(?:(?:please|pls|plz|can|could|would|will|you|u|hey|hi|ok|also|now|and|then|just|kindly|to|i want|i'd like|help me)[, ]+)*(?:(?:add|put|insert|place|stick|hang|throw|remove|erase|delete|swap|replace|change|dye|paint|recolou?r|crop|straighten|flip|rotate|mirror|open|close|clean|tidy|cover|move|trim|fix|lower|raise|blur|darken|lighten|turn (?:on|off|the|this|day|it)|make (?:it|the|this|everyone|his|her|their|our))\b(?! (?:me|us|him|them|myself)\b)(?! look like (?:i|i'm|im|we|me|a)\b)(?! (?:selfie|photo|pic|picture|look) )(?! (?:a|an) (?:\w+ ){0,3}(?:portrait|photo|pic|picture|headshot|avatar))|(?:give|get) (?:me|him|her|us|them|my \w+|dad|mum|mom) (?:a |an |some )?(?:\w+ )?(?:beard|moustache|mustache|hat|cap|glasses|sunglasses|haircut|hair|smile|crown|wings|tan|tattoo|earrings|scarf|necklace|halo|horns|bangs|fringe|umbrella)|(?:take|get) .{2,30} (?:off|out|away)\b)"
)
_OWN_ZH = re.compile(
    r"(?:加|添|补|放|画)(?:上|点|些|个|只|条|朵|顶|副|束|一|几|两)|去掉|删掉|去除|拿掉|抹掉|擦掉|P掉|p掉|换成|改成|染成|变成|涂成|换个|改一下|(?:头发|眼睛|衣服|裙子|天空|嘴巴|鞋|帽子|桌|墙|灯|窗|手|颜色|表情).{0,8}(?:换|改|变|染|调|弄|加|去)|收拾|整理|裁|翻转|旋转|打码|遮|睁开|闭上|扶正|摆正"
)


def own_change(scan: Scan) -> str | None:
    """An order to change something in the picture that no action of the catalogue names."""
    if m := _OWN_EN.search(scan.text):
        return m.group()
    if scan.text.isascii():
        return None
    ba = BA.search(scan.text)
    if ba:
        return (
            None
            if re.match(r"^(?:我|自己|他|她|我们|我\w{1,3}|人|本人|大家|全家|他们|她们|我俩)$", ba.group(1))
            else ba.group()
        )
    m = _OWN_ZH.search(scan.text)
    return m.group() if m and not AS_ZH.search(scan.text) else None


_ONLY = re.compile(
    r"\bonly\b|\bjust (?:the|my|his|her|change|edit|that|this|paint|recolou?r|make the)\b|\bjust .{2,20}(?:,|$).*(?:else|rest)|(?<![一二两三四五六七八九十几\d这那每])只(?!有|是|要(?!改|换))|仅|光(?=改|换)|其他|其它|其余|别的(?=不|别|都)|剩下|\b(?:nothing|everything|anything) else\b|\bthe rest\b|leave the|别动|不动|保持不变|不要动|不要改"
)


def confined(scan: Scan) -> str:
    return "local_edit" if _ONLY.search(scan.text) else "edit"
