"""After /forget nothing a person sent, and nothing that names them, is left: in no table, file, index or free page."""

import asyncio
import hashlib
import io
from pathlib import Path

import numpy as np
import sqlalchemy as sa
from PIL import Image

from bot.app import Parts, parts, running
from bot.channels.telegram.inbound.updates import Attachment
from bot.channels.telegram.message_index import JobMessage, MessageIndex
from bot.settings import Settings
from handlers.message import Chat, IncomingPhoto, Message
from handlers.store.base import ENDED
from handlers.store.sql.engine import make_engine
from tests.servers.postgres import new_database
from tests.waiting import LONG

PERSON = "4711081500"
WORDS = "复古风格 给雷电将军画一把伞"
FILE_ID = "AgACAgIAAxkBAAIB"
ANN = Chat(channel="web", chat=PERSON, person=PERSON)
BEN = Chat(channel="web", chat="5822192611", person="5822192611")


def photo() -> bytes:
    """Noise, so that its coded bytes are nobody else's."""
    pixels = np.random.default_rng(7).integers(0, 255, (256, 256, 3), dtype=np.uint8)
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", quality=90)
    return data.getvalue()


PHOTO = photo()


def settings(folder: Path, database: str | None) -> Settings:
    return Settings(
        _env_file=None,
        data_dir=folder / "data",
        output_dir=folder / "made",
        database_url=database,
    )


async def says(made: Parts, key: str, chat: Chat, text: str = "", *files: Path) -> None:
    photos = tuple(IncomingPhoto(key=f"photo:{file.name}", path=file) for file in files)
    await made.conversation.handle(Message(key=f"web:{chat.person}:{key}", chat=chat, text=text, photos=photos))


async def has_a_picture_made(made: Parts, chat: Chat, file: Path) -> None:
    await asyncio.to_thread(file.write_bytes, PHOTO)
    await says(made, "m1", chat, WORDS, file)
    async with asyncio.timeout(LONG):
        while not (jobs := await made.store.jobs(chat=chat)) or any(job.state not in ENDED for job in jobs):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert jobs[0].pictures, jobs
    index = MessageIndex(made.store)
    part = Attachment(file_id=FILE_ID + chat.person, unique="u" + chat.person, size=3, message=9)
    await index.put_album(chat, "album", (part,))
    await index.put_refs(chat, (11, 12), jobs[0].id)
    await index.put_job(chat, jobs[0].id, JobMessage(message=1, head=WORDS, at=0.0))
    await asyncio.to_thread(file.unlink)


def everything_on_disk(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_gone(name: str, data: bytes, made: bytes) -> None:
    for what in (
        PERSON.encode(),
        WORDS.encode(),
        "雷电将军".encode(),
        WORDS[:4].encode("unicode-escape"),
        FILE_ID.encode(),
    ):
        assert what not in data, f"{what!r} is left in {name}"
    for image in (PHOTO, made):
        middle = image[len(image) // 2 : len(image) // 2 + 64]
        assert middle not in data, f"a photo is left in {name}"


async def test_on_sqlite_no_byte_of_a_forgotten_person_is_left(tmp_path: Path) -> None:
    async with parts(settings(tmp_path, None)) as made, running(made):
        await has_a_picture_made(made, ANN, tmp_path / "ann.jpg")
        (job,) = await made.store.jobs(chat=ANN)
        picture = job.pictures[0].path.read_bytes()
        before = everything_on_disk(tmp_path)
        assert any(PERSON.encode() in data for data in before.values()), "it was there"
        await says(made, "m2", ANN, "/forget")
        await says(made, "m3", ANN, "yes")
        while_it_runs = everything_on_disk(tmp_path)
    for name, data in {**while_it_runs, **everything_on_disk(tmp_path)}.items():
        assert_gone(name, data, picture)
        assert PERSON not in name


async def test_who_did_not_ask_keeps_everything(tmp_path: Path) -> None:
    async with parts(settings(tmp_path, None)) as made, running(made):
        await has_a_picture_made(made, BEN, tmp_path / "ben.jpg")
        await says(made, "m2", ANN, "/forget")
        await says(made, "m3", ANN, "yes")
        (job,) = await made.store.jobs(chat=BEN)
        assert job.pictures[0].path.is_file()
        assert job.order.photos[0].is_file()
        assert await MessageIndex(made.store).album(BEN, "album")


async def test_on_postgresql_no_row_of_a_forgotten_person_is_left(tmp_path: Path, postgres: str) -> None:
    with new_database(postgres) as url:
        async with parts(settings(tmp_path, url)) as made, running(made):
            await has_a_picture_made(made, ANN, tmp_path / "ann.jpg")
            (job,) = await made.store.jobs(chat=ANN)
            picture = job.pictures[0].path.read_bytes()
            await says(made, "m2", ANN, "/forget")
            await says(made, "m3", ANN, "yes")
        engine = make_engine(url, pool_size=1)
        with engine.connect() as connection:
            tables = [(t, s) for s in ("public", "dbos") for t in sa.inspect(connection).get_table_names(schema=s)]
            for table, schema in tables:
                rows = connection.execute(sa.text(f'SELECT t::text FROM "{schema}"."{table}" AS t')).scalars()  # noqa: S608
                assert_gone(table, "\n".join(rows).encode(), picture)
        engine.dispose()
    for name, data in everything_on_disk(tmp_path).items():
        assert_gone(name, data, picture)


def open_to_others(folder: Path) -> list[str]:
    """Files and folders below it, by their relative paths, that another user of the machine could look at."""
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.stat().st_mode & 0o077]


async def test_what_is_kept_is_for_this_user_alone(tmp_path: Path) -> None:
    async with parts(settings(tmp_path, None)) as made, running(made):
        await has_a_picture_made(made, ANN, tmp_path / "ann.jpg")
        data = tmp_path / "data"
        assert data.stat().st_mode & 0o077 == 0
        assert open_to_others(tmp_path) == []
        kept = {path.name for path in data.glob("*.sqlite*")}
        assert {f"{name}.sqlite{end}" for name in ("likeness", "workflows") for end in ("", "-wal", "-shm")} <= kept


def test_an_owner_tells_nothing_about_them() -> None:
    assert PERSON not in ANN.owner
    assert ANN.owner == hashlib.sha256(ANN.key.encode()).hexdigest()[:24]
