"""What a receipt says beside pictures, time and money: how a face was preserved, how far a picture was enlarged, and
whether its cost is known or estimated."""

from collections.abc import Sequence
from dataclasses import dataclass

from handlers.jobs.outcome import JobOutcome
from handlers.plan import Step, part_key
from handlers.store.base import Job, Part, PartState
from providers.attempts import Outcome
from providers.base import CostSource, PictureFile
from providers.errors import LikenessError
from providers.offers import Offer, Tier
from providers.submission import Routes
from providers.task import Consistency, Operation, Task

Size = tuple[int, int]
"""Width and height in pixels."""

WAYS = {
    "reference photo": "identity.reference_photo",
    "reference photos": "identity.reference_photos",
    "reference photos, read closely": "identity.reference_photos_read_closely",
    "only the marked part is painted": "identity.only_the_marked_part_is_painted",
    "the photo stays, its surroundings are painted": "identity.the_photo_stays_its_surroundings_are_painted",
    "the photo as image prompt": "identity.the_photo_as_image_prompt",
    "a face adapter (PuLID)": "identity.a_face_adapter_pulid",
    "the same picture with more pixels": "identity.the_same_picture_with_more_pixels",
    "the subject's own pixels": "identity.the_subject_s_own_pixels",
    "IP-Adapter FaceID": "identity.ip_adapter_faceid",
    "FLUX.1 Kontext, by reference": "identity.flux_1_kontext_by_reference",
    "Qwen-Image-Edit, by references": "identity.qwen_image_edit_by_references",
    "an embedding of the photo": "identity.an_embedding_of_the_photo",
    "only what is marked is painted": "identity.only_what_is_marked_is_painted",
    "the app's own": "identity.the_app_s_own",
    "FLUX Kontext": "identity.flux_kontext",
    "IP-Adapter FaceID on SDXL": "identity.ip_adapter_faceid_on_sdxl",
    "PuLID on SDXL, several photos": "identity.pulid_on_sdxl_several_photos",
    "PuLID on FLUX": "identity.pulid_on_flux",
    "the photo itself, not redrawn": "identity.the_photo_itself_not_redrawn",
    "the face put into the template": "identity.the_face_put_into_the_template",
    "a trained face": "identity.a_trained_face",
}
"""`Offer.identity` to a key of our texts. A test checks it against every service's offers."""


@dataclass(frozen=True, kw_only=True)
class Held:
    """How far a face was preserved: what was asked for, what the provider really offers, and by which means."""

    asked: Consistency
    given: Consistency
    how: str = ""


@dataclass(frozen=True, kw_only=True)
class ReceiptFacts:
    """`held`: where a likeness was asked for, each way once. `enlarged`, `reduced`: from and to, of pictures that were.
    `by_list`: what it cost is estimated by the price list, because the service did not tell. `not_by`: who came before
    the maker and did not take it."""

    held: tuple[Held, ...] = ()
    enlarged: tuple[tuple[Size, Size], ...] = ()
    reduced: tuple[tuple[Size, Size], ...] = ()
    by_list: bool = False
    not_by: tuple[str, ...] = ()


NO_FACTS = ReceiptFacts()
_MUCH = 0.9
"""Of the photo's size: what is nearer to it is not worth a word."""


def receipt_of(job: Job, made: JobOutcome, parts: Sequence[Part], router: Routes) -> ReceiptFacts:
    """From the job's plan and its outcome; a service that is no longer configured contributes nothing."""
    results = job.plan.results if job.plan else ()
    pairs = [
        (step, picture)
        for step, outcome in zip(results, made.steps, strict=False)
        for picture in outcome.pictures
        if step.task is not None
    ]
    held = [held_by(step.task, picture, router) for step, picture in pairs if step.task and step.task.consistency]
    enlarged = [
        (before, (picture.width, picture.height))
        for step, picture in pairs
        if step.task and step.task.operation is Operation.UPSCALE and (before := _size_before(job, step, parts))
    ]
    reduced = [
        (before, (picture.width, picture.height))
        for step, picture in pairs
        if step.task and (before := _size_before(job, step, parts)) and _is_reduced(step.task, picture, before, router)
    ]
    charges = [part.charge for part in parts if part.charge is not None and part.charge.money]
    return ReceiptFacts(
        held=tuple(dict.fromkeys(one for one in held if one is not None)),
        enlarged=tuple(dict.fromkeys(enlarged)),
        reduced=tuple(dict.fromkeys(reduced)),
        by_list=any(charge.source is CostSource.TABLE for charge in charges),
        not_by=passed_over(parts),
    )


def passed_over(parts: Sequence[Part]) -> tuple[str, ...]:
    """The services that came before the makers in turn and refused or were skipped; each once."""
    made = [part for part in parts if part.state is PartState.MADE]
    makers = {part.provider for part in made}
    before = [one for part in made for one in part.tried if one.outcome in (Outcome.NOT_TAKEN, Outcome.SKIPPED)]
    return tuple(dict.fromkeys(one.provider for one in before if one.provider not in makers))


def held_by(task: Task, picture: PictureFile, router: Routes) -> Held | None:
    """How the maker of a picture preserves a face, by the offer it was made with."""
    if task.consistency is None or (offer := _offer(task, picture, router)) is None:
        return None
    return Held(asked=task.consistency, given=offer.given(task.consistency), how=offer.identity)


def _is_reduced(task: Task, picture: PictureFile, before: Size, router: Routes) -> bool:
    """Whether this machine kept fewer of the photo's pixels than there were, where nobody asked it to."""
    if task.parameters.id_photo is not None or (task.style or "").startswith("id_photo") or task.parameters.adjustments:
        return False
    try:
        if router.provider(picture.provider).tier is not Tier.LOCAL:
            return False  # a new picture, of the size that the service's model has
    except LikenessError:
        return False
    # What a crop to a ratio leaves is at least as long as the photo is wide.
    had = min(before) if task.aspect_ratio else max(before)
    return max(picture.width, picture.height) < _MUCH * had


def _offer(task: Task, picture: PictureFile, router: Routes) -> Offer | None:
    try:
        offers = router.provider(picture.provider).offers
    except LikenessError:
        return None
    fitting = [row for row in offers.of(task.operation) if row.reason_not(task, offers.service) is None]
    return next((row for row in fitting if row.model == picture.model), next(iter(fitting), None))


def _size_before(job: Job, step: Step, parts: Sequence[Part]) -> Size | None:
    """The size of the picture that a step started with, if it is known."""
    if step.uses:
        key = part_key(job.id, step.uses[0])
        made = [picture for part in parts if part.key.partition("#")[0] == key for picture in part.pictures]
        return (made[0].width, made[0].height) if made else None
    sizes = dict(zip(job.order.photos, job.order.sizes, strict=False))
    return sizes.get(step.photos[0]) if step.photos else None
