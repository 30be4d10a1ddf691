"""What an edit's own words ask for: colours, backgrounds, positions, sides, the letters to write.

The words are data in `words.toml`; here is only how they are found. Latin words count as whole words, Chinese ones
anywhere; full-width forms and letter case change nothing, save in the letters to write, which are kept as they are.
"""

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from providers import task

Colour = tuple[int, int, int]

_RATIO = re.compile(r"\d+\s*(?:[:x×比/]|by|to)\s*\d+")
_HEX = re.compile(r"#([0-9a-fA-F]{6}|[0-9a-fA-F]{3})(?![0-9a-zA-Z])")
_QUOTES = (
    ("“", "”"),
    ("「", "」"),
    ("『", "』"),
    ("《", "》"),
    ("«", "»"),
    ("‘", "’"),
    ('"', '"'),
    ("＂", "＂"),
    ("`", "`"),
)


@dataclass(frozen=True, kw_only=True)
class Background:
    """`cut`: transparent. `solid`: one colour. `gradient`: first colour above, second below. `studio`: a lit backdrop
    of the colour. `blur`: the photo's own, out of focus."""

    kind: Literal["cut", "solid", "gradient", "studio", "blur"]
    colours: tuple[Colour, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Lettering:
    """What to write and how. `place`: a key of `positions` or None; `size`: `large`, `small` or None."""

    letters: str
    place: str | None = None
    colour: Colour | None = None
    size: str | None = None
    vertical: bool = False


@cache
def _table(section: str) -> dict[str, tuple[str, ...]]:
    data = tomllib.loads(files("providers.embedded").joinpath("words.toml").read_text(encoding="utf-8"))
    return {key: tuple(words) for key, words in data[section].items()}


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _places(text: str, word: str) -> list[tuple[int, int]]:
    """Where `word` stands in plain `text`, as (start, end)."""
    if word.isascii():
        pattern = rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])"
        return [m.span() for m in re.finditer(pattern, text)]
    return [m.span() for m in re.finditer(re.escape(word), text)]


def _found(text: str, section: str) -> list[tuple[int, str, int]]:
    """Every (start, key, end) of a section's words in plain `text`, in order; a longer word hides those inside it."""
    hits = [
        (start, end, key)
        for key, words in _table(section).items()
        for word in words
        for start, end in _places(text, word.casefold())
    ]
    hits.sort(key=lambda h: (h[0] - h[1], h[0]))
    kept: list[tuple[int, int, str]] = []
    for hit in hits:
        if all(hit[1] <= k[0] or hit[0] >= k[1] for k in kept):
            kept.append(hit)
    return [(start, key, end) for start, end, key in sorted(kept)]


def first(text: str, section: str) -> str | None:
    """The key of the first word of a section in `text`, or None."""
    hits = _found(_plain(text), section)
    return hits[0][1] if hits else None


def keys_in(text: str, section: str) -> frozenset[str]:
    return frozenset(key for _, key, _ in _found(_plain(text), section))


def is_chinese(text: str) -> bool:
    return any("㐀" <= c <= "鿿" for c in text)


def _colour(key: str) -> Colour:
    digits = key.lstrip("#")
    if len(digits) == 3:
        digits = "".join(c + c for c in digits)
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def colours_in(text: str) -> tuple[Colour, ...]:
    """Colours in the order they are named, by word or as #rgb / #rrggbb."""
    plain = _plain(text)
    hits = [(start, _colour(key)) for start, key, _ in _found(plain, "colours")]
    hits += [(m.start(), _colour(m.group(1))) for m in _HEX.finditer(plain)]
    return tuple(colour for _, colour in sorted(hits))


def background_in(text: str) -> Background | None:
    """The background the words ask for; None where they name one that cannot be painted here (a beach, an office).

    Without any words the background is cut away.
    """
    plain, colours = _plain(text), colours_in(text)
    kinds = [key for _, key, _ in _found(plain, "backgrounds")]
    if "blur" in kinds and not colours:
        return Background(kind="blur") if not _unknown(plain) else None
    if "gradient" in kinds:
        pair = colours if len(colours) > 1 else (*(colours or ((143, 196, 242),)), (255, 255, 255))
        return Background(kind="gradient", colours=pair[:2])
    if _unknown(plain):
        return None
    if "studio" in kinds:
        return Background(kind="studio", colours=colours[:1])
    if colours:
        return Background(kind="solid", colours=colours[-1:])
    if "plain" in kinds:
        return Background(kind="solid", colours=((236, 238, 240),))
    return Background(kind="cut")


def change_in(text: str) -> str | None:
    """The edit whose before and after the words ask for; `enhance` where they name none, None for one unknown here."""
    key = first(text, "changes")
    if key is not None:
        return key
    return None if _unknown(_plain(text), ("background_filler", "change_filler")) else "enhance"


