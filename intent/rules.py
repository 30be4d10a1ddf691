"""The rules' choice: from what was found to one reading, by a fixed order of questions."""

import re

from intent import numbers
from intent.chain import edit
from intent.decision_state import DecisionState
from intent.edits import ALWAYS
from intent.evidence import Evidence
from intent.extract import content, names_only
from intent.free_edits import confined, free_edit
from intent.intent import Intent
from intent.lexicon.patterns import pattern, prefilter, prefiltered
from intent.personas import OF_EN, only_placed, own_look
from intent.series import series
from intent.statements import only_said
from intent.styles import ID, PLACES, SUBJECTS, Found
from intent.thresholds import (
    ACTION_CLEAR,
    ASK_GIVES_WAY,
    CREATE,
    CREATE_BARE,
    CREATE_LAST_RESORT,
    CREATE_OVER_EDIT,
    EDIT_NAMED,
    EDIT_SURE,
    ID_NAMED,
    STATEMENT_SURE,
    STYLE_ASKED,
    STYLE_HINTED,
    STYLE_NAMED,
    STYLE_SAID,
)

_CHANGE_EN = prefiltered("decide", "change_en")
LEAD = pattern("decide", "lead")
_WHOLE = prefilter(
    r"(?:把|将|给)?(?:这|那)?(?:个|张|幅)?(?:照片|图片|相片|照|图|它|人像|这个|这张|头像|脸)(?:的人像|的人|的脸|里的人)?(?:都|全)?"
    r"(?:变成|做成|弄成|整成|搞成|p成|画成|改成|转成)"
)


def by_rules(r: DecisionState, e: Evidence) -> Intent:
    """The reading that the rules alone come to; its confidence says which of their ways led there, no probability."""
    if e.command:
        key, sure, words = e.command
        r.note("command", f"{key}: {words}")
        return said_to_us(r, key, sure)
    if only_said(r, e):
        r.note("none", f"telling {e.told:.1f}, nothing asked")
        return r.make("none", 0.9 if e.told >= STATEMENT_SURE else 0.7)
    return _what(r, e)


def said_to_us(r: DecisionState, key: str, sure: float) -> Intent:
    """A command; of "another two" the number too."""
    if key == "again":
        return r.make("command", sure, command=key, count=max(r.c.count, numbers.any_number(r.scan.text)))
    return r.make("command", sure, command=key)


def _what(r: DecisionState, e: Evidence) -> Intent:
    scan, c, found, style, top = e.scan, e.controls, e.found, e.style, e.top
    lettering = not scan.photos and scan.has("createnoun") and all(a.key == "text_render" for a in e.acts)
    changed_instead = (
        not lettering and e.acts and e.strongest >= EDIT_NAMED and (scan.photos or e.drawn < CREATE_OVER_EDIT)
    )
    if e.drawn >= CREATE and not changed_instead:
        return r.make("create", 0.6 + min(0.35, e.drawn / 12), prompt=r.whole(LEAD))
    editing = _editing(e)
    several = None if editing else series(scan, found, c)
    if several:
        items, reason = several
        r.note("series", reason)
        return r.make("series", 0.9, items=tuple(items), count=len(items))
    if editing:
        return edit(r, e.acts)
    if e.persona and _describes_somebody(e):
        return r.make("portrait", 0.75, prompt=r.whole())
    if found.ask and top < ASK_GIVES_WAY:
        return r.make("portrait", 0.9, ask=found.ask, scene=scene_of(r, found, None))
    own = free_edit(scan)
    if own and style in found.strong and top >= 1 and _WHOLE.search(scan.text):
        own = None  # 把这张弄成动漫的: the whole picture becomes the style
    if (
        own
        and not (own[0] in "戴穿系" and top >= 1)
        and style not in found.named
        and not found.ask
        and (scan.photos or scan.has("thispic"))
    ):
        r.note("edit", own)
        return r.make("edit", 0.65, action=confined(scan), prompt=r.whole())
    if style and top >= _enough(e, style):
        return r.make("portrait", 0.55 + min(0.45, top / 10), style=style, scene=scene_of(r, found, style))
    if e.acts:
        return edit(r, e.acts)
    return _unnamed(r, e)


def _enough(e: Evidence, style: str) -> float:
    """The score a style needs: little where a picture is asked for, more where only a prop hints at it."""
    scan, found, top = e.scan, e.found, e.top
    hinted = style not in found.strong and style not in found.named
    if hinted and top < 1.3 and scan.photos and scan.has("bg") and not scan.has("pic"):
        return 9.0  # "background -> library" is about the background
    if hinted and style in ("child_portrait", "family_photo") and not scan.has("pic"):
        return STYLE_SAID
    low = (
        STYLE_HINTED
        if scan.photos and not scan.has("change", "remove", "add", "bg", "thispic", "past", "opinion")
        else STYLE_SAID
    )
    return STYLE_ASKED if e.asked or scan.has("pic", "me") or len(scan.text) <= 12 else low


