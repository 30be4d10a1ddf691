"""How quick Likeness is on Telegram: the real program against a fake Bot API server and a fake fal.

python -m bench.telegram [--quick]

one by one      a photo with words, one after another: from the update to our submit, and from the service's
                completion to the picture in the chat; without and with a comparison of the two faces
a crowd         200 people at once, a service that takes 5 s: when each saw the first sign of the bot, time to the last
                submit and to the last picture, calls of the Bot API for each, memory and processor time of the program;
                in one process, with FRONT_PROCESSES=1, and with Telegram's limit of 30 a second
chatter         1,000 text updates a second in groups, none for the bot: what each costs
words           updates that are answered: our own time for each
"""

import argparse
import asyncio
import io
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from bench.processes import memory, processor
from tests.servers.fal import KEY, FakeFal
from tests.servers.telegram import TOKEN, Call, FakeTelegram

ROOT = Path(__file__).parents[1]
GROUP = -1_001_000_000_077
PROGRAM = "from bot.cli import main; main()"
BESIDES = frozenset({"download", "editMessageMedia", "getUpdates", "getMe", "deleteWebhook"})
"""Not counted for a picture: the upload itself, the file server, and what is not about a picture."""
SIGNS = frozenset({"sendChatAction", "sendMessage"})
"""What a person sees first: the bot "is sending a photo", or writes."""


def photo(width: int = 1280, height: int = 960) -> bytes:
    ramp = np.linspace(40, 220, width * height * 3).reshape(height, width, 3)
    out = io.BytesIO()
    Image.fromarray(ramp.astype("uint8")).save(out, "JPEG", quality=87)
    return out.getvalue()


@dataclass(frozen=True, kw_only=True)
class Program:
    """The running `likeness run`."""

    pid: int

    def processor(self) -> float:
        """Seconds it has used."""
        return processor(self.pid)


