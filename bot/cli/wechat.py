"""`likeness wechat menu FILE`: the account's own menu."""

import asyncio
from typing import Any, BinaryIO

import click

from bot.app import parts
from bot.cli.output import fail, failure, json_option, print_json, say
from bot.settings import Settings
from providers.errors import LikenessError


@click.group()
def wechat() -> None:
    """The WeChat official account."""


@wechat.command()
@click.argument("file", type=click.File("rb"))
@json_option
def menu(file: BinaryIO, as_json: bool) -> None:
    """Create the account's menu from FILE (TOML; `-` reads stdin; docs/wechat.md shows one)."""
    from bot.channels.wechat.menu import BadMenu, read_menu

    try:
        made = read_menu(file.read().decode("utf-8"))
    except UnicodeDecodeError:
        fail(failure("bad_menu", "the file is not UTF-8"), as_json)
    except BadMenu as error:
        fail(failure("bad_menu", str(error)), as_json)
    try:
        asyncio.run(_create(made))
    except LikenessError as error:
        fail(failure(error.code, error.hint, retryable=error.retryable), as_json)
    if as_json:
        print_json({"success": True, "menu": made})
    else:
        say("The menu is created. People see it when they open the chat again, within five minutes.")


async def _create(menu: dict[str, Any]) -> None:
    from bot.channels.wechat.channel import WeChatChannel

    async with parts(Settings(), listening=(), worker=False) as made:
        channel = made.channels.get("wechat")
        if not isinstance(channel, WeChatChannel):
            raise LikenessError(
                "no account is set up: WECHAT_APP_ID, WECHAT_APP_SECRET and WECHAT_TOKEN are needed",
                code="wechat_not_configured",
            )
        try:
            await channel.api.create_menu(menu)
        finally:
            await channel.stop()
