"""One suite for every `MediaStore`: a folder that two processes share, a bucket that two machines share."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import obstore
import pytest

from providers.media.bucket import KEPT_SECONDS, BucketStore, StorageAway
from providers.media.store import FolderStore, MediaStore, at_hand
from tests.servers.s3 import S3, free_port, s3_server, write

NOW = datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One of the two, with its own folders where they are not shared."""

    store: FolderStore
    data: Path
    pictures: Path


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


Two = tuple[Machine, Machine]


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    with s3_server() as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def bucket(s3: S3) -> str:
    return s3.bucket()


@pytest.fixture
def apart(s3: S3, bucket: str, clock: Clock, tmp_path: Path) -> Two:
    def machine(folder: Path) -> Machine:
        data, pictures = folder / "data", folder / "pictures"
        store = BucketStore(data=data, pictures=pictures, bucket=s3.opened(bucket), clock=clock)
        return Machine(store=store, data=data, pictures=pictures)

    return machine(tmp_path / "one"), machine(tmp_path / "two")


@pytest.fixture(params=["folder", "bucket"])
def two(request: pytest.FixtureRequest, tmp_path: Path) -> Two:
    if request.param == "bucket":
        machines: Two = request.getfixturevalue("apart")
        return machines
    data, pictures = tmp_path / "data", tmp_path / "pictures"
    shared = Machine(store=FolderStore(data=data, pictures=pictures), data=data, pictures=pictures)
    return shared, shared


async def put(machine: Machine, name: str, content: bytes = b"a photo") -> Path:
    path = write(machine.data / "photos" / name, content)
    await machine.store.put(path)
    return path


async def test_what_one_has_put_the_other_finds(two: Two) -> None:
    one, other = two
    assert isinstance(one.store, MediaStore)
    path = await put(one, "ann/a.jpg", b"a" * 3_000_000)
    there = other.store.path(one.store.ref(path))
    assert await other.store.local(there) == there
    assert there.read_bytes() == b"a" * 3_000_000
    assert there.stat().st_mode & 0o077 == 0 or there == path


async def test_what_nobody_has_is_not_found(two: Two) -> None:
    one, other = two
    path = await put(one, "ann/a.jpg")
    with pytest.raises(FileNotFoundError):
        await other.store.local(other.data / "photos/ann/b.jpg")
    await one.store.delete([path, one.data / "photos/ann/never.jpg"])
    assert not await at_hand(other.store, other.store.path(one.store.ref(path)))
    assert not await at_hand(one.store, path)


async def test_a_file_put_twice_is_the_first_one(two: Two) -> None:
    one, _ = two
    path = await put(one, "ann/a.jpg")
    await one.store.put(path)
    assert path.read_bytes() == b"a photo"


async def test_what_another_deleted_and_is_sent_once_more_is_there_again(two: Two) -> None:
    one, other = two
    path = await put(one, "ann/a.jpg")
    there = other.store.path(one.store.ref(path))
    await other.store.delete([there])
    await put(one, "ann/a.jpg")
    assert await at_hand(other.store, there)


async def test_of_a_folder_only_what_is_named_is_kept(two: Two) -> None:
    one, other = two
    kept, gone = await put(one, "ann/kept.jpg"), await put(one, "ann/gone.jpg")
    bens = await put(one, "ann-b/his.jpg")
    folder = other.store.path(one.store.ref(kept)).parent
    assert await other.store.keep_only(folder, [folder / "kept.jpg"]) == 1
    assert not await at_hand(other.store, folder / "gone.jpg")
    assert await at_hand(other.store, folder / "kept.jpg")
    assert await at_hand(one.store, bens)
    assert gone.parent == kept.parent


async def test_a_file_under_the_name_of_one_that_was_deleted_is_the_new_one(two: Two) -> None:
    one, other = two
    for gone in ("deleted", "not kept"):
        path = await put(one, "ann/a.jpg", f"before it was {gone}".encode())
        if gone == "deleted":
            await one.store.delete([path])
        else:
            await one.store.keep_only(path.parent, ())
        await put(one, "ann/a.jpg", b"anew")
        there = other.store.path(one.store.ref(path))
        await other.store.local(there)
        assert there.read_bytes() == b"anew"
        await one.store.delete([path])
        await other.store.delete([there])


