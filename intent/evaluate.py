"""How well held-out writers are read: `python -m intent.evaluate [--show N] [--all]`.

`--show` prints what fails of those that may be looked at; of the others the figures are all there is to see.
"""

import sys
from collections import Counter, defaultdict

from intent import parse
from intent.corpus import Labelled, messages_of, writers
from intent.intent import Intent
from intent.scoring import COST, faults_of, outcome

Read = list[tuple[Labelled, Intent]]
_LENGTHS = ((8, "to 8"), (14, "to 14"), (22, "to 22"), (35, "to 35"), (10**6, "above"))


def length_of(text: str) -> str:
    """In Chinese characters; a Latin word counts as 1.7."""
    han = sum("\u3400" <= ch <= "\u9fff" for ch in text)
    size = han or len(text.split()) * 1.7
    return next(name for most, name in _LENGTHS if size <= most)


def line(name: str, rows: Read) -> str:
    n = len(rows)
    exact = sum(not faults_of(row, got) for row, got in rows)
    came = Counter(outcome(row, got) for row, got in rows)
    asked = sum(got.decision == "ask" for _, got in rows)
    chatter = sum(row.operation == "none" for row, _ in rows)
    good = came["right"] + came["one tap"]
    cost = sum(COST[kind] * many for kind, many in came.items()) / n
    return (
        f"{name:22s} {n:5d}  exact {exact / n:6.1%}  right or one tap {good / n:6.1%}  "
        f"wrong picture {came['wrong picture'] / n:5.1%}  fires {came['fired']}/{chatter}  asked {asked / n:5.1%}  "
        f"in vain {came['asked in vain'] / n:5.1%}  unanswered {came['unanswered'] / n:5.1%}  "
        f"wrong word {came['wrong word'] / n:4.1%}  cost {cost:.2f}"
    )


def groups_of(read: Read) -> dict[str, Read]:
    """By who wrote it, language, voice, length and what is asked."""
    groups: defaultdict[str, Read] = defaultdict(list)
    for row, got in read:
        names = (
            "all",
            "looked at" if row.writer.looked_at else "never looked at",
            row.writer.language,
            row.writer.voice,
            length_of(row.text),
            "operation " + row.operation,
        )
        for name in names:
            groups[name].append((row, got))
    return groups


def shown(read: Read, many: int) -> None:
    """Of what comes out neither right nor by one tap, so many, drawn evenly."""
    missed = [(row, got) for row, got in read if outcome(row, got) not in ("right", "one tap")]
    for row, got in missed[:: max(1, len(missed) // many)] if many else []:
        key = got.style or got.action or got.command or ""
        print(f"{outcome(row, got)}: {row.text!r} ({row.photos} photos, {row.writer.name}) want {row.accepted[0]}")
        print(f"    got {got.operation} {key} {got.confidence:.2f} {' '.join(faults_of(row, got))}")


def main(everybody: bool, show: int) -> None:
    chosen = [w for w in writers().values() if w.held_out or (everybody and not w.for_rules)]
    read = [
        (row, parse(row.text, photos=row.photos, group="group" in w.voice)) for w in chosen for row in messages_of(w)
    ]
    for name, rows in groups_of(read).items():
        print(line(name, rows))
    bands: defaultdict[int, list[bool]] = defaultdict(list)
    for row, got in read:
        bands[min(9, int(got.confidence * 10))].append(not faults_of(row, got))
    print(
        "confidence → right: "
        + ", ".join(f"{b / 10:.1f}+ {sum(v) / len(v):.0%} of {len(v)}" for b, v in sorted(bands.items()))
    )
    shown([(row, got) for row, got in read if row.writer.looked_at or not row.writer.held_out], show)


if __name__ == "__main__":
    main("--all" in sys.argv, int(sys.argv[sys.argv.index("--show") + 1]) if "--show" in sys.argv else 0)
