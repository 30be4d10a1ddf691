"""The web channel: order, repeats, crashes, progress lines, streams, and what is left on the disk (long: one seam)."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from bot.channels.web.channel import MAX_WAITING
from bot.channels.web.cookies import Sessions, load_secret
from bot.channels.web.feed import Pace
from bot.channels.web.statuses import KEPT
from bot.channels.web.texts import language_of
from bot.server import Server
from handlers.channel import Channel, DeliveryLater, DeliveryRefused
from handlers.message import Chat, Kind, Message, Outgoing
from handlers.store.base import Entry
from handlers.store.memory import MemoryStore
from providers.net.certificates import trusted
from tests.bot.crash import crashed
from tests.bot.stage import Event, Stage, build, conversation, events, jpeg, on_stage, picture_file, settled
from tests.waiting import LONG

ANNA = Chat(channel="web", chat="A" * 22, person="A" * 22)


def status(text: str, *, id: str = "job-1:status", job: str = "job-1") -> Outgoing:
    return Outgoing(id=id, kind=Kind.STATUS, text=text, job=job)


def words(text: str, *, id: str, job: str | None = None) -> Outgoing:
    return Outgoing(id=id, kind=Kind.TEXT, text=text, job=job)


def result(data: Path, *, id: str = "job-1:result", job: str = "job-1") -> Outgoing:
    return Outgoing(id=id, kind=Kind.PICTURES, text="Done", pictures=(picture_file(data / "out"),), job=job)


async def texts(stage: Stage, chat: Chat = ANNA, *, after: str | None = None) -> list[str]:
    return [m["text"] for m in (await stage.channel.feed.conversation(chat, after=after)).messages]


# --- handling


def test_it_is_a_channel(tmp_path: Path) -> None:
    channel = build(tmp_path).channel
    assert isinstance(channel, Channel)
    assert (channel.name, channel.repeatable) == ("web", True)


async def test_messages_of_one_person_go_one_after_another_and_different_people_at_once(tmp_path: Path) -> None:
    running: list[str] = []
    most_of_one, most_of_all = 0, 0

    async def slow(message: Message) -> tuple[Outgoing, ...]:
        nonlocal most_of_one, most_of_all
        running.append(message.chat.person)
        most_of_one = max(most_of_one, running.count(message.chat.person))
        most_of_all = max(most_of_all, len(running))
        if len(set(running)) == 2:
            gate.set()
        await gate.wait()
        running.remove(message.chat.person)
        return ()

    gate = asyncio.Event()
    async with on_stage(tmp_path, script=slow) as stage, stage.browser() as one, stage.browser() as two:
        for n in range(4):
            await one.post("/api/messages", data={"text": f"one {n}"})
        await two.post("/api/messages", data={"text": "two 0"})
        await settled(stage)
        assert [m.text for m in stage.conversation.seen if m.text.startswith("one")] == [f"one {n}" for n in range(4)]
        assert (most_of_one, most_of_all) == (1, 2)


async def test_a_person_in_a_hurry_is_asked_to_wait(tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def stuck(message: Message) -> tuple[Outgoing, ...]:
        await gate.wait()
        return ()

    async with on_stage(tmp_path, script=stuck) as stage, stage.browser() as client:
        codes = [(await client.post("/api/messages", data={"text": "x"})).status_code for _ in range(MAX_WAITING + 1)]
        assert codes == [202] * MAX_WAITING + [429]
        gate.set()
        await settled(stage)
        assert (await client.post("/api/messages", data={"text": "x"})).status_code == 202


async def test_a_message_acknowledged_before_a_crash_is_handled_at_the_next_start_once(tmp_path: Path) -> None:
    store = MemoryStore()
    died = asyncio.Event()

    async def dies(message: Message) -> tuple[Outgoing, ...]:
        died.set()
        await asyncio.Event().wait()
        raise AssertionError

    before = build(tmp_path, store=store, script=dies, stop_seconds=0.01)
    await before.channel.start(before.conversation)
    async with before.browser() as client:
        body = jpeg(33, 44)
        answer = await client.post("/api/messages", data={"text": "keep me"}, files={"photos": ("a.jpg", body)})
        await died.wait()
        await crashed(before.channel.intake)
        async with on_stage(tmp_path, store=store) as after:
            await settled(after)
            (seen,) = after.conversation.seen
            assert (seen.text, seen.ref) == ("keep me", answer.json()["id"])
            assert seen.photos[0].path.read_bytes() == body
            client._transport = httpx.ASGITransport(app=after.app)
            assert [m["text"] for m in await conversation(client)] == ["keep me", "You said: keep me"]
        async with on_stage(tmp_path, store=store) as again:
            await settled(again)
            assert again.conversation.seen == []


async def test_a_person_whose_line_was_not_yet_written_at_the_crash_sees_it_all_the_same(tmp_path: Path) -> None:
    class DiesBetween(MemoryStore):
        dead = True

        async def add_entry(self, chat: Chat, outgoing: Outgoing, *, from_person: bool = False) -> Entry:
            if self.dead:
                raise ConnectionError("gone")
            return await super().add_entry(chat, outgoing, from_person=from_person)

    store = DiesBetween()
    async with on_stage(tmp_path, store=store) as stage, stage.browser() as client:
        chat = stage.chat(client)
        assert (await client.post("/api/messages", data={"id": "message-1", "text": "hello"})).status_code == 503
        assert (await client.post("/api/messages", data={"id": "message-1", "text": "hello"})).status_code == 202
        await crashed(stage.channel.intake)
    store.dead = False
    async with on_stage(tmp_path, store=store) as stage:
        await settled(stage)
        assert await texts(stage, chat) == ["hello", "You said: hello"]


async def test_a_fault_of_ours_is_tried_again_and_then_said_without_its_text(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tries = 0

    async def faulty(message: Message) -> tuple[Outgoing, ...]:
        nonlocal tries
        tries += 1
        if message.text == "mends" and tries >= 3:
            return (words("mended", id="mended"),)
        raise RuntimeError("secret /path/of/ours")

    async with on_stage(tmp_path, script=faulty) as stage, stage.browser() as client:
        await client.post("/api/messages", data={"text": "mends"})
        await settled(stage)
        assert (await conversation(client))[-1]["text"] == "mended"
        await client.post("/api/messages", data={"text": "stays broken"})
        await settled(stage)
        said = (await conversation(client))[-1]["text"]
        assert said.startswith("Something went wrong on my side")
        assert tries == 6
        assert await stage.store.inbox("web") == ()
    assert "secret" not in caplog.text
    assert "stays broken" not in caplog.text


async def test_an_inbox_row_nobody_can_read_is_set_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryStore()
    await store.put_inbox("web", "web:x:y", "{}")
    async with on_stage(tmp_path, store=store) as stage:
        await settled(stage)
        assert await store.inbox("web") == ()
    assert "cannot be read" in caplog.text


async def test_stopping_leaves_unfinished_messages_for_the_next_start(tmp_path: Path) -> None:
    store = MemoryStore()

    async def stuck(message: Message) -> tuple[Outgoing, ...]:
        await asyncio.Event().wait()
        raise AssertionError

    stage = build(tmp_path, store=store, script=stuck, stop_seconds=0.01)
    await stage.channel.start(stage.conversation)
    async with stage.browser() as client:
        for text in ("one", "two"):
            await client.post("/api/messages", data={"text": text})
        await stage.channel.stop()
    assert len(await store.inbox("web")) == 2


# --- what we say


async def test_a_status_is_replaced_by_the_next_and_stays_where_it_began(tmp_path: Path) -> None:
    second = 0
    store = MemoryStore(clock=lambda: datetime(2026, 1, 1, 12, 0, second, tzinfo=UTC))
    async with on_stage(tmp_path, store=store) as stage:
        said = (status("queued"), words("meanwhile", id="m"), status("half way"))
        for second, outgoing in enumerate(said):  # noqa: B007 - the clock reads it
            await stage.channel.say(ANNA, outgoing)
        page = await stage.channel.feed.conversation(ANNA)
        assert [m["text"] for m in page.messages] == ["half way", "meanwhile"]
        assert page.statuses == ["job-1:status"]
        assert page.messages[0]["since"] == "2026-01-01T12:00:00.000+00:00"
        assert page.messages[0]["at"] == "2026-01-01T12:00:02.000+00:00"


async def test_who_asks_for_what_came_after_a_status_misses_nothing(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        await stage.channel.say(ANNA, status("queued"))
        await stage.channel.say(ANNA, words("meanwhile", id="m"))
        await stage.channel.say(ANNA, status("half way"))
        assert await texts(stage, after="job-1:status") == ["half way", "meanwhile"]
        await stage.channel.deliver(ANNA, result(tmp_path), "job-1:result")
        assert await texts(stage, after="job-1:status") == ["meanwhile", "Done"]


async def test_a_result_ends_its_jobs_progress_and_no_other(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        await stage.channel.say(ANNA, status("one"))
        await stage.channel.say(ANNA, status("two", id="job-2:status", job="job-2"))
        await stage.channel.deliver(ANNA, result(tmp_path), "job-1:result")
        await stage.channel.say(ANNA, status("late news of one"))
        assert await texts(stage) == ["two", "Done"]
        await stage.channel.say(ANNA, words("It could not be made", id="e", job="job-2"))
        assert await texts(stage) == ["Done", "It could not be made"]


async def test_a_result_delivered_twice_is_shown_once(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        outgoing = result(tmp_path)
        places = {await stage.channel.reserve(ANNA, outgoing) for _ in range(2)}
        assert len(places) == 1
        assert await texts(stage) == []
        for _ in range(2):
            await stage.channel.deliver(ANNA, outgoing, places.copy().pop())
        assert await texts(stage) == ["Done"]


async def test_a_result_whose_file_is_gone_is_refused_and_a_store_that_is_away_is_tried_later(tmp_path: Path) -> None:
    class Away(MemoryStore):
        async def add_entry(self, chat: Chat, outgoing: Outgoing, *, from_person: bool = False) -> Entry:
            raise ConnectionError("away")

    channel = build(tmp_path, store=Away()).channel
    outgoing = result(tmp_path)
    with pytest.raises(DeliveryLater):
        await channel.deliver(ANNA, outgoing, "p")
    with pytest.raises(DeliveryLater):
        await channel.say(ANNA, words("x", id="x"))
    outgoing.pictures[0].path.unlink()
    async with on_stage(tmp_path) as stage:
        await stage.channel.say(ANNA, status("being made"))
        with pytest.raises(DeliveryRefused):
            await stage.channel.deliver(ANNA, outgoing, "p")
        assert await texts(stage) == ["This picture is no longer here."]


async def test_only_the_newest_statuses_are_remembered(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        for n in range(KEPT + 5):
            await stage.channel.say(ANNA, status(str(n), id=f"s{n}", job=f"j{n}"))
        kept = await stage.channel._statuses.read(ANNA)
        assert list(kept.begun) == [f"s{n}" for n in range(5, KEPT + 5)]


# --- streams


@asynccontextmanager
async def served(stage: Stage) -> AsyncIterator[str]:
    """The app on a real port; its address."""
    ready = asyncio.Event()
    server = Server(
        stage.app, host="127.0.0.1", port=0, at_end=stage.channel.feed.stop, listening=lambda _: ready.set()
    )
    task = asyncio.create_task(server.serve())
    await ready.wait()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.stop()
        await task


@asynccontextmanager
async def reading(address: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client that has opened the page."""
    async with httpx.AsyncClient(verify=trusted(), base_url=address, timeout=LONG) as client:
        await client.get("/")
        yield client


