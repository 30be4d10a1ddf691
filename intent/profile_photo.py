"""Words that take the writer's own profile photo as the picture to work on: "use my profile photo", 用我的头像.

Not one that is to be *made* ("for my profile photo", 做我的头像), nor somebody else's, nor one that is to be left alone
("don't use my profile photo").
"""

import re

_EN = (
    r"my\s+(?:own\s+|current\s+|telegram\s+|tg\s+)*"
    r"(?:profile\s*(?:photo|pic(?:ture)?|image)|pfp|avatar|userpic|display\s+(?:photo|pic(?:ture)?))\b"
)
_ZH = (
    r"(?:我|自己|本人)(?:自己|本人)?的?\s*"
    r"(?:现在|目前|当前|電報|电报|telegram|tg|飞机|账号|帳號|个人)?的?\s*(?:个人)?[头頭]像"
)
_OUTRIGHT = re.compile(
    rf"\b(?:us(?:e|ing)|(?:start|work|go)\s+(?:with|from)|based\s+on|(?:made|make\s+\w+|one|it|this)\s+from)\s+"
    rf"(?:just\s+|only\s+)?(?P<en>{_EN})"
    rf"|(?:使?用|拿|取|[就按照以]|基于|根据|根據)(?P<zh>{_ZH})"
    rf"|\A\W*(?:(?:就|直接)?用)?(?:头像|頭像)(?:吧|就行|就好|就可以)\W*\Z",
    re.IGNORECASE,
)
_IMPLIED = re.compile(
    rf"\b(?:turn|transform|convert|restyle|edit|retouch|enhance|improve|upscale|fix|restore|colori[sz]e|cartoonify|"
    rf"(?:version|portrait|picture|drawing|painting|sketch)\s+of|from|take(?=\s+{_EN}\s*(?:,|and\b)))\s+(?P<en>{_EN})"
    rf"|\b(?:make|change)\s+(?P<made>{_EN})(?=\s+(?:in|into|look|to)\b)"
    rf"|\A\W*(?P<bare>{_EN})\W*\Z"
    rf"|[把将將](?P<zh>{_ZH})|\A\W*(?P<bare_zh>{_ZH})\W*\Z",
    re.IGNORECASE,
)
_LEFT_ALONE = re.compile(
    r"(?:\b(?:don.?t|do\s+not|never|not|without|instead\s+of|rather\s+than|stop)\b[^.!?;,]{0,24}"
    r"|\b(?:do|did|does|have|why|how|when|where)\b[^.!?;,]{0,24}"
    r"|(?:别|別|不要|不用|不想|不能|不许|不許|不准|禁止|没|沒|不是|为什么|為什麼|为啥|怎么|怎麼|干嘛|会不会|會不會|有没有|是不是)[^。!?！？,，]{0,6})\Z",
    re.IGNORECASE,
)


def with_profile_photo(text: str, *, photos: int = 0) -> str | None:
    """The words as they would be of a photo that lies there ("use my photo"), where they ask for the writer's own
    profile photo; None where they do not.

    `photos`: how many pictures lie there already: then "edit my profile photo" is about one of those. Pure.
    """
    found = _OUTRIGHT.search(text) or (None if photos else _IMPLIED.search(text))
    if found is None or _LEFT_ALONE.search(text[: found.start()]):
        return None
    named = {name: said for name, said in found.groupdict().items() if said is not None}
    if not named:
        return "用我的照片"
    ((group, _),) = named.items()
    photo = "我的照片" if "zh" in group else "my photo"
    return (text[: found.start(group)] + photo + text[found.end(group) :]).strip()
