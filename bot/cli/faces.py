"""`likeness face`: check photos, train, list and delete a face."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

import providers
from bot.cli.output import fail, json_option, print_json, say
from bot.cli.pictures import for_all, print_estimate, watched
from providers.api.runner import new_key


@click.group()
def face() -> None:
    """Trained faces: learnt once from a few photos, then used by `likeness portrait - STYLE --face ID`."""


@face.command()
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@json_option
def check(images: Sequence[str], as_json: bool) -> None:
    """Whether each IMAGE shows one clear face from the front. Free."""
    result = asyncio.run(providers.check_faces(images))
    _end(result, as_json)
    if not as_json:
        for row in result["photos"]:
            print(f"{row['photo']}: {row['reason'] or 'good'}")


@face.command()
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@click.option("--consent", is_flag=True, help="The person agrees that the service keeps their face.")
@click.option("--name", default="", metavar="N", help="What you call the face.")
@click.option("--gender", metavar="G", help="female or male, for the presets that are made for one.")
@for_all
def train(images: Sequence[str], as_json: bool, out: Path | None, **asked: Any) -> None:
    """Have a face learnt from 1 to 10 IMAGEs of one person, and wait for it: minutes to hours.

    Interrupted, `likeness jobs resume KEY` goes on waiting; KEY is said at the start.
    """
    key = new_key()
    if asked["consent"] and not asked["estimate"]:
        say(f"This takes minutes to hours. Interrupted, go on with: likeness jobs resume {key}")
    result = asyncio.run(watched(lambda report: providers.train_face(images, key=key, on_progress=report, **asked)))
    _end(result, as_json)
    if as_json:
        return
    if "estimate" in result:
        print_estimate(result["estimate"])
        return
    print(result["face"]["id"])
    say(f"trained, cost {result['total_cost']:g} {result['currency']}")


@face.command("list")
@json_option
def list_(as_json: bool) -> None:
    """The faces trained here, the newest first."""
    result = asyncio.run(providers.list_faces())
    _end(result, as_json)
    if not as_json:
        _print_faces(result["faces"])


@face.command()
@click.argument("face_id", metavar="ID")
@json_option
def delete(face_id: str, as_json: bool) -> None:
    """Have a trained face removed, here and at its service."""
    result = asyncio.run(providers.delete_face(face_id))
    _end(result, as_json)
    if not as_json:
        say("Deleted.")
        _print_faces(result["faces"])


def _print_faces(faces: Sequence[Mapping[str, Any]]) -> None:
    for row in faces:
        print("  ".join(str(row[name]) for name in ("id", "name", "gender", "status") if row[name]))


def _end(result: Mapping[str, Any], as_json: bool) -> None:
    """Exit 1 if it failed; otherwise print the document, if one is wanted."""
    if not result["success"]:
        fail(result, as_json)
    if as_json:
        print_json(result)
