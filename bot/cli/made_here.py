"""`likeness made-here FILE`: whether a picture was made here, by its label and its watermark."""

from pathlib import Path

import click

from bot.cli.output import fail, failure, json_option, print_json
from providers.api.error_sentences import sentence_for
from providers.errors import LikenessError
from providers.media.files import read_regular_file
from providers.media.origin import Origin, origin_of
from providers.settings import ProviderSettings

MOST_BYTES = 100 * 1024 * 1024


@click.command("made-here")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def made_here(file: Path, as_json: bool) -> None:
    """Look for the label in a picture's metadata and the watermark in its pixels.

    Exit 0 where the picture could be looked at, whatever was found. What is not found proves nothing.
    """
    try:
        data = read_regular_file(file.expanduser().absolute(), max_bytes=MOST_BYTES)
        origin = origin_of(data, producer=ProviderSettings().label_producer)
    except LikenessError as error:
        fail(failure(error.code, sentence_for(error), retryable=error.retryable), as_json)
    if as_json:
        print_json(document(origin))
    else:
        click.echo(_sentence(origin))


def document(origin: Origin) -> dict[str, object]:
    label, mark = origin.label, origin.watermark
    return {
        "success": True,
        "made_here": origin.made_here,
        "number": origin.number,
        "label": None
        if label is None
        else {
            "producer": label.producer,
            "produce_id": label.produce_id,
            "source": label.source.value,
            "created": label.created.isoformat(),
        },
        "watermark": None if mark is None else {"version": mark.version, "number": mark.number},
    }


def _sentence(origin: Origin) -> str:
    by = [name for name, found in (("label", origin.ours), ("watermark", origin.watermark is not None)) if found]
    if by:
        return f"Made here, by its {' and '.join(by)}: number {origin.number}."
    if origin.label is not None:
        return f"Not known to be made here. Its label names {origin.label.producer}."
    return "Not known to be made here: no label and no watermark of ours was found, which proves nothing."
