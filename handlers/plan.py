"""`Plan`: a job as steps, each with what it needs; committed with the job before its first request.

It is stored with its job and read by other processes, so it is a frozen pydantic model. A run of the job goes through
the steps; what was posted for each is a part, keyed by job, step and attempt (`part_key`).
"""

from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from providers.media.ref import StoredPath
from providers.task import Task


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Step(_Frozen):
    """One thing to be made: by a service (`task`), or here, by a maker of the runner's (`maker`), from pictures.

    `uses`: steps whose first pictures come before the step's own `photos`, in this order; it needs them. `needs`: steps
    that must have made a picture before this one begins. `after`: steps that must have ended, with or without a
    picture; a maker gets the pictures of those that have some. `check`: inspects each picture (a check of the
    runner's); if it rejects one, the step is repeated with another seed and variant, at most `attempts` times in all. A
    rejected picture is in no result. `most`: pictures that one request may ask for. `result`: its pictures are
    delivered. `wakes_after`: seconds between two looks at a request that takes hours; the job sleeps meanwhile and
    holds nothing.
    """

    id: str
    task: Task | None = None
    maker: str | None = None
    prompt: str = ""
    negative_prompt: str = ""
    seed: int | None = None
    text: str = ""
    photos: tuple[StoredPath, ...] = ()
    mask: StoredPath | None = None
    face: str | None = None
    uses: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    check: str | None = None
    attempts: int = 1
    most: int = 8
    result: bool = True
    label: str = ""
    wakes_after: float | None = None

    @property
    def wanted(self) -> int:
        """Pictures it is to make."""
        return self.task.count if self.task else 1

    @property
    def awaited(self) -> frozenset[str]:
        """The steps that must have ended before this one begins."""
        return frozenset((*self.uses, *self.needs, *self.after))

    @model_validator(mode="after")
    def _made_in_one_way(self) -> Self:
        if (self.task is None) == (self.maker is None):
            raise ValueError(f"step {self.id}: a task or a maker")
        if self.task is not None and self.task.photos != len(self.photos) + len(self.uses):
            raise ValueError(f"step {self.id}: other photos than its task")
        if self.attempts < 1 or (self.attempts > 1 and self.check is None):
            raise ValueError(f"step {self.id}: several attempts without a check")
        return self


class Plan(_Frozen):
    """Steps in an order in which they could be done one by one; independent ones run concurrently."""

    steps: tuple[Step, ...]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        known: set[str] = set()
        for step in self.steps:
            if step.id in known or not step.awaited <= known:
                raise ValueError(f"step {step.id}: named twice, or waits for one that does not come before it")
            known.add(step.id)
        return self

    @property
    def results(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.result)

    @property
    def takes_hours(self) -> bool:
        return any(step.wakes_after is not None for step in self.steps)

    @property
    def count(self) -> int:
        """Pictures promised in all."""
        return sum(step.wanted for step in self.results)


def part_key(job_id: str, step: str, attempt: int = 0) -> str:
    """The permanent name of a step's request; `providers.submission.split` adds `#n` if it is several."""
    return f"{job_id}-{step}" + (f"~{attempt}" if attempt else "")
