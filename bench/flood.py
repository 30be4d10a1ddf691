"""Sixty cookies that nobody paid for against the open page: what they cost, and how long a bystander waits.

python -m bench.flood [--people 60] [--each 6] [--seconds 2]

Three floods, each against a fresh `likeness run` with the limits that it has by default: a paid service from one
address, the same from as many addresses as cookies, and this machine's own free work. A bystander with an address of
their own asks for one picture before the flood and in the middle of it.
"""

import argparse
import asyncio
import io
import json
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from bench.installation import Installation, Program, installation
from tests.kill.rounds import fal_process

PATIENCE = 300.0
BYSTANDER = "198.51.100.7"
WORDS = "oil painting"


@dataclass
class Flood:
    """One of the three."""

    made: Installation
    photo: bytes
    answers: Counter[int] = field(default_factory=Counter)

    @property
    def address(self) -> str:
        return self.made.fronts[0][0]

    async def posts(self, client: httpx.AsyncClient, cookie: str, source: str, name: str) -> int:
        headers = {"cookie": cookie, "x-forwarded-for": source}
        form = {"id": name, "text": WORDS}
        files = {"photos": ("me.jpg", self.photo, "image/jpeg")}
        answer = await client.post(f"{self.address}/api/messages", data=form, files=files, headers=headers)
        return answer.status_code

    async def bystander(self, client: httpx.AsyncClient, name: str) -> tuple[float, float | None]:
        """Seconds until the message was taken, and until its picture was there (None: not within `PATIENCE`)."""
        _, cookie = self.made.person()
        began = time.monotonic()
        while await self.posts(client, cookie, BYSTANDER, name) != 202:  # noqa: ASYNC110  # another process's state
            await asyncio.sleep(0.25)
        taken = time.monotonic() - began
        headers = {"cookie": cookie, "x-forwarded-for": BYSTANDER}
        while time.monotonic() - began < PATIENCE:
            answer = await client.get(f"{self.address}/api/messages", headers=headers)
            found = [m for m in answer.json().get("messages", ()) if m["from"] == "bot" and m["kind"] == "pictures"]
            if found:
                return taken, time.monotonic() - began
            await asyncio.sleep(0.25)
        return taken, None

    async def everybody(self, client: httpx.AsyncClient, people: int, each: int, sources: int) -> None:
        """Each cookie posts one after another, all cookies at once."""

        async def one(number: int) -> None:
            _, cookie = self.made.person()
            for wish in range(each):
                source = f"203.0.113.{number % sources + 1}"
                try:
                    self.answers[await self.posts(client, cookie, source, f"flood-{number:04}-{wish:04}")] += 1
                except httpx.HTTPError:
                    self.answers[0] += 1

        await asyncio.gather(*(one(number) for number in range(people)))

    async def cost(self) -> float:
        program = Program(("costs", "--json"), self.made.home, self.made.env)
        return float(json.loads(await program.output())["total"])


async def flood(title: str, chosen: argparse.Namespace, fal: httpx.AsyncClient, *, sources: int, paid: bool) -> None:
    await fal.post("/_fake/reset")
    await fal.post("/_fake/plan", json={"always": True, "seconds": chosen.seconds})
    default: dict[str, str] = {"BUDGET_BOT_DAILY_USD": ""} | ({} if paid else {"FAL_KEY": "", "FAL_QUEUE_URL": ""})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        # An address that the world sees makes it an open page, with the default budget.
        async with installation(Path(folder), fal, None, PUBLIC_URL="https://photos.example.com", **default) as made:
            await made.add_front()
            wave = Flood(made, a_photo())
            async with httpx.AsyncClient(timeout=120, limits=httpx.Limits(max_connections=200)) as client:
                _, alone = await wave.bystander(client, "bystander-alone")
                began = time.monotonic()
                posting = asyncio.create_task(wave.everybody(client, chosen.people, chosen.each, sources))
                await asyncio.sleep(1)
                taken, waited = await wave.bystander(client, "bystander-in-it")
                await posting
                seconds = time.monotonic() - began
            submits = (await fal.get("/_fake/state")).json()["submits"]
            cost = await wave.cost()
    print(f"== {title}: {chosen.people} cookies, {sources} addresses, {chosen.each} wishes each")
    print(f"posts by answer: {dict(sorted(wave.answers.items()))} (0: no answer), in {seconds:.0f} s")
    print(f"submits to the service {submits}, cost ${cost:.2f}")
    print(f"bystander: alone {said(alone)}; in the flood acknowledged after {taken:.1f} s, picture {said(waited)}")


def said(seconds: float | None) -> str:
    return f"never within {PATIENCE:.0f} s" if seconds is None else f"{seconds:.1f} s"


def a_photo() -> bytes:
    pixels = np.linspace(0, 255, 480 * 360 * 3).reshape(480, 360, 3).astype(np.uint8)
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", quality=90)
    return data.getvalue()


async def floods(chosen: argparse.Namespace) -> None:
    async with fal_process() as fal:
        await flood("a paid service, from one address", chosen, fal, sources=1, paid=True)
        await flood("a paid service, from many", chosen, fal, sources=chosen.people, paid=True)
        await flood("this machine's own work, from many", chosen, fal, sources=chosen.people, paid=False)


def main() -> None:
    options = argparse.ArgumentParser(description="What cookies that cost nothing cost.")
    options.add_argument("--people", type=int, default=60)
    options.add_argument("--each", type=int, default=6)
    options.add_argument("--seconds", type=float, default=2.0, help="what the service takes for a picture")
    asyncio.run(floods(options.parse_args()))


if __name__ == "__main__":
    main()
