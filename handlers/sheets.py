"""Sheets: one person from several sides, or with several expressions. Which exist, and which of them a text asks for.

A view is a picture of its own; `handlers/jobs/sheets.py` plans them and composes the sheet.
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class View:
    """`prompt`: what is new beside the anchor. `said`: words that name it. `face`: whether the face must be visible in
    it. `playful`: only if the text asks for it, and never of a child."""

    key: str
    prompt: str
    said: str = ""
    face: bool = True
    playful: bool = False
    emoji: str = ""


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """The first view is the anchor: it is made first, and the others after it. `common`: what applies to all views."""

    views: tuple[View, ...]
    common: str
    aspect_ratio: str
    columns: int


LABELS: Mapping[str, str] = {
    "front": "sheet.front",
    "three_quarter": "sheet.three_quarter",
    "side": "sheet.side",
    "back": "sheet.back",
    "full_body": "sheet.full_body",
    "neutral": "sheet.neutral",
    "happy": "sheet.happy",
    "sad": "sheet.sad",
    "angry": "sheet.angry",
    "surprised": "sheet.surprised",
    "fearful": "sheet.fearful",
    "thinking": "sheet.thinking",
    "winking": "sheet.winking",
    "tongue_out": "sheet.tongue_out",
}
"""The text that labels a view, by its key."""
_PLAYFUL = re.compile(
    r"俏皮|搞怪|搞笑|调皮|表情包|贴纸|playful|funny|cheeky|silly|stickers?|emotes?|memes?", re.IGNORECASE
)


@cache
def sheets() -> Mapping[str, Sheet]:
    """By the action that asks for them, from `sheets.toml`."""
    tables = tomllib.loads((Path(__file__).parent / "sheets.toml").read_text("utf-8"))
    return {
        action: Sheet(**{**table, "views": tuple(View(**view) for view in table["views"])})
        for action, table in tables.items()
    }


_NAMES = re.compile(
    r"(?:角色|人物|人设)?(?:设定|设计|多角度|三视|多视|转面|立绘)(?:图|稿|表)?|(?:角色|人物)(?:图|卡)|表情(?:包|图|表|集|大全|合集|九宫格|贴纸)?|九宫格|贴纸"
    r"|\b(?:character|char|model|reference|ref|design|turnaround|concept|expressions?|emotions?|mood|sticker|emoji|reaction)"
    r"s? (?:sheets?|designs?|charts?|packs?|sets?|grids?|turnarounds?)\b"
    r"|\b(?:turnarounds?|facial expressions?|expressions?|emotions?|stickers?|emotes?|emojis?|orthographic|oc sheet)\b",
    re.IGNORECASE,
)
_FILLERS = re.compile(
    r"请|女儿|儿子|孩子|宝宝|老婆|老公|我家|她|他|帮我?|给我?|替我?|我的?|你|做成?|来|弄|生成|画|制作|要|想|一?[个张套组份]|成|的|吧|呗|一下|用|这|照片|图片?|让|把|变|和|跟|与|几|种|不同|各|多"
    r"|\b(?:please|pls|can|could|you|i|me|my|mine|a|an|the|of|with|from|for|make|create|do|want|some|this|that|photo|picture"
    r"|face|it|into|turn|as|and|different|various|several|telegram|whatsapp|wechat|set|pack|sheet|in|on|to|her|his|him)\b",
    re.IGNORECASE,
)


def asked_besides(action: str, text: str) -> str:
    """What a text asks for beyond a sheet and its views, in its own words; empty if that is all of it."""
    rest = _NAMES.sub(" ", unicodedata.normalize("NFKC", text))
    for view in sheets()[action].views:
        rest = re.sub(rf"(?:{view.said})\w*", " ", rest, flags=re.IGNORECASE) if view.said else rest
    rest = _PLAYFUL.sub(" ", rest)
    said = re.findall(r"[\u4e00-\u9fff]|\w+", _FILLERS.sub(" ", rest))
    return " ".join(rest.split()).strip(" ,，。.!！、;；") if len(said) > 1 else ""


def views_of(action: str, keys: tuple[str, ...]) -> tuple[View, ...]:
    """The views by their keys, in the sheet's order."""
    return tuple(view for view in sheets()[action].views if view.key in keys)


def pictures_of(action: str, keys: tuple[str, ...]) -> tuple[int, int]:
    """How many pictures a sheet is made of, and how many it takes at most, if each face is wrong once."""
    anchor = sheets()[action].views[0]
    views = {view.key: view for view in (anchor, *views_of(action, keys))}.values()
    return len(views), len(views) + sum(view.face for view in views)


def views_asked_for(action: str, text: str, *, child: bool) -> tuple[str, ...]:
    """The keys of the views that a text asks for: those it names, if it names several, otherwise all that fit."""
    folded = unicodedata.normalize("NFKC", text)
    views = [view for view in sheets()[action].views if not (child and view.playful)]
    named = [view.key for view in views if view.said and re.search(view.said, folded, re.IGNORECASE)]
    if len(named) > 1:
        return tuple(named)
    playful = not child and _PLAYFUL.search(folded) is not None
    return tuple(view.key for view in views if playful or not view.playful)
