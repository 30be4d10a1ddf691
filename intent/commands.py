"""Words to the bot itself: help, styles, cancel, status, usage, again, forget, start, settings."""

import re

from intent import numbers
from intent.scan import Scan
from intent.styles import negated

_SLASH = {
    "help": "help", "menu": "help", "start": "start", "restart": "start", "styles": "styles", "style": "styles", "cancel": "cancel", "stop": "cancel",
    "status": "status", "progress": "status", "usage": "usage", "balance": "usage", "credits": "usage", "quota": "usage", "again": "again", "redo": "again",
    "retry": "again", "more": "again", "forget": "forget", "delete": "forget", "reset": "start", "settings": "settings", "setting": "settings", "language": "settings", "lang": "settings",
}  # fmt: skip
_STATUS = re.compile(
    r"\b(?:did|is|are|has|have|was)\b (?!you|we|u\b|i\b|he\b|she\b|there|everyone|anyone).{0,30}\b(?:finish|finished|done|ready|stuck|complete|completed|come out|arrived|coming|through)\b(?!.*\b(?:for|when you)\b)|"
    r"(?:图|照片|片|相|我的|任务|那张|海报|头像|视频).{0,8}(?:好|完|出来|搞定|成)(?:了)?(?:吗|没|么|冇|未)|(?:做|弄|画|生成|出|处理|整|搞|跑|修)(?:好|完|成|出来)(?:了)?(?:吗|没有?|么|冇|未)|"
    r"(?:好|完成|搞定|搞掂)(?:了吗|了没|了么|没有?|未)[\s?呀啊.]*$|\bhow(?:'s| is) (?:my|the) \w+ (?:coming|going|doing)|\bhow far\b|\bwhere(?:'s| is| are|s) (?:my|the) (?:\w+ ){0,2}(?:pic|photo|picture|image|portrait|order|result|headshot|avatar|poster|edit)|(?:我的|那张).{0,6}(?:呢|在哪)[\s?]*$"
)
_WAITING = re.compile(
    r"\b(?:still|been) waiting\b|\bwhere(?:'s| is| are|s)? (?:my|the)\b.{2,30}(?:\?|$)|\b(?:is|are) (?:my|the) [\w ]{2,30}(?:ready|done|finished)\b|\bany (?:news|update|updates|progress)\b|\bdid my .{2,30}(?:finish|fail|come|work|go through)|我(?:的|那张|要的).{1,12}(?:好了吗|好了没|好了么|做好没|做好了吗|做完了吗|出来了吗|呢[?]?$|到哪了|完成了吗)|还没(?:好|出来|做好|弄好|收到|完成)|要等多久|还要多久"
)
_FORGET = re.compile(
    r"\b(?:delete|erase|remove|wipe|clear|purge|forget|destroy|get rid of)\b.{0,26}\b(?:data|history|everything|my (?:photos|pictures|pics|images|info|information|face|account|records|uploads|files|selfies)|all (?:my|the photos|the pictures|of my)|your (?:memory|server|servers|system|database)|records?)\b|"
    r"(?:删|清|抹|忘|销毁|移除).{0,10}(?:数据|记录|(?:我|之前|以前|发).{0,6}所有|全部|资料|信息|账号|历史|存的|所有(?:照片|图|的?数据|相))|(?:数据|记录|资料|信息|历史|账号|(?:所有|全部|我的|上传的|发的|之前的).{0,6}(?:照片|图|相)|照片.{0,2}(?:都|全)).{0,8}(?:删|清|抹|销毁)|(?:别|不要|唔好).{0,3}(?:保存|留|存).{0,4}(?:我的|照片|数据|脸|相)"
)
_NOT_FORGET = re.compile(
    r"背景|路人|background|水印|人脸上|痘|watermark|from (?:the|this|my) (?:photo|picture|pic|image)\b|图里|照片里|画面|照片上"
)
_USAGE = re.compile(
    r"(?:还|仲)(?:剩|有|能|可以).{0,6}(?:几次|几张|多少|额度|次数|余额|点数|积分)|(?:用|花|扣|付|收)(?:了|咗|掉).{0,4}(?:多少|几|哪)|how (?:many|much).{0,34}\b(?:left|used|remaining|spent|spend|cost me|paid|owe|still)\b|\b(?:credits?|balance|quota|tries|generations)\b.{0,14}\b(?:left|remaining|check|now)\b|\bcheck\b.{0,8}\b(?:credits?|balance|quota|usage)\b|(?:查|看).{0,4}(?:余额|用量|额度|账单|消费|次数|积分)"
)
_STYLES = re.compile(
    r"\b(?:what|which|list|show|see|any|many|browse)\b.{0,26}\b(?:styles|looks|templates|themes|presets|options|categories)\b|(?:有|哪|什么|啥|边|几|多少|列|看|展示|发).{0,6}(?:风格|样式|模板|款式|画风|主题|类型)(?:可以|可选|能选|吗|呢|呀|啊|有|列表|给我|能做|选|可|都|清单|大全|[\s?.]*$)|风格.{0,6}(?:有哪些|哪些|列表|清单|有什么|有啥|菜单|大全|一览)"
)
_SETTINGS = re.compile(
    r"\b(?:change|switch|set)\b.{0,18}\b(?:language|settings?|preferences?|default)\b|(?:切换|改|换|调|设).{0,4}(?:语言|设置|偏好|默认)|(?:说|讲|用|回复|改成|换成|切换到?)(?:中文|英文|英语|繁体|简体|繁体中文|粤语)(?!.{0,4}(?:写|字|标题))|\b(?:speak|reply|answer|talk|respond)\b.{0,12}\b(?:english|chinese|mandarin|cantonese)\b"
)
_HELP = re.compile(
    r"\bhow (?:do|does|can|to|should) ?(?:i|one|we|you|this|it|u)?.{0,18}\b(?:use|work|start|begin|send|operate|do this)\b|\bwhat (?:else )?(?:can|do|does|could) (?:you|u|this bot|this thing|it|the bot)\b.{0,8}\b(?:do|offer|make|help)\b|\bwhat(?:'s| is) this (?:bot|thing|for|chat)\b|你.{0,3}(?:能|会|可以)(?:干|做|帮).{0,5}(?:什么|啥|嘛|哪些|咩)|(?:怎么|如何|咋|点样?|怎样)(?:使|用|玩|操作|弄|上传|开始)|使唤|教(?:教|一下)我"
)
_AGAIN = re.compile(
    r"^(?:(?:please|pls|ok|okay|and|can (?:you|u|i)|could (?:you|i)|give me|gimme|do|get|have|lets|let's|make|i want|i'd like|show me|send|hmm|nice|cool|great|love it|just)[,!. ]*){0,4}(?:one|two|three|four|five|six|\d|another|a few|a couple|couple|few|some)?\s*(?:of )?(?:more|again|another)\b|再(?:来|做|出|画|生成|弄|整|搞|跑|试|拍|嚟|给我来|抽)(?:[一二两三四五六七八几多\d]{0,2})[张次个遍版组份轮批套波]|重新?(?:来|做|画|生成|弄|跑|出)(?!.{0,3}背景)"
)
_ROOM = {
    "forget": 14,
    "usage": 12,
    "styles": 12,
    "settings": 10,
    "help": 12,
    "status": 10,
    "cancel": 9,
    "again": 7,
    "start": 5,
}
_ORDER = ("forget", "usage", "styles", "settings", "help", "status", "cancel", "again", "start")
_PASSES = frozenset(
    {
        "please",
        "opinion",
        "mood",
        "canyou",
        "make",
        "want",
        "me",
        "thispic",
        "pic",
        "then",
        "negation",
        "question",
        "finite",
        "series",
        "remove",
        "past",
    }
)
_SMALL = re.compile(
    r"\b(?:the|that|one|job|it|this|my|task|request|to|for|of|a|an|in|on|is|are|i|you|your|u|at|with|do|did|from|now|already|order|thing|anymore|bot|see|think|bit|bored|minutes|mins|hour|yet|here)\b|这|那|个|张|我|的|吧|了|啊|呀|吗|嘛|呢|想|要|任务|刚才|刚刚|一下|给|把|先|就|都|看|现在|今天|这个|那个|你们|有"
)


