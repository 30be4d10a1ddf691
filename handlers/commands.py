"""The typed commands, `/help` and the like: what a platform can list, and what addresses the bot in a group."""

from intent import COMMANDS

__all__ = ["COMMANDS", "is_command", "is_operators"]


def is_command(text: str) -> bool:
    """Whether the text begins with one of the commands. Any other `/word` is a request, or nothing."""
    return text.startswith("/") and (text[1:].partition(" ")[0] in COMMANDS or is_operators(text))


OPERATORS = "/admin"


def is_operators(text: str) -> bool:
    """Whether the text begins with the operator's command: `/admin`, `/admin@the_bot`."""
    return text[: len(OPERATORS)].lower() == OPERATORS and (text.split()[0].partition("@")[0].lower() == OPERATORS)