async def first(stream: AsyncIterator[Event], name: str, count: int = 1) -> list[Event]:
    found: list[Event] = []
    async with asyncio.timeout(LONG):
        async for event in stream:
            if event.name == name:
                found.append(event)
            if len(found) == count:
                return found
    raise AssertionError(f"the stream ended after {found}")


async def test_messages_come_as_they_are_said_from_another_process_too_in_every_tab(tmp_path: Path) -> None:
    store = MemoryStore()
    worker = build(tmp_path, store=store).channel  # shares the store and nothing else
    async with on_stage(tmp_path, store=store) as stage, served(stage) as address, reading(address) as client:
        chat = stage.chat(client)
        url = "/api/events"
        async with client.stream("GET", url) as tab, client.stream("GET", url) as other_tab:
            assert tab.headers["content-type"].startswith("text/event-stream")
            one, two = events(tab.aiter_lines()), events(other_tab.aiter_lines())
            await first(one, "open")
            await first(two, "open")
            await worker.say(chat, status("queued"))
            for stream in (one, two):
                (event,) = await first(stream, "message")
                assert (event.data["kind"], event.data["text"]) == ("status", "queued")
            await worker.deliver(chat, result(tmp_path), "job-1:result")
            (made,) = await first(one, "message")
            assert (made.data["kind"], made.data["id"]) == ("pictures", "job-1:result")
            (gone,) = await first(one, "gone")
            assert gone.data == {"id": "job-1:status"}
            assert "likeness_event_streams 2.0" in (await client.get("/metrics")).text


