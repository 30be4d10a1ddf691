"""`likeness jobs`: the durable jobs, and taking up a paid request again by its saved id."""

import asyncio
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from bot.cli.output import fail, failure, json_option, print_json, say
from bot.settings import Settings
from handlers.jobs import JobDetails, JobRunner, NotResumable
from handlers.orders import describe
from handlers.sql_store import SqlStore
from handlers.store import ENDED, Job
from providers.api import pending_requests, resume_request
from providers.configure import build_router
from providers.errors import LikenessError


@click.group()
def jobs() -> None:
    """Jobs: list them, look at one, or take up a paid request again without paying twice."""


@jobs.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@json_option
def list_(limit: int, as_json: bool) -> None:
    """The newest jobs, and requests of this command line that were paid for and not fetched."""
    asyncio.run(_list(limit, as_json))


@jobs.command()
@click.argument("id")
@json_option
def show(id: str, as_json: bool) -> None:
    """One job with its requests and deliveries."""
    asyncio.run(_show(id, as_json))


@jobs.command()
@click.argument("id")
@json_option
def resume(id: str, as_json: bool) -> None:
    """Take up a paid upstream request by its saved request id. Never posts it again."""
    asyncio.run(_resume(id, as_json))
