"""What an answer of fal means: both shapes of error, decided by `type` and HTTP code, never by `msg`.

Submit. The question is whether the job was certainly not taken:

    answer                                                   job                raised
    2xx with request_id                                      taken              -
    2xx without one, or no JSON                              perhaps            MaybePaid
    3xx                                                      not taken          TellOperator  provider_address
    401, 402, 403                                            not taken          TellOperator  provider_key, …
    a 4xx with words of an empty balance                     not taken          TellOperator  provider_credit
    the person's doing, by type                              not taken          AskPerson     refused_content, …
    400, 404, 413, 422, other 4xx                            not taken          AskPerson     provider_rejected
    429, 503, 529                                            not taken          WaitAndRetry  (Retry-After)
    503 that bears x-fal-request-id: past the door           perhaps            MaybePaid
    504 with X-Fal-Request-Timeout-Type: user                never started      WaitAndRetry
    408, 409, 499, every other 5xx (502 and 504 of the
      ingress too: what stood behind it may have acted)      perhaps            MaybePaid
    no connection, name, TLS                                 not taken          WaitAndRetry  provider_unavailable
    connection lost or silent once the request was begun     perhaps            MaybePaid

What is the same for every service is in `providers.net.outcome`.
`X-Fal-No-Retry` is not sent: fal's own repeats are of the same job, which it bills once, and not at all after a 5xx.

Result. A failed job answers its own code here; see `job_error`.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from providers.base import Charge, CostSource
from providers.codes import Code
from providers.errors import AskPerson, LikenessError, MadeNothing, MaybePaid, TellOperator, WaitAndRetry
from providers.money import CREDITS, Money
from providers.net import outcome

Params = dict[str, str | int | float]

_NO_MONEY = re.compile(r"exhausted balance|insufficient[ _](?:credits?|funds|balance)", re.IGNORECASE)
"""fal says it in words, under 403; a proxy under 402, or any other 4xx."""
PASSING = frozenset(
    {
        "internal_server_error",
        "generation_timeout",
        "downstream_service_error",
        "downstream_service_unavailable",
        "request_timeout",
        "startup_timeout",
        "runner_scheduling_failure",
        "runner_connection_timeout",
        "runner_disconnected",
        "runner_connection_refused",
        "runner_connection_error",
        "runner_incomplete_response",
        "runner_server_error",
        "internal_error",
    }
)
"""Types after which the same request may well succeed."""
UNREADABLE = frozenset({"image_load_error", "file_download_error", "unsupported_image_format", "invalid_archive"})
TOO_LONG = frozenset({"sequence_too_long", "string_too_long"})


@dataclass(frozen=True, kw_only=True)
class Detail:
    """One entry of `detail`: its `type`, the last word of `loc`, and `ctx`."""

    type: str
    field: str
    context: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An HTTP answer, read once. `body` is None where it was no JSON."""

    status: int
    headers: Mapping[str, str]
    body: Any
    ingress: bool
    """Came from the gate before fal, not from fal: no request id, and nginx's page."""

    @classmethod
    def of(cls, response: httpx.Response) -> "Answer":
        try:
            body = json.loads(response.content)
        except ValueError:
            body = None
        nginx = "x-fal-request-id" not in response.headers and b"nginx" in response.content[:4096].lower()
        return cls(status=response.status_code, headers=response.headers, body=body, ingress=nginx)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def details(self) -> tuple[Detail, ...]:
        """The typed entries; empty for `{"detail": "string"}` and for anything else."""
        entries = self.body.get("detail") if isinstance(self.body, dict) else None
        return tuple(_detail(e) for e in entries if isinstance(e, dict)) if isinstance(entries, list) else ()

    @property
    def error_type(self) -> str:
        """Of an infrastructure error: the header, or the body's field."""
        named = self.headers.get("x-fal-error-type")
        if not named and isinstance(self.body, dict):
            named = self.body.get("error_type")
        return named if isinstance(named, str) else ""

    @property
    def words(self) -> str:
        """The words of an untyped error."""
        told = [self.body.get(name) for name in ("detail", "error", "message")] if isinstance(self.body, dict) else []
        return " ".join(word for word in told if isinstance(word, str))

    @property
    def retry_after(self) -> float | None:
        return outcome.seconds_of(self.headers.get("retry-after"))

    @property
    def charge(self) -> Charge | None:
        """What a billing proxy says this call used."""
        try:
            used = Money.of(self.headers.get("x-credits-used", ""), CREDITS)
        except ValueError:
            return None
        return Charge(money=used, source=CostSource.ANSWER) if used.amount >= 0 else None


