"""The commands people type, `/help` and its like: what a platform can list, and what addresses the bot in a group."""

from intent import COMMANDS

__all__ = ["COMMANDS", "is_command"]


def is_command(text: str) -> bool:
    """Whether the words begin with one of the commands. Any other `/word` is a wish, or nothing."""
    return text.startswith("/") and text[1:].partition(" ")[0] in COMMANDS
