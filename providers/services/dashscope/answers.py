"""What an answer of DashScope means, decided by its `code` before its status; never by `message`, which may hold words.

Submit, and a look at a task. `providers.net.outcome` has the rest:

    code                                                      job           raised
    Arrearage (400)                                           not taken     TellOperator  provider_credit
    InvalidApiKey (401)                                       not taken     TellOperator  provider_key
    AccessDenied, Model.AccessDenied, … (403): no right,
      another region's key, or a model that needs an
      application                                             not taken     TellOperator  provider_forbidden
    DataInspectionFailed (400)                                not taken     AskPerson     refused_content
    InvalidParameter…, InvalidURL, InvalidImageResolution,
      BadRequest.…, ModelNotFound                             not taken     AskPerson     provider_rejected
    Throttling… (429)                                         not taken     WaitAndRetry  provider_busy, at least 5 s
    ServiceUnavailable (503)                                  not taken     WaitAndRetry  provider_busy
    InternalError…, SystemError (500)                         perhaps       MaybePaid     outcome_unknown

A task is asked about with 200, however it ended. FAILED, by `output.code`: DataInspectionFailed is refused_content,
the codes of bad input provider_rejected, anything else provider_failed. CANCELED is provider_failed. UNKNOWN is a task
that nobody has heard of, or one of more than 24 hours ago: result_gone where we know it is that old, else job_lost.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from providers.errors import AskPerson, LikenessError, MadeNothing, TellOperator, WaitAndRetry
from providers.net.outcome import Answer, refused, rejected
from providers.net.outcome import submit_error as by_status

LEAST_WAIT = 5.0
"""Seconds after a `Throttling` that says no time of its own."""
KEPT = 24 * 3600
"""Seconds for which a task and its results are kept."""
_INPUT = ("InvalidParameter", "InvalidURL", "InvalidImageResolution", "InvalidFile", "BadRequest", "ModelNotFound")


def submit_error(answer: Answer) -> LikenessError:
    """The error of a call that was answered, but not with what was asked for."""
    code = answer.text("code") or answer.text("output", "code")
    if answer.status < 400 or not code:
        return by_status(answer)
    if code == "Arrearage":
        return TellOperator("the account is in arrears", code="provider_credit")
    if code == "InvalidApiKey":
        return TellOperator("the key was not accepted; it belongs to one region", code="provider_key")
    if "AccessDenied" in code:
        return TellOperator(f"the account may not do this: {plain(code)}", code="provider_forbidden")
    if code.startswith("Throttling"):
        return WaitAndRetry(plain(code), retry_after=answer.retry_after or LEAST_WAIT)
    return about_input(code) or by_status(answer)


def about_input(code: str) -> AskPerson | None:
    """What the request itself is to blame for."""
    if code.startswith("DataInspectionFailed"):
        return refused("by the service's inspection")
    return rejected(plain(code)) if code.startswith(_INPUT) else None


def task_error(output: Mapping[str, Any], *, age: float) -> LikenessError | None:
    """How a task ended without a picture; None where it goes on, or went well. `age`: seconds since it was taken."""
    code = str(output.get("code") or "")
    match output.get("task_status"):
        case "FAILED":
            passing = code.startswith(("InternalError", "SystemError", "Throttling"))
            return about_input(code) or MadeNothing(plain(code), code="provider_failed", retryable=passing)
        case "CANCELED":
            return MadeNothing("it was cancelled", code="provider_failed")
        case "UNKNOWN":
            if age >= KEPT:
                return MadeNothing("kept for 24 hours only", code="result_gone", retryable=False)
            return MadeNothing("the task is unknown upstream", code="job_lost")
    return None


def pictures_of(output: Any) -> list[str]:
    """The addresses of what was made, in every shape they come in."""
    if not isinstance(output, dict):
        return []
    urls: list[Any] = [output.get("output_image_url"), output.get("result_url")]
    urls += [item.get("url") for item in _objects(output.get("results"))]
    for choice in _objects(output.get("choices")):
        message = choice.get("message")
        content = message.get("content") if isinstance(message, dict) else None
        urls += [part.get("image") for part in _objects(content)]
    return list(dict.fromkeys(url for url in urls if isinstance(url, str) and url))


def empty_error(output: Any) -> LikenessError:
    """Of a task that went well and made no picture; its results may each say why not."""
    codes = [str(item.get("code") or "") for item in _objects(output.get("results") if isinstance(output, dict) else 0)]
    refusals = [error for code in codes if code and (error := about_input(code)) is not None]
    return refusals[0] if refusals else MadeNothing("a result without a picture")


def count_of(body: Any, urls: Sequence[str]) -> int:
    """How many pictures are charged for: as the service says, else those there are."""
    usage = body.get("usage") if isinstance(body, dict) else None
    told = usage.get("image_count") if isinstance(usage, dict) else None
    return told if isinstance(told, int) and not isinstance(told, bool) and 0 <= told <= 100 else len(urls)


def plain(code: str) -> str:
    """A code for the hint: it is the service's vocabulary, or else not shown."""
    return code[:60] if code.replace(".", "").isalnum() else "no reason given"


def _objects(found: Any) -> list[dict[str, Any]]:
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
