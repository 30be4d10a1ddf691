"""The web app of a process that listens, made of its parts: every page, the operator's endpoints, the services' hooks.

Its lifespan starts and stops the parts.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.routing import Route

from bot.admin_page.routes import admin_routes
from bot.admin_page.sessions import AdminSessions
from bot.app import Parts, running
from bot.channels.web.cookies import Sessions
from bot.channels.web.middleware import hosts_for, is_loopback
from bot.hooks import hook_routes
from bot.http import create_app
from bot.made_here import made_here_routes
from bot.settings import Settings
from handlers.dialogue.access import Access
from handlers.dialogue.operations import Operations


def web_app(made: Parts) -> Starlette:
    """The HTTP app of a process that listens."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            async with running(made):
                yield
        except Exception as error:
            made.broken = error
            raise

    return create_app(
        channels=made.here(),
        store=made.store,
        metrics=made.metrics,
        ready=made.ready,
        lifespan=lifespan,
        hosts=hosts_for(made.settings.host, made.settings.public_url),
        open_to_all=not is_loopback(made.settings.host),
        metrics_token=made.settings.metrics_token,
        more=[*hook_routes(made.router.provider), *_made_here(made), *_admin(made)],
    )


def _admin(made: Parts) -> list[Route]:
    """None without a password."""
    password = made.settings.admin_password
    if password is None:
        return []
    return admin_routes(
        operations=Operations(
            store=made.store,
            access=Access(made.store, made.settings.access_rules),
            jobs=made.jobs,
            budgets=made.settings.budgets,
        ),
        sessions=AdminSessions(
            store=made.store,
            secret=made.secret,
            password=password.get_secret_value(),
            https=(made.settings.public_url or "").startswith("https://"),
        ),
        visitors=Sessions(secret=made.secret),
        public_origin=_origin(made.settings),
    )


def _origin(settings: Settings) -> str | None:
    public = urlsplit(settings.public_url or "")
    return f"{public.scheme}://{public.netloc}".lower() if public.netloc else None


def _made_here(made: Parts) -> list[Route]:
    return made_here_routes(
        sessions=Sessions(secret=made.secret),
        folder=made.settings.data_dir.absolute() / "made-here",
        producer=made.settings.label_producer,
        public_origin=_origin(made.settings),
    )
