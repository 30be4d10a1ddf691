"""From a function's arguments to what is wished for: the task, and its words. Nothing is read or sent here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from providers.api.face_files import check_gender
from providers.api.options import Sides, check_consistency, check_outpaint
from providers.api.runner import Wish
from providers.catalog.keys import check_action, check_scale, check_style
from providers.catalog.records import STYLES
from providers.errors import AskPerson
from providers.outpainting import in_words
from providers.prompts import create_prompt, edit_prompt, portrait_prompt, template_prompt
from providers.task import LEVELS, MAX_COUNT, NO_PARAMETERS, Background, Consistency, Outpaint, Parameters
from providers.task_builders import create_task, edit_task, face_task, portrait_task

ITEM_FIELDS = frozenset({"style", "scene", "prompt"})
CUT_OUT = "a fully transparent background"
ENLARGED = 2
"""Times, where an upscale is asked for and nothing is said."""

Item = Mapping[str, str | None]


@dataclass(frozen=True, kw_only=True)
class PortraitWish:
    """`photos`: how many there are."""

    photos: int
    model: str
    style: str | None = None
    scene: str | None = None
    prompt: str | None = None
    count: int = 1
    aspect_ratio: str | None = None
    consistency: str | None = None
    face: str | None = None
    template: bool = False
    gender: str | None = None
    retouch: bool | None = None

    def of(self, item: Item) -> "PortraitWish":
        """The same for one item of a series."""
        return replace(self, style=item.get("style"), scene=item.get("scene"), prompt=item.get("prompt"))

    def as_wish(self) -> Wish:
        """Raises AskPerson `unknown_style`, `need_photo`, …."""
        if self.face is not None or self.template:
            return self._of_face()
        if self.gender is not None or self.retouch is not None:
            raise AskPerson("options of faces without one", code="bad_request")
        ratio = self.aspect_ratio or (STYLES[check_style(self.style)].aspect_ratio if self.style else None)
        task = portrait_task(
            style=None if self.prompt else self.style,
            own_words=bool(self.prompt),
            photos=self.photos,
            model=self.model,
            count=self.count,
            aspect_ratio=ratio,
            consistency=_held(self.consistency, self.photos),
        )
        words = portrait_prompt(style=self.style, scene=self.scene, prompt=self.prompt, photos=self.photos)
        return Wish(task=task, prompt=words, text=self.prompt or self.scene or "")

    def _of_face(self) -> Wish:
        """A trained face in a preset, or a person in a template."""
        if self.face is not None and self.photos:
            raise AskPerson("a trained face and photos", code="bad_request")
        if self.template and self.style is not None:
            raise AskPerson("a template has a look of its own", code="bad_request")
        if self.retouch is not None and (self.face is not None or not self.template):
            raise AskPerson("retouching is for photos in a template", code="bad_request")
        words = self.prompt or self.scene
        task = face_task(
            style=self.style,
            words=bool(words),
            people=self.photos,
            face=self.face is not None,
            template=self.template,
            gender=check_gender(self.gender),
            retouch=self.retouch is not False,
            model=self.model,
            count=self.count,
            aspect_ratio=self.aspect_ratio,
            consistency=check_consistency(self.consistency),
        )
        if task.style is not None and task.gender is None and len(STYLES[task.style].variants) > 1:
            raise AskPerson("a preset for each gender", code="need_gender")
        prompt = template_prompt(people=max(1, self.photos), words=words, retouch=task.retouch) if self.template else ""
        return Wish(task=task, prompt=prompt, text=words or "", face=self.face)


@dataclass(frozen=True, kw_only=True)
class EditWish:
    """`photos`: how many there are; `mask`: whether one is. `outpaint` means `extend`, `transparent` means
    `replace_bg` and `scale` means `upscale`; with another action they contradict it. `parameters`: what `prompt` says,
    for who cannot read words; None where nobody has read it."""

    photos: int
    mask: bool
    prompt: str | None
    action: str
    model: str | None
    count: int
    aspect_ratio: str | None
    scale: int | None
    outpaint: Sides
    transparent: bool
    consistency: str | None
    parameters: Parameters | None = None

    def as_wish(self) -> Wish:
        """Raises AskPerson `unknown_action`, `bad_outpaint`, `need_text`, …."""
        sides = check_outpaint(self.outpaint)
        action = self._action(sides)
        words = self.prompt or _said(sides, transparent=self.transparent)
        factor = self.scale if self.scale is not None or action != "upscale" else ENLARGED
        parameters = self.parameters or _unread(action, self.prompt)
        parameters = replace(parameters, scale=factor)
        if sides is not None:
            parameters = replace(parameters, outpaint=sides)
        if self.transparent:
            parameters = replace(parameters, background=Background(kind="transparent"))
        task = edit_task(
            action=action,
            words=words,
            parameters=parameters,
            photos=self.photos,
            mask=self.mask,
            model=self.model or LEVELS[0],
            count=self.count,
            aspect_ratio=self.aspect_ratio,
            consistency=_held(self.consistency, self.photos),
        )
        written = edit_prompt(
            action=action, text=words, scale=factor, photos=self.photos, aspect_ratio=self.aspect_ratio
        )
        return Wish(task=task, prompt=written, text=self.prompt or "")

    def _action(self, sides: Outpaint | None) -> str:
        """What the options say; the action `edit`, which is what stands where none was named, gives way, but not where
        words ask for a change that an upscale would not make."""
        named = check_action(self.action)
        scaled = check_scale(self.scale) is not None
        said = {"extend"} if sides is not None else set()
        said |= {"replace_bg"} if self.transparent else set()
        said |= {"upscale"} if scaled else set()
        gives_way = named == "edit" and not (scaled and self.prompt)
        actions = said if gives_way else said | {named}
        if len(actions) > 1:
            raise AskPerson("options of different actions", code="bad_request", params={"given": named})
        return next(iter(actions), named)


def create_wish(*, prompt: str, model: str, count: int, aspect_ratio: str | None) -> Wish:
    task = create_task(words=prompt, model=model, count=count, aspect_ratio=aspect_ratio)
    return Wish(task=task, prompt=create_prompt(prompt=prompt), text=prompt)


def checked_items(items: Sequence[Item] | None) -> Sequence[Item]:
    """Raises AskPerson `bad_items`: a misspelt field would otherwise become another, billed picture."""
    if not isinstance(items, list | tuple) or not 1 <= len(items) <= MAX_COUNT:
        raise AskPerson("not a list of 1 to 8", code="bad_items")
    for item in items:
        texts = isinstance(item, Mapping) and all(v is None or isinstance(v, str) for v in item.values())
        if not texts or not set(item) <= ITEM_FIELDS or not any(item.values()):
            raise AskPerson("an item of another shape", code="bad_items")
    return items


def _unread(action: str, words: str | None) -> Parameters:
    """What is known of words that nobody has read: that they say more. A background's are taken for a place."""
    if not words:
        return NO_PARAMETERS
    background = Background(kind="place") if action == "replace_bg" else None
    return Parameters(background=background, complete=False)


def _held(consistency: str | None, photos: int) -> Consistency | None:
    """Raises AskPerson `bad_consistency`, or `need_photo` where there is no face that could be held."""
    level = check_consistency(consistency)
    if level is not None and not photos:
        raise AskPerson("nobody to be like", code="need_photo", text_key="say.need_photo_bare")
    return level


def _said(sides: Outpaint | None, *, transparent: bool) -> str | None:
    """For services that are asked in words what the options say."""
    if transparent:
        return CUT_OUT
    if sides is None:
        return None
    return in_words(sides)
