"""How well writers are read who were left out of the training: `python -m intent.crossvalidate [--show N] [--all]`.

The daily measure, so that the held-out writers stay strange: the writers that are trained on are left out a fifth at a
time, and read by a model made from the others. `--show` prints some of what fails, drawn evenly; `--all` every group.
"""

import sys
from collections import Counter, defaultdict

import numpy as np

from intent.choosing import Seen, fitted
from intent.corpus import Labelled, digest
from intent.decide import decide
from intent.evaluate import groups_of, line, shown
from intent.intent import Intent
from intent.model import Linear, Model
from intent.scan import Scan
from intent.scoring import outcome
from intent.train import FOLDS, Material, material


def left_out(m: Material) -> list[Model]:
    """For each fold the model that was made without its writers."""
    linears: list[Linear] = [m.linear(m.fold != fold) for fold in range(FOLDS)]
    seen = [m.looked_at(linears[fold], m.fold == fold) for fold in range(FOLDS)]
    return [
        Model(
            cores=m.cores,
            linear=linears[fold],
            choice=fitted(Seen.together([s for n, s in enumerate(seen) if n != fold]), len(m.cores)),
            digest=digest(),
        )
        for fold in range(FOLDS)
    ]


def read(m: Material, models: list[Model]) -> list[tuple[Labelled, Intent]]:
    strangers = np.flatnonzero(m.strangers[: m.written])
    return [
        (row, decide(Scan(row.text, row.photos), group="group" in row.writer.voice, learned=models[m.fold[i]])[0])
        for i, row in ((i, m.rows[i]) for i in strangers)
    ]


def main(everything: bool, show: int) -> None:
    m = material()
    came = read(m, left_out(m))
    groups = groups_of(came) if everything else {"all": came}
    for name, rows in groups.items():
        print(line(name, rows))
    kinds: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row, got in came:
        kinds[row.operation][outcome(row, got)] += 1
    for operation, outcomes in kinds.items():
        print(f"{operation:10s} " + ", ".join(f"{k} {n}" for k, n in outcomes.most_common()))
    shown(came, show)


if __name__ == "__main__":
    main("--all" in sys.argv, int(sys.argv[sys.argv.index("--show") + 1]) if "--show" in sys.argv else 0)
