"""What the end of a submit proves about the job, for every service; each service adds its own cases in a table.

what came                                                   job           raised
2xx that cannot be read                                     perhaps       MaybePaid     outcome_unknown
3xx                                                         not taken     TellOperator  provider_address
401, 402, 403                                               not taken     TellOperator  provider_key, _credit, …
400, 404, 413, 422, every other 4xx                         not taken     AskPerson     provider_rejected
429, 503, 529                                               not taken     WaitAndRetry  provider_busy (Retry-After)
408, 409, 499, 500, 502, 504, 524, every other 5xx          perhaps       MaybePaid     outcome_unknown
no connection: refused, name unknown, TLS failed            not taken     WaitAndRetry  provider_unavailable
the connection lost or silent once it stood                 perhaps       MaybePaid     outcome_unknown
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from providers.codes import Code
from providers.errors import AskPerson, LikenessError, MaybePaid, TellOperator, WaitAndRetry

ACCOUNT: dict[int, tuple[Code, str]] = {
    401: ("provider_key", "the key was not accepted"),
    402: ("provider_credit", "the balance is empty"),
    403: ("provider_forbidden", "the account may not do this"),
}
BUSY = frozenset({429, 503, 529})
UNKNOWN = frozenset({408, 409, 499})
UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A complete HTTP answer. `body`: its JSON, None if it is not JSON; `content`: its raw bytes."""

    status: int
    headers: Mapping[str, str]
    body: Any
    content: bytes = b""

    @classmethod
    def of(cls, response: httpx.Response) -> "Answer":
        """Of a response that was read. Binary answers keep their content and have no body."""
        content = response.content
        kind = response.headers.get("content-type", "")
        body = None if kind.startswith(("image/", "application/octet-stream")) else _json(content)
        return cls(status=response.status_code, headers=response.headers, body=body, content=content)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def retry_after(self) -> float | None:
        """Seconds from now."""
        return seconds_of(self.headers.get("retry-after"))

    def get(self, *path: str) -> Any:
        """The value at this path of objects in the body, or None."""
        found = self.body
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        return found

    def text(self, *path: str) -> str:
        """The same if it is a string; empty otherwise."""
        found = self.get(*path)
        return found if isinstance(found, str) else ""


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


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
    if status in ACCOUNT:
        code, hint = ACCOUNT[status]
        return TellOperator(hint, code=code)
    if status in BUSY:
        return WaitAndRetry(f"too busy: {status}", retry_after=answer.retry_after)
    if 300 <= status < 400:
        return TellOperator(f"the service's address answers {status}", code="provider_address")
    if 400 <= status < 500 and status not in UNKNOWN:
        return rejected(f"the request was rejected with {status}")
    return MaybePaid(f"a submit was answered with {status} and no job")


def rejected(hint: str) -> AskPerson:
    """The request itself: another service would hardly accept it either."""
    return AskPerson(hint, code="provider_rejected")


def refused(hint: str) -> AskPerson:
    """By policy, before making or after."""
    return AskPerson(hint, code="refused_content")


def connection_error(error: httpx.TransportError) -> LikenessError:
    """The error of a submit that was not answered. Only before the connection stood was certainly nothing sent."""
    kind = type(error).__name__
    if isinstance(error, UNSENT):
        return WaitAndRetry(f"no connection ({kind})", code="provider_unavailable")
    return MaybePaid(f"the connection was lost during a submit ({kind})")


def check_error(answer: Answer) -> LikenessError | None:
    """What an answer to a free call says about the settings; None where it says nothing against them."""
    if answer.status in ACCOUNT or 300 <= answer.status < 400 or answer.status in BUSY:
        return submit_error(answer)
    if answer.status >= 500:
        return WaitAndRetry(f"answers {answer.status}", retry_after=answer.retry_after, code="provider_unavailable")
    return None
