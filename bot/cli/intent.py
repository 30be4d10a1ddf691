"""`likeness intent`: parse a message, on the command line. Starts fast: it imports nothing but the parser."""

import json
import sys
from typing import Any, TextIO

import click

from intent import Intent, explain, parse


def _one(intent: Intent) -> str:
    return json.dumps(intent.as_dict(), ensure_ascii=False)


def _read_line(line: str, number: int, group: bool) -> Intent:
    """A bad line is answered all the same, so that answers stay in step with questions."""
    try:
        row: Any = json.loads(line)
        text, photos = row["text"], row.get("photos", 0)
        if not isinstance(text, str) or isinstance(photos, bool) or not isinstance(photos, int) or photos < 0:
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError):
        click.echo(f'line {number}: expected {{"text": string, "photos": whole number}}', err=True)
        return Intent(operation="none", confidence=0.0, decision="silent")
    return parse(text, photos=photos, group=group)


def _stream(lines: TextIO, group: bool) -> None:
    for number, line in enumerate(lines, 1):
        if line.strip():
            sys.stdout.write(_one(_read_line(line, number, group)) + "\n")
            sys.stdout.flush()


@click.command("intent")
@click.argument("text", required=False)
@click.option("--photos", type=click.IntRange(0), default=0, help="How many pictures came with the message.")
@click.option("--group", is_flag=True, help="Decide as for a message that is said to the bot in a group.")
@click.option("--jsonl", is_flag=True, help='One {"text", "photos"} a line on standard input, one reading a line out.')
@click.option("--explain", "explained", is_flag=True, help="Show which words led to which decision.")
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON document on standard output (the default without --explain)."
)
@click.option(
    "--review",
    is_flag=True,
    help="What people tapped where they were asked, by kind; their messages only with INTENT_KEEP_MESSAGES.",
)
def intent(
    text: str | None, photos: int, group: bool, jsonl: bool, explained: bool, as_json: bool, review: bool
) -> None:
    """Show what a message is understood to ask for."""
    if review:
        from bot.cli.review import show_review

        show_review(as_json=as_json)
        return
    if jsonl:
        _stream(sys.stdin, group)
        return
    if text is None:
        raise click.UsageError("Give the TEXT of a message, or --jsonl.")
    if explained and not as_json:
        click.echo(str(explain(text, photos=photos, group=group)))
        return
    answer = parse(text, photos=photos, group=group)
    if explained:
        click.echo(str(explain(text, photos=photos, group=group)), err=True)
    click.echo(_one(answer))


if __name__ == "__main__":
    intent()
