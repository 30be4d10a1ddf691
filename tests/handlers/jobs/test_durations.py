"""What a request is said to take is what such requests took here before."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from handlers.jobs.durations import KEPT, SPACE, Durations, Stopwatch
from handlers.jobs.plan import quote
from handlers.order import Order, Shot
from handlers.store.memory import MemoryStore
from providers.base import Phase, Progress
from providers.embedded.provider import EmbeddedProvider
from providers.fake import FakeProvider
from providers.router import Router
from providers.task_builders import portrait_task
from tests.world import hasty, world

NOW = datetime(2026, 11, 30, tzinfo=UTC)
ANIME = portrait_task(style="anime", photos=1)
OIL = portrait_task(style="oil_painting", photos=1)


def here(folder: Path) -> Router:
    return Router([EmbeddedProvider(folder, workers=2)])


def order(*photos: str, style: str = "anime", count: int = 1, size: tuple[int, int] = (1000, 1000)) -> Order:
    shots = tuple(Shot(style=style, count=count, photo=n) for n in range(len(photos)))
    return Order(operation="portrait", shots=shots, photos=tuple(map(Path, photos)), sizes=(size,) * len(photos))


def told(order: Order, router: Router, durations: Durations) -> float:
    return quote(order, router, durations.expected).seconds


def test_pictures_made_one_after_the_other_take_that_many_times_as_long(tmp_path: Path) -> None:
    one, four = (told(order("a.jpg", count=n), here(tmp_path), Durations()) for n in (1, 4))
    assert four == 4 * one


def test_an_album_takes_as_long_as_two_workers_need_for_it(tmp_path: Path) -> None:
    router, durations = here(tmp_path), Durations()
    one, two, three, five = (told(order(*"abcde"[:n]), router, durations) for n in (1, 2, 3, 5))
    assert (two, three, five) == (one, 2 * one, 3 * one)


def test_what_was_measured_replaces_the_table_for_that_style_alone(tmp_path: Path) -> None:
    router, durations = here(tmp_path), Durations()
    table = told(order("a.jpg", style="oil_painting"), router, durations)
    for seconds in (20, 24, 400):  # one of them while the machine was busy with something else
        durations.note(router.providers[0], ANIME, seconds=seconds, megapixels=1.0)
    assert told(order("a.jpg"), router, durations) == 24
    assert told(order("a.jpg", count=3), router, durations) == 72
    assert told(order("a.jpg", style="oil_painting"), router, durations) == table


def test_the_measurements_most_like_the_request_decide(tmp_path: Path) -> None:
    router, durations = here(tmp_path), Durations()
    for seconds, count, megapixels in ((4, 1, 1.0), (30, 1, 24.0), (9, 3, 1.0)):
        durations.note(router.providers[0], replace(ANIME, count=count), seconds=seconds, megapixels=megapixels)
    assert told(order("a.jpg"), router, durations) == 4
    assert told(order("a.jpg", size=(6000, 4000)), router, durations) == 30
    assert told(order("a.jpg", count=3), router, durations) == 9  # not three times four: that number was measured


def test_a_service_is_known_by_its_model_whatever_it_paints() -> None:
    router, durations = Router([FakeProvider(name="fal", sleep=hasty)]), Durations()
    durations.note(router.providers[0], ANIME, seconds=41, megapixels=1.0)
    assert told(order("a.jpg", style="oil_painting"), router, durations) == 41


async def test_what_one_process_measured_is_told_by_another_and_after_a_restart(tmp_path: Path) -> None:
    store, router = MemoryStore(), here(tmp_path)
    worker, front = Durations(), Durations()
    worker.note(router.providers[0], ANIME, seconds=17, megapixels=1.0)
    await worker.share(store, NOW)
    await front.share(store, NOW)
    assert told(order("a.jpg"), router, front) == 17
    # Two that write at once both have their word, and it does not grow for ever.
    for _ in range(KEPT):
        worker.note(router.providers[0], OIL, seconds=5, megapixels=1.0)
        front.note(router.providers[0], OIL, seconds=7, megapixels=1.0)
    await worker.share(store, NOW)
    await front.share(store, NOW)
    rows = dict(await store.space(SPACE))
    assert [row.count("],") + 1 for key, row in rows.items() if "oil_painting" in key] == [KEPT]
    assert told(order("a.jpg", style="oil_painting"), router, front) == 7


async def test_what_another_version_wrote_is_measured_anew(tmp_path: Path) -> None:
    store, router, durations = MemoryStore(), here(tmp_path), Durations()
    durations.note(router.providers[0], ANIME, seconds=17, megapixels=1.0)
    await durations.share(store, NOW)
    (key,) = dict(await store.space(SPACE))
    await store.set_value(SPACE, key, '{"by": "tomorrow"}')
    await durations.share(store, NOW)
    assert told(order("a.jpg"), router, durations) == told(order("a.jpg"), router, Durations())


def test_a_wait_in_a_queue_is_no_part_of_the_making() -> None:
    clock = [NOW]
    watch = Stopwatch(now=lambda: clock[0], began=NOW)
    for seconds, phase in ((1, Phase.QUEUED), (60, Phase.QUEUED), (61, Phase.RUNNING), (70, Phase.RUNNING)):
        clock[0] = NOW + timedelta(seconds=seconds)
        watch.saw(Progress(phase=phase))
    clock[0] = NOW + timedelta(seconds=75)
    assert watch.seconds == 14


async def test_a_job_that_was_made_is_measured(tmp_path: Path) -> None:
    durations = Durations()
    async with world(tmp_path, durations=durations) as made:
        await made.do()
        await durations.share(made.store, made.clock())
        ((key, _),) = await made.store.space(SPACE)
    assert key.startswith(f"{made.provider.name}:portrait:")
