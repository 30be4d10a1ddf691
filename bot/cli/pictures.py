"""`likeness portrait`, `edit`, `create`, `series`: pictures from the shell."""

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

import providers
from bot.cli.output import fail, failure, json_option, print_json, say
from providers.base import Phase
from providers.base import Progress as Report

F = TypeVar("F", bound=Callable[..., Any])

RATIO = click.option("--aspect-ratio", help="1:1, 3:4, 4:3, 9:16 or 16:9.")
MODEL = click.option(
    "--model",
    default="nanopro",
    show_default=True,
    help="nano2 (fast), nanopro or gpt (best); or SERVICE/MODEL, a service's own.",
)
CONSISTENCY = click.option(
    "--consistency", metavar="LEVEL", help="How far the face must stay the person's own: strict, balanced or loose."
)
OF_ALL = (
    click.option("--provider", metavar="A", help="Use this provider and no other; no fallback."),
    click.option("--prefer", metavar="A,B", help="Try these first, in this order."),
    click.option("--block", metavar="A,B", help="Never use these, whatever else is said."),
    click.option("--weights", metavar="A=0.7,B=0.3", help="Draw among these by lot, weighted so."),
    click.option("--priority", metavar="WHAT", help="What decides otherwise: quality, speed, cost or privacy."),
    click.option("--estimate", is_flag=True, help="Submit nothing; say what it would cost, and with whom."),
    click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for the pictures."),
    json_option,
)


def for_all(command: F) -> F:
    """The options of every command here: who makes it, what it may cost, where it goes."""
    for option in reversed(OF_ALL):
        command = option(command)
    return command


@click.command()
@click.argument("image")
@click.argument("style", required=False)
@click.argument("count", type=int, default=1)
@click.argument("model", default="nanopro")
@click.option("--photo", "photos", multiple=True, metavar="FILE", help="One more photo of the same person; repeatable.")
@click.option("--face", metavar="ID", help="A trained face instead of photos (IMAGE is -); see `likeness face`.")
@click.option("--template", metavar="FILE", help="A finished picture to put the person in.")
@click.option("--gender", metavar="G", help="female or male: which preset of a trained face.")
@click.option("--retouch/--no-retouch", default=None, help="Whether skin is made fairer in a template; it is.")
@click.option("--scene", help="Place, mood, dress or light added to the style.")
@click.option("--prompt", help="Your own description instead of a style.")
@click.option("--count", "of_them", type=int, metavar="N", help="The same as COUNT.")
@CONSISTENCY
@RATIO
@for_all
def portrait(image: str, as_json: bool, of_them: int | None, **asked: Any) -> None:
    """A portrait of the person in IMAGE (a path, a URL, or - for none), in STYLE.

    STYLE: see `likeness styles`. COUNT: 1 to 8. MODEL: nano2 (fast), nanopro or gpt (best), or SERVICE/MODEL.
    """
    asked["count"] = asked["count"] if of_them is None else of_them
    _make(lambda report: providers.generate_portrait(_image(image), on_progress=report, **asked), as_json)


@click.command()
@click.argument("image")
@click.argument("prompt", required=False)
@click.argument("action", default="edit")
@click.argument("model", required=False)
@click.option("--mask", metavar="FILE", help="A picture of the photo's size: white is changed.")
@click.option("--outpaint", metavar="left=..,top=..", help="Pixels to add on each side, 0 to 2000; means `extend`.")
@click.option("--scale", type=int, help="2 or 4, for `upscale`.")
@click.option("--count", type=int, default=1, show_default=True, help="1 to 8, e.g. of `variations`.")
@click.option("--image2", metavar="FILE", help="A second picture, e.g. the look for `transfer_style`.")
@click.option("--image3", metavar="FILE", help="A third picture.")
@click.option("--transparent", is_flag=True, help="Remove the background: a PNG with alpha; means `replace_bg`.")
@CONSISTENCY
@RATIO
@for_all
def edit(image: str, as_json: bool, **asked: Any) -> None:
    """Change IMAGE (a path or a URL) as PROMPT says, by ACTION (see `likeness actions`).

    PROMPT may be "" where the action needs no words. MODEL: nano2 (fast), nanopro or gpt (best), or SERVICE/MODEL.
    """
    _make(lambda report: providers.edit_image(image, on_progress=report, **asked), as_json)


@click.command()
@click.argument("prompt")
@MODEL
@click.option("--count", type=int, default=1, show_default=True, help="1 to 8.")
@RATIO
@for_all
def create(prompt: str, as_json: bool, **asked: Any) -> None:
    """A picture from words alone."""
    _make(lambda report: providers.generate_image(prompt, on_progress=report, **asked), as_json)


@click.command()
@click.argument("image")
@click.argument("items", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@MODEL
@CONSISTENCY
@RATIO
@for_all
def series(image: str, items: Path, as_json: bool, **asked: Any) -> None:
    """Several portraits of the person in IMAGE. ITEMS: a JSON list of {"style", "scene", "prompt"}."""
    try:
        wanted = json.loads(items.read_text("utf-8"))
    except ValueError:
        fail(failure("bad_items", f"{items.name} is not a JSON document."), as_json)
    _make(lambda report: providers.generate_series(_image(image), wanted, on_progress=report, **asked), as_json)


def _image(image: str) -> str | None:
    return None if image == "-" else image


def _make(start: Any, as_json: bool) -> None:
    """Run one of the coroutines with a progress bar on a terminal; print its result; exit 0 only for pictures."""
    result: dict[str, Any] = asyncio.run(watched(start))
    if not result["success"]:
        if not as_json:
            _say_tried(result)
        fail(result, as_json)
    if as_json:
        print_json(result)
    elif "estimate" in result:
        print_estimate(result["estimate"])
    else:
        _print_pictures(result)


def print_estimate(estimate: dict[str, Any]) -> None:
    maker = f"{estimate['provider']} ({estimate['model']})"
    print(f"{estimate['usd']:g} USD, about {estimate['seconds']:.0f} seconds, with {maker}")


def _print_pictures(result: dict[str, Any]) -> None:
    for image in result["images"]:
        print(f"{image['local_path']}  {image['width']}x{image['height']}  {image['provider']}")
    _say_tried(result)
    if (held := result.get("consistency")) is not None and held["given"] != held["asked"]:
        say(f"the face was held {held['given']}, not {held['asked']}")
    cost = result["total_cost"]
    say(f"{result['count_generated']} of {result['count_requested']} made, cost {cost:g} {result['currency']}")
    for problem in result["errors"]:
        say(f"missing: {problem['message']} ({problem['code']})")


def _say_tried(result: dict[str, Any]) -> None:
    """Which providers were asked before, and why another was."""
    for turn in result["tried"]:
        if turn["outcome"] != "made":
            why = turn["outcome"] if turn["code"] is None else f"{turn['outcome']} ({turn['code']})"
            say(f"{turn['provider']}: {why.replace('_', ' ', 1)}")


async def watched(start: Any) -> dict[str, Any]:
    if not sys.stderr.isatty():
        return await _as_coroutine(start(None))
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)

        async def report(key: str, progress: Report) -> None:
            words = {Phase.QUEUED: "waiting in the queue", Phase.RUNNING: "being made", Phase.DONE: "downloading"}
            words[Phase.FETCHING] = "made; being fetched"
            text = words[progress.phase]
            if progress.position is not None:
                text = f"{text}, {progress.position} before us"
            bar.update(task, description=text, total=1 if progress.fraction else None, completed=progress.fraction)

        return await _as_coroutine(start(report))


async def _as_coroutine(pending: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    return await pending
