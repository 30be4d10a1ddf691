"""Faults of set-up: each is found before anything starts, is a sentence with the next step, and hides nothing else."""

import asyncio
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.app import parts, running
from bot.channels.web.cookies import SecretUnusable, load_secret
from bot.cli.doctor import Finding, examine, worker_findings
from bot.settings import Settings
from bot.setup_faults import SetupFault, check_before_start, file_faults, listening_socket, misspelt

NOISE = bytes(range(256)) * 40


def settings(folder: Path, **more: object) -> Settings:
    values = {"data_dir": folder / "data", "output_dir": folder / "made", **more}
    return Settings(_env_file=None, **values)  # type: ignore[arg-type]


async def broken(of: Settings) -> dict[str, str]:
    return {f.name: f.message for f in await examine(of) if f.verdict == "broken"}


def a_database(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE t (x TEXT)")
        connection.executemany("INSERT INTO t VALUES (?)", [("word " * 200,)] * 200)
        connection.commit()


@pytest.mark.parametrize(("file", "name"), [("workflows.sqlite", "workflows"), ("likeness.sqlite", "database")])
async def test_a_damaged_file_is_named_with_what_to_do_and_told_from_the_other(
    tmp_path: Path, file: str, name: str
) -> None:
    of = settings(tmp_path)
    await asyncio.to_thread(of.data_dir.mkdir)
    await asyncio.to_thread((of.data_dir / file).write_bytes, NOISE)
    with pytest.raises(SetupFault, match=file) as fault:
        check_before_start(of)
    assert (fault.value.code, fault.value.name) == (name, name)
    assert "Stop the bot" in str(fault.value)
    found = await examine(of)
    assert [f.name for f in found if f.verdict == "broken"] == [name]
    assert "embedded" in {f.name for f in found if f.verdict == "ok"}


def test_a_page_damaged_in_the_middle_is_found_by_the_doctor(tmp_path: Path) -> None:
    of = settings(tmp_path)
    of.data_dir.mkdir()
    file = of.data_dir / "likeness.sqlite"
    a_database(file)
    assert list(file_faults(of, whole=True)) == []
    with file.open("r+b") as opened:
        opened.seek(8192)
        opened.write(NOISE)
    assert [fault.name for fault in file_faults(of, whole=True)] == ["database"]


async def test_an_empty_secret_is_refused_and_never_used(tmp_path: Path) -> None:
    of = settings(tmp_path)
    await asyncio.to_thread(of.data_dir.mkdir)
    for content in (b"", b"\n", b"short"):
        await asyncio.to_thread((of.data_dir / "secret").write_bytes, content)
        with pytest.raises(SecretUnusable, match="delete it"):
            load_secret(of.data_dir / "secret")
        with pytest.raises(SetupFault) as fault:
            check_before_start(of)
        assert fault.value.code == "secret"
    assert list(await broken(of)) == ["secret"]


def test_a_secret_that_is_made_is_taken_again(tmp_path: Path) -> None:
    made = load_secret(tmp_path / "data" / "secret")
    assert load_secret(tmp_path / "data" / "secret") == made
    assert (tmp_path / "data" / "secret").stat().st_mode & 0o777 == 0o600


def test_a_misspelt_setting_is_named_with_the_nearest_name(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("FAL_KYE=secret\nPUBLC_URL=x\nfal_key=k\nFAL_API_KEY=k\nMY_OWN_THING=1\nLIKENESS_FONT=f\n")
    told = misspelt(file)
    assert [line.split()[0] for line in told] == ["FAL_KYE", "PUBLC_URL"]
    assert ["FAL_KEY" in told[0], "PUBLIC_URL" in told[1]] == [True, True]
    assert "secret" not in " ".join(told)
    assert misspelt(tmp_path / "none") == []


@pytest.mark.parametrize("name", ["data_dir", "output_dir"])
def test_a_folder_that_cannot_be_written_is_named_and_not_the_database(tmp_path: Path, name: str) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(SetupFault) as fault:
        check_before_start(settings(tmp_path, **{name: file}))
    assert (fault.value.code, fault.value.name) == ("no_access", name.upper())
    assert "DATABASE_URL" not in str(fault.value)


def test_a_taken_port_is_a_sentence_and_a_free_one_is_held_from_then_on() -> None:
    with listening_socket("127.0.0.1", 0) as held:
        held.listen()
        port = held.getsockname()[1]
        with pytest.raises(SetupFault, match=f"port {port} is taken") as fault:
            listening_socket("127.0.0.1", port)
        assert "--port" in str(fault.value)


def test_an_address_of_another_machine_is_a_sentence() -> None:
    for host in ("203.0.113.7", "no such name"):
        with pytest.raises(SetupFault, match="no address of this machine"):
            listening_socket(host, 0)


async def test_a_database_that_is_away_hides_no_other_line(tmp_path: Path) -> None:
    with socket.socket() as nobody:  # bound, and never listening: refused at once
        nobody.bind(("127.0.0.1", 0))
        url = f"postgresql://u:geheim@127.0.0.1:{nobody.getsockname()[1]}/x"
        found = await examine(settings(tmp_path, database_url=url, fal_key="k", fal_queue_url="http://127.0.0.1:9"))
    assert {f.name for f in found if f.verdict == "broken"} == {"database", "fal"}
    assert {"embedded", "DATA_DIR"} <= {f.name for f in found if f.verdict == "ok"}
    assert "geheim" not in str(found)


async def test_the_doctor_proves_what_the_workers_can_do(tmp_path: Path) -> None:
    of = settings(tmp_path)

    async def found(other: Settings) -> list[Finding]:
        return await worker_findings(other)

    async with parts(of) as made, running(made):
        assert await found(of) == [Finding(name="worker 1", verdict="ok", message="channels web; services embedded")]
        worker, lack = await found(settings(tmp_path, fal_key="k", fal_queue_url="http://127.0.0.1:9"))
        assert (worker.verdict, lack.name, lack.verdict) == ("ok", "workers", "broken")
        assert "service fal" in lack.message
        worker, *_ = await found(settings(tmp_path, output_dir=tmp_path / "made" / "elsewhere"))
        assert worker.verdict == "broken"
        assert "folders of its own" in worker.message
    assert await found(of) == []


async def test_storage_that_cannot_be_written_is_named_and_no_key_is_told(tmp_path: Path) -> None:
    found = await broken(
        settings(
            tmp_path,
            media_url="s3://pictures/here",
            media_endpoint="http://127.0.0.1:9",
            media_access_key_id="geheim-id",
            media_secret_access_key="geheim-key",
        )
    )
    assert set(found) == {"storage"}
    assert "MEDIA_ENDPOINT" in found["storage"]
    assert "geheim" not in str(found)