def _editing(e: Evidence) -> bool:
    """Whether it is the picture that is to be changed, rather than a portrait made."""
    if not e.acts:
        return False
    scan, found, style, top = e.scan, e.found, e.style, e.top
    sure = [a for a in e.acts if a.score >= EDIT_SURE]
    if not sure:
        return top < 1.0 and not found.ask
    first = sure[0]
    if found.ask == ID or (style in ID and top >= ID_NAMED):
        return (
            first.key in ("restore", "upscale", "text_render", "retouch", "remove_person", "colorize")
            and first.score >= EDIT_NAMED
        )
    if found.ask:
        return first.key in ALWAYS or first.key in ("replace_bg", "blend")
    if style is None:
        return True
    if first.key in ALWAYS and first.score >= ACTION_CLEAR:
        return True
    hit = found.at[style]
    before = scan.text[max(0, hit.start - 4) : hit.start]
    object_of = bool(re.search(r"这张|此|这幅|这|把|给|this $|the $", before)) and first.at > hit.start
    if first.key == "blend":
        return not (
            style in found.named and top >= ASK_GIVES_WAY and (hit.start < first.at or hit.named or scan.has("pic"))
        )
    if style in found.named and hit.start < first.at and not object_of:
        return top < STYLE_NAMED and first.score > EDIT_NAMED and first.key == "replace_bg"
    return first.score + (0.6 if first.at < hit.start else 0.0) >= top or object_of


def _describes_somebody(e: Evidence) -> bool:
    """Whether the description of somebody as something outranks the style that its words may also name."""
    found, style, top = e.found, e.style, e.top
    if style is None:
        return True
    if own_look(e.scan) and style not in found.named:
        return True
    if top >= STYLE_SAID and (style in found.strong or style in found.named) and only_placed(e.scan):
        return False
    if style in SUBJECTS and style not in found.named:
        return True
    if style in found.strong and style not in PLACES and top >= STYLE_SAID:
        return False
    if style in found.named and top >= STYLE_NAMED:
        return False
    return style not in found.strong or style in PLACES


def scene_of(r: DecisionState, found: Found, style: str | None) -> str | None:
    """What the words say beyond the style's own name."""
    scan = r.scan
    spans = []
    for h in scan.hits:
        if h.kind == "style" and h.key == style and names_only(scan.text[h.start : h.end], style or ""):
            spans.append((h.start, h.end))
    if found.ask or (style or "").startswith(("id_photo", "dating")):
        groups = [h for h in scan.hits if h.kind == "group"]
        places = [h for h in groups if h.key in ("cafe", "beach", "city", "restaurant")][1:]
        spans += [(h.start, h.end) for h in groups if h not in places]
    if (style or "").startswith("id_photo"):  # "blue background" is what the style is: no wish beyond it
        spans += [(h.start, h.end) for h in scan.words("bg")]
    return content(scan, r.c, spans)


def _unnamed(r: DecisionState, e: Evidence) -> Intent:
    """No style and no action of the catalogue is named: a description, or a change in the person's own words."""
    scan = r.scan
    person = scan.has("me", "relative")
    if e.persona or (scan.photos and OF_EN.search(scan.text)):
        return r.make("portrait", 0.7, prompt=r.whole())
    if e.drawn >= CREATE_BARE and not scan.photos:
        return r.make("create", 0.55, prompt=r.whole(LEAD))
    if (
        scan.photos
        and scan.has("bg")
        and (not scan.has("pic") or scan.has("thispic"))
        and not re.search(r"in the background|背景里|背景音", scan.text)
    ):
        return r.make("edit", 0.65, action="replace_bg", prompt=r.whole())
    own = free_edit(scan)
    if own and (scan.photos or scan.has("thispic")):
        r.note("edit", own)
        return r.make("edit", 0.65, action=confined(scan), prompt=r.whole())
    if (
        scan.photos
        and scan.has("pic")
        and not scan.has("remove")
        and not scan.has("thispic")
        and not re.search(r"把|将", scan.text)
    ):
        return r.make("portrait", 0.55, prompt=r.whole())
    changing = (
        scan.has("change", "remove", "add")
        or bool(re.search(r"把|将|让", scan.text))
        or bool(_CHANGE_EN.search(scan.text))
    )
    if changing and (scan.photos or scan.has("thispic")):
        r.note("edit", "a change in one's own words")
        return r.make("edit", 0.6, action=confined(scan), prompt=r.whole())
    if scan.photos and (scan.has("pic", "asa") or person or e.asked):
        return r.make("portrait", 0.55, prompt=r.whole())
    if e.asked and scan.has("pic") and person:
        return r.make("portrait", 0.5, prompt=r.whole())
    if e.drawn >= CREATE_LAST_RESORT and not scan.photos:
        return r.make("create", 0.45, prompt=r.whole(LEAD))
    if scan.photos:
        return r.make("portrait", 0.4, prompt=r.whole())
    return r.make("none", 0.6)