def _left(scan: Scan) -> float:
    """How much else is said, in Chinese characters or their like in letters."""
    covered = bytearray(len(scan.text))
    for h in scan.hits:
        if h.kind == "command" or (h.kind == "word" and h.key in _PASSES):
            covered[h.start : h.end] = b"\x01" * (h.end - h.start)
    for a, b, _ in numbers.counts(scan):
        covered[a:b] = b"\x01" * (b - a)
    rest = _SMALL.sub(" ", "".join(" " if k else ch for ch, k in zip(scan.text, covered, strict=True)))
    han = sum(1 for ch in rest if "\u4e00" <= ch <= "\u9fff")
    return han + sum(1 for ch in rest if ch.isalnum() and not "\u4e00" <= ch <= "\u9fff") / 3.2


def slash(text: str) -> str | None:
    """`/start`, `/start@the_bot`, `／help`."""
    m = re.match(r"\s*/([a-z]+)(?:@\w+)?(?:\s|$)", text)
    return _SLASH.get(m.group(1)) if m else None


def command(scan: Scan, content: bool) -> tuple[str, float, str] | None:
    """The command, how sure, and the words. `content`: the message also names a picture to make or a change."""
    text = scan.text
    if len(text) > 160:
        return None
    hits = [
        h
        for h in scan.kinds.get("command", ())
        if not scan.quoted(h) and not (h.key in ("cancel", "start", "help") and negated(scan, h))
    ]
    m = _FORGET.search(text)
    if m and not _NOT_FORGET.search(text):
        return "forget", 0.9, m.group()
    left = _left(scan)
    for key, pattern in (("usage", _USAGE), ("styles", _STYLES), ("settings", _SETTINGS)):
        m = pattern.search(text)
        if m and left <= 14 and not (content and key == "settings"):
            return key, 0.9, m.group()
    m = _WAITING.search(text)
    if m and left <= 14:
        return "status", 0.85, m.group()
    if not content:
        for key, pattern in (("status", _STATUS), ("help", _HELP), ("again", _AGAIN)):
            m = pattern.search(text)
            if m and left <= (16 if key == "status" else 11 if key == "help" else 6):
                return key, 0.9, m.group()
    for key in _ORDER:
        mine = [h for h in hits if h.key == key]
        if not mine or (content and key not in ("forget", "usage", "styles")):
            continue
        longest = max(mine, key=lambda h: h.end - h.start)
        words = scan.text[longest.start : longest.end]
        strong = len(words) >= (9 if words.isascii() else 3)
        if left <= (_ROOM[key] if strong else 3.5):
            return key, 0.9 if strong else 0.75, words
    return None
