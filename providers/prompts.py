"""The finished prompt for a model, from the catalog's records and the person's words. Pure functions.

For a portrait: own prompt > style + scene > style > `professional`. With a reference photo the likeness comes first,
except for styles that draw freely (the avatars). An edit is told to keep what its record says, no more.
At most 4 000 characters: our own sentences give way from the end, the person's words only when they alone are too long.
"""

import re
import unicodedata
from dataclasses import dataclass

from providers.catalog import ACTIONS, STYLES, Style
from providers.catalog.keys import check_action, check_ratio, check_scale, check_style
from providers.errors import AskPerson
from providers.task_builders import DEFAULT_STYLE, check_needs

MAX_PROMPT = 4_000
"""Characters every provider accepts (the lowest limit among them, qwen's 800 tokens aside)."""

_FEATURES = (
    "the same bone structure and proportions, the same shapes of eyes, brows, nose, lips and ears, skin tone, age and "
    "hair, and any glasses, beard, freckles, moles or scars"
)
_NEW = "These features change only where the words below ask for it; everything else in the picture is new."
LIKENESS_ONE = (
    f"Keep the likeness of the person in the photo: {_FEATURES}, so that friends know them at once, in a drawn or "
    f"painted picture too. {_NEW}"
)
LIKENESS_SEVERAL = (
    f"Keep the likeness of everyone in the {{photos}}: for each person {_FEATURES}, so that friends know every one of "
    "them at once, and no one takes on features of another. Photos of the same person are views of that one person. "
    f"{_NEW}"
)
_OWN_FINISH = (
    "One coherent, finely detailed picture with sound anatomy and light that fits the place. "
    "The medium is the one the words name, otherwise: {finish}"
)
_PHOTOGRAPH = "a photograph of professional quality."
_FRAMING = "Keep the framing, with everything where it is."
_REFRAMING = (
    "Bring the picture to the ratio {ratio} by showing more of the surroundings or trimming empty space; "
    "cut off no head, hand or main object."
)
_QUOTED = re.compile(r"“[^”]+”|\"[^\"]+\"|「[^」]+」|『[^』]+』|«[^»]+»|„[^“”]+[“”]|(?<!\w)['‘][^'’]+['’](?!\w)")
_SENTENCE_END = ".!?。！？…"


@dataclass(frozen=True, kw_only=True)
class _Part:
    """One sentence or more. `words`: the person's own words in it, empty where all of it is ours."""

    text: str
    words: str = ""


def portrait_prompt(*, style: str | None, scene: str | None = None, prompt: str | None = None, photos: int) -> str:
    """A portrait of who is in `photos` photos (0: nobody in particular).

    With `prompt` the style only decides whether the likeness is kept, and an avatar its medium.
    Raises AskPerson `unknown_style`.
    """
    record = STYLES[check_style(style) if style else DEFAULT_STYLE]
    scene, prompt = _clean(scene), _clean(prompt)
    parts: list[_Part] = []
    if photos and record.likeness:
        parts.append(_Part(text=_likeness(record, photos)))
    parts += _own(record, prompt, scene, photos) if prompt else _styled(record, scene, photos)
    return _joined(parts)


def template_prompt(*, people: int, words: str | None = None, retouch: bool = True) -> str:
    """The person of the first `people` photos in place of the one in the last picture, the template."""
    photos = "the first picture" if people == 1 else f"the first {people} pictures"
    asked = _clean(words)
    parts = [
        _Part(text=f"The last picture is a template: make it anew with the person of {photos} in the place of whoever "
              "is in it, and keep its framing, pose, dress, hair style, background, light and medium."),
        _Part(text=f"Keep the likeness of that person: {_FEATURES.replace(' and hair,', ',')}, so that friends know "
              "them at once. Nothing of the face in the template stays."),
    ]  # fmt: skip
    if asked:
        parts.insert(1, _Part(text=f"Also asked for: {_ended(asked)}", words=asked))
    if not retouch:
        parts.append(_Part(text="Do not beautify: skin, lines and marks stay as they are."))
    return _joined(parts)


def edit_prompt(
    *, action: str, text: str | None, scale: int | None = None, photos: int = 1, aspect_ratio: str | None = None
) -> str:
    """An edit of the first of `photos` photos, in the person's words or by the record's default.

    With `aspect_ratio` (when it is to differ from the photo's) the picture is not told to keep its framing.
    Raises AskPerson: `unknown_action`, `bad_scale`, `unknown_aspect_ratio`, `need_photo`, `need_second_photo`,
    `need_text`.
    """
    record = ACTIONS[check_action(action)]
    ratio = check_ratio(aspect_ratio)
    words = _clean(text)
    check_needs(record, words, photos)
    request = _quoted(words) if words and record.letters else words or record.default_for(photos)
    parts = [_Part(text=_fill(record.change, request, check_scale(scale) or 2), words=words)]
    if photos > record.photos:
        parts.append(_Part(text=record.several))
    parts.append(_Part(text=record.keep))
    if record.framing:
        parts.append(_Part(text=_REFRAMING.replace("{ratio}", ratio) if ratio else _FRAMING))
    parts.append(_Part(text=record.finish))
    return _joined(parts)


