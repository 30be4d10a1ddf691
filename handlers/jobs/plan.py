"""From an order to tasks and requests for providers: for each shot a chain, each link done on the result of the one
before.

Prices and routes are found from tasks; prompts and files are put together only for what is really sent.
The keys are `job-shot-link` (`job-0-1`: the second edit of the first shot); `providers.submission.split` adds
`#n` for pieces.
"""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from handlers.jobs.parameters import parameters_of
from handlers.order import Order, Shot
from handlers.quote import Quote
from providers.base import Request
from providers.catalog import ACTIONS
from providers.errors import LikenessError
from providers.money import Money
from providers.offers import Tier
from providers.preferences import Preferences, only
from providers.prompts import create_prompt, edit_prompt, portrait_prompt
from providers.submission import Routes, piece_size
from providers.task import NO_PARAMETERS, IdPhoto, Parameters, Task
from providers.task_builders import create_task, edit_task, portrait_task

read_parameters = cache(parameters_of)


def links(shot: Shot) -> int:
    """How many requests follow one another for this shot."""
    return max(1, len(shot.edits))


def shot_photos(order: Order, shot: Shot) -> tuple[Path, ...]:
    """The photos a shot starts from."""
    return order.photos if shot.photo is None else order.photos[shot.photo : shot.photo + 1]


def task_for(order: Order, *, shot: int, link: int = 0) -> Task:
    """What one link asks for. Raises AskPerson for a key that does not exist, or where a photo or words are missing."""
    what = order.shots[shot]
    if order.operation == "edit":
        return _edit_task(order, what, link)
    if order.operation == "create":
        return create_task(
            words=what.prompt or "",
            model=order.model,
            count=what.count,
            aspect_ratio=order.aspect_ratio,
            variant=order.take,
        )
    return portrait_task(
        style=what.style,
        own_words=bool(what.prompt),
        parameters=Parameters(id_photo=IdPhoto(**what.id_photo.model_dump())) if what.id_photo else NO_PARAMETERS,
        photos=len(shot_photos(order, what)),
        model=order.model,
        count=what.count,
        aspect_ratio=order.aspect_ratio,
        variant=order.take,
    )


def _edit_task(order: Order, shot: Shot, link: int) -> Task:
    edit = shot.edits[link]
    last = link == links(shot) - 1
    return edit_task(
        action=edit.action,
        words=edit.prompt,
        parameters=read_parameters(edit.action, edit.prompt or "", edit.scale),
        photos=len(link_photos(order, shot, link)),
        mask=order.mask is not None and link == 0,
        model=order.model,
        count=shot.count if last else 1,
        aspect_ratio=order.aspect_ratio if last else None,
        variant=order.take,
    )


def link_photos(order: Order, shot: Shot, link: int, made: Sequence[Path] = ()) -> tuple[Path, ...]:
    """The photos of one link: a later edit works on what was made; a second picture it needs is the person's."""
    photos = shot_photos(order, shot)
    if not link:
        return photos
    edit = shot.edits[link]
    more = photos[1:] if edit.action in ACTIONS and ACTIONS[edit.action].photos > 1 else ()
    return (*(made or photos)[:1], *more)


def request_for(order: Order, *, job_id: str, shot: int, link: int = 0, made: Sequence[Path] = ()) -> Request:
    """The request of one link. `made`: the pictures of the link before it (none for the first).

    Raises AskPerson as `task_for` does.
    """
    what = order.shots[shot]
    task = task_for(order, shot=shot, link=link)
    if order.operation == "edit":
        text = what.edits[link].prompt or ""
        asked_ratio = order.aspect_ratio if link == links(what) - 1 else None
        prompt = edit_prompt(
            action=task.action or "", text=text, scale=task.scale, photos=task.photos, aspect_ratio=asked_ratio
        )
        photos = link_photos(order, what, link, made)
    elif order.operation == "create":
        text = what.prompt or ""
        prompt, photos = create_prompt(prompt=text), ()
    else:
        text = what.prompt or what.scene or ""
        photos = shot_photos(order, what)
        prompt = portrait_prompt(style=task.style, scene=what.scene, prompt=what.prompt, photos=len(photos))
    return Request(
        key=f"{job_id}-{shot}-{link}",
        task=task,
        prompt=prompt,
        text=text,
        photos=photos,
        mask=order.mask if task.mask else None,
    )


def preferences_of(order: Order) -> Preferences:
    """Who may make it, by the order's own wish."""
    return only(order.provider)


def pieces(order: Order, *, job_id: str, router: Routes) -> tuple[int, ...]:
    """For each shot, the most pictures one request of its last link may ask for. Raises AskPerson."""
    sizes = []
    for n, shot in enumerate(order.shots):
        task = task_for(order, shot=n, link=links(shot) - 1)
        key = f"{job_id}-{n}-{links(shot) - 1}"
        sizes.append(piece_size(router.candidates(task, preferences_of(order), lot=key)))
    return tuple(sizes)


def first_service(order: Order, router: Routes, *, job_id: str) -> str | None:
    """The provider that is asked first; None where nobody can do the order."""
    try:
        return router.candidates(task_for(order, shot=0), preferences_of(order), lot=f"{job_id}-0-0")[0].name
    except LikenessError:
        return None


def quoted(router: Routes) -> Callable[[Order], Quote]:
    """`quote`, with the router given: what the conversation asks before a job is made."""
    return lambda order: quote(order, router)


def quote(order: Order, router: Routes) -> Quote:
    """What an order would take with the providers it would go to now: no I/O.

    Links follow one another, shots and pieces run side by side. Raises AskPerson where nothing can do it.
    """
    cost, seconds = Money.zero(), 0.0
    basic = True
    for n, shot in enumerate(order.shots):
        chain = 0.0
        for link in range(links(shot)):
            task = task_for(order, shot=n, link=link)
            first = router.candidates(task, preferences_of(order))[0]
            estimate = first.estimate(task)
            cost += estimate.cost
            chain += estimate.seconds
            basic = basic and first.provider.tier is Tier.LOCAL
        seconds = max(seconds, chain)
    return Quote(cost=cost, seconds=seconds, basic=basic)
