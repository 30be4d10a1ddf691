"""Sheets as plans: the anchor first, the others side by side after it, each tried again where it is plainly somebody
else, and what came of it composed as one labelled picture.

    photos ─▶ anchor ─┬▶ view ─┐
                      ├▶ view ─┼▶ sheet
                      └▶ view ─┘

The check compares faces on this machine. Where that cannot be told (no network, a drawing, a view from behind) nothing
is rejected for it.
"""

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from handlers.order import Order
from handlers.plan import Plan, Step
from handlers.sheets import LABELS, View, asked_besides, sheets, views_of
from handlers.store.base import Job
from handlers.words import words
from providers.base import PictureFile
from providers.labelling import signed
from providers.media.credentials import ContentCredentials
from providers.media.files import write_file
from providers.media.labels import read_label
from providers.media.preview import dimensions
from providers.media.sheet import Cell, composed
from providers.media.store import MediaStore, at_hand
from providers.media.threads import in_thread
from providers.people.inspector import Likeness
from providers.task import Consistency, Operation, Task

log = logging.getLogger(__name__)

CHECK, MAKER = "same_face", "sheet"
ATTEMPTS = 2
ANCHOR = "anchor"
_NOBODY_ELSE = (
    "Exactly the same person as in the first picture: the same face, age, skin, hair, glasses, beard and marks, "
    "so that nobody could think of another."
)


def sheet_plan(order: Order, *, job_id: str) -> Plan:
    """The plan of an order with a sheet. The anchor is the sheet's first view; if that was not requested, it is made
    but not delivered. Raises AskPerson for an unknown key."""
    edit = order.shots[0].edits[0]
    sheet = sheets()[edit.action]
    asked = views_of(edit.action, order.sheet)
    anchor, shown = sheet.views[0], bool(asked) and asked[0].key == sheet.views[0].key
    others = [view for view in asked if view.key != anchor.key]
    steps = [
        _step(order, anchor, number=0, job_id=job_id, first=True).model_copy(update={"id": ANCHOR, "result": shown}),
        *(_step(order, view, number=n, job_id=job_id, first=False) for n, view in enumerate(others, 1)),
    ]
    pictures = tuple(step.id for step in steps if step.result)
    whole = Step(
        id=MAKER, maker=MAKER, needs=(ANCHOR,), after=pictures, label=words(order.language, f"name.{edit.action}")
    )
    return Plan(steps=(*steps, whole))


def _step(order: Order, view: View, *, number: int, job_id: str, first: bool) -> Step:
    edit = order.shots[0].edits[0]
    sheet = sheets()[edit.action]
    photos = order.photos if first else ()
    task = Task(
        operation=Operation.PORTRAIT,
        model=order.model,
        count=1,
        aspect_ratio=sheet.aspect_ratio,
        photos=len(photos) if first else 1,
        consistency=Consistency(order.consistency) if order.consistency else None,
        variant=order.take,
    )
    besides = asked_besides(edit.action, edit.prompt or "")
    more = f"Also asked for: {besides}" if besides else ""
    return Step(
        id=view.key,
        task=task,
        prompt=" ".join(filter(None, (_NOBODY_ELSE, view.prompt, sheet.common, more))),
        text=besides,
        seed=_seed(job_id) + 16 * number,
        photos=photos,
        uses=() if first else (ANCHOR,),
        check=CHECK if view.face else None,
        attempts=ATTEMPTS if view.face else 1,
        most=1,
        label=words(order.language, LABELS[view.key]),
    )


def _seed(job_id: str) -> int:
    """The same for a job for ever; below what services accept."""
    return int.from_bytes(hashlib.sha256(job_id.encode()).digest()[:4]) % 2_000_000_000


class Compares(Protocol):
    """`providers.people.inspector.Inspector`."""

    async def compare(self, photos: Sequence[Path], results: Sequence[Path]) -> tuple[Likeness, ...] | None: ...


class Sheets:
    """The check and the maker that the plans name. `media`: where files lie that another worker made; `credentials`:
    what the sheet is signed with, as its pictures are."""

    def __init__(
        self,
        inspector: Compares,
        media: MediaStore | None = None,
        credentials: ContentCredentials | None = None,
    ) -> None:
        self._inspector = inspector
        self._media = media
        self._credentials = credentials

    async def same_face(self, job: Job, step: Step, picture: PictureFile) -> bool:
        """False if the picture plainly shows somebody else, or no face where there should be one."""
        for path in (*job.order.photos, picture.path):
            await at_hand(self._media, path)
        found = await self._inspector.compare(job.order.photos, [picture.path])
        if found is None:
            log.info("likeness cannot be told here: job=%s step=%s", job.id, step.id)
            return True
        return found[0].likeness not in ("miss", "no_face")

    async def compose(
        self, job: Job, step: Step, pictures: Sequence[tuple[Step, PictureFile]], into: Path
    ) -> PictureFile:
        """All existing views, in the sheet's order, each with its label."""
        sheet = sheets()[job.order.shots[0].edits[0].action]
        cells = [Cell(path=picture.path, label=other.label) for other, picture in pictures if other.result]
        for cell in cells:
            await at_hand(self._media, cell.path)
        data = await in_thread(composed, cells, columns=sheet.columns, ratio=sheet.aspect_ratio)
        data = await in_thread(signed, data, read_label(data), self._credentials)
        path = await in_thread(write_file, data, into=into, name=f"{step.id}.jpg")
        width, height = await in_thread(dimensions, path)
        first = pictures[0][1]
        return PictureFile(
            path=path, width=width, height=height, size_bytes=len(data), mime="image/jpeg", provider=first.provider,
            request_id=step.id, model=first.model,
        )  # fmt: skip