async def test_old_files_and_sizes_are_told_wherever_they_lie(two: Two) -> None:
    one, other = two
    path = await put(one, "ann/a.jpg", b"12345")
    there = other.store.path(one.store.ref(path))
    assert await other.store.size(there.parent) == 5
    assert await other.store.size(other.data / "photos" / "ben") == 0
    assert await other.store.old(other.data / "photos", NOW - timedelta(days=1)) == ()
    assert await other.store.old(other.data / "photos", NOW + timedelta(days=1)) == (there,)


async def test_who_shares_the_store_finds_the_same_id_in_it(two: Two, tmp_path: Path) -> None:
    one, other = two
    assert await one.store.identity() == await other.store.identity()
    stranger = FolderStore(data=tmp_path / "x", pictures=tmp_path / "y")
    assert await stranger.identity() != await one.store.identity()


async def test_a_file_outside_is_refused(two: Two, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="none of the store's folders"):
        await two[0].store.put(write(tmp_path / "elsewhere.jpg", b"x"))


# --- of the bucket alone


async def test_a_copy_goes_when_nobody_uses_it_and_comes_again(apart: Two, clock: Clock) -> None:
    one, other = apart
    path = await put(one, "ann/a.jpg")
    there = other.store.path(one.store.ref(path))
    await other.store.local(there)
    clock.now += KEPT_SECONDS - 1
    await other.store.local(there)
    for machine in apart:
        await machine.store.tidy()
    assert (path.is_file(), there.is_file()) == (True, True)
    clock.now += 2
    for machine in apart:
        await machine.store.tidy()
    assert (path.is_file(), there.is_file()) == (False, True), "asked for a moment ago"
    await one.store.local(path)
    assert path.read_bytes() == b"a photo"


async def test_copies_that_a_process_left_go_and_what_is_in_no_bucket_stays(apart: Two, clock: Clock) -> None:
    one, other = apart
    path = await put(one, "ann/a.jpg")
    left = other.store.path(one.store.ref(path))
    mine = other.data / "photos" / "ann" / "not put yet.jpg"
    for file in (left, mine):
        write(file, b"a photo")
        os.utime(file, (0, 0))
    await other.store.tidy()
    assert (left.is_file(), mine.is_file()) == (False, True)


async def test_names_in_the_bucket_say_nothing_of_this_machine(apart: Two, s3: S3, bucket: str) -> None:
    await put(apart[0], "ann/a.jpg")
    assert s3.keys(bucket) == {"data/photos/ann/a.jpg"}


@pytest.mark.parametrize("ask", ["put", "local", "identity"])
async def test_storage_that_does_not_answer_is_a_reason_to_wait_and_tells_no_key(
    s3: S3, tmp_path: Path, ask: str
) -> None:
    nowhere = S3(endpoint="http://127.0.0.1:9")
    store = BucketStore(data=tmp_path / "d", pictures=tmp_path / "p", bucket=nowhere.opened("none"))
    path = tmp_path / "d" / "photos" / "ann" / "a.jpg"
    calls: dict[str, Callable[[], object]] = {
        "put": lambda: store.put(write(path, b"x")),
        "local": lambda: store.local(path),
        "identity": store.identity,
    }
    with pytest.raises(StorageAway) as away:
        await calls[ask]()  # type: ignore[misc]
    assert str(away.value).isalpha()
    assert away.value.__cause__ is None


async def test_what_was_to_be_deleted_while_the_storage_was_away_is_deleted_later(
    s3: S3, bucket: str, tmp_path: Path
) -> None:
    port = free_port()
    later = S3(endpoint=f"http://127.0.0.1:{port}")
    store = BucketStore(data=tmp_path / "d", pictures=tmp_path / "p", bucket=later.opened(bucket))
    path = write(tmp_path / "d" / "photos" / "ann" / "a.jpg", b"x")
    obstore.put(s3.opened(bucket), str(store.ref(path)), path)
    await store.delete([path])
    assert not path.exists()
    assert s3.keys(bucket) == {"data/photos/ann/a.jpg"}
    with s3_server(port):  # moto's buckets are those of the process
        await store.tidy()
    assert s3.keys(bucket) == set()
