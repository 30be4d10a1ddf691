"""Milliseconds and peak memory of every portrait and edit of the embedded provider, on one thread, at 1024 pixels.

    python -m bench.embedded

Each operation runs in a process of its own, once cold and then three times; the median is shown, by the clock and of
the processor (on a busy machine the processor's time says more). Finding the faces is a line of its own, since a job
does it once for all its pictures. Peak memory is the process's highest resident size, interpreter and OpenCV included.
The painterly looks are in `bench/embedded_looks.py`.
"""

import multiprocessing
import resource
import statistics
import sys
import time

RUNS = 3


def measure(name: str) -> tuple[list[float], list[float], float]:
    """Milliseconds of every run by the clock and of the processor, and the peak resident size in MB."""
    import cv2

    from bench.contact_sheet import JOBS, shipped_photos
    from providers.embedded.work import Job, picture_of
    from providers.people.find import find_faces
    from providers.people.matting import forget

    cv2.setNumThreads(1)
    photo = shipped_photos()["astronaut"]
    faces = find_faces(photo)
    clock, processor = [], []
    for _ in range(RUNS + 1):
        forget()
        began, at_work = time.perf_counter(), time.process_time()
        if name == "faces":
            find_faces(photo)
        else:
            picture_of(Job(**JOBS[name]), (photo,), faces)
        clock.append((time.perf_counter() - began) * 1000)
        processor.append((time.process_time() - at_work) * 1000)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return clock[1:], processor[1:], peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def main() -> None:
    from bench.contact_sheet import JOBS

    print(f"{'operation':18}{'median ms':>10}{'CPU ms':>9}{'peak MB':>9}   ({RUNS} runs, 1024 px, one thread)")
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for name in ("faces", *JOBS):
            clock, processor, peak = pool.apply(measure, (name,))
            print(
                f"{name:18}{statistics.median(clock):10.0f}{statistics.median(processor):9.0f}{peak:9.0f}", flush=True
            )


if __name__ == "__main__":
    main()
