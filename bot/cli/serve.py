"""`likeness run` and `likeness worker`: the long-running processes."""

import asyncio
import gc
import logging
import signal
import socket
import sys
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any

import click

from bot import access, logs, traces
from bot.channels.registry import registered
from bot.settings import Settings

if TYPE_CHECKING:
    from bot.supervision import Link

log = logging.getLogger(__name__)


@click.command()
@click.option("--channels", help="Only these, e.g. telegram,web. Default: every channel that has its settings.")
@click.option("--host", help="Address to listen on (HOST).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on (PORT); 0 takes a free one.")
@click.option("--no-worker", is_flag=True, help="Take messages, but leave the jobs to `likeness worker`.")
def run(channels: str | None, host: str | None, port: int | None, no_worker: bool) -> None:
    """The bot: the web page, every configured channel and a job worker, in one process, or in several that this one
    watches (FRONT_PROCESSES)."""
    changes = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
    settings = Settings().model_copy(update=changes)
    logs.configure(settings.log_level, settings.log_format)
    names = _names(channels)
    if channels is not None:
        _warn_of_missing_settings(settings, names)
    fronts = _fronts(settings, names)
    if fronts + (not no_worker) > 1 and settings.front_processes:
        sys.exit(_supervised(settings, names, fronts=fronts, worker=not no_worker))
    sys.exit(_traced(settings, _serve(settings, names, worker=not no_worker)))


def _fronts(settings: Settings, names: Sequence[str]) -> int:
    """How many fronts there may be: some channels keep what belongs together in one process."""
    alone = [
        channel.name
        for channel in registered()
        if channel.name in names and settings.part(channel.settings).is_ready() and channel.alone
    ]
    if alone and settings.front_processes > 1:
        log.warning("one front only, instead of FRONT_PROCESSES: %s cannot be spread over several", ", ".join(alone))
        return 1
    return settings.front_processes


def _supervised(settings: Settings, names: tuple[str, ...], *, fronts: int, worker: bool) -> int:
    """The fronts and the worker as processes of their own, watched by this one."""
    from bot.app import loaded
    from bot.supervision import Link, Role, Supervisor

    for warning in access.warnings(settings):
        log.warning("%s", warning)
    bound = _checked(settings)
    loaded(settings)
    _settled()

    def serve(link: Link) -> int:
        return _traced(settings, _serve(settings, names, worker=False, bound=bound, link=link))

    def work(link: Link) -> int:
        bound.close()
        return _traced(settings, _work(settings, link))

    return Supervisor(
        first=[Role(name="worker", work=work)] if worker else [],
        then=[Role(name=f"front {n}", work=serve) for n in range(1, fronts + 1)],
        when_ready=lambda: _announce(settings, bound.getsockname()[1]),
    ).run()


@click.command()
def worker() -> None:
    """A job worker and nothing else; any number of them, on any number of machines, once the database is PostgreSQL."""
    settings = Settings()
    logs.configure(settings.log_level, settings.log_format)
    sys.exit(_traced(settings, _work(settings)))


SWITCH_SECONDS = 0.0005
"""How long a thread that computes may keep another waiting for the interpreter (Python's own: 0.005). A statement of
the store gives the interpreter away and needs it back several times: beside a busy loop each of them waited 5 ms.
Of 200 Telegram pictures at once the last was submitted in half the time (`bench.telegram`)."""


def _traced(settings: Settings, program: Coroutine[Any, Any, int]) -> int:
    sys.setswitchinterval(SWITCH_SECONDS)
    stop = traces.start(settings.otel_exporter_otlp_endpoint)
    try:
        return asyncio.run(program)
    finally:
        stop()


def _names(channels: str | None) -> tuple[str, ...]:
    known = tuple(channel.name for channel in registered())
    if channels is None:
        return known
    names = tuple(name.strip() for name in channels.split(",") if name.strip())
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise click.BadParameter(f"choose among {', '.join(known)}", param_hint="--channels")
    return names


def _warn_of_missing_settings(settings: Settings, names: tuple[str, ...]) -> None:
    """A channel that is requested by name and not available is reported, not skipped silently."""
    for channel in registered():
        part = settings.part(channel.settings)
        if channel.name in names and not part.is_ready():
            log.warning(
                "%s stays off, though --channels names it: it needs %s (see likeness doctor)",
                channel.name,
                part.turned_on_by,
            )


async def _serve(
    settings: Settings,
    listening: tuple[str, ...],
    *,
    worker: bool,
    bound: socket.socket | None = None,
    link: "Link | None" = None,
) -> int:
    """`bound`, `link`: of the process that watches this one."""
    from bot.app import parts
    from bot.server import Server
    from bot.web_app import web_app

    if bound is None:
        for warning in access.warnings(settings):
            log.warning("%s", warning)
        bound = _checked(settings)
    async with parts(settings, listening=listening, worker=worker) as made:
        server = Server(
            web_app(made),
            host=settings.host,
            port=settings.port,
            at_end=made.begin_to_end,
            listening=lambda port: _listens(settings, port, link),
            bound=bound,
        )
        if link is not None:
            link.when_orphaned(server.stop)
        await server.serve()
        if made.broken is not None and not server.started:
            raise made.broken
        return 0 if server.started and not made.jobs.lost else 1


def _checked(settings: Settings) -> socket.socket:
    """What would prevent the start is reported before anything is started. The socket holds the address from here
    on."""
    from bot.setup_faults import check_before_start, listening_socket, misspelt

    for slip in misspelt():
        log.warning("%s", slip)
    check_before_start(settings)
    return listening_socket(settings.host, settings.port)


def _settled() -> None:
    """After the start: what was loaded stays for ever, so the garbage collector need not examine it each time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def _listens(settings: Settings, port: int, link: "Link | None") -> None:
    _settled()
    if link is None:
        _announce(settings, port)
    else:
        link.tell_ready()


def _announce(settings: Settings, port: int) -> None:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104 - compared, not bound
    host = f"[{host}]" if ":" in host else host
    print(f"Likeness is ready: http://{host}:{port}", flush=True)


async def _work(settings: Settings, link: "Link | None" = None) -> int:
    """`link`: of the process that watches this one."""
    from bot.app import parts, running
    from bot.setup_faults import check_before_start

    if link is None:
        check_before_start(settings)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if link is not None:
        link.when_orphaned(stop.set)
    async with parts(settings, listening=(), worker=True) as made, running(made):
        _settled()
        if link is not None:
            link.tell_ready()
        else:
            click.echo("The job worker is ready.")  # like the line of `run` on stdout: stderr is for log lines
        await stop.wait()
    return 1 if made.jobs.lost else 0