async def test_a_stream_taken_up_again_begins_where_the_last_one_ended(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage, served(stage) as address, reading(address) as client:
        chat = stage.chat(client)
        for n in range(3):
            await stage.channel.say(chat, words(str(n), id=f"line-{n}"))
        async with client.stream("GET", "/api/events?cursor=0") as answer:
            everything = await first(events(answer.aiter_lines()), "message", 3)
        async with client.stream("GET", "/api/events", headers={"last-event-id": everything[0].id or ""}) as answer:
            rest = await first(events(answer.aiter_lines()), "message", 2)
            assert [e.data["text"] for e in rest] == ["1", "2"]
        async with client.stream("GET", "/api/events?after=line-1") as answer:
            assert [e.data["text"] for e in await first(events(answer.aiter_lines()), "message")] == ["2"]


async def test_a_status_that_ended_while_the_stream_was_away_is_not_named_as_standing(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        await stage.channel.say(ANNA, status("one"))
        await stage.channel.say(ANNA, status("two", id="job-2:status", job="job-2"))
        await stage.channel.deliver(ANNA, result(tmp_path), "job-1:result")
        stream = stage.channel.feed.events(ANNA, cursor=2)
        opened = await anext(stream)
        assert "job-2:status" in opened
        assert "job-1:status" not in opened
        assert "job-1:result" in await anext(stream)
        await stream.aclose()


async def test_a_silent_stream_is_kept_open_by_heartbeats(tmp_path: Path) -> None:
    async with on_stage(tmp_path, pace=Pace(quick=0.001, slow=0.001, lively=0, heartbeat=0.005)) as stage:
        stream = stage.channel.feed.events(ANNA)
        await anext(stream)
        assert await anext(stream) == ": still here\n\n"
        await stream.aclose()


async def test_stopping_the_server_ends_open_streams_at_once(tmp_path: Path) -> None:
    pace = Pace(quick=LONG, slow=LONG, heartbeat=LONG)
    async with on_stage(tmp_path, pace=pace) as stage, httpx.AsyncClient(verify=trusted(), timeout=LONG) as client:
        async with served(stage) as address:
            await client.get(f"{address}/")
            answer = await client.send(client.build_request("GET", f"{address}/api/events"), stream=True)
            lines = answer.aiter_lines()
            await first(events(lines), "open")
        assert [line async for line in lines] == []


async def test_forgetting_clears_open_pages_and_deletes_the_photos(tmp_path: Path) -> None:
    async def forgets(message: Message) -> tuple[Outgoing, ...]:
        if message.text == "forget me":
            await store.forget(message.chat)
            await stage.channel.forget(message.chat)
            return (words("All gone", id="gone"),)
        return ()

    store = MemoryStore()
    async with on_stage(tmp_path, store=store, script=forgets) as stage, stage.browser() as client:
        chat = stage.chat(client)
        await client.post("/api/messages", data={"text": "hi"}, files={"photos": ("a.jpg", jpeg())})
        await settled(stage)
        assert len(list(stage.channel.shelf.of(chat).iterdir())) == 1
        stream = stage.channel.feed.events(chat)
        await anext(stream)
        await client.post("/api/messages", data={"text": "forget me"})
        await settled(stage)
        got = [await anext(stream) for _ in range(2)]
        await stream.aclose()
        assert any(e.startswith("event: cleared") for e in got)
        assert any("All gone" in e for e in got)
        assert list(stage.channel.shelf.of(chat).glob("*")) == []
        assert [m["text"] for m in await conversation(client)] == ["All gone"]


async def test_photos_no_conversation_shows_are_swept_away_when_old(tmp_path: Path) -> None:
    store = MemoryStore()
    async with on_stage(tmp_path, store=store) as stage, stage.browser() as client:
        await client.post("/api/messages", data={"text": "hi"}, files={"photos": ("a.jpg", jpeg())})
        await settled(stage)
        folder = stage.channel.shelf.of(stage.chat(client))
    (kept,) = folder.iterdir()
    stage.channel.shelf.arriving.mkdir(exist_ok=True)
    orphan, fresh, half = folder / "orphan", folder / "fresh", stage.channel.shelf.arriving / "half"
    for file in (orphan, fresh, half):
        file.write_bytes(b"x")
    for file in (kept, orphan, half):
        os.utime(file, (1, 1))
    async with on_stage(tmp_path, store=store) as stage:
        await stage.channel.tidied.wait()
    assert {f.name for f in folder.iterdir()} == {kept.name, "fresh"}
    assert not half.exists()


# --- the secret, the words


def test_the_secret_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret"
    made = load_secret(path)
    assert len(made) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_secret(path) == made
    assert [f.name for f in path.parent.iterdir()] == ["secret"]
    assert load_secret(tmp_path / "other") != made


def test_two_installations_seal_differently() -> None:
    one, two = Sessions(secret=b"one"), Sessions(secret=b"two")
    assert one.sealed(one.seal("a", 1), "a", 1)
    assert not two.sealed(one.seal("a", 1), "a", 1)
    assert not one.sealed(one.seal("a", 1), "a", 2)


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("", "en"),
        ("zh", "zh"),
        ("zh-Hant-HK, en;q=0.5", "zh"),
        ("en-GB,zh;q=0.9", "en"),
        ("fr, zh;q=0.4, en;q=0.3", "zh"),
        ("de", "en"),
        ("en;q=x, zh", "zh"),
        ("en;q=0.1,zh;q=0.2", "zh"),
    ],
)
def test_the_language_is_the_first_of_ours_the_browser_wishes_for(accept: str, language: str) -> None:
    assert language_of(accept) == language
