"""From an order to requests for providers: for each shot a chain, each link done on the result of the one before.

The keys are `job-shot-link` (`job-0-1`: the second edit of the first shot); `providers.submission.split` adds
`#n` for pieces.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from handlers.order import Order, Shot
from handlers.quote import Quote
from providers.base import Operation, Request
from providers.catalog import ACTIONS, STYLES
from providers.prompts import DEFAULT_STYLE, create_prompt, edit_prompt, portrait_prompt
from providers.submission import Routes, piece_size, split


def links(shot: Shot) -> int:
    """How many requests follow one another for this shot."""
    return max(1, len(shot.edits))


def shot_photos(order: Order, shot: Shot) -> tuple[Path, ...]:
    """The photos a shot starts from."""
    return order.photos if shot.photo is None else order.photos[shot.photo : shot.photo + 1]


def request_for(order: Order, *, job_id: str, shot: int, link: int = 0, made: Sequence[Path] = ()) -> Request:
    """The request of one link. `made`: the pictures of the link before it (none for the first).

    Raises AskPerson for a style, action or ratio that does not exist, or where a photo or words are missing.
    """
    what = order.shots[shot]
    key = f"{job_id}-{shot}-{link}"
    if order.operation == "edit":
        return _edit(order, what, key, link, made)
    if order.operation == "create":
        return Request(
            key=key,
            operation=Operation.CREATE,
            prompt=create_prompt(prompt=what.prompt or ""),
            text=what.prompt or "",
            model=order.model,
            count=what.count,
            aspect_ratio=order.aspect_ratio,
            take=order.take,
        )
    return _portrait(order, what, key)


def _portrait(order: Order, shot: Shot, key: str) -> Request:
    photos = shot_photos(order, shot)
    style = shot.style or (None if shot.prompt else DEFAULT_STYLE)
    prompt = portrait_prompt(style=style, scene=shot.scene, prompt=shot.prompt, photos=len(photos))
    return Request(
        key=key,
        operation=Operation.PORTRAIT,
        prompt=prompt,
        text=shot.prompt or shot.scene or "",
        style=style,
        model=order.model,
        count=shot.count,
        aspect_ratio=order.aspect_ratio or (STYLES[style].aspect_ratio if style else None),
        photos=photos,
        take=order.take,
    )


def _edit(order: Order, shot: Shot, key: str, link: int, made: Sequence[Path]) -> Request:
    edit = shot.edits[link]
    last = link == links(shot) - 1
    photos = shot_photos(order, shot)
    if link:
        # A later edit works on what was made; a second picture it needs is the person's.
        more = photos[1:] if edit.action in ACTIONS and ACTIONS[edit.action].photos > 1 else ()
        photos = (*(made or photos)[:1], *more)
    ratio = order.aspect_ratio if last else None
    prompt = edit_prompt(action=edit.action, text=edit.prompt, scale=edit.scale, photos=len(photos), aspect_ratio=ratio)
    return Request(
        key=key,
        operation=Operation.EDIT,
        prompt=prompt,
        text=edit.prompt or "",
        action=edit.action,
        model=order.model,
        count=shot.count if last else 1,
        aspect_ratio=ratio or ACTIONS[edit.action].aspect_ratio,
        scale=edit.scale,
        photos=photos,
        mask=order.mask if link == 0 else None,
        take=order.take,
    )


def pieces(order: Order, *, job_id: str, router: Routes) -> tuple[int, ...]:
    """For each shot, the most pictures one request of its last link may ask for. Raises AskPerson."""
    sizes = []
    for n, shot in enumerate(order.shots):
        request = request_for(order, job_id=job_id, shot=n, link=links(shot) - 1)
        sizes.append(piece_size(router.candidates(request, order.provider)))
    return tuple(sizes)


def quoted(router: Routes) -> Callable[[Order], Quote]:
    """`quote`, with the router given: what the conversation asks before a job is made."""
    return lambda order: quote(order, router)


def quote(order: Order, router: Routes) -> Quote:
    """What an order would take with the providers it would go to now: no I/O.

    Links follow one another, shots and pieces run side by side. Raises AskPerson where nothing can do it.
    """
    usd = seconds = 0.0
    basic = True
    for n, shot in enumerate(order.shots):
        chain = 0.0
        for link in range(links(shot)):
            request = request_for(order, job_id="quote", shot=n, link=link)
            candidates = router.candidates(request, order.provider)
            estimates = [candidates[0].estimate(piece) for piece in split(request, piece_size(candidates))]
            usd += sum(estimate.usd for estimate in estimates)
            chain += max(estimate.seconds for estimate in estimates)
            basic = basic and candidates[0].name == "embedded"
        seconds = max(seconds, chain)
    return Quote(usd=usd, seconds=seconds, basic=basic)