def _detail(entry: dict[str, Any]) -> Detail:
    place, context = entry.get("loc"), entry.get("ctx")
    return Detail(
        type=str(entry.get("type", "")),
        field=str(place[-1]) if isinstance(place, list) and place else "",
        context=context if isinstance(context, dict) else {},
    )


def submit_error(answer: Answer) -> LikenessError:
    """The error of a submit that was answered, but not with a job. See the table above."""
    status = answer.status
    if 400 <= status < 500 and _NO_MONEY.search(answer.words):
        return TellOperator("the balance is empty", code="provider_credit")
    if status == 504 and answer.headers.get("x-fal-request-timeout-type") == "user":
        return WaitAndRetry("it was never started", retry_after=answer.retry_after)
    if status == 503 and "x-fal-request-id" in answer.headers:
        return MaybePaid(f"a submit was answered with 503 by fal itself {_types(answer)}")
    if status in (400, 413, 422) and (error := _input_error(answer)) is not None:
        return error
    error = outcome.submit_error(outcome.Answer(status=status, headers=answer.headers, body=answer.body))
    if error.code == "provider_rejected":
        return outcome.rejected(f"the input was rejected with {status} {_types(answer)}")
    return error


def job_error(answer: Answer) -> LikenessError | None:
    """How a job ended, from the answer of its result address; None where it is only worth asking again.

    A failed job answers the model's own code: 4xx with details, or 5xx with fal's words. The ingress' 5xx, 408, 409
    and 429 say nothing about the job; nor does a 400 without a type, which is what asking too early gives.
    """
    if answer.ok or answer.ingress or answer.status in (408, 409, 429):
        return None
    untyped = not answer.details and not answer.error_type
    if answer.status in (401, 402, 403, 404, 410):
        return lost(answer.status)
    if untyped and (answer.status == 400 or answer.status >= 500):
        return None
    return _input_error(answer) or _made_nothing(_types(answer), *(d.type for d in answer.details), answer.error_type)


def completed_error(error_type: str) -> LikenessError:
    """How a job ended, from a COMPLETED status alone, where its result address tells nothing more."""
    detail = Detail(type=error_type, field="", context={})
    return _about_input(detail) or _made_nothing(error_type, error_type)


def lost(status: int) -> LikenessError:
    """The job can no longer be asked about. Its id is kept: it can be resumed once the key is right again."""
    if status in (401, 402, 403):
        return MadeNothing(f"asking about a job is answered with {status}", code="job_locked", retryable=False)
    return MadeNothing(f"a job is unknown upstream ({status})", code="job_lost")


def _made_nothing(hint: str, *types: str) -> LikenessError:
    if "no_media_generated" in types:
        return MadeNothing("the model made no picture")
    passing = any(t in PASSING for t in types)
    return MadeNothing(hint or "no reason given", code="provider_failed", retryable=passing)


def _types(answer: Answer) -> str:
    """For the hint: types only, which are fal's vocabulary; never `msg` or `input`, which may hold the prompt."""
    return ",".join(sorted({d.type for d in answer.details if d.type.isidentifier()}) or [answer.error_type])[:80]


def _input_error(answer: Answer) -> LikenessError | None:
    """What the person can do something about, the refusal of the content before all else."""
    found: list[AskPerson] = [error for detail in answer.details if (error := _about_input(detail)) is not None]
    if answer.status == 413 and not found:
        found.append(AskPerson("the request is too large", code="photo_too_large_file", params={"max_mb": 10}))
    return min(found, key=lambda e: e.code != "refused_content", default=None)


def _about_input(detail: Detail) -> AskPerson | None:
    code: Code | None = None
    params: Params = {}
    match detail.type:
        case "content_policy_violation":
            code = "refused_content"
        case "face_detection_error":
            code = "no_face"
        case "image_too_small":
            code, params = "photo_too_small", {"min_side": _least(detail.context, "min_width", "min_height", 256)}
        case "image_too_large":
            pixels = math.prod(_least(detail.context, side, side, 4096) for side in ("max_width", "max_height"))
            code, params = "photo_too_many_pixels", {"max_mp": max(1, pixels // 1_000_000)}
        case "file_too_large":
            limit = _least(detail.context, "max_size", "max_size", 10 * 1024 * 1024)
            code, params = "photo_too_large_file", {"max_mb": max(1, limit // (1024 * 1024))}
        case kind if kind in UNREADABLE:
            code = "photo_unreadable"
        case kind if kind in TOO_LONG and detail.field == "prompt":
            code = "prompt_too_long"
    return AskPerson(detail.type, code=code, params=params) if code else None


def _least(context: Mapping[str, Any], first: str, second: str, default: int) -> int:
    numbers = [n for n in (context.get(first), context.get(second)) if isinstance(n, int) and n > 0]
    return min(numbers, default=default)