def only_crops(text: str) -> bool:
    """Whether the words ask for a crop and for nothing else; the ratio itself is the request's."""
    plain = _RATIO.sub(" ", _plain(text))
    return bool(_found(plain, "crops")) and not _unknown(plain, ("crops", "crop_filler"))


def names_no_filter(text: str) -> bool:
    """Whether the words ask for a filter without saying which."""
    return not _unknown(_plain(text), ("background_filler", "filter_filler"))


def _unknown(plain: str, sections: tuple[str, ...] = ("backgrounds", "colours", "background_filler")) -> bool:
    """Whether words remain that none of the sections knows."""
    rest = _HEX.sub(" ", plain)
    for section in sections:
        for start, _, end in reversed(_found(rest, section)):
            rest = rest[:start] + " " + rest[end:]
    return any(c.isalpha() for c in rest)


def lettering_in(text: str) -> Lettering | None:
    """The letters to write, kept letter for letter, with place, colour and size; None where there are none.

    In quotes of any kind, else after a word like "add the text" or 加上文字, else the words as a whole.
    """
    letters, around = _quoted(text)
    if letters is None:
        letters, around = _after_lead(text)
    letters = letters.strip()
    if not letters:
        return None
    colours = colours_in(around)
    return Lettering(
        letters=letters,
        place=first(around, "positions"),
        colour=colours[0] if colours else None,
        size=first(around, "sizes"),
        vertical=first(around, "text_directions") is not None,
    )


def _quoted(text: str) -> tuple[str | None, str]:
    """(what stands in the first pair of quotes, the rest). An apostrophe inside a word is no quote."""
    for opening, closing in _QUOTES:
        start = text.find(opening)
        end = text.rfind(closing) if opening != closing else text.find(closing, start + 1)
        if 0 <= start < end and text[start + 1 : end].strip():
            return text[start + 1 : end], text[:start] + " " + text[end + 1 :]
    single = re.search(r"(?<!\w)'(.+)'(?!\w)", text, re.DOTALL)
    if single:
        return single.group(1), text[: single.start()] + " " + text[single.end() :]
    return None, text


def _after_lead(text: str) -> tuple[str, str]:
    best: tuple[int, int] | None = None
    lowered = text.lower()
    for words in _table("text_leads").values():
        for word in words:
            for start, end in _places(lowered, word)[:1]:
                if best is None or (start, -end) < (best[0], -best[1]):
                    best = (start, end)
    if best is None:
        return _without_place(text)
    letters = re.sub(r"^\s*[:：,，]?\s*", "", text[best[1] :])
    letters, tail = _without_place(letters)
    return letters, f"{text[: best[0]]} {tail}"


_TAIL = re.compile(
    r"(?:[,，]\s*|\s+|^|(?<=[\u3400-\u9fff。！!]))"
    r"((?:放)?在(?:图片|照片|图|画面)?的?.{1,6}|(?:in|at|on|to)\s+(?:the\s+)?[a-z\- ]+|"
    r"(?:用|要)?.{1,4}色(?:的)?(?:字|字体)?)\s*[。.!！]*$",
    re.IGNORECASE,
)


def _without_place(letters: str) -> tuple[str, str]:
    """(letters, the words on place and colour that end them): "Hello at the top" is Hello."""
    tail = ""
    while match := _TAIL.search(letters):
        said = match.group(1)
        if not (first(said, "positions") or colours_in(said)) or match.start() == 0:
            break
        tail, letters = f"{said} {tail}", letters[: match.start()].rstrip(" ,，")
    return letters, tail


_KINDS: dict[str, Literal["transparent", "colour", "gradient", "studio", "blurred"]] = {
    "cut": "transparent",
    "solid": "colour",
    "gradient": "gradient",
    "studio": "studio",
    "blur": "blurred",
}


def parameters_of(action: str, text: str, scale: int | None = None) -> task.Parameters:
    """What an edit's words say, as the typed parameters of its task."""
    if not text.strip():
        return task.Parameters(scale=scale)
    match action:
        case "replace_bg":
            found = background_in(text)
            background = (
                task.Background(kind="place")
                if found is None
                else task.Background(kind=_KINDS[found.kind], colours=found.colours)
            )
            return task.Parameters(background=background, scale=scale)
        case "before_after":
            change = change_in(text)
            return task.Parameters(change=change, complete=change is not None, scale=scale)
        case "edit" if only_crops(text):
            return task.Parameters(adjustments=(task.Adjustment(kind="crop"),), scale=scale)
        case "edit":
            return task.Parameters(complete=False, scale=scale)
    return task.Parameters(scale=scale)
