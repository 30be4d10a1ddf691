"""What more messages buy: the learned side alone on held-out writers, by the share of the writers it is trained on.

    python -m intent.learning_curve

Writers come in the order of `writers.toml`, every second, fourth, eighth of them for a smaller share; the messages the
rules were made with are always there.
"""

import numpy as np

from intent.corpus import Labelled, messages_of, writers
from intent.features import features
from intent.scan import Scan
from intent.train import label, matrix, ridge, vocabulary_of

SHARES = (8, 4, 2, 1)
"""One writer of so many."""


def measured(rows: list[Labelled], held_out: list[Labelled]) -> tuple[float, float, int]:
    """(the right core is the likeliest, it is among the four likeliest, remarks taken for a wish) on `held_out`."""
    labels = [label(row) for row in rows]
    cores = sorted(set(labels))
    y = np.array([cores.index(name) for name in labels])
    found = [features(Scan(row.text, row.photos)) for row in rows]
    vocabulary, often = vocabulary_of(found)
    rarity = np.sqrt(np.log((1 + len(rows)) / (1 + often))).astype(np.float32)
    weights = ridge(matrix(found, vocabulary, rarity), y, len(cores), np.ones(len(rows), np.float32))
    strange = matrix([features(Scan(row.text, row.photos)) for row in held_out], vocabulary, rarity)
    best = np.argsort(strange @ weights, axis=1)[:, ::-1]
    names = [[cores[i] for i in line[:4]] for line in best]
    wanted = [label(row) for row in held_out]
    first = sum(line[0] == want for line, want in zip(names, wanted, strict=True))
    among = sum(want in line for line, want in zip(names, wanted, strict=True))
    fires = sum(want == "none" and line[0] != "none" for line, want in zip(names, wanted, strict=True))
    return first / len(wanted), among / len(wanted), fires


def main() -> None:
    held_out = [row for w in writers().values() if w.held_out for row in messages_of(w)]
    old = [row for w in writers().values() if w.for_rules for row in messages_of(w)]
    strangers = [w for w in writers().values() if not w.held_out and not w.for_rules]
    for step in (0, *SHARES):
        chosen = [row for w in (strangers[::step] if step else []) for row in messages_of(w)]
        first, among, fires = measured([*old, *chosen], held_out)
        print(
            f"{len(chosen):5d} messages of strangers beside {len(old)} earlier ones: core {first:.1%}, "
            f"among four {among:.1%}, fires {fires}"
        )


if __name__ == "__main__":
    main()