@asynccontextmanager
async def likeness(
    folder: Path, telegram: FakeTelegram, fal: FakeFal, *, fronts: int = 0, compared: bool = True
) -> AsyncIterator[Program]:
    """`compared`: results are compared with the person's photo, in a process of its own."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DATA_DIR": str(folder),
        "OUTPUT_DIR": str(folder / "pictures"),
        "TELEGRAM_BOT_TOKEN": TOKEN,
        "TELEGRAM_API_URL": telegram.address,
        "FAL_KEY": KEY,
        "PHOTO_ADVICE": "off",  # its photos show nobody
        "FAL_QUEUE_URL": fal.url,
        "FRONT_PROCESSES": str(fronts),
        "LOG_LEVEL": "warning",
        "LIKENESS_MODELS": "" if compared else str(folder / "no networks"),
    }
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        "run",
        "--port",
        "0",
        "--channels",
        "telegram",
        cwd=folder,
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        telegram.person(1, "Warm").says("/help")
        await telegram.until(lambda: telegram.shown(1) and telegram.of("setChatMenuButton"), 60)
        yield Program(pid=program.pid)
    finally:
        program.terminate()
        await program.wait()


def first_signs(calls: Sequence[Call], began: float) -> list[float]:
    """Seconds until each person saw the first sign of the bot."""
    seen: dict[str, float] = {}
    for call in calls:
        if call.method in SIGNS and call.code == 200:
            seen.setdefault(str(call.params["chat_id"]), call.at - began)
    return sorted(seen.values())


def percent(values: Sequence[float]) -> str:
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    return f"p50 {1000 * statistics.median(ordered):6.1f} ms   p95 {1000 * p95:6.1f} ms"


async def one_by_one(count: int, *, compared: bool) -> None:
    with FakeTelegram.serving() as telegram, FakeFal.serving() as fal, tempfile.TemporaryDirectory() as folder:
        async with likeness(Path(folder), telegram, fal, compared=compared):
            to_submit, to_picture, to_answer, data = [], [], [], photo()
            for n in range(count + 1):
                before = fal.submits
                began = time.monotonic()
                person = telegram.person(5000 + n)
                person.photographs("anime style, take your time", data=data)
                await asyncio.to_thread(_submitted, fal, before)
                submitted = time.monotonic()
                await telegram.until(lambda who=person.id: telegram.pictures(who))  # type: ignore[misc]
                shown = max(telegram.pictures_at.values())
                said = telegram.of("sendMessage", person.id)[0].at
                if n:  # the first loads what is loaded on first use
                    to_submit.append(submitted - began)
                    to_picture.append(shown - submitted)
                    to_answer.append(said - began)
            looked = "compared with the photo" if compared else "not compared"
            print(f"one by one ({count}, photo 1280 x 960, a service that is done at once, results {looked})")
            print(f"  update to our submit             {percent(to_submit)}")
            print(f"  update to the first words        {percent(to_answer)}")
            print(f"  completion to picture in chat    {percent(to_picture)}")


def _submitted(fal: FakeFal, before: int) -> None:
    while fal.submits == before:
        time.sleep(0.0005)


async def crowd(people: int, *, overall: float | None, fronts: int = 0) -> None:
    with (
        FakeTelegram.serving(overall=overall) as telegram,
        FakeFal.serving() as fal,
        tempfile.TemporaryDirectory() as folder,
    ):
        fal.plan(times=10_000, seconds=5.0)
        async with likeness(Path(folder), telegram, fal, fronts=fronts) as program:
            contents = [telegram.photo_content(photo(1280 - n, 960)) for n in range(people)]
            calls, used = len(telegram.calls), program.processor()
            began = time.monotonic()
            for n, content in enumerate(contents):
                telegram.person(10_000 + n).sends(**content, caption="anime style")
            everybody = range(10_000, 10_000 + people)
            await telegram.until(lambda: fal.submits >= people, 180)
            submitted = time.monotonic() - began
            await telegram.until(lambda: len(telegram.pictures_at) >= people, 180)
            last = max(telegram.pictures_at.values()) - began
            used = program.processor() - used
            twice = sum(len(telegram.pictures(person)) != 1 for person in everybody)
            methods = Counter(call.method for call in telegram.calls[calls:] if call.method not in BESIDES)
            refused = sum(call.code == 429 for call in telegram.calls)
            limit = f"{overall:.0f} a second" if overall else "none"
            processes = f"{fronts} front and a worker" if fronts else "one process"
            print(f"a crowd of {people}, a service that takes 5 s; the server's limit: {limit}; {processes}")
            signs = first_signs(telegram.calls[calls:], began)
            print(
                f"  first sign p50 {statistics.median(signs):.2f} s   p99 {signs[int(0.99 * len(signs))]:.2f} s   "
                f"max {signs[-1]:.2f} s   of {len(signs)} people; last submit after {submitted:.1f} s"
            )
            print(
                f"  last picture after {last:.1f} s; not exactly one picture: {twice} people; refused by 429: {refused}"
            )
            print(
                f"  calls for each picture besides its upload: {sum(methods.values()) / people:.2f}   {dict(methods)}"
            )
            print(f"  processor {used:.1f} s ({1000 * used / people:.0f} ms each), memory {memory(program.pid)} MB")


async def chatter(seconds: int) -> None:
    with FakeTelegram.serving() as telegram, FakeFal.serving() as fal, tempfile.TemporaryDirectory() as folder:
        async with likeness(Path(folder), telegram, fal) as program:
            people = [telegram.person(20_000 + n) for n in range(500)]
            used, began = program.processor(), time.monotonic()
            total = 1000 * seconds
            for n in range(total):
                people[n % 500].says(f"so, what do you think of number {n}?", GROUP - n % 40)
                if n % 50 == 0:
                    await asyncio.sleep(max(0.0, began + n / 1000 - time.monotonic()))
            await telegram.until(lambda: telegram.unread == 0, 120)
            took, used = time.monotonic() - began, program.processor() - used
            sent = time.monotonic()
            telegram.person(1).says("/status")
            await telegram.until(lambda: len(telegram.shown(1)) > 1)
            waited = telegram.of("sendMessage", 1)[-1].at - sent
            print(f"chatter of {total} updates in 40 groups: taken in {took:.1f} s ({total / took:.0f} a second)")
            print(f"  processor {1000 * used / total:.2f} ms an update; a word after it: {1000 * waited:.0f} ms")


async def spoken(count: int) -> None:
    with FakeTelegram.serving() as telegram, FakeFal.serving() as fal, tempfile.TemporaryDirectory() as folder:
        async with likeness(Path(folder), telegram, fal) as program:
            used, began = program.processor(), time.monotonic()
            for n in range(count):
                telegram.person(30_000 + n).says("/status")
            await telegram.until(lambda: len(telegram.of("sendMessage")) > count, 180)
            took, used = time.monotonic() - began, program.processor() - used
            print(
                f"words from {count} people at once: answered in {took:.1f} s, "
                f"{1000 * used / count:.1f} ms of processor each"
            )


async def run(*, quick: bool) -> None:
    for compared in (False, True):
        await one_by_one(10 if quick else 60, compared=compared)
    for fronts in (0, 1):
        await crowd(30 if quick else 200, overall=None, fronts=fronts)
    if not quick:
        await crowd(200, overall=30)
    await chatter(1 if quick else 10)
    await spoken(50 if quick else 200)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--quick", action="store_true", help="small numbers, half a minute")
    asyncio.run(run(quick=arguments.parse_args().quick))
