"""What a server has is asked for now and then, and not by everybody at once."""

import asyncio

import pytest

from providers.errors import WaitAndRetry
from providers.services.discovery import AWAY, KNOWN, Discovery


class Server:
    """`answer`: whether it is the kind looked for, or what goes wrong."""

    def __init__(self) -> None:
        self.answer: bool | Exception = True
        self.looks = 0
        self.time = 0.0
        self.discover = Discovery(self._look, now=lambda: self.time)

    async def _look(self) -> bool:
        self.looks += 1
        await asyncio.sleep(0)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def test_what_is_known_is_not_asked_for_again_before_its_time() -> None:
    server = Server()
    assert await asyncio.gather(*(server.discover() for _ in range(5))) == [True] * 5
    assert server.looks == 1
    server.time += KNOWN - 1
    assert await server.discover()
    assert server.looks == 1
    server.time += 2
    await server.discover()
    server.discover.forget()
    await server.discover()
    assert server.looks == 3


@pytest.mark.parametrize("answer", [False, WaitAndRetry("away")])
async def test_a_server_that_is_away_is_looked_for_again_sooner(answer: bool | Exception) -> None:
    server = Server()
    server.answer = answer
    for _ in range(3):
        if answer is False:
            assert await server.discover() is False
        else:
            with pytest.raises(WaitAndRetry):
                await server.discover()
    assert server.looks == 1
    server.time, server.answer = AWAY + 1, True
    assert await server.discover()
    assert server.looks == 2
