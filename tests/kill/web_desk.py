"""A program for `test_web_inbox.py`: the web page over an SQLite store, with a conversation that never ends its turn.

Arguments: the data folder. It prints the port, then waits to be killed.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from bot.channels.web.channel import WebChannel
from bot.channels.web.cookies import Sessions, load_secret
from bot.http import create_app
from bot.metrics import Metrics
from bot.server import Server
from handlers.message import Language, Message, Outgoing
from handlers.store.sql.engine import sqlite_url
from handlers.store.sql.store import SqlStore


class NeverEnds:
    async def handle(self, message: Message) -> tuple[Outgoing, ...]:
        await asyncio.Event().wait()
        raise AssertionError(message)

    async def foresee(self, messages: Sequence[Message]) -> tuple[Outgoing, ...]:
        return ()

    def picked(self, text: str, offered: Sequence[str]) -> str | None:
        return None

    def language(self, text: str, known: Language | None) -> Language:
        return known or "en"


async def main(data: Path) -> None:
    store = await SqlStore.open(sqlite_url(data / "likeness.db"))
    sessions, metrics = Sessions(secret=load_secret(data / "secret")), Metrics()
    channel = WebChannel(store=store, sessions=sessions, metrics=metrics, data_dir=data)
    await channel.start(NeverEnds())
    app = create_app(channels=[channel], store=store, metrics=metrics)
    server = Server(
        app, host="127.0.0.1", port=0, at_end=channel.feed.stop, listening=lambda port: print(port, flush=True)
    )
    await server.serve()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