def create_prompt(*, prompt: str) -> str:
    """A picture from words alone: the person's words, as they are. Raises AskPerson `need_text`."""
    words = _clean(prompt)
    if not words:
        raise AskPerson("a create without words", code="need_text", text_key="say.need_text")
    return _joined([_Part(text=words, words=words)])


def _likeness(record: Style, photos: int) -> str:
    if photos == 1 and not record.several:
        return LIKENESS_ONE
    return LIKENESS_SEVERAL.replace("{photos}", "photo" if photos == 1 else f"{photos} photos")


def _who(record: Style, photos: int) -> str:
    if record.several:
        return ("a family of three generations", "everyone in the photo", "everyone in the photos")[min(photos, 2)]
    return ("one person", "the person in the photo", "the person or people in the photos")[min(photos, 2)]


def _own(record: Style, prompt: str, scene: str, photos: int) -> list[_Part]:
    """The person's own description, and a scene as its place. Of the style only an avatar's medium is left."""
    if not photos:
        lead = prompt
    elif record.likeness:
        lead = f"Make a new picture of {_who(record, photos)} as described here: {_ended(prompt)}"
    else:
        lead = f"Make a new character modelled on {_who(record, photos)}, as described here: {_ended(prompt)}"
    parts = [_Part(text=_ended(lead), words=prompt)]
    if scene:
        parts.append(_Part(text=f"Scene: {_ended(scene)}", words=scene))
    finish = _PHOTOGRAPH if record.likeness else _ended(record.finish)
    return [*parts, _Part(text=_OWN_FINISH.replace("{finish}", finish))]


def _styled(record: Style, scene: str, photos: int) -> list[_Part]:
    subject = _Part(text=_ended(record.subject.replace("{who}", _who(record, photos))))
    setting = [_Part(text=text) for text in record.setting]
    finish = _Part(text=_ended(record.finish[:1].upper() + record.finish[1:]))
    if not scene:
        return [subject, *setting, finish]
    if record.exact:
        asked = (
            f"As far as clothes and grooming go, also asked for: {_ended(scene)} Backdrop, crop, pose and light stay."
        )
        return [subject, *setting, _Part(text=asked, words=scene), finish]
    asked = f"Asked for above all, and outranking any other detail given here: {_ended(scene)}"
    return [subject, _Part(text=asked, words=scene), *setting, finish]


def _clean(words: str | None) -> str:
    """The person's words without control characters and outer white space; line ends stay, emoji stay whole."""
    kept = (c for c in (words or "") if c in "\n\u200d" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co"))
    return "".join(kept).strip()


def _quoted(words: str) -> str:
    """Words to be written on a picture, in quotation marks unless the person set them."""
    return words if _QUOTED.search(words) else f"“{words}”"


def _fill(template: str, request: str, scale: int) -> str:
    """The template with the request in it, in one pass: braces in a person's words mean nothing."""

    def put(found: re.Match[str]) -> str:
        if found[1] == "scale":
            return f"{scale}{found[2]}"
        return _ended(request) if found[2] else request

    return re.sub(r"\{(request|scale)\}(\.?)", put, template)


def _ended(text: str) -> str:
    return text if text.endswith(tuple(_SENTENCE_END)) else f"{text}."


def _joined(parts: list[_Part]) -> str:
    """The parts as one text of at most 4 000 characters."""
    kept = list(parts)
    while len(text := " ".join(part.text for part in kept)) > MAX_PROMPT:
        ours = [i for i, part in enumerate(kept) if not part.words]
        if not ours:
            return shortened(" ".join(part.words for part in kept))
        del kept[ours[-1]]
    return text


def shortened(text: str, limit: int = MAX_PROMPT) -> str:
    """The beginning of a text of more than `limit` characters, up to the last sentence, else word, in its last fifth.

    For models that take less than this module allows.
    """
    if len(text) <= limit:
        return text
    end = limit
    while end > 1 and (
        unicodedata.combining(text[end]) or "\u200d" in text[end - 1 : end + 1] or text[end] == "\ufe0f"
    ):
        end -= 1
    head = text[:end]
    for marks in (_SENTENCE_END + "\n", " ,;，；、"):
        at = max(head.rfind(mark) for mark in marks)
        if at >= limit * 4 // 5:
            return head[: at + 1].rstrip(" ,;，；、\n")
    return head
