"""Tasks from the catalog's keys and a person's wish: checked, with the catalog's defaults. Pure; no prompt is built.

What is checked here is what nobody could do: keys that do not exist, photos and words that are missing.
"""

from providers.catalog.keys import (
    check_action,
    check_count,
    check_model,
    check_ratio,
    check_scale,
    check_style,
)
from providers.catalog.records import ACTIONS, STYLES, Action
from providers.errors import AskPerson
from providers.task import LEVELS, NO_PARAMETERS, Consistency, Gender, Operation, Parameters, Task

DEFAULT_STYLE = "professional"


def create_task(
    *, words: str, model: str = LEVELS[0], count: int = 1, aspect_ratio: str | None = None, variant: int = 0
) -> Task:
    """A picture from words alone. Raises AskPerson `need_text` and what the checks of keys raise."""
    if not words.strip():
        raise AskPerson("a create without words", code="need_text", text_key="say.need_text")
    return Task(
        operation=Operation.CREATE,
        model=check_model(model),
        count=check_count(count),
        aspect_ratio=check_ratio(aspect_ratio),
        variant=variant,
    )


def portrait_task(
    *,
    style: str | None = None,
    own_words: bool = False,
    parameters: Parameters = NO_PARAMETERS,
    photos: int = 0,
    model: str = LEVELS[0],
    count: int = 1,
    aspect_ratio: str | None = None,
    consistency: Consistency | None = None,
    variant: int = 0,
) -> Task:
    """A portrait of who is in the photos. `own_words`: described by the person, so that no style is the default.

    The ratio is the style's where none is asked for. Raises AskPerson `unknown_style`, ….
    """
    chosen = check_style(style) if style else (None if own_words else DEFAULT_STYLE)
    return Task(
        operation=Operation.PORTRAIT,
        style=chosen,
        parameters=parameters,
        model=check_model(model),
        count=check_count(count),
        aspect_ratio=check_ratio(aspect_ratio) or (STYLES[chosen].aspect_ratio if chosen else None),
        photos=photos,
        consistency=consistency,
        variant=variant,
    )


def face_task(
    *,
    style: str | None = None,
    words: bool = False,
    people: int = 0,
    face: bool = False,
    template: bool = False,
    gender: Gender | None = None,
    retouch: bool = True,
    model: str = LEVELS[0],
    count: int = 1,
    aspect_ratio: str | None = None,
    consistency: Consistency | None = None,
    variant: int = 0,
) -> Task:
    """A portrait of a trained `face`, or of `people` photos of one person, into a `template`. `words`: more is asked
    for than a style or a template says.

    A trained face without a template has a style, the default one where none is named. Raises AskPerson.
    """
    if not face and not people:
        raise AskPerson("nobody to put into the template", code="need_photo", text_key="say.need_photo_bare")
    return Task(
        operation=Operation.PORTRAIT,
        style=None if template else check_style(style or DEFAULT_STYLE),
        parameters=Parameters(complete=not words),
        model=check_model(model),
        count=check_count(count),
        aspect_ratio=check_ratio(aspect_ratio),
        photos=people + template,
        consistency=consistency,
        variant=variant,
        face=face,
        template=template,
        gender=gender,
        retouch=retouch,
    )


def edit_task(
    *,
    action: str,
    words: str | None = None,
    parameters: Parameters = NO_PARAMETERS,
    photos: int = 1,
    mask: bool = False,
    model: str = LEVELS[0],
    count: int = 1,
    aspect_ratio: str | None = None,
    consistency: Consistency | None = None,
    variant: int = 0,
) -> Task:
    """An edit of the first photo: which operation it is comes from the action, the mask and the parameters.

    Raises AskPerson `unknown_action`, `need_photo`, `need_second_photo`, `need_text`, ….
    """
    record = ACTIONS[check_action(action)]
    check_needs(record, words or "", photos)
    check_scale(parameters.scale)
    return Task(
        operation=operation_of(record, parameters, mask=mask),
        action=record.key,
        parameters=parameters,
        model=check_model(model),
        count=check_count(count),
        aspect_ratio=check_ratio(aspect_ratio) or record.aspect_ratio,
        photos=photos,
        mask=mask,
        consistency=consistency,
        variant=variant,
    )


def operation_of(action: Action, parameters: Parameters = NO_PARAMETERS, *, mask: bool = False) -> Operation:
    """A mask makes an inpaint of any edit; a background that is cut away is removed, not replaced."""
    if mask:
        return Operation.INPAINT
    operation = Operation(action.operation)
    background = parameters.background
    if operation is Operation.REPLACE_BACKGROUND and background is not None and background.kind == "transparent":
        return Operation.REMOVE_BACKGROUND
    return operation


def check_needs(record: Action, words: str, photos: int) -> None:
    """Raises AskPerson where a photo or words are missing."""
    if photos < 1:
        raise AskPerson("an edit without a photo", code="need_photo", text_key="say.need_photo_bare")
    if photos < record.photos:
        raise AskPerson("a second photo is missing", code="need_second_photo", text_key="say.need_second_photo")
    if not words.strip() and record.text_needed(photos):
        raise AskPerson(f"{record.key} without words", code="need_text", text_key="say.need_text")
