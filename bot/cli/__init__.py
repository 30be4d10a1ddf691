"""The command line. Each command is in its own module, imported only when it is used."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

COMMANDS: dict[str, str] = {
    "run": "bot.cli.serve:run",
    "worker": "bot.cli.serve:worker",
    "portrait": "bot.cli.pictures:portrait",
    "edit": "bot.cli.pictures:edit",
    "create": "bot.cli.pictures:create",
    "series": "bot.cli.pictures:series",
    "face": "bot.cli.faces:face",
    "intent": "bot.cli.intent:intent",
    "styles": "bot.cli.lists:styles",
    "actions": "bot.cli.lists:actions",
    "providers": "bot.cli.services:providers",
    "models": "bot.cli.models:models",
    "jobs": "bot.cli.jobs:jobs",
    "costs": "bot.cli.costs:costs",
    "made-here": "bot.cli.made_here:made_here",
    "doctor": "bot.cli.doctor:doctor",
    "backup": "bot.cli.backup:backup",
    "restore": "bot.cli.backup:restore",
    "wechat": "bot.cli.wechat:wechat",
}


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is named: `likeness intent` loads no database."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)  # noqa: S101 - the table above is ours
        return command

    def main(self, args: Sequence[str] | None = None, *more: Any, **options: Any) -> Any:
        """As click does it, but errors before a command's work are reported in our own way, with `--json` as JSON."""
        if not options.get("standalone_mode", True):
            return super().main(args, *more, **options)
        from bot.cli.faults import guarded

        os.umask(0o077)  # databases, photos, logs of a library: everything written here is for this user alone
        words = sys.argv[1:] if args is None else list(args)
        options["standalone_mode"] = False
        guarded(lambda: super(LazyGroup, self).main(args, *more, **options), words)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="likeness")
def main() -> None:
    """Likeness, the photo bot: a photo and a few words in, the picture back.

    `likeness run` starts the bot; the other commands do single things from the shell.
    Settings come from the environment or a .env file (see .env.example).
    """
