"""The files that stored values name."""

from pathlib import Path

from handlers.order import Order
from handlers.plan import Step
from handlers.session import Session
from handlers.store.records import Job


def files_of_job(job: Job) -> set[Path]:
    """Every local file a job names: the person's photos and the pictures made."""
    files = {picture.path for picture in job.pictures} | _files_of(job.order)
    steps = job.plan.steps if job.plan else ()
    return files.union(*(_files_of(step) for step in steps))


def _files_of(wish: Order | Step) -> set[Path]:
    return {*wish.photos, *((wish.mask,) if wish.mask else ())}


def files_of_session(session: Session) -> set[Path]:
    """Every local file a session names, waiting orders included."""
    files = {photo.path for photo in session.photos}
    files |= {photo.advice.upright for photo in session.photos if photo.advice and photo.advice.upright}
    orders = [session.last_order]
    if session.last_result:
        files |= set(session.last_result.pictures)
        orders.append(session.last_result.order)
    if session.question:
        orders += [session.question.order, *session.question.orders]
    for order in orders:
        if order:
            files |= _files_of(order)
    return files
