"""A reading for a core that was chosen: the slots read out of the words by the same rules as ever."""

from dataclasses import replace

from intent.chain import edit
from intent.core import ASKED
from intent.decision_state import DecisionState
from intent.edits import Act
from intent.evidence import Evidence
from intent.intent import Intent, SeriesItem
from intent.model import Model
from intent.rules import LEAD, said_to_us, scene_of
from intent.segments import many_said, segmented
from intent.series import ROLES, series
from intent.thresholds import ACTION_CLEAR


def realize(r: DecisionState, e: Evidence, core: str, learned: Model) -> Intent | None:
    """The reading, or None where these words cannot be read so. Its confidence is set by who chose."""
    operation, _, key = core.partition(":")
    match operation:
        case "portrait" if key:
            return r.make("portrait", 0.5, style=key, scene=scene_of(r, e.found, key))
        case "portrait":
            return r.make("portrait", 0.5, prompt=r.whole())
        case "ask":
            return r.make("portrait", 0.5, ask=ASKED[key], scene=scene_of(r, e.found, None))
        case "edit":
            return _edit(r, e, key)
        case "create":
            return r.make("create", 0.5, prompt=r.whole(LEAD))
        case "command":
            return said_to_us(r, key, 0.5)
        case "series":
            items = _items(e, learned)
            return r.make("series", 0.5, items=tuple(items), count=len(items)) if items else None
    return None


def _items(e: Evidence, learned: Model) -> list[SeriesItem]:
    """By the rules for lists; by the cutting of whatever separates where they find none, or fewer than are there."""
    several = series(e.scan, e.found, e.controls)
    cut = segmented(e, learned)
    if several is None:
        return cut
    listed, reason = several
    if reason == ROLES:
        return listed
    if len(cut) > len(listed) and all(item.style for item in cut) and many_said(e.scan, len(cut)):
        return cut
    unread = sum(item.style is None for item in listed)
    return cut if len(cut) == len(listed) and sum(item.style is None for item in cut) < unread else listed


def _edit(r: DecisionState, e: Evidence, key: str) -> Intent:
    """The action chosen; where it is one of several that are said as clearly, all of them in the order said."""
    sure = [a for a in e.acts if a.key == key or a.score >= ACTION_CLEAR]
    if any(a.key == key for a in sure):
        return edit(r, [replace(a, score=max(a.score, ACTION_CLEAR)) for a in sure])
    return edit(r, [Act(key, 0, 0, ACTION_CLEAR)])
