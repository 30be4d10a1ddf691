"""The labelled messages that the rules were made with, read and compared as the exam does."""

from functools import cache

from intent import parse
from intent.corpus import Labelled, messages_of, writers
from intent.scoring import faults_of


@cache
def load(name: str) -> list[Labelled]:
    return messages_of(writers()[name.removesuffix(".jsonl")])


def score(rows: list[Labelled]) -> tuple[float, list[str]]:
    """The share that is exactly right, and a line for each that is not."""
    wrong = []
    for row in rows:
        faults = faults_of(row, parse(row.text, photos=row.photos))
        if faults:
            wrong.append(f"{faults} {row.text}")
    return 1 - len(wrong) / len(rows), wrong
