"""What the Python API returns and the command line prints: the dictionaries of the contract, as types, and how they
are put together from what a call's pieces became.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import NotRequired, TypedDict

from providers.api.error_sentences import SENTENCES, sentence_for
from providers.api.journal import Call, Document
from providers.attempts import Attempt, attempt
from providers.base import CostSource, PictureFile
from providers.collection import Piece, offer_of
from providers.errors import LikenessError, MadeNothing, TellOperator
from providers.faces import Status, TrainedFace
from providers.journal import Record, Stage
from providers.ledger import in_usd
from providers.money import USD, Money
from providers.offers import Offer
from providers.router import Router
from providers.task import Consistency

_LEAST_CERTAIN_FIRST = (CostSource.TABLE, CostSource.TOKENS, CostSource.ANSWER, CostSource.FREE)
_NOBODY_FITS = frozenset({"no_provider", "provider_cannot"})


class Error(TypedDict):
    """`item`: in a series, the number of the item that has no picture."""

    code: str
    message: str
    retryable: bool
    item: NotRequired[int]


class Image(TypedDict):
    """`model`: the service's own name of it. `produce_id`: the picture's number in its label. `likeness`: how alike the
    face is to the photos', where it could be told: alike, doubtful, miss or no_face. `remarks`: what is wrong with an
    ID photo."""

    local_path: str
    width: int
    height: int
    size_bytes: int
    request_id: str
    provider: str
    model: str
    produce_id: str
    likeness: str | None
    remarks: list[str]
    item: NotRequired[int]


class Tried(TypedDict):
    """`outcome`: made, not_taken, refused, failed, unknown or skipped. `code`: of the error; None where it was made."""

    provider: str
    outcome: str
    code: str | None


class ConsistencyGiven(TypedDict):
    """`given`: what the pictures really have; None where there are none. `how`: by what the face was held."""

    asked: str
    given: str | None
    how: str


class Estimate(TypedDict):
    """`source`: `table` or `free`. `provider` and `model`: of the first picture."""

    usd: float
    seconds: float
    provider: str
    model: str
    source: str


class FaceRow(TypedDict):
    """A trained face. `status`: training, ready or failed. `gender`: None where nobody said."""

    id: str
    name: str
    gender: str | None
    status: str


class Result(TypedDict):
    """A picture result; where `success` is False, with `error`. A call that could not begin has `error` and `tried`
    alone; with `estimate=True` there is `estimate` alone.

    `total_cost` is in US dollars; `costs` the same by the currencies in which it was charged. `cost_source` is the
    least certain of the pieces' sources, None where nothing was charged. `face`: of a call that trained one; it has no
    `images`.
    """

    success: bool
    key: NotRequired[str]
    images: NotRequired[list[Image]]
    model: NotRequired[str]
    mode: NotRequired[str]
    prompt: NotRequired[str | None]
    count_requested: NotRequired[int]
    count_generated: NotRequired[int]
    estimate_usd: NotRequired[float]
    total_cost: NotRequired[float]
    currency: NotRequired[str]
    cost_source: NotRequired[str | None]
    costs: NotRequired[dict[str, float]]
    tried: NotRequired[list[Tried]]
    consistency: NotRequired[ConsistencyGiven]
    errors: NotRequired[list[Error]]
    error: NotRequired[Error]
    could: NotRequired[list[str]]
    estimate: NotRequired[Estimate]
    face: NotRequired[FaceRow]


class PieceRow(TypedDict):
    key: str
    stage: str
    provider: str | None
    request_id: str | None
    error_code: str | None
    tried: list[Tried]


class RequestRow(TypedDict):
    """A call that is kept, for 30 days."""

    key: str
    created: str
    mode: str
    model: str
    made: bool
    pieces: list[PieceRow]


def failure(error: LikenessError) -> Result:
    """Of a call that could not begin: nobody was asked, or only whether it is there."""
    looked_for = [] if error.away is None else [attempt(error.away, error)]
    return _with_could({"success": False, "error": _told(error), "tried": tried(looked_for)}, [error])


def result_of(call: Call, ends: Sequence[Piece], document: Document, router: Router) -> Result:
    """The dictionary of the contract. On failure it has the same fields, and `error`: what matters most of `errors`."""
    images: list[Image] = []
    errors: list[Error] = []
    for number, end in enumerate(ends):
        pictures = end.result.pictures if end.result else ()
        missing = max(0, end.request.count - len(pictures))
        problem = _told(end.error) if end.error else _fewer()
        if call.items is None:
            images += [_image(picture) for picture in pictures]
            errors += [problem] * missing
        else:
            item = call.items[number]
            images += [{**_image(picture), "item": item} for picture in pictures]
            errors += [{**problem, "item": item}] * missing
    charges = _charges(call, document)
    result: Result = {
        "success": bool(images),
        "key": call.key,
        "images": images,
        "model": call.model,
        "mode": call.mode,
        "prompt": call.prompt,
        "count_requested": sum(piece.count for piece in call.pieces),
        "count_generated": len(images),
        "estimate_usd": _number(sum((estimate.amount for estimate in call.estimates), Decimal(0))),
        "total_cost": _number(sum((usd for _, usd in charges), Decimal(0))),
        "currency": USD,
        "cost_source": _source(record for record, _ in charges),
        "costs": _by_currency(record for record, _ in charges),
        "tried": _tried(ends),
        "errors": errors,
    }
    if (asked := call.pieces[0].task.consistency) is not None:
        result["consistency"] = _consistency(asked, ends, router)
    if not images:
        # What may have been paid matters most to the caller.
        worst = sorted(errors, key=lambda error: error["code"] != "outcome_unknown")[0]
        result["error"] = {"code": worst["code"], "message": worst["message"], "retryable": worst["retryable"]}
        _with_could(result, [end.error for end in ends if end.error])
    return result


def training_result(end: Piece, document: Document, face: TrainedFace | None, router: Router) -> Result:
    """Of a call that trains a face; `face` is there as soon as the service has named it."""
    whole = result_of(document.call, [end], document, router)
    error = None if end.result is not None else _told(end.error or MadeNothing("no face"))
    result: Result = {
        "success": error is None,
        "key": whole["key"],
        "estimate_usd": whole["estimate_usd"],
        "total_cost": whole["total_cost"],
        "currency": whole["currency"],
        "cost_source": whole["cost_source"],
        "tried": whole["tried"],
    }
    if face is not None:
        result["face"] = face_row(face if end.error is None else replace(face, status=_status(end.error)))
    if error is not None:
        result["error"] = error
        _with_could(result, [end.error] if end.error else [])
    return result


def face_row(face: TrainedFace) -> FaceRow:
    return {"id": face.id, "name": face.name, "gender": face.gender, "status": face.status}


def _status(error: LikenessError) -> Status:
    """Only a training that ended is over; what cannot be asked about at the moment goes on."""
    return "failed" if isinstance(error, MadeNothing) else "training"


def request_row(document: Document) -> RequestRow:
    return {
        "key": document.call.key,
        "created": document.call.created.isoformat(),
        "mode": document.call.mode,
        "model": document.call.model,
        "made": document.made,
        "pieces": [_piece_row(piece.key, document.records.get(piece.key)) for piece in document.call.pieces],
    }


def _piece_row(key: str, record: Record | None) -> PieceRow:
    return {
        "key": key,
        "stage": record.stage.value if record else "new",
        "provider": record.provider if record else None,
        "request_id": record.submission.request_id if record and record.submission else None,
        "error_code": record.error_code if record else None,
        "tried": tried(record.history) if record else [],
    }


def _with_could(result: Result, errors: Sequence[LikenessError]) -> Result:
    if any(error.could or error.code in _NOBODY_FITS for error in errors):
        result["could"] = list(dict.fromkeys(key for error in errors for key in error.could))
    return result


def _told(error: LikenessError) -> Error:
    return {"code": error.code, "message": sentence_for(error), "retryable": error.retryable}


def _fewer() -> Error:
    return {"code": "fewer_pictures", "message": SENTENCES["fewer_pictures"], "retryable": True}


def _image(picture: PictureFile) -> Image:
    return {
        "local_path": str(picture.path),
        "width": picture.width,
        "height": picture.height,
        "size_bytes": picture.size_bytes,
        "request_id": picture.request_id,
        "provider": picture.provider,
        "model": picture.model,
        "produce_id": picture.produce_id,
        "likeness": picture.likeness,
        "remarks": list(picture.remarks),
    }


def _tried(ends: Sequence[Piece]) -> list[Tried]:
    """In order. Pieces of one call go the same way; what happened to several of them alike is said once."""
    return tried(dict.fromkeys(one for end in ends for one in end.tried))


def tried(attempts: Iterable[Attempt]) -> list[Tried]:
    """As results and histories tell it."""
    return [{"provider": one.provider, "outcome": one.outcome.value, "code": one.code} for one in attempts]


def _charges(call: Call, document: Document) -> list[tuple[Record, Decimal]]:
    """Of failed pieces too, where the service named its charge; each with its dollars, as the ledger counts them."""
    expected = dict(zip((piece.key for piece in call.pieces), call.estimates, strict=False))
    return [
        (record, in_usd(record.charge.money, expected.get(record.key, Money.zero()).amount))
        for record in document.records.values()
        if record.charge is not None and record.stage in (Stage.MADE, Stage.FAILED)
    ]


def _source(charged: Iterable[Record]) -> str | None:
    """A unit whose worth nobody told was converted by our price list."""
    found = {
        record.charge.source if record.charge.money.currency == USD else CostSource.TABLE
        for record in charged
        if record.charge is not None
    }
    return next((source.value for source in _LEAST_CERTAIN_FIRST if source in found), None)


def _by_currency(charged: Iterable[Record]) -> dict[str, float]:
    costs: dict[str, Money] = {}
    for record in charged:
        if record.charge is not None:
            money = record.charge.money
            costs[money.currency] = costs.get(money.currency, Money.zero(money.currency)) + money
    return {currency: _number(cost.amount) for currency, cost in costs.items()}


def _consistency(asked: Consistency, ends: Sequence[Piece], router: Router) -> ConsistencyGiven:
    """Of several pieces the one that holds the face least."""
    levels = list(Consistency)
    offers = [offer for end in ends if end.result is not None and (offer := _made_by(end, router)) is not None]
    weakest = max(offers, key=lambda offer: levels.index(offer.given(asked)), default=None)
    if weakest is None:
        return {"asked": asked.value, "given": None, "how": ""}
    return {"asked": asked.value, "given": weakest.given(asked).value, "how": weakest.identity or weakest.how}


def _made_by(end: Piece, router: Router) -> Offer | None:
    if end.submission is None:
        return None
    try:
        provider = router.provider(end.submission.provider)
    except TellOperator:  # made before, by a service that is no longer set up
        return None
    return offer_of(end.submission, end.request.task, provider)


def _number(amount: Decimal) -> float:
    return Money.usd(amount).rounded(6).as_number()
