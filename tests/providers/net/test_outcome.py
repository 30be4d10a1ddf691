"""What the end of a submit proves: the table of `providers.net.outcome`, line by line."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from providers.errors import AskPerson, LikenessError, MaybePaid, TellOperator, WaitAndRetry
from providers.net.outcome import Answer, check_error, connection_error, seconds_of, submit_error


def answer(status: int, **headers: str) -> Answer:
    return Answer.of(httpx.Response(status, headers=headers, json={"error": {"code": "x"}}))


@pytest.mark.parametrize(
    ("statuses", "kind", "code"),
    [
        ((200, 202, 204), MaybePaid, "outcome_unknown"),
        ((301, 302, 307), TellOperator, "provider_address"),
        ((401,), TellOperator, "provider_key"),
        ((402,), TellOperator, "provider_credit"),
        ((403,), TellOperator, "provider_forbidden"),
        ((400, 404, 405, 410, 413, 415, 422, 451), AskPerson, "provider_rejected"),
        ((429, 503, 529), WaitAndRetry, "provider_busy"),
        ((408, 409, 499, 500, 502, 504, 520, 524), MaybePaid, "outcome_unknown"),
    ],
)
def test_an_answer_proves_what_the_table_says(statuses: tuple[int, ...], kind: type[LikenessError], code: str) -> None:
    for status in statuses:
        error = submit_error(answer(status))
        assert (type(error), error.code) == (kind, code), status


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (httpx.ConnectError("x"), WaitAndRetry, "provider_unavailable"),
        (httpx.ConnectTimeout("x"), WaitAndRetry, "provider_unavailable"),
        (httpx.PoolTimeout("x"), WaitAndRetry, "provider_unavailable"),
        (httpx.ReadTimeout("x"), MaybePaid, "outcome_unknown"),
        (httpx.WriteTimeout("x"), MaybePaid, "outcome_unknown"),
        (httpx.ReadError("x"), MaybePaid, "outcome_unknown"),
        (httpx.RemoteProtocolError("x"), MaybePaid, "outcome_unknown"),
    ],
)
def test_only_before_the_connection_stood_was_nothing_sent(
    error: httpx.TransportError, kind: type[LikenessError], code: str
) -> None:
    found = connection_error(error)
    assert (type(found), found.code) == (kind, code)


def test_a_busy_service_says_how_long_to_wait() -> None:
    error = submit_error(answer(429, **{"retry-after": "7"}))
    assert isinstance(error, WaitAndRetry)
    assert error.retry_after == 7


def test_retry_after_is_seconds_or_a_date_or_nothing() -> None:
    soon = datetime.now(UTC) + timedelta(seconds=90)
    assert seconds_of("2.5") == 2.5
    assert 80 < (seconds_of(format_datetime(soon)) or 0) <= 90
    assert seconds_of("Mon, 01 Jan 2001 00:00:00 GMT") == 0
    for junk in (None, "", "soon", "nan", "inf"):
        assert seconds_of(junk) is None


def test_an_answer_is_read_without_trusting_its_shape() -> None:
    assert answer(400).text("error", "code") == "x"
    for path in (("error",), ("error", "code", "more"), ("none",)):
        assert answer(400).text(*path) == ""
    junk = Answer.of(httpx.Response(200, content=b'{"half'))
    assert (junk.ok, junk.body, junk.get("id")) == (True, None, None)
    picture = Answer.of(httpx.Response(200, content=b"123", headers={"content-type": "image/png"}))
    assert (picture.body, picture.content) == (None, b"123")


@pytest.mark.parametrize(
    ("status", "code"),
    [(200, None), (404, None), (401, "provider_key"), (402, "provider_credit"), (302, "provider_address"),
     (429, "provider_busy"), (503, "provider_busy"), (500, "provider_unavailable")],
)  # fmt: skip
def test_a_check_finds_what_is_wrong_with_the_settings(status: int, code: str | None) -> None:
    error = check_error(answer(status))
    assert (error.code if error else None) == code
