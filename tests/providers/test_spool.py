"""Pictures that came in an answer: kept whole, found by another process, gone after a day."""

import time
from pathlib import Path

import pytest

from providers.errors import MadeNothing
from providers.spool import DAY, Spool


async def test_what_was_kept_is_found_by_another_process(tmp_path: Path) -> None:
    await Spool(tmp_path / "new").keep("web|7#1/../x", [b"one", b"two"], {"model": "m"})
    spool = Spool(tmp_path / "new")
    kept = await spool.find("web|7#1/../x")
    assert kept is not None
    assert [await spool.read(kept, number) for number in range(2)] == [b"one", b"two"]
    assert kept.notes == {"model": "m"}
    assert await spool.find("another") is None
    assert {path.parent for path in kept.pictures} == {tmp_path / "new"}


def forget_manifests(folder: Path) -> None:
    (manifest,) = folder.glob("*.json")
    manifest.unlink()


async def test_pictures_without_their_manifest_are_not_there(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    await spool.keep("a", [b"one"], {})
    forget_manifests(tmp_path)
    assert await spool.find("a") is None


async def test_after_a_day_they_are_gone_and_deleted_at_the_next_keeping(tmp_path: Path) -> None:
    ahead = 0.0
    spool = Spool(tmp_path, now=lambda: time.time() + ahead)
    await spool.keep("a", [b"one"], {})
    kept = await spool.find("a")
    ahead = DAY + 60
    assert await spool.find("a") is None
    await spool.keep("b", [b"two"], {})
    assert kept is not None
    with pytest.raises(MadeNothing) as raised:
        await spool.read(kept, 0)
    assert raised.value.code == "result_gone"


async def test_only_we_may_read_them(tmp_path: Path) -> None:
    await Spool(tmp_path / "new").keep("a", [b"one"], {})
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "new").iterdir()} == {0}
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0


async def test_what_is_saved_elsewhere_is_not_kept_here_any_longer(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    await spool.keep("j1-0-0", [b"one", b"two"], {"model": "m"})
    await spool.keep("j2-0-0", [b"other"], {"model": "m"})
    await spool.drop("j1-0-0")
    await spool.drop("never kept")
    assert await spool.find("j1-0-0") is None
    assert await spool.find("j2-0-0") is not None
    assert len(list((tmp_path / "spool").iterdir())) == 2
