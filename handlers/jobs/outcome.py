"""What became of a job and its steps, as data."""

from dataclasses import dataclass

from providers.base import PictureFile
from providers.errors import ConsentNeeded, DeadlinePassed, LikenessError, MaybePaid


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A `LikenessError` as data, for the checkpoint. `unknown`: it may have been paid (MaybePaid). `fetchable`: a
    service has it, finished or in progress; asking for it again costs nothing."""

    code: str
    text_key: str
    params: dict[str, str | int | float]
    retryable: bool
    unknown: bool = False
    fetchable: bool = False


@dataclass(frozen=True, kw_only=True)
class StepOutcome:
    """What became of one step: its pictures (maybe fewer than `wanted`), and why some are missing.

    `face`: of a training, the face it made. `wakes_after`: it is not over; look again in so many seconds.
    """

    wanted: int
    pictures: tuple[PictureFile, ...] = ()
    fault: Failure | None = None
    label: str = ""
    face: str | None = None
    wakes_after: float | None = None


@dataclass(frozen=True, kw_only=True)
class JobOutcome:
    """What became of the steps whose pictures are delivered, in their order. `cancelled`: the person stopped it;
    `maybe_charged`: it may be billed all the same. `wakes_after`: it is not over, but sleeps for so many seconds.
    `took`: seconds from the message to its end, where one process saw to all of it; `waited`: those before its turn."""

    steps: tuple[StepOutcome, ...]
    cancelled: bool = False
    maybe_charged: bool = False
    wakes_after: float | None = None
    took: float | None = None
    waited: float = 0.0

    @property
    def wanted(self) -> int:
        return sum(step.wanted for step in self.steps)

    @property
    def pictures(self) -> tuple[PictureFile, ...]:
        return tuple(picture for step in self.steps for picture in step.pictures)

    @property
    def missed(self) -> bool:
        """Whether there are pictures, and each of them plainly shows another face."""
        return bool(self.pictures) and all(picture.likeness == "miss" for picture in self.pictures)

    @property
    def face(self) -> str | None:
        """The face that was trained."""
        return next((step.face for step in self.steps if step.face), None)

    @property
    def left_to(self) -> str | None:
        """The company (its key) that would have made what is missing, had the person accepted it; only if there is some
        picture, and nothing is missing for another reason."""
        keys = {str(f.params["provider"]) for f in self.faults if f.code == ConsentNeeded.code}
        return next(iter(keys)) if len(keys) == 1 and self.pictures and not self.cancelled else None

    @property
    def left_out(self) -> tuple[int, ...]:
        """For each step, how many pictures were left out for lack of consent."""
        return tuple(
            step.wanted - len(step.pictures) if step.fault and step.fault.code == ConsentNeeded.code else 0
            for step in self.steps
        )

    @property
    def faults(self) -> tuple[Failure, ...]:
        return tuple(step.fault for step in self.steps if step.fault)


def failure_of(error: LikenessError) -> Failure:
    return Failure(
        code=error.code,
        text_key=error.text_key,
        params=error.params,
        retryable=error.retryable,
        unknown=isinstance(error, MaybePaid),
        fetchable=error.code == "result_unreachable" or (isinstance(error, DeadlinePassed) and error.taken),
    )


def worst(faults: "list[Failure] | tuple[Failure, ...]") -> Failure | None:
    """The one to report out of several: what may have been paid matters most to the person, then what can still be
    fetched."""
    return min(faults, key=lambda fault: (not fault.unknown, not fault.fetchable), default=None)
