"""Texts as these messages hold them: choices as a numbered list, long text in two parts."""

from handlers.message import Choice

MAX_BYTES = 2048
"""Of a text, in UTF-8; found with running accounts, the documentation is silent."""


def numbered(text: str, choices: tuple[Choice, ...]) -> str:
    """The text with the choices as a list to answer by number.

    If the text already holds a line for each choice (`油画：…`), those lines get the numbers.
    """
    lines = text.split("\n")
    places = [_line_of(choice.label, lines) for choice in choices]
    if choices and all(place is not None for place in places) and len(set(places)) == len(places):
        for number, place in enumerate(places, 1):
            assert place is not None  # noqa: S101 - just checked
            lines[place] = f"{number}. {lines[place]}"
        return "\n".join(lines)
    return "\n".join([text, *(f"{number}. {choice.label}" for number, choice in enumerate(choices, 1))])


def _line_of(label: str, lines: list[str]) -> int | None:
    for place, line in enumerate(lines):
        if line == label or line.startswith((f"{label}:", f"{label}：")):
            return place
    return None


def fitting(text: str, limit: int = MAX_BYTES) -> tuple[str, str]:
    """The text in two: what fits into one message, split at a line end if there is one, and the rest."""
    if len(text.encode()) <= limit:
        return text, ""
    head = text.encode()[:limit].decode("utf-8", "ignore")
    at = head.rfind("\n")
    cut = at if at > len(head) // 2 else len(head)
    return text[:cut].rstrip(), text[cut:].lstrip()
