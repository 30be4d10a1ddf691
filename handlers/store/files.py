"""The files that stored values name."""

from pathlib import Path

from handlers.session import Session
from handlers.store.records import Job


def files_of_job(job: Job) -> set[Path]:
    """Every local file a job names: the person's photos and the pictures made."""
    files = {picture.path for picture in job.pictures} | set(job.order.photos)
    return files | ({job.order.mask} if job.order.mask else set())


def files_of_session(session: Session) -> set[Path]:
    """Every local file a session names, waiting orders included."""
    files = {photo.path for photo in session.photos}
    orders = [session.last_order]
    if session.last_result:
        files |= set(session.last_result.pictures)
        orders.append(session.last_result.order)
    if session.question:
        orders += [session.question.order, *session.question.orders]
    for order in orders:
        if order:
            files |= set(order.photos) | ({order.mask} if order.mask else set())
    return files
