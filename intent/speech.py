"""Asking or telling: how far a message asks for something, and how far it only says something."""

import re

from intent.scan import Scan

_ASK_ZH = re.compile(
    r"帮(?:我|忙|这|她|他|孩子|手|下|一下|帮)|给我(?!妈|爸|看|们群|打|发|说|买|带)|给(?:这|她|他|照片|图|孩子|我家|它|全家|爸|妈|爷|奶|老|女|儿|宝)[^,.]{0,10}?(?:做|弄|整|画|p|换|加|戴|穿|修|上色|上个|来|去|瘦|美|拍|生成|出|搞|变|写|贴)|来[一二两三四五六七八几\d]*[张个组套份版款幅波点]|"
    r"[做弄整搞出画P求p拍生影][一二两三四五六几\d]{0,2}[张个组套份版款幅](?!月|小时|星期|人)|想要|想做|想拍|想弄|想变|想当|想试|想换|想把|想让|想整|想请|我要(?:当|做|变|一|张|[\d两三])|麻烦|拜托|请(?!客|假|教|问|柬)|"
    r"求(?!婚|职|救|学)|能不能|能否|可否|可不可以|可以.{0,12}[吗么嘛?]|能(?:把|帮|给|让|不).{0,14}|(?:把|将).{1,22}(?:改|换|变|做|弄|p|去|删|调|画|修|转|放|移|抠|擦|抹|整|搞|染|涂|加|写|瘦|补|扩|拉)|"
    r"换成|变成|改成|做成|弄成|画成|p成|变做|做一|要一张|要[两三四五六]张|生成|整上|安排|来一版|唔该|整[返靓走]|让(?:我(?=变|看|显|更|笑|的)|他|她|画面|照片|背景|它).{1,12}|[只仅](?:改|换|动|修|调|要)|需要|怎么样看看|看看效果|用来|要用"
)
_ASK_EN = re.compile(
    r"\b(?:can|could|cud|cld|would|will|wld|cn) (?:you|u|ya|yall|i get|i have|we get|we have|it be|this be|i see|i be|i look|someone|anyone (?:edit|photoshop|fix|remove|make))\b|\bpl(?:ea)?[sz]+e*\b|\bgim+[ei]e?\b|"
    r"\b(?:i|we|he|she|my \w+)(?:'d| would|'ll| will|'m|m)? (?:just |also |really |only |kinda )?(?:want|need|wanna|wants|needs|require|love|like)(?: to (?:be|look|see|get|have|turn|become|change|remove|make|try|appear|swap|replace|add))? (?:a|an|one|some|new|my|this|the|it|me|to|another|\d|two|three|four|these|something|that|passport|professional|linkedin|dating|in|your|photos|pics)\b|"
    r"\bneed (?:a|an|some|new|my|this|it|the|to be|\d+|two|three|four|one|something|passport|good|better|dating)\b|\bwanna (?:be|look|see|get|have|try)\b|\blooking for (?:a|an|some)\b|\bhow (?:about|would|does|'?ll|do|will) (?:a|me|it|i|my|this|the|we)\b(?! (?:get|go|use|know|start))|"
    r"\bwhat (?:if|would|will|about)\b|\bwhat (?:does|do|did) (?:it|this|that|she|he|they|the \w+) look\b|\blet(?:'?s| me) (?:see|try|make|do|have|go)\b|\bshow (?:me|my|him|her|us|this|it)\b|\b(?:has|have|needs?|must|should) (?:to )?be\b|\bdo (?:me|my|us)\b|\bhelp (?:me|with|us)\b|\bhelp\b.{0,3}$|\btry (?:it|this|me|a|with|to)\b|\bmight you\b|\bkindly\b|\b(?:i )?could (?:i|use)\b|\bi'?d like\b|\bany chance\b|\bis it possible\b|\b(?:would|be) (?:kind|grateful|lovely)\b|\bin need of\b|\bmay i\b|\bwish (?:i|it|for)\b|\bmind \w+ing\b|\bdearly love\b|\bwants? to be\b|\brequired\b|\bneeded\b"
)
_NOTICE = re.compile(
    r"\s+(?:enter|note|submit|be\b|bring|join|remember|don't|dont|do not|check|call|come|arrive|contact|reply|respond|confirm|sign|register|wait|let (?:me|us) know|read|attend|rsvp|vote|ensure|keep (?:your|the noise)|return|pay|revert|find attached|see attached|use the|park|wear|leave the building|tell|ask|help yourself|stop (?:sending|posting|spamming))"
)
"""What a notice to many asks for: nothing of ours."""
_VERBS = frozenset({"make", "change", "remove", "add", "createverb"})
_GO_ON = frozenset({"please", "canyou", "want", "then", "free", "negation"})
_SUBJECT_ZH = re.compile(
    r"^(?:我|他|她|我们|咱|我家|我弟|我妹|我哥|我姐|我妈|我爸|我老公|我老婆|你|你们|大家|这家|那家|这件|那件|隔壁|楼)"
)
_GO_ZH = re.compile(r"^我(?:们)?在[^,照相图拍]{1,8}$|想去|想吃|想买|想睡|想回|想瞓|要去|去不去|要上班|要考试|要开会|得去|想见|想学|想出去")
_EXCLAIM_ZH = re.compile(
    r"[真好太超][^,.!?]{1,4}(?:啊|了|呀|哦|喔|$|[,!.?~])|多(?:可爱|好看|漂亮|美)|好多人|得真|得好(?!看点|看一点|一点|些)|真的(?:好|很|太)|好好|好攰|攰"
)
_DONE_ZH = re.compile(
    r"还没(?:办|到|买|去|吃|睡|定|来|收拾|放)|定在|订在|改到|推迟|延期|举行|结束|开始了|来了|开了|到了|了(?:[,.!?~ 啊呢吧哈吗]|$)|过(?:[,.!?]|$)|[^不]完(?:[,.!]|$)"
)
_THIS_IS = re.compile(
    r"^(?:这|那)(?:张|个|幅|家|件|次)?(?:照片|图|人)?(?:是|就是)|^(?:this|that|it|these|here)(?:'s| is| was| were| are)\b|^(?:look at|check out|here's|heres|guess)|^看我|给你们?看|^你们?看|^快看|^瞧|拍的(?:[,.!]|$)|^(?:our|my) \w+ day\b|\byears? ago\b"
)
_SUBJECT_EN = re.compile(
    r"^(?:i|we|he|she|they|you|it|my \w+|our \w+|his \w+|her \w+|their \w+|the \w+|this \w+|that \w+|your \w+|everyone|someone|nobody|\w+'s)\s+(?:just |really |also |already |still |always |finally |so |never )?(?:is|are|was|were|has|had|have|went|got|looks?|looked|love|loves|hate|hates|think|keeps?|knocked|starts?|said|says|told|goes|came|comes|won|lost|feels?|felt|can'?t|will|did|does|do|made|broke|makes|used|saw|am|watched|finished|started|missed|\w+ed)\b"
)
_ING = re.compile(
    r"\b(?:anyone|who|who's|whos|what|when|where|why|which|how|did|does|do|is|are|was|has|have|should|shall)\b"
)


