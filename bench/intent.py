"""Microseconds a message takes to be read, against the plainest baseline: one scan over the same phrases.

    .venv/bin/python bench/intent.py

Times are the thread's own (a busy machine lengthens them less than the clock on the wall), the best of `ROUNDS`.
"""

import json
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

ROUNDS = 7
LONG = 500
"""Characters of a long message."""
FILES = ("own_a.jsonl", "own_b.jsonl")


def messages() -> list[tuple[str, int]]:
    folder = Path(__file__).resolve().parent.parent / "intent" / "data"
    rows = [json.loads(line) for name in FILES for line in (folder / name).read_text("utf-8").splitlines()]
    return [(row["text"], row["photos"]) for row in rows]


def lengthened(rows: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Messages of about `LONG` characters, made by stringing neighbours together."""
    out = []
    for i in range(0, len(rows), 7):
        text, at = rows[i][0], i + 1
        while len(text) < LONG:
            text += "，" + rows[at % len(rows)][0]
            at += 1
        out.append((text[:LONG], rows[i][1]))
    return out


def spent(work: Callable[[str, int], object], rows: list[tuple[str, int]]) -> tuple[float, float]:
    """(p50, p99) in microseconds, each message by the best of its rounds."""
    best = [float("inf")] * len(rows)
    for _ in range(ROUNDS):
        for i, (text, photos) in enumerate(rows):
            start = time.thread_time_ns()
            work(text, photos)
            best[i] = min(best[i], (time.thread_time_ns() - start) / 1000)
    best.sort()
    return best[len(best) // 2], best[int(len(best) * 0.99)]


def start_up() -> None:
    code = (
        "import time; a = time.thread_time(); import intent; b = time.thread_time(); "
        "intent.parse('hi 动漫', photos=1); "
        "c = time.thread_time(); print((b - a) * 1000, (c - b) * 1000)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported, first = map(float, done.stdout.split())
    print(f"start-up: import {imported:.0f} ms, first message {first:.0f} ms")


def bounded() -> None:
    """100 kB in one message: the middle is left out, so it costs what a few thousand characters cost."""
    from intent.decide import decide
    from intent.scan import Scan

    for name, piece in (
        ("Chinese", "把背景换成海边，再给我一张动漫的。"),
        ("English", "make it anime, then brighten it. "),
    ):
        text = piece * (100_000 // len(piece.encode()) + 1)
        took, _ = spent(lambda text, photos: decide(Scan(text, photos)), [(text, 1)])
        print(f"100 kB, {name}: {took / 1000:.1f} ms")


def resident() -> None:
    """What the reading adds to a process, the first message read: lexicon, patterns and the model's arrays."""
    code = (
        "import numpy; pages = lambda: int(open('/proc/self/statm').read().split()[1]); a = pages(); import intent; "
        "intent.parse('hi 动漫', photos=1); print((pages() - a) * 4096 / 1e6)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    print(f"resident: {float(done.stdout):.0f} MB beside Python and numpy")


def memory() -> None:
    tracemalloc.start()
    import intent

    intent.parse("hi 动漫 graduatoin", photos=1)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"memory held by Python objects: {held / 1e6:.1f} MB (the automata's own memory is not in it)")


def main() -> None:
    memory()
    resident()
    start_up()
    from intent import parse
    from intent.decide import decide
    from intent.lexicon.loader import lexicon
    from intent.normalize import normalize
    from intent.scan import Scan

    automaton = lexicon().automaton

    def scan_alone(text: str, photos: int) -> object:
        return list(automaton.iter(normalize(text).text))

    def read(text: str, photos: int) -> object:
        return decide(Scan(text, photos))  # anew: `parse` remembers short remarks

    short = messages()
    for name, rows in (("short", short), (f"{LONG} characters", lengthened(short))):
        base50, base99 = spent(scan_alone, rows)
        p50, p99 = spent(read, rows)
        print(
            f"{name}: read p50 {p50:.0f} µs, p99 {p99:.0f} µs; the phrase scan alone {base50:.0f} and {base99:.0f}; "
            f"ratio {p50 / base50:.1f} and {p99 / base99:.1f} ({len(rows)} messages)"
        )
    bounded()
    again, _ = spent(lambda text, photos: parse(text, photos=0), [("你好", 0)])
    print(f"a short remark that was read before: {again:.0f} µs")


if __name__ == "__main__":
    main()
