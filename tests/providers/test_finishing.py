"""A comparison is a remark about a picture: it holds up nobody's picture where many are made at once."""

import asyncio
from pathlib import Path
from typing import cast

from providers.base import PictureFile, Request
from providers.finishing import MOST_COMPARED, Finisher
from providers.offers import Tier
from providers.people.inspector import Inspector
from providers.task_builders import portrait_task
from tests.contract.stores import picture


class Held:
    """An inspector that compares when it is let."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.asked = 0

    async def compare(self, _photos: object, _pictures: object) -> None:
        self.asked += 1
        await self.go_on.wait()


async def test_beyond_a_few_pictures_are_delivered_without_a_comparison() -> None:
    held, made = Held(), picture()
    finisher = Finisher(cast("Inspector", held))
    request = Request(key="k", task=portrait_task(style="anime", photos=1), prompt="", photos=(Path("a.jpg"),))

    async def one() -> tuple[PictureFile, ...]:
        return await finisher.finished([made], request, Tier.SERVICE)

    waiting = [asyncio.create_task(one()) for _ in range(MOST_COMPARED)]
    await asyncio.sleep(0)
    assert await one() == (made,)
    assert held.asked == MOST_COMPARED
    held.go_on.set()
    assert await asyncio.gather(*waiting) == [(made,)] * MOST_COMPARED
    await one()
    assert held.asked == MOST_COMPARED + 1
