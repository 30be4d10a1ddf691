"""What is wrong a thousand times is said once in a while; what libraries say betrays no address and no words."""

import json
import logging
import sys
import traceback

import pytest

from bot.logs import AGAIN_SECONDS, JsonLines, PlainLines, SaidOnce, Says
from providers.tracing import about


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def line(message: str, *, level: int = logging.WARNING, name: str = "bot") -> logging.LogRecord:
    return logging.LogRecord(name, level, "", 0, message, (), None)


def test_the_same_warning_is_said_once_in_a_while_and_how_often_it_was_left_out() -> None:
    clock = Clock()
    once = SaidOnce(clock)
    assert [once.filter(line("full")) for _ in range(1000)] == [True] + [False] * 999
    assert once.filter(line("full", name="elsewhere"))
    assert once.filter(line("other"))
    clock.now = AGAIN_SECONDS
    again = line("full")
    assert once.filter(again)
    assert again.getMessage() == "full (and 999 times more before)"


def test_what_is_no_warning_is_never_left_out() -> None:
    once = SaidOnce(Clock())
    assert all(once.filter(line("hello", level=logging.INFO)) for _ in range(3))


ADDRESS = "postgresql://likeness:geheim@db.internal:5432/likeness"
TOLD = f"connection to server at {ADDRESS} failed: host=db.internal user=likeness password=geheim"
SECRETS = ("geheim", "db.internal", "5432", "user=likeness")


def raised() -> tuple[str, logging.LogRecord]:
    """A traceback as starlette hands it to uvicorn, and a record that carries the error itself."""
    try:
        raise ConnectionRefusedError(TOLD)
    except ConnectionRefusedError:
        text = traceback.format_exc()
        return text, logging.LogRecord("x", logging.ERROR, "", 0, "", (), sys.exc_info())


@pytest.mark.parametrize("formatter", [PlainLines(), JsonLines()], ids=["text", "json"])
@pytest.mark.parametrize(
    ("name", "text", "kept"),
    [
        ("dbos", f"Error polling queue: {TOLD}", "Error polling queue"),
        ("sqlalchemy.pool.impl.QueuePool", f"Exception during reset or similar\n{TOLD}", "Exception during reset"),
        ("psycopg.pool", f"error connecting in 'pool-1': {TOLD}", "error connecting in 'pool-1'"),
        ("uvicorn.error", "TRACEBACK", "ConnectionRefusedError"),
        ("uvicorn.error", f"Exception in ASGI application {ADDRESS}", "Exception in ASGI application"),
        ("aiohttp.server", f"Error handling request from {ADDRESS}", "Error handling request"),
        (
            "asyncio",
            f"Task exception was never retrieved\n<Task exception=OSError('{TOLD}')>",
            "Task exception",
        ),
        ("apscheduler", f"cannot open password=geheim user=likeness host=db.internal port=5432 {TOLD}", "cannot open"),
    ],
)
def test_a_librarys_line_never_shows_the_databases_address(
    formatter: logging.Formatter, name: str, text: str, kept: str
) -> None:
    trace, record = raised()
    record.name, record.msg = name, trace if text == "TRACEBACK" else text
    shown = formatter.format(record)
    assert [secret for secret in SECRETS if secret in shown] == []
    assert kept in shown
    assert "ConnectionRefusedError" in shown
    assert "\n" not in shown


def test_our_own_lines_are_shown_whole() -> None:
    ours = line("worker started: name=w1 channels=web port=8080", name="handlers.jobs.engine")
    assert ours.getMessage() in PlainLines().format(ours)
    assert json.loads(JsonLines().format(ours))["message"] == ours.getMessage()


def test_a_line_for_machines_says_which_job_and_message_it_is_about() -> None:
    says, form = Says(), JsonLines()

    def written(record: logging.LogRecord) -> dict[str, str]:
        assert says.filter(record)
        return {k: v for k, v in json.loads(form.format(record)).items() if k in ("job", "message_key")}

    with about(job="j1", message_key="m1"):
        assert written(line("a step ended", name="handlers.jobs.making")) == {"job": "j1", "message_key": "m1"}
        assert written(line("taken over: job=j2", name="handlers.jobs")) == {"job": "j2", "message_key": "m1"}
    assert written(line("a line about nothing")) == {}
    assert written(line("job=j3 says a library", name="elsewhere")) == {}
