"""Keys, ratios, counts and scales from outside: accepted, or refused with the nearest ones named.

Every `check_…` returns the value to use and raises `AskPerson` otherwise, with `given` (safe to show) and `nearest`
(up to three, separated by a comma) as params. Nothing unknown is ever taken for a free prompt or a default.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher

from providers.catalog.records import ACTIONS, MODELS, STYLES, Action, Model, Style
from providers.codes import Code
from providers.errors import AskPerson
from providers.registry import known_names
from providers.task import ASPECT_RATIOS, MAX_COUNT, SCALES

SHOWN = 40
"""How much of a wrong value is shown back, in characters."""
NEAREST = 3
NEAR_ENOUGH = 0.5
NEARLY_AS_GOOD = 0.75
"""What is offered beside the best: scores of at least this share of it."""


def check_style(key: str) -> str:
    """The style's key; upper case, spaces and hyphens in it are forgiven. Raises AskPerson `unknown_style`."""
    return _known(key, STYLES, "unknown_style")


def check_action(key: str) -> str:
    """The action's key, likewise. Raises AskPerson `unknown_action`."""
    return _known(key, ACTIONS, "unknown_action")


def check_model(key: str) -> str:
    """A quality level's key, likewise, or `SERVICE/MODEL` as it is: the service knows which models it has.

    Raises AskPerson `unknown_model`.
    """
    service, slash, own = key.partition("/")
    if slash and own and service in known_names():
        return key
    return _known(key, MODELS, "unknown_model")


def check_ratio(ratio: str | None) -> str | None:
    """One of the five ratios, or None for none. Raises AskPerson `unknown_aspect_ratio`."""
    if ratio is None:
        return None
    plain = "".join(unicodedata.normalize("NFKC", ratio).split())
    if plain in ASPECT_RATIOS:
        return plain
    raise _refused("unknown_aspect_ratio", ratio, _nearest_ratios(plain))


def check_count(count: int) -> int:
    """1 to 8. Raises AskPerson `bad_count`."""
    if isinstance(count, int) and not isinstance(count, bool) and 1 <= count <= MAX_COUNT:
        return count
    low = not isinstance(count, int) or count < 1
    raise _refused("bad_count", count, ["1" if low else str(MAX_COUNT)])


def check_scale(scale: int | None) -> int | None:
    """2 or 4, or None where nothing was said. Raises AskPerson `bad_scale`."""
    if scale is None or (scale in SCALES and not isinstance(scale, bool)):
        return scale
    raise _refused("bad_scale", scale, [str(s) for s in SCALES])


def nearest(given: str, records: Mapping[str, Style] | Mapping[str, Action] | Mapping[str, Model]) -> list[str]:
    """The three keys whose key, names or use are most like `given`, best first; never none."""
    wanted = _plain(given)
    scored = sorted(
        (
            (_likeness(wanted, (_plain(key), _plain(r.name_en), _plain(r.name_zh)), (_plain(r.use_en), r.use_zh)), key)
            for key, r in records.items()
        ),
        key=lambda pair: -pair[0],
    )
    floor = max(NEAR_ENOUGH, NEARLY_AS_GOOD * scored[0][0])
    near = [key for score, key in scored if score >= floor]
    return (near or [key for _, key in scored])[:NEAREST]


def shown(value: object) -> str:
    """`value` as it may be shown: one line, no control or invisible characters, at most 40 characters."""
    spaced = " ".join(str(value).split())
    visible = "".join(c for c in spaced if unicodedata.category(c)[0] != "C")
    return visible if len(visible) <= SHOWN else visible[: SHOWN - 1].rstrip() + "…"


def _known(key: str, records: Mapping[str, Style] | Mapping[str, Action] | Mapping[str, Model], code: Code) -> str:
    plain = _plain(key).replace(" ", "_")
    if plain in records:
        return plain
    raise _refused(code, key, nearest(key, records))


def _refused(code: Code, given: object, near: list[str]) -> AskPerson:
    """The hint names only our own keys: what a person typed stays out of the log."""
    names = ", ".join(near)
    return AskPerson(f"nearest: {names}", code=code, params={"given": shown(given), "nearest": names})


def _plain(text: str) -> str:
    return " ".join(re.split(r"[\s_\-·:]+", unicodedata.normalize("NFKC", text).casefold().strip()))


def _likeness(wanted: str, names: Iterable[str], uses: Iterable[str]) -> float:
    """How like one record is, 0 to 1: spelling of its names first, then shared words, then its use."""
    best = 0.0
    words = set(wanted.split())
    for name in names:
        best = max(best, SequenceMatcher(None, wanted, name).ratio())
        if len(wanted) > 1 and len(name) > 1 and (wanted in name or name in wanted):
            best = max(best, 0.8 + 0.2 * min(len(name), len(wanted)) / max(len(name), len(wanted)))
        shared = words & set(name.split())
        if shared:
            best = max(best, 0.5 + 0.4 * len(shared) / len(words | set(name.split())))
    for use in uses:
        if words & set(re.findall(r"\w{3,}", use)) or (len(wanted) > 1 and wanted in use):
            best = max(best, 0.7)
    return best


def _nearest_ratios(given: str) -> list[str]:
    """By shape where two numbers can be read (`2:3`, `1080x1920`), otherwise the usual ones."""
    found = re.fullmatch(r"(\d{1,5}(?:\.\d+)?)[:x*/×](\d{1,5}(?:\.\d+)?)", given.casefold())
    if found is None or not float(found[1]) or not float(found[2]):
        return list(ASPECT_RATIOS[:NEAREST])
    wanted = float(found[1]) / float(found[2])

    def apart(ratio: str) -> float:
        width, height = map(int, ratio.split(":"))
        return max(wanted / (width / height), (width / height) / wanted)

    return sorted(ASPECT_RATIOS, key=apart)[:NEAREST]
