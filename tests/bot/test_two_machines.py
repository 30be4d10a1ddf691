"""Two machines that share nothing but a database and a bucket: one takes messages, the other makes the pictures."""

import asyncio
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from bot.app import Parts, parts, running
from bot.settings import Settings
from bot.web_app import web_app
from tests.servers.postgres import new_database
from tests.servers.s3 import S3, s3_server
from tests.waiting import LONG, until

SECRET = "a-secret-that-both-machines-are-given"
PAGE = "http://127.0.0.1"


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    with s3_server() as server:
        yield server


@pytest.fixture
def database(postgres: str) -> Iterator[str]:
    with new_database(postgres) as url:
        yield url


def photo() -> bytes:
    pixels = np.random.default_rng(7).integers(0, 255, (128, 128, 3), dtype=np.uint8)
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", quality=90)
    return data.getvalue()


def machine(folder: Path, database: str, s3: S3, bucket: str) -> Settings:
    values: dict[str, Any] = dict(s3.settings(bucket))
    return Settings(
        _env_file=None,
        data_dir=folder / "data",
        output_dir=folder / "pictures",
        database_url=database,
        installation_secret=SECRET,
        **values,
    )


def page(made: Parts) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(web_app(made)), base_url=PAGE, headers={"origin": PAGE})


async def pictures(person: httpx.AsyncClient) -> list[str]:
    """Addresses of the pictures that the bot sent, once there are any."""
    async with asyncio.timeout(LONG):
        while True:
            messages = (await person.get("/api/messages")).json()["messages"]
            found = [p["url"] for m in messages if m["from"] == "bot" for p in m.get("pictures", ())]
            if found:
                return found
            await asyncio.sleep(0.05)


async def offered(person: httpx.AsyncClient, verb: str) -> str:
    """The first choice of this kind, once the bot offers one."""

    async def found() -> str | None:
        messages = (await person.get("/api/messages")).json()["messages"]
        offers = [choice["id"] for message in messages for choice in message.get("choices", ())]
        return next((choice for choice in offers if choice.startswith(verb)), None)

    return await until(found, every=0.05) or ""


async def test_the_picture_made_on_one_is_shown_by_the_other_and_forgotten_everywhere(
    tmp_path: Path, s3: S3, database: str
) -> None:
    bucket = s3.bucket()
    fronts = [machine(tmp_path / name, database, s3, bucket) for name in ("front", "front 2")]
    works = machine(tmp_path / "worker", database, s3, bucket)
    async with (
        parts(fronts[0], worker=False) as front,
        parts(fronts[1], worker=False) as other,
        parts(works, listening=(), worker=True) as worker,
        running(worker),
        running(front),
        running(other),
        page(front) as ann,
        page(other) as elsewhere,
    ):
        await ann.get("/")
        sent = await ann.post("/api/messages", data={"text": "水彩风格"}, files={"photos": ("me.jpg", photo())})
        assert sent.status_code == 202, sent.text
        (address,) = await pictures(ann)
        shown = await ann.get(address)
        assert shown.status_code == 200
        # A proxy may ask any front for it.
        elsewhere.cookies.update(ann.cookies)
        assert (await elsewhere.get(address)).content == shown.content
        assert Image.open(io.BytesIO(shown.content)).format in ("PNG", "JPEG")
        assert not {p.name for p in (tmp_path / "front").rglob("*.sqlite")}
        assert any("/photos/" in key for key in s3.keys(bucket))
        assert any("/pictures/" in key for key in s3.keys(bucket))

        await elsewhere.post("/api/messages", data={"text": "/forget"})
        await elsewhere.post("/api/messages", data={"choice": await offered(elsewhere, "forget")})
        left = {"there is something"}
        async with asyncio.timeout(LONG):
            while left:
                await asyncio.sleep(0.05)
                left = {key for key in s3.keys(bucket) if "/data/" in key or "/pictures/" in key}
        assert (await ann.get(address)).status_code == 404
    names = {path.name for path in tmp_path.rglob("*")}  # noqa: ASYNC240
    assert "secret" not in names, "it is given by the setting"
