"""What Stability's answers mean, beyond the table that all services share (`providers.net.outcome`); `name` decides.

Submit:

    answer                                                     job          raised
    200 image, finish-reason SUCCESS                           made         -
    200 image, finish-reason CONTENT_FILTERED: it is blurred   not made     AskPerson     refused_content
    200, 202 with an id                                        taken        -
    other 2xx                                                  perhaps      MaybePaid     outcome_unknown
    403 content_moderation, 422 public_figure                  not made     AskPerson     refused_content
    403 otherwise                                              not taken    TellOperator  provider_forbidden
    429: blocked for a minute                                  not taken    WaitAndRetry  provider_busy

A look at a result that comes later:

    202                                                        running
    200 image                                                  done
    403 content_moderation, CONTENT_FILTERED                   AskPerson    refused_content
    400, 422, 500 with a name                                  MadeNothing  provider_failed
    404                                                        MadeNothing  result_gone: unknown, or older than a day
    anything else                                              nothing
"""

import base64
import binascii

from providers.base import Phase, Progress
from providers.errors import LikenessError, MadeNothing, MaybePaid, WaitAndRetry
from providers.net.outcome import Answer, refused, submit_error

POLICY = frozenset({"content_moderation", "public_figure"})
BLOCKED_SECONDS = 60.0
"""After more than 150 requests in ten seconds, where no Retry-After says otherwise."""


def submit_failure(answer: Answer) -> LikenessError:
    """The error of a submit that was answered without a picture or an id."""
    if not answer.ok and answer.text("name") in POLICY:
        return refused(answer.text("name"))
    if answer.status == 429:
        return WaitAndRetry("too many requests", retry_after=answer.retry_after or BLOCKED_SECONDS)
    return submit_error(answer)


def picture_of(answer: Answer) -> bytes:
    """The picture of an answer with 200, empty where it has none. Raises AskPerson for a blurred one, MaybePaid."""
    reason = answer.headers.get("finish-reason") or answer.text("finish_reason")
    if reason == "CONTENT_FILTERED":
        raise refused("the picture was blurred")
    if answer.headers.get("content-type", "").startswith("image/"):
        return answer.content
    try:
        return base64.b64decode(answer.text("image"), validate=True)
    except (binascii.Error, ValueError):
        raise MaybePaid("a picture that cannot be read") from None


def has_picture(answer: Answer) -> bool:
    kind = answer.headers.get("content-type", "")
    return answer.status == 200 and (kind.startswith("image/") or isinstance(answer.get("image"), str))


def result_error(answer: Answer) -> LikenessError | None:
    """How a job ended, from a look at its result; None where it has not, or not said so."""
    name = answer.text("name")
    if name in POLICY:
        return refused(name)
    if answer.status == 404:
        return MadeNothing("the result is unknown, or older than a day", code="result_gone")
    if answer.status in (400, 422, 500) and name:
        return MadeNothing(f"the job ended with {answer.status}", code="provider_failed")
    return None


def read(answer: Answer) -> Progress | None:
    """One look at a job that was answered with 2xx."""
    if has_picture(answer):
        return Progress(phase=Phase.DONE)
    return Progress(phase=Phase.RUNNING) if answer.status == 202 else None
