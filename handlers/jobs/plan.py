"""From an order to a plan: for each shot a chain of steps, each done on the result of the one before.

Prices and routes are computed from tasks; prompts and files are put together only for what is really sent. A step is
called `shot-link` (`0-1`: the second edit of the first shot).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache
from math import prod
from pathlib import Path

from handlers.describe import describe
from handlers.jobs.durations import Expected, by_table, megapixels_of
from handlers.jobs.parameters import own_look, parameters_of
from handlers.jobs.sheets import sheet_plan
from handlers.order import Edit, Order, Shot
from handlers.plan import Plan, Step, part_key
from handlers.quote import Quote
from handlers.store.base import Job
from providers.base import Request
from providers.catalog import ACTIONS
from providers.errors import LikenessError
from providers.faces import training_task
from providers.money import Money
from providers.offers import Tier
from providers.outpainting import in_words
from providers.preferences import ANYONE, Preferences, Priority
from providers.prompts import create_prompt, edit_prompt, portrait_prompt, template_prompt
from providers.router import Candidate
from providers.submission import Routes, piece_size
from providers.task import NO_PARAMETERS, Consistency, IdPhoto, Operation, Outpaint, Parameters, Task
from providers.task_builders import create_task, edit_task, face_task, portrait_task

read_parameters = cache(parameters_of)

_REPAINTS = frozenset({Operation.EDIT, Operation.INPAINT, Operation.VARIATIONS, Operation.STYLE_TRANSFER})
"""Edits that paint a face anew. The others leave the face as it is, so they need no consistency."""


TRAINING_PAUSE = 60.0
"""Seconds between two looks at a training, which takes minutes to hours."""


def links(shot: Shot) -> int:
    """How many requests follow one another for this shot."""
    return max(1, len(shot.edits))


def shot_photos(order: Order, shot: Shot) -> tuple[Path, ...]:
    """The photos a shot starts from."""
    return order.photos if shot.photo is None else order.photos[shot.photo : shot.photo + 1]


def task_for(order: Order, *, shot: int, link: int = 0) -> Task:
    """The task of one link. Raises AskPerson for a key that does not exist, or if a photo or text is missing."""
    what = order.shots[shot]
    if order.sheet and (first := sheet_plan(order, job_id="").steps[0].task) is not None:
        return first
    if order.operation == "edit":
        return _edit_task(order, what, link)
    if order.operation == "train_face":
        return training_task(len(order.photos))
    if order.face is not None or order.template is not None:
        return _face_task(order, what)
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
        parameters=_portrait_parameters(what),
        photos=len(shot_photos(order, what)),
        model=order.model,
        count=what.count,
        aspect_ratio=order.aspect_ratio,
        consistency=_consistency(order),
        variant=order.take,
    )


def _portrait_parameters(shot: Shot) -> Parameters:
    if shot.id_photo is not None:
        return Parameters(id_photo=IdPhoto(**shot.id_photo.model_dump()))
    return own_look(shot.prompt) if shot.style is None and shot.prompt else NO_PARAMETERS


def _face_task(order: Order, shot: Shot) -> Task:
    return face_task(
        style=shot.style,
        words=bool(shot.prompt or shot.scene),
        people=len(order.photos),
        face=order.face is not None,
        template=order.template is not None,
        gender=order.gender,
        retouch=order.retouch,
        model=order.model,
        count=shot.count,
        aspect_ratio=order.aspect_ratio,
        consistency=_consistency(order),
        variant=order.take,
    )


def _consistency(order: Order) -> Consistency | None:
    return Consistency(order.consistency) if order.consistency else None


def _edit_task(order: Order, shot: Shot, link: int) -> Task:
    edit = shot.edits[link]
    last = link == links(shot) - 1
    parameters = read_parameters(edit.action, edit.prompt or "", edit.scale, _size(order, shot, link))
    if edit.sides is not None:
        parameters = replace(parameters, outpaint=Outpaint(**edit.sides.model_dump()))
    task = edit_task(
        action=edit.action,
        words=edit.prompt,
        parameters=parameters,
        photos=len(link_photos(order, shot, link)),
        mask=order.mask is not None and link == 0,
        model=order.model,
        count=shot.count if last else 1,
        aspect_ratio=order.aspect_ratio if last else None,
        variant=order.take,
    )
    return replace(task, consistency=_consistency(order)) if task.operation in _REPAINTS else task


def _size(order: Order, shot: Shot, link: int) -> tuple[int, int] | None:
    """The size of the picture a link starts with, if the link depends on it; others do not look."""
    if shot.edits[link].action != "extend" or not order.sizes:
        return None
    width, height = order.sizes[shot.photo or 0]
    grown = prod(edit.scale or 1 for edit in shot.edits[:link])
    return width * grown, height * grown


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
        drawn = _drawn(task, what.edits[link])
        asked_ratio = order.aspect_ratio if link == links(what) - 1 else None
        prompt = edit_prompt(
            action=task.action or "", text=text or drawn, scale=task.scale, photos=task.photos, aspect_ratio=asked_ratio
        )
        photos = link_photos(order, what, link, made)
    elif order.operation == "create":
        text = what.prompt or ""
        prompt, photos = create_prompt(prompt=text), ()
    elif order.operation == "train_face":
        text, prompt, photos = "", "", order.photos
    elif task.face or task.template:
        text = what.prompt or what.scene or ""
        photos = (*order.photos, *((order.template,) if order.template is not None else ()))
        people = max(1, len(order.photos))
        prompt = template_prompt(people=people, words=text, retouch=order.retouch) if task.template else ""
    else:
        text = what.prompt or what.scene or ""
        photos = shot_photos(order, what)
        prompt = portrait_prompt(style=task.style, scene=what.scene, prompt=what.prompt, photos=len(photos))
    return Request(
        key=part_key(job_id, f"{shot}-{link}"),
        task=task,
        prompt=prompt,
        text=text,
        photos=photos,
        mask=order.mask if task.mask else None,
        face=order.face if task.face else None,
    )


_MARKED = "everything that lies in the marked place"


def _drawn(task: Task, edit: Edit) -> str:
    """In words what was shown by hand, for services that are told only in words."""
    if edit.sides is not None and task.parameters.outpaint is not None:
        return in_words(task.parameters.outpaint)
    return _MARKED if task.mask and edit.action == "remove_person" else ""


def preferences_of(order: Order) -> Preferences:
    """Which providers may make it, by the order's own wishes."""
    return Preferences(
        provider=order.provider,
        block=frozenset(order.block),
        wished=Priority(order.priority) if order.priority else None,
        accepted=None if order.accepted is None else frozenset(order.accepted),
    )


