"""What an answer of fal means: both shapes of error, decided by `type` and HTTP code, never by `msg`.

Submit. The question is whether the job was certainly not taken:

    answer                                                   job                raised
    2xx with request_id                                      taken              -
    2xx without one, or no JSON                              perhaps            MaybePaid
    3xx                                                      not taken          TellOperator  provider_address
    401, 402, 403                                            not taken          TellOperator  provider_key, …
    404, 405, 410                                            not taken          TellOperator  provider_endpoint
    422, 400, 413, other 4xx: the person's doing             not taken          AskPerson     by type
    the same, otherwise                                      not taken          NotTaken      provider_rejected
    429                                                      not taken          WaitAndRetry  (Retry-After)
    503 of the ingress, or with Retry-After, without
      x-fal-request-id: turned away at the door              not taken          WaitAndRetry
    504 with X-Fal-Request-Timeout-Type: user                never started      WaitAndRetry
    408, 409, 499, every other 5xx (502 and 504 of the
      ingress too: what stood behind it may have acted)      perhaps            MaybePaid
    no connection, name, TLS                                 not taken          NotTaken      provider_unavailable
    connection lost or silent once the request was begun     perhaps            MaybePaid

`X-Fal-No-Retry` is not sent: fal's own repeats are of the same job, which it bills once, and not at all after a 5xx.

Result. A failed job answers its own code here; see `job_error`.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from providers.base import Charge, CostSource
from providers.errors import AskPerson, LikenessError, MadeNothing, MaybePaid, NotTaken, TellOperator, WaitAndRetry
from providers.money import CREDITS, Money

Params = dict[str, str | int | float]

UNKNOWN_OUTCOME = frozenset({408, 409, 499})
OPERATOR = {
    401: ("provider_key", "the key was not accepted"),
    402: ("provider_credit", "the balance is empty"),
    403: ("provider_forbidden", "the account is locked, empty, or may not use this endpoint"),
    404: ("provider_endpoint", "no such endpoint; check the queue's address"),
    405: ("provider_endpoint", "no such endpoint; check the queue's address"),
    410: ("provider_endpoint", "the endpoint is gone"),
}
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
    def retry_after(self) -> float | None:
        return seconds_of(self.headers.get("retry-after"))

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


def seconds_of(retry_after: str | None) -> float | None:
    """`Retry-After` as seconds from now: a number or a date (RFC 9110, 10.2.3)."""
    if not retry_after:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            moment = parsedate_to_datetime(retry_after)
        except ValueError:
            return None
        seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None


def submit_error(answer: Answer) -> LikenessError:
    """The error of a submit that was answered, but not with a job. See the table above."""
    status = answer.status
    if answer.ok or status in UNKNOWN_OUTCOME:
        return MaybePaid(f"a submit was answered with {status} and no job")
    if status < 400:
        return TellOperator(f"the queue's address answers {status}", code="provider_address")
    if status in OPERATOR:
        code, hint = OPERATOR[status]
        return TellOperator(hint, code=code)
    if status == 429:
        return WaitAndRetry("too many requests", retry_after=answer.retry_after)
    if status < 500:
        return _input_error(answer) or NotTaken(
            f"the input was rejected with {status} {_types(answer)}", code="provider_rejected", retryable=False
        )
    return _server_error(answer)


def _server_error(answer: Answer) -> LikenessError:
    seen = "x-fal-request-id" in answer.headers
    turned_away = answer.status == 503 and not seen and (answer.ingress or "retry-after" in answer.headers)
    never_started = answer.status == 504 and answer.headers.get("x-fal-request-timeout-type") == "user"
    if turned_away or never_started:
        return WaitAndRetry(f"away: {answer.status}", retry_after=answer.retry_after)
    return MaybePaid(f"a submit was answered with {answer.status} {_types(answer)}")


def connection_error(error: httpx.TransportError) -> LikenessError:
    """The error of a submit that was not answered. Only before the connection stood was certainly nothing sent."""
    kind = type(error).__name__
    unsent = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
    if isinstance(error, unsent):
        return WaitAndRetry(f"no connection ({kind})", code="provider_unavailable")
    return MaybePaid(f"the connection was lost during a submit ({kind})")


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
    found = [error for detail in answer.details if (error := _about_input(detail)) is not None]
    if answer.status == 413 and not found:
        found = [AskPerson("the request is too large", code="photo_too_large_file", params={"max_mb": 10})]
    return min(found, key=lambda e: e.code != "refused_content", default=None)


def _about_input(detail: Detail) -> AskPerson | None:
    code: str | None = None
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
