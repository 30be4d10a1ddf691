"""Milliseconds and peak memory of every look of the embedded provider, on one thread, at 1024 pixels.

Each look runs in a process of its own, once to warm up and then several times; medians are shown (on a busy
machine the processor's time says more than the clock's). Peak memory is
the process's highest resident size, the interpreter and OpenCV (about 60 MB) included.
"""

import multiprocessing
import resource
import statistics
import sys
import time
from importlib.resources import files

RUNS = 5


def measure(name: str) -> tuple[list[float], list[float], float]:
    """Milliseconds of every run by the clock and of the processor, and the peak resident size in MB."""
    import cv2
    import numpy as np

    from providers.embedded.looks import FILTERS, LOOKS

    cv2.setNumThreads(1)
    place = files("skimage") / "data" / "astronaut.png"
    bgr = cv2.imread(str(place))
    assert bgr is not None, place
    photo = np.asarray(
        cv2.resize(bgr[..., ::-1], (1024, 1024), interpolation=cv2.INTER_CUBIC),
        np.uint8,
    )
    look, times = {**FILTERS, **LOOKS}[name], []
    busy = []
    for _ in range(RUNS + 1):
        began, at_work = time.perf_counter(), time.process_time()
        look(photo, [(352, 130, 195, 195)])
        times.append((time.perf_counter() - began) * 1000)
        busy.append((time.process_time() - at_work) * 1000)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return times[1:], busy[1:], peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def main() -> None:
    from providers.embedded.looks import FILTERS, LOOKS

    print(f"{'look':18}{'median ms':>10}{'CPU ms':>9}{'peak MB':>9}   ({RUNS} runs, 1024 px, one thread)")
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for name in dict.fromkeys([*LOOKS, *FILTERS]):
            times, busy, peak = pool.apply(measure, (name,))
            print(f"{name:18}{statistics.median(times):10.0f}{statistics.median(busy):9.0f}{peak:9.0f}", flush=True)


if __name__ == "__main__":
    main()