def plan_of(order: Order, router: Routes, *, job_id: str, sizes: Sequence[int] = ()) -> Plan:
    """The order as steps. `sizes`: for each shot, the most pictures one of its requests may ask for, if that was fixed
    before (jobs of the first version keep it instead of a plan). Raises AskPerson."""
    if order.sheet:
        return sheet_plan(order, job_id=job_id)
    most = sizes or pieces(order, job_id=job_id, router=router)
    return Plan(
        steps=tuple(
            _step(order, shot=shot, link=link, most=most[shot])
            for shot, what in enumerate(order.shots)
            for link in range(links(what))
        )
    )


def _step(order: Order, *, shot: int, link: int, most: int) -> Step:
    request = request_for(order, job_id="", shot=shot, link=link)
    return Step(
        id=f"{shot}-{link}",
        task=request.task,
        prompt=request.prompt,
        text=request.text,
        photos=request.photos[1:] if link else request.photos,
        mask=request.mask,
        face=request.face,
        wakes_after=TRAINING_PAUSE if order.operation == "train_face" else None,
        uses=(f"{shot}-{link - 1}",) if link else (),
        most=most,
        result=link == links(order.shots[shot]) - 1,
        label=_label(order, shot),
    )


def _label(order: Order, shot: int) -> str:
    """Which picture is which, if an order has several different shots."""
    if order.operation != "series":
        return ""
    alone = order.model_copy(update={"operation": "portrait", "shots": (order.shots[shot],)})
    return describe(alone, order.language)


def request_of(step: Step, *, job_id: str, attempt: int = 0, made: Sequence[Path] = ()) -> Request:
    """One attempt at a step. `made`: the pictures it uses. Another attempt is another picture: seed and variant differ.

    Raises ValueError for a step that no service makes.
    """
    if step.task is None:
        raise ValueError("not a step that a service makes")
    return Request(
        key=part_key(job_id, step.id, attempt),
        task=replace(step.task, variant=step.task.variant + attempt) if attempt else step.task,
        prompt=step.prompt,
        negative_prompt=step.negative_prompt,
        seed=None if step.seed is None else step.seed + attempt,
        text=step.text,
        photos=(*made, *step.photos),
        mask=step.mask,
        face=step.face,
    )