def imperative(scan: Scan) -> bool:
    """A Latin clause that starts with a verb of making or changing, politeness aside."""
    if not scan.has(*_VERBS, "want") and "action" not in scan.kinds:
        return False
    hits = scan.hits
    i = 0
    for n in range(min(len(scan.cuts), 12) + 1):
        a, b = scan.clause_span(n)
        at = a
        while i < len(hits) and hits[i].start < a:
            i += 1
        j = i
        while j < len(hits) and hits[j].start < b:
            h = hits[j]
            j += 1
            if h.start < at or not scan.text[h.start].isascii():
                continue
            if scan.text[at : h.start].strip(" ,;.!?\n:-|/") not in (
                "",
                "to",
                "now",
                "and",
                "then",
                "just",
                "maybe",
                "so",
            ):
                break
            if (h.kind == "word" and h.key in _VERBS) or (h.kind == "action" and not h.weak):
                return True
            if (
                h.kind == "word"
                and h.key == "want"
                and scan.text[h.start : h.end] in ("need", "want", "require", "looking for", "needed", "wanted")
                and not re.match(r" to (?!be\b|look\b|get a\b|have a\b)", scan.text[h.end : h.end + 12])
            ):
                return True
            if (
                h.kind == "word"
                and h.key == "want"
                and re.match(
                    r" to (?!be\b|look\b|get\b|have\b|see\b|change\b|remove\b|make\b|turn\b|replace\b|add\b|put\b|swap\b)",
                    scan.text[h.end : h.end + 12],
                )
            ):
                break
            if h.kind == "word" and h.key in _GO_ON:
                at = h.end
            elif h.kind not in ("word", "command"):
                break
    return False


def asks(scan: Scan) -> str | None:
    """The words that ask, where there are any."""
    text = scan.text
    if not text.isascii():
        for m in _ASK_ZH.finditer(text):
            n = scan.clause(m.start())
            if not any(scan.clause(h.start) == n and h.start < m.start() for h in scan.words("past")):
                if _GO_ZH.search(text):
                    break
                return m.group()
    for m in _ASK_EN.finditer(text):
        if not (m.group().startswith("pl") and _NOTICE.match(text, m.end())):
            return m.group()
    if imperative(scan):
        return "(an order)"
    if scan.has("askdo"):
        return "(go ahead)"
    return None


def tells(scan: Scan) -> tuple[float, list[str]]:
    """How far the words only tell something: 0 for a bare wish, above 1 for a remark. And which words say so."""
    text = scan.text
    score = 0.0
    why: list[str] = []

    def say(points: float, reason: str) -> None:
        nonlocal score
        score += points
        why.append(reason)

    for key, points, most in (
        ("past", 1.5, 2),
        ("opinion", 1.8, 2),
        ("finite", 1.0, 2),
        ("mood", 0.6, 2),
        ("nonpic", 1.2, 1),
        ("when", 0.8, 1),
        ("possessive", 0.5, 1),
    ):
        hits = scan.by.get(("word", key))
        if hits:
            say(points * min(most, len(hits)), f"{key}: {text[hits[0].start : hits[0].end]}")
    if scan.has("question"):
        say(1.5, "a question")
    if text.rstrip().endswith("?"):
        say(0.6, "?")
    if not text.isascii():
        for pattern, points in ((_SUBJECT_ZH, 0.7), (_GO_ZH, 1.5), (_EXCLAIM_ZH, 1.4), (_DONE_ZH, 1.1)):
            m = pattern.search(text)
            if m:
                say(points, m.group())
    m = _SUBJECT_EN.search(text)
    if m:
        say(1.0, m.group())
    m = _THIS_IS.search(text)
    if m:
        say(1.5, m.group())
    return score, why