def pieces(order: Order, *, job_id: str, router: Routes) -> tuple[int, ...]:
    """For each shot, the most pictures one request of its last link may ask for. Raises AskPerson."""
    sizes = []
    for n, shot in enumerate(order.shots):
        task = task_for(order, shot=n, link=links(shot) - 1)
        key = part_key(job_id, f"{n}-{links(shot) - 1}")
        sizes.append(piece_size(router.candidates(task, preferences_of(order), lot=key)))
    return tuple(sizes)


def first_candidate(order: Order, router: Routes, *, job_id: str) -> Candidate | None:
    """The first candidate; None if no provider can do the order."""
    try:
        return router.candidates(task_for(order, shot=0), preferences_of(order), lot=part_key(job_id, "0-0"))[0]
    except LikenessError:
        return None


def quoted(router: Routes, expected: Expected = by_table) -> Callable[[Order], Quote]:
    """`quote`, with the router given: what the conversation asks before a job is made."""
    return lambda order: quote(order, router, expected)


def quote(order: Order, router: Routes, expected: Expected = by_table) -> Quote:
    """What an order would take with the providers it would go to now: no I/O. Raises AskPerson where nothing can.

    `expected`: how long a candidate takes; by its table, or by what was measured (`handlers.jobs.durations`).
    """
    if order.sheet:
        plan = sheet_plan(order, job_id="")
        return quote_plan(plan, router, preferences_of(order), megapixels=megapixels_of(order), expected=expected)
    tasks = [
        (f"{shot}-{link}", task_for(order, shot=shot, link=link), (f"{shot}-{link - 1}",) if link else ())
        for shot, what in enumerate(order.shots)
        for link in range(links(what))
    ]
    return _quote_steps(tasks, router, preferences_of(order), megapixels_of(order), expected)


def quote_plan(
    plan: Plan,
    router: Routes,
    preferences: Preferences = ANYONE,
    *,
    megapixels: float | None = None,
    expected: Expected = by_table,
) -> Quote:
    """What a plan would take where no check rejects anything; what is made here costs nothing. `megapixels`: of the
    largest photo."""
    tasks = [(step.id, step.task, tuple(step.awaited)) for step in plan.steps]
    return _quote_steps(tasks, router, preferences, megapixels, expected)


def seconds_of(job: Job, router: Routes, expected: Expected) -> float:
    """How long a job is expected to be made; 0 where nobody can make it any more."""
    order, plan = job.order, job.plan
    try:
        if plan is None:
            return quote(order, router, expected).seconds
        wishes, megapixels = preferences_of(order), megapixels_of(order)
        return quote_plan(plan, router, wishes, megapixels=megapixels, expected=expected).seconds
    except LikenessError:
        return 0.0


def _quote_steps(
    tasks: Iterable[tuple[str, Task | None, Sequence[str]]],
    router: Routes,
    preferences: Preferences,
    megapixels: float | None,
    expected: Expected,
) -> Quote:
    """Of steps (id, task, those it waits for) in order: all their cost, and the seconds until the last has ended, where
    a provider makes no more of them side by side than it can."""
    cost, ends, turns = Money.zero(), dict[str, float](), dict[str, list[float]]()
    basic = True
    companies: dict[str, None] = {}
    for step, task, awaited in tasks:
        begins = max((ends[before] for before in awaited), default=0.0)
        ends[step] = begins
        if task is None:
            continue
        first = router.candidates(task, preferences)[0]
        cost += first.estimate(task).cost
        others = turns.setdefault(first.name, [])
        ends[step] = max(begins, _turn(others, first.provider.side_by_side)) + expected(first, task, megapixels)
        others.append(ends[step])
        basic = basic and first.provider.tier is Tier.LOCAL
        if first.provider.tier is Tier.SERVICE:
            companies[first.name] = None
    return Quote(cost=cost, seconds=max(ends.values(), default=0.0), basic=basic, companies=tuple(companies))


def _turn(ends: Sequence[float], most: int | None) -> float:
    """When another one can begin, where so many are made at once and the others end then."""
    return sorted(ends)[-most] if most is not None and len(ends) >= most else 0.0
